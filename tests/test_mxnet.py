"""Where MXNet cannot load, the first thing that needs it says why, and what mends it."""

import importlib.util
import inspect
import json
import runpy
import subprocess
import sys
import sysconfig
import textwrap
import types
from pathlib import Path

from mxmtl import _late, _mxnet, _old_names

import mxnet as mx
import numpy as np
import pytest

START = Path(_mxnet.__file__).with_name("_at_start.py")


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
            ' install "mxmtl[cuda]"',
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
    assert "For the CPU: pip install --no-deps mxnet==1.9.1; for" in line


def test_mxnet_loads_without_a_word_of_mxmtl():
    code = f"""
import sys
if "MXNetWatch" not in [getattr(finder, "__name__", "") for finder in sys.meta_path]:
    exec(open({str(START)!r}).read(), {{}})
assert not {{"mxmtl", "mxnet", "numpy"}} & set(sys.modules)
import mxnet as mx, numpy as np
header = mx.recordio.IRHeader(0, [1.0, 2.0], 7, 0)
assert mx.recordio.unpack(mx.recordio.pack(header, b"x"))[1] == b"x"
assert mx.nd.ones(2).asnumpy().tolist() == [1, 1]
assert not hasattr(np, "PINF") or int(np.__version__[0]) < 2
import mxmtl
trunk = mxmtl.small_trunk((4,))
trunk.initialize()
assert trunk(mx.nd.ones((2, 3, 8, 8))).shape[0] == 2
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_watch_lets_all_other_names_pass(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    watch = runpy.run_path(str(START))["MXNetWatch"]
    assert sys.meta_path[0] is watch
    assert watch.find_spec("mxnet") is None  # mxmtl is there, and its own finder
    monkeypatch.delitem(sys.modules, "mxmtl")
    assert watch.find_spec("json") is watch.find_spec("mxnet.gluon") is None
    monkeypatch.setattr(importlib.machinery.PathFinder, "find_spec", lambda *_: None)
    assert watch.find_spec("mxnet") is None  # not installed: Python says so in its own words
    assert "mxmtl" not in sys.modules


def test_the_installation_brings_the_watch():
    installed = Path(sysconfig.get_path("purelib"), "mxmtl-start.pth")
    if not installed.exists():
        pytest.skip("mxmtl is on the path, and not installed: pip install -e .")
    (line,) = installed.read_text("utf-8").splitlines()
    assert line == f"import sys; exec({START.read_text('utf-8')!r}, {{}})"


def test_old_names_are_beside_those_that_numpy_has():
    class New:
        """A NumPy that has lost some names, and makes some on demand."""

        bool_, all, any, prod, round, trapezoid = np.bool_, np.all, np.any, np.prod, np.round, sum

    new = types.ModuleType("numpy")
    vars(new).update({name: value for name, value in vars(New).items() if name[0] != "_"})
    vars(new)["__getattr__"] = {"linalg": "made on demand"}.__getitem__
    before = dict(vars(new))
    old = _old_names.old_numpy(new)
    assert vars(new) == before  # others see what they saw
    assert old.bool is np.bool_
    assert (old.PINF, old.NINF, old.alltrue, old.trapz) == (np.inf, -np.inf, np.all, sum)
    assert old.prod is np.prod
    assert old.linalg == "made on demand"
    with pytest.raises(
        RuntimeError, match=r"numpy\.npv is gone; the package numpy-financial has it"
    ):
        old.npv(0.1, [1])


def test_mxnet_alone_sees_the_old_names():
    code = (
        "import mxmtl, numpy as np; before = {name: id(value) for name, value in vars(np).items()};"
        "import mxnet as mx; now = vars(np);"
        "changed = [name for name in {*before, *now} if before.get(name) != id(now.get(name))];"
        "assert all(hasattr(now[name], '__path__') for name in changed), changed;"  # sub-packages
        "assert mx.recordio.np.PINF == mx.numpy.PINF == float('inf');"
        "assert mx.recordio.np.ndarray is np.ndarray"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_versions_compare_as_mxnet_compares_them():
    assert _old_names.LooseVersion("1.9") < _old_names.LooseVersion("1.19.5")
    assert _old_names.LooseVersion("2.5.5") >= _old_names.LooseVersion("1.17")


def test_distutils_is_stood_in_for():
    names = dict(sys.modules)
    import_for_mxnet = _old_names.builtins_for("mxnet")["__import__"]
    found = import_for_mxnet("distutils.version", fromlist=("LooseVersion",))
    assert found.LooseVersion is found.StrictVersion is _old_names.LooseVersion
    assert import_for_mxnet("json") is json
    assert dict(sys.modules) == names


def test_what_mxnet_hardly_uses_is_loaded_when_it_is_used():
    code = (
        "import sys, mxmtl, mxnet as mx;"
        "assert not {'sklearn', 'scipy', 'requests', 'pandas'} & set(sys.modules);"
        "assert mx.nd.array([1, 2]).asnumpy().tolist() == [1, 2];"
        "assert mx.gluon.utils.requests.get and 'scipy' not in sys.modules;"
        "assert abs(mx.test_utils.ss.norm.cdf(0) - .5) < 1e-12;"
        "from mxnet.contrib import quantization;"
        "assert quantization.stats.entropy([1, 0]) == 0;"
        "assert 'scipy.stats' in sys.modules;"
        "import sklearn.base, scipy.stats as ss, scipy.sparse as sparse;"
        "assert ss is sys.modules['scipy.stats'];"
        "matrix = sparse.csr_matrix([[0, 2], [3, 0]]);"
        "assert mx.nd.array(matrix).stype == 'csr';"
        "assert mx.nd.array(matrix).asscipy().todense().tolist() == [[0, 2], [3, 0]]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_operators_are_those_of_mxnet_before_and_after_their_first_call():
    assert len(_late.OPERATORS) > 2000
    for source, names, function in _late.OPERATORS:
        made = {}
        exec(source, names, made)
        real = made[function.__name__]
        code, given = real.__code__, function.__code__
        number = code.co_argcount + bool(code.co_flags & inspect.CO_VARARGS) + 1
        assert given.co_varnames[:number] == code.co_varnames[:number]
        assert (given.co_argcount, function.__defaults__) == (code.co_argcount, real.__defaults__)
        flags = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS
        assert given.co_flags & flags == code.co_flags & flags
        assert function.__doc__ is not None  # which MXNet sets itself
    for operator, value in ((mx.nd.relu, mx.nd.ones(2)), (mx.sym.relu, mx.sym.var("x"))):
        (of,) = [of for of in _late.OPERATORS if of[2] is operator]
        made = {}
        exec(of[0], of[1], made)
        first, again = operator(value), operator(value)
        assert type(first) is type(again) is type(value)
        assert operator.__code__.co_code == made["relu"].__code__.co_code
    for _ in range(2):
        with pytest.raises(mx.MXNetError, match="Cannot find argument 'no_such'"):
            mx.nd.reverse(mx.nd.ones(2), no_such=3)


@pytest.mark.filterwarnings("ignore:`np.float` is a deprecated alias")  # NumPy below 1.24
def test_gluoncv_sees_the_old_names_and_no_pytorch_that_it_refuses(tmp_path, monkeypatch):
    package = tmp_path / "gluoncv"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import numpy as np\nones = np.ones(2).astype(np.float)\ntry:\n    import torch\n"
        "except ImportError as error:\n    torch = str(error)\n"
    )
    (tmp_path / "torch.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    real = _old_names.metadata.version
    monkeypatch.setattr(
        _old_names.metadata, "version", lambda name: "2.13.0" if name == "torch" else real(name)
    )
    finder = _mxnet.MXNetFinder()
    module = importlib.util.module_from_spec(finder.find_spec("gluoncv", [str(tmp_path)]))
    module.__loader__.exec_module(module)
    assert module.ones.tolist() == [1, 1]
    assert module.torch == "torch is hidden from gluoncv"
    assert not hasattr(np, "float") or np.__version__ < "1.24"


def test_records_are_packed_where_arrays_have_lost_their_method(monkeypatch):
    class Recordio:
        IRHeader, _IR_FORMAT = mx.recordio.IRHeader, mx.recordio._IR_FORMAT

    monkeypatch.setattr(_old_names, "has_tostring", lambda: False)
    _old_names.mend_recordio(Recordio)
    image = np.arange(192, dtype=np.uint8).reshape(8, 8, 3)
    for label in (3.0, [1.0, -1.0], np.float32([2, 4])):
        header, data = mx.recordio.unpack(Recordio.pack((0, label, 7, 0), b"xy"))
        assert (header.id, data) == (7, b"xy")
        np.testing.assert_array_equal(header.label, label)
        header, found = mx.recordio.unpack_img(
            Recordio.pack_img((0, label, 8, 0), image, 3, ".png")
        )
        np.testing.assert_array_equal(header.label, label)
        np.testing.assert_array_equal(found, image)


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
