"""Where MXNet cannot load, the first thing that needs it says why, and what mends it."""

import subprocess
import sys
import textwrap

from mxmtl import _mxnet

import numpy as np
import pytest


def _import(tmp_path, mxnet_source, before="pass"):
    """Import mxmtl in a fresh interpreter in which `mxnet` is the given source; return stderr."""
    if mxnet_source is not None:
        (tmp_path / "mxnet.py").write_text(textwrap.dedent(mxnet_source))
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {before}; import mxmtl; mxmtl.context"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "raise OSError('libcuda.so.1: cannot open shared object file')",
            "no NVIDIA driver (libcuda.so.1). Install the driver, or the CPU build: pip uninstall",
        ),
        (
            "raise OSError('libcudnn.so.8: cannot open shared object file')",
            "misses a CUDA 11 library (libcudnn.so.8: cannot open shared object file). Run: pip"
            ' install "mxmtl[cu112]"',
        ),
        (
            "raise OSError('libgomp.so.1: cannot open shared object file')",
            "needs system libraries (libgomp.so.1: cannot open shared object file). On Debian: apt",
        ),
        (
            "raise AttributeError(\"module 'numpy' has no attribute 'float'\")",
            f"does not load with NumPy {np.__version__} (module 'numpy' has no attribute 'float')",
        ),
        ("import nothing_of_that_name", "MXNet did not load. ModuleNotFoundError: No module named"),
    ],
)
def test_a_broken_mxnet_is_explained_in_one_line(tmp_path, source, expected):
    line = _import(tmp_path, source)
    assert line.startswith("ImportError: mxmtl: ")
    assert expected in line


def test_no_mxnet(tmp_path):
    before = (
        "from importlib.machinery import PathFinder as P; find = P.find_spec; "
        "P.find_spec = lambda name, *a: None if name == 'mxnet' else find(name, *a)"
    )
    line = _import(tmp_path, None, before=before)
    assert line.startswith("ModuleNotFoundError: mxmtl: MXNet is not installed")
    assert 'pip install "mxmtl[cpu]"' in line


def test_numpy_2_is_named(monkeypatch):
    monkeypatch.setattr(np, "__version__", "2.1.0")
    text = _mxnet.explain(AttributeError("`np.PZERO` was removed"))
    assert "needs NumPy 1, and this is 2.1.0. Run: pip install" in text


def test_numpy_gets_its_alias_back(monkeypatch):
    monkeypatch.setattr(np, "bool", None, raising=False)
    monkeypatch.delattr(np, "bool")
    before = hasattr(np, "bool")  # NumPy 1.20 to 1.23 make it on demand, and warn
    _mxnet.mend_numpy()
    assert np.bool is (bool if before else np.bool_)


def test_versions_compare_as_mxnet_compares_them():
    assert _mxnet.LooseVersion("1.9") < _mxnet.LooseVersion("1.19.5")
    assert _mxnet.LooseVersion("1.23.5") >= _mxnet.LooseVersion("1.17")


def test_distutils_is_replaced_only_where_it_is_gone(monkeypatch):
    monkeypatch.setattr(_mxnet.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setitem(sys.modules, "distutils", None)
    monkeypatch.setitem(sys.modules, "distutils.version", None)
    _mxnet.mend_distutils()
    module = sys.modules["distutils.version"]
    assert module.LooseVersion is module.StrictVersion is _mxnet.LooseVersion


def test_cuda_libraries_are_found_in_order_among_packages(tmp_path):
    for library in reversed(_mxnet.LIBRARIES[:4]):
        path = tmp_path / "nvidia" / library
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    found = _mxnet.present_libraries(["/nowhere", str(tmp_path)])
    assert found == [str(tmp_path / "nvidia" / library) for library in _mxnet.LIBRARIES[:4]]


def test_the_cpu_build_opens_no_cuda_library():
    if _mxnet.gpu_build() is not None:
        pytest.skip("a GPU build of MXNet is installed")
    assert _mxnet.open_cuda_libraries() == []
