"""PyTorch's files, old and new layout, written without PyTorch."""

import contextlib
import io
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from unittest import mock

import numpy as np

KINDS = {"float32": "Float", "int64": "Long", "float16": "Half", "float64": "Double"}
MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older layout


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


@contextlib.contextmanager
def torch_modules():
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
    with mock.patch.dict(sys.modules, {"torch": torch, "torch._utils": utils}):
        yield


def dump(value):
    stream = io.BytesIO()
    Writer(stream, protocol=2).dump(value)
    return stream.getvalue()


def pieces_of(value):
    return [piece for piece in value.values() if isinstance(piece, Piece)]


def write_zip(path, value, pieces):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", dump(value))
        archive.writestr("archive/byteorder", "little")
        for piece in pieces:
            archive.writestr(f"archive/data/{piece.key}", piece.array.tobytes())


def write_older(path, value, pieces):
    with open(path, "wb") as stream:
        for part in (MAGIC, 1001, {"little_endian": True}):
            stream.write(pickle.dumps(part, protocol=2))
        stream.write(dump(value))
        stream.write(pickle.dumps([piece.key for piece in pieces], protocol=2))
        for piece in pieces:
            stream.write(piece.array.size.to_bytes(8, "little") + piece.array.tobytes())


def zipped(path, arrays):
    """Write arrays by name, as ``torch.save(module.state_dict(), path)`` does."""
    with torch_modules():
        state = OrderedDict((name, Piece(str(i), a)) for i, (name, a) in enumerate(arrays.items()))
        write_zip(path, state, pieces_of(state))
