"""What setup.py, the Makefile and the list of the oldest packages say of versions agrees."""

import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def declared(monkeypatch):
    """The arguments of setup()."""
    import setuptools

    found = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: found.update(options))
    runpy.run_path(str(ROOT / "setup.py"))
    return found


def numbers(text):
    return [int(part) for part in text.split(".")]


def test_the_oldest_packages_are_those_that_are_allowed(declared):
    extras = declared["extras_require"].values()
    every = [*declared["install_requires"], *(name for extra in extras for name in extra)]
    lowest = dict(re.findall(r"^([\w.-]+)>=([\d.]+)", "\n".join(every), re.M))
    oldest = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([\d.]+)", (ROOT / "tools/oldest.txt").read_text("utf-8"), re.M
    ):
        oldest.setdefault(name, version)
    for name, version in oldest.items():
        bound = numbers(lowest[name])
        assert numbers(version)[:2] == (bound + [0, 0])[:2], name


def test_mxnet_has_one_version(declared):
    from mxmtl import _mxnet

    assert declared["extras_require"]["cpu"] == ['mxnet==1.9.1; python_version<"3.13"']
    for name in ("Makefile", "README.md", "tools/check_environments.sh"):
        assert "--no-deps mxnet==1.9.1" in (ROOT / name).read_text("utf-8"), name
    assert _mxnet.CPU == "pip install --no-deps mxnet==1.9.1"


def test_no_extra_brings_a_second_opencv(declared):
    for extra, packages in declared["extras_require"].items():
        assert not [name for name in packages if name.startswith("opencv")], extra
