"""What setup.py, the Makefile and the list of the oldest packages say of versions agrees."""

import re
import runpy
import subprocess
import sys
import zipfile
from email.parser import Parser
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


def test_the_wheel_has_all_that_is_used_and_nothing_else(declared, tmp_path):
    pytest.importorskip("wheel", reason="needs pip install wheel")
    command = (
        f"setup.py -q egg_info -e {tmp_path} build -b {tmp_path}/build bdist_wheel -d {tmp_path}"
    )
    subprocess.run([sys.executable, *command.split()], cwd=ROOT, check=True, capture_output=True)
    (path,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
        (metadata,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
        said = Parser().parsestr(wheel.read(metadata).decode())
        start = wheel.read("mxmtl-start.pth").decode()
    ours = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "mxmtl"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert names == {"mxmtl-start.pth", *(name for name in ours if (ROOT / name).exists())}
    assert start.startswith("import sys; exec(")
    assert start.count("\n") == 1
    assert set(said.get_all("Provides-Extra")) == set(declared["extras_require"])
    assert said["Requires-Python"] == ">=3.10"
    assert not re.search(r"[<~]|==", " ".join(declared["install_requires"]).replace("<0.9", ""))
