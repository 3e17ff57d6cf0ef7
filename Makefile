# make demo    from a fresh clone to a trained model and its report
# make test    lint, types, unit tests, doctests, examples, and a minute of damaged input
# make docs    the documentation as a site in site/, to be opened from there: site/index.html
# make dist    a wheel and a source archive in dist/
# make check-wheel     each extra of the wheel in an environment of its own, outside the clone
SHELL := /bin/bash
PYTHON := .venv/bin/python
# Compiled when it is imported: most of what is installed never is.
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-compile

# Hundreds of processes of the tests load the same packages: they are compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types unit fuzz docs dist check-wheel clean

# Each step is done once; a second call finds what is there and goes on.
demo: data/emoji_test.rec
	@if [ -f runs/emoji/report.md ]; then cat runs/emoji/report.md; else \
	  $(PYTHON) examples/train_module.py --train data/emoji_train --val data/emoji_test \
	    --run runs/emoji; fi
	@echo
	@echo "checkpoint   runs/emoji/model-0012.params and model-symbol.json"
	@echo "predictions  runs/emoji/predictions.csv"
	@echo "report       runs/emoji/report.md and report.json"

data/emoji_test.rec: | .venv/installed
	$(PYTHON) examples/emoji.py --out data

.venv/installed: setup.py pyproject.toml mxmtl/_at_start.py
	@python=$$(bash tools/find_python.sh) && echo "installing into .venv with $$python" && \
	  "$$python" -m venv --clear .venv
	$(PIP) -e ".[test,lint]"
	$(PIP) --no-deps mxnet==1.9.1
	@touch $@

# All at once: they leave each other's core when they wait.
test: .venv/installed
	@$(MAKE) --no-print-directory -j2 lint types fuzz unit

lint: .venv/installed
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: .venv/installed
	.venv/bin/mypy

# A minute of damaged and hostile input; tools/fuzz.py --help tells how to try longer.
fuzz: .venv/installed
	OMP_NUM_THREADS=1 $(PYTHON) tools/fuzz.py --minutes 1

# One thread a worker: workers that share cores with each other's OpenMP threads crawl.
unit: .venv/installed
	OMP_NUM_THREADS=1 $(PYTHON) -m pytest -n auto --dist worksteal

# Any warning is an error: a link that leads nowhere, a name without a page.
docs: .venv/docs-installed
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --strict

.venv/docs-installed: .venv/installed
	$(PIP) -e ".[docs]"
	@touch $@

# A wheel and a source archive in dist/.
dist: .venv/installed
	$(PIP) build
	$(PYTHON) -m build --outdir dist .

check-wheel: dist
	bash tools/check_wheel.sh dist/*.whl

clean:
	rm -rf .venv build dist site *.egg-info data runs
