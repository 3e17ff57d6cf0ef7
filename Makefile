# make demo    from a fresh clone to a trained model and its report
# make test    lint, types, unit tests, doctests, examples
SHELL := /bin/bash
PYTHON := .venv/bin/python

.PHONY: demo test lint types unit clean

.venv/installed: setup.py tools/find_python.sh
	rm -rf .venv
	"$$(bash tools/find_python.sh)" -m venv .venv
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -e ".[cpu,test,lint]"
	touch $@

test: lint types unit

lint: .venv/installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/installed
	.venv/bin/mypy

unit: .venv/installed
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist worksteal

clean:
	rm -rf .venv build dist *.egg-info
