"""PyTorch's files, old and new layout, without PyTorch; nothing in them is run."""

import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict

from mxmtl.training import _torch_file

import numpy as np
import pytest

ARRAYS = {
    "conv.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "norm.num_batches_tracked": np.array(7, dtype=np.int64),
    "half": np.array([0.5, -2.0], dtype=np.float16),
    "empty": np.zeros((0, 3), dtype=np.float64),
}
KINDS = {"float32": "Float", "int64": "Long", "float16": "Half", "float64": "Double"}


class Piece:
    """A tensor to be written: pickled as a call of PyTorch's function."""

    def __init__(self, key, array, offset=0, shape=None, strides=None):
        self.key, self.array = key, np.ascontiguousarray(array)
        self.offset = offset
        self.shape = self.array.shape if shape is None else shape
        width = self.array.itemsize
        own = tuple(stride // width for stride in np.empty(self.shape, array.dtype).strides)
        self.strides = own if strides is None else strides

    def __reduce__(self):
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        storage = ("storage", self)
        return rebuild, (storage, self.offset, self.shape, self.strides, False, OrderedDict())


class Writer(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, tuple) and len(value) == 2 and value[0] == "storage":
            piece = value[1]
            kind = getattr(sys.modules["torch"], KINDS[piece.array.dtype.name] + "Storage")
            return ("storage", kind, piece.key, "cpu", piece.array.size)
        return None


@pytest.fixture
def _torch(monkeypatch):
    """As much of a module `torch` as pickle wants to see when it writes."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in KINDS.values():
        made = type(f"{kind}Storage", (), {"__module__": "torch"})
        setattr(torch, f"{kind}Storage", made)

    def _rebuild_tensor_v2():
        pass

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def _dump(value):
    stream = io.BytesIO()
    Writer(stream, protocol=2).dump(value)
    return stream.getvalue()


def _pieces(value):
    return [piece for piece in value.values() if isinstance(piece, Piece)]


def _new(path, value, pieces):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _dump(value))
        archive.writestr("archive/byteorder", "little")
        for piece in pieces:
            archive.writestr(f"archive/data/{piece.key}", piece.array.tobytes())


def _old(path, value, pieces):
    with open(path, "wb") as stream:
        for part in (_torch_file.MAGIC, 1001, {"little_endian": True}):
            stream.write(pickle.dumps(part, protocol=2))
        stream.write(_dump(value))
        stream.write(pickle.dumps([piece.key for piece in pieces], protocol=2))
        for piece in pieces:
            stream.write(piece.array.size.to_bytes(8, "little") + piece.array.tobytes())


LAYOUTS = pytest.mark.parametrize("write", [_new, _old], ids=["zip", "older"])


def _state():
    return OrderedDict((name, Piece(str(i), a)) for i, (name, a) in enumerate(ARRAYS.items()))


@LAYOUTS
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
@pytest.mark.usefixtures("_torch")
def test_arrays_come_back(tmp_path, write, key):
    state = _state()
    write(tmp_path / "x.pth", state if key is None else {key: state, "epoch": 3}, _pieces(state))
    read = _torch_file.read_state_dict(tmp_path / "x.pth")
    assert list(read) == list(ARRAYS)
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(read[name], array)
        assert read[name].dtype == array.dtype


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_views_with_offset_and_strides(tmp_path, write):
    base = np.arange(12, dtype=np.float32)
    state = {"t": Piece("0", base, offset=2, shape=(3, 2), strides=(1, 4))}
    write(tmp_path / "x.pth", state, _pieces(state))
    read = _torch_file.read_state_dict(tmp_path / "x.pth")["t"]
    np.testing.assert_array_equal(read, [[2, 6], [3, 7], [4, 8]])


@LAYOUTS
@pytest.mark.usefixtures("_torch")
@pytest.mark.parametrize(
    "lie",
    [
        {"offset": 11, "shape": (2,), "strides": (1,)},
        {"offset": -1, "shape": (2,), "strides": (1,)},
        {"shape": (4, 4), "strides": (4, 1)},
        {"shape": (2,), "strides": (-1,)},
        {"shape": (2, 2), "strides": (1,)},
        {"shape": (2,), "strides": (1 << 40,)},
    ],
)
def test_a_tensor_outside_of_its_memory_is_refused(tmp_path, write, lie):
    state = {"t": Piece("0", np.arange(12, dtype=np.float32), **lie)}
    write(tmp_path / "x.pth", state, _pieces(state))
    with pytest.raises(ValueError, match=r"x\.pth.*outside of its storage"):
        _torch_file.read_state_dict(tmp_path / "x.pth")


class Evil:
    def __reduce__(self):
        return print, ("it ran",)


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_nothing_is_run(tmp_path, write, capsys):
    write(tmp_path / "x.pth", {"a": Evil()}, [])
    with pytest.raises(
        ValueError, match=r"asks for (builtins|__builtin__)\.print, which is refused"
    ):
        _torch_file.read_state_dict(tmp_path / "x.pth")
    assert capsys.readouterr().out == ""


@LAYOUTS
@pytest.mark.usefixtures("_torch")
def test_files_cut_short(tmp_path, write):
    state = _state()
    write(tmp_path / "x.pth", state, _pieces(state))
    data = (tmp_path / "x.pth").read_bytes()
    for length in range(0, len(data) - 1, 7):
        (tmp_path / "y.pth").write_bytes(data[:length])
        with pytest.raises(ValueError, match=r"y\.pth"):
            _torch_file.read_state_dict(tmp_path / "y.pth")


def test_other_files(tmp_path):
    (tmp_path / "x.pth").write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ValueError, match="older layout"):
        _torch_file.read_state_dict(tmp_path / "x.pth")
    with pytest.raises(FileNotFoundError):
        _torch_file.read_state_dict(tmp_path / "none.pth")
