"""Arrays by name from PyTorch's files and safetensors, without PyTorch; nothing in them is run.

Both layouts that ``torch.save`` has had are read: the zip archive, and the older one of pickles in
a row. A pickle names functions to call; here only those that rebuild a tensor are known, and they
are our own. What a file says of its sizes is believed only as far as the file has bytes for it, so
that no small file asks for much memory: arrays are views of what was read.
"""

from __future__ import annotations

import functools
import io
import json
import math
import os
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from .._files import PathLike

MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older layout
HEADER_BYTES = 100_000_000  # of a safetensors file; its authors' own limit
TYPES = {
    "FloatStorage": np.float32, "DoubleStorage": np.float64, "HalfStorage": np.float16,
    "LongStorage": np.int64, "IntStorage": np.int32, "ShortStorage": np.int16,
    "CharStorage": np.int8, "ByteStorage": np.uint8, "BoolStorage": np.bool_,
    "BFloat16Storage": np.uint16,
}  # fmt: skip
SAFE_TYPES = {
    "F32": np.float32, "F64": np.float64, "F16": np.float16, "BF16": np.uint16, "I64": np.int64,
    "I32": np.int32, "I16": np.int16, "I8": np.int8, "U8": np.uint8, "BOOL": np.bool_,
}  # fmt: skip


def read_state_dict(path: PathLike) -> dict[str, np.ndarray]:
    """Return the arrays of a ``.pth``, ``.pt`` or ``.safetensors`` file by name.

    A checkpoint that holds a state dict under ``state_dict`` or ``model`` is taken as that, and
    names that all begin with ``module.``, as those of a parallel training, are without it.

    Raises
    ------
    ValueError
        If the file is something else, is cut short, or asks for anything but tensors.
    """
    safe = os.fspath(path).endswith(".safetensors")
    kind = "safetensors file" if safe else "PyTorch state dict"
    try:
        with open(path, "rb") as stream:
            arrays = _safetensors(stream) if safe else _torch(stream)
    except (
        pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError,
        IndexError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: no {kind} of arrays ({error}).") from error
    parallel = all(name.startswith("module.") for name in arrays)
    return {name.removeprefix("module.") if parallel else name: a for name, a in arrays.items()}


def _torch(stream: IO[bytes]) -> dict[str, np.ndarray]:
    tensors, read = _open(stream)
    return {name: _array(tensor, read) for name, tensor in _state(tensors).items()}


def _widened(half: np.ndarray) -> np.ndarray:
    """Return bfloat16, which NumPy has not, as float32: it is the upper half of one."""
    return (half.astype(np.uint32) << 16).view(np.float32)


# -- safetensors: the length of a header, the header in JSON, the bytes of all arrays --------------
def _safetensors(stream: IO[bytes]) -> dict[str, np.ndarray]:
    length = int.from_bytes(_exactly(stream, 8), "little")
    if length > HEADER_BYTES:
        raise ValueError(f"a header of {length} bytes")
    header = json.loads(_exactly(stream, length).decode("utf-8"))
    header.pop("__metadata__", None)
    if not header:
        raise ValueError("it holds no tensor")
    data = memoryview(stream.read())
    return {name: _safe_array(data, **entry) for name, entry in header.items()}


def _safe_array(data: memoryview, dtype: str, shape: Any, data_offsets: Any) -> np.ndarray:
    if dtype not in SAFE_TYPES:
        raise ValueError(f"numbers of type {dtype!r}")
    kind = np.dtype(SAFE_TYPES[dtype])
    begin, end = data_offsets
    size = math.prod(shape) * kind.itemsize
    if min([begin, *shape]) < 0 or end - begin != size or end > len(data):
        raise ValueError("a tensor lies outside of the file; it is cut short or damaged")
    array = np.frombuffer(data[begin:end], kind).reshape(shape)
    return _widened(array) if dtype == "BF16" else array


# -- torch.save ------------------------------------------------------------------------------------
class Storage(NamedTuple):
    """A flat piece of memory that tensors lie in; filled after the pickle was read."""

    kind: str
    key: str
    numel: int


class Tensor(NamedTuple):
    """How a tensor lies in its storage."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _open(stream: IO[bytes]) -> tuple[Any, Callable[[Storage], bytes]]:
    if zipfile.is_zipfile(stream):
        archive = zipfile.ZipFile(io.BytesIO(_all(stream)))
        (data,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = data[: -len("data.pkl")]
        order = f"{root}byteorder"
        if order in archive.namelist() and archive.read(order).strip() != b"little":
            raise ValueError("big-endian numbers")
        value = Restricted(io.BytesIO(archive.read(data))).load()
        stored = {item.filename: item for item in archive.infolist()}

        @functools.cache  # tensors may share a storage
        def read(storage: Storage) -> bytes:
            item = stored[f"{root}data/{storage.key}"]
            if item.compress_type != zipfile.ZIP_STORED:
                raise ValueError("its arrays are compressed, as PyTorch's are not")
            return archive.read(item)

        return value, read
    stream.seek(0)
    if Restricted(stream).load() != MAGIC:
        raise ValueError("neither a zip archive nor PyTorch's older layout")
    Restricted(stream).load()  # version of the layout
    Restricted(stream).load()  # sizes of C's types
    reader = Restricted(stream)
    value = reader.load()
    pieces: dict[str, bytes] = {}
    for key in Restricted(stream).load():
        numel = int.from_bytes(_exactly(stream, 8), "little", signed=True)
        size = numel * np.dtype(TYPES[reader.storages[key].kind]).itemsize
        pieces[key] = _exactly(stream, size)
    return value, lambda storage: pieces[storage.key]


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size) if size >= 0 else b""
    if len(data) != size:
        raise EOFError("it is cut short")
    return data


def _all(stream: IO[bytes]) -> bytes:
    stream.seek(0)
    return stream.read()


class Restricted(pickle.Unpickler):
    """Reads a pickle that may name tensors, their storages and ordered dictionaries only."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)
        self.storages: dict[str, Storage] = {}

    def find_class(self, module: str, name: str) -> Any:
        """Return our own stand-in for a name; refuse every other."""
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in TYPES:
            return name
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return rebuild_tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return rebuild_parameter
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is refused")

    def persistent_load(self, pid: Any) -> Storage:
        """Take note of a storage."""
        word, kind, key, _, numel, *_ = pid
        if word != "storage" or kind not in TYPES:
            raise pickle.UnpicklingError(f"{pid!r} is no storage of numbers")
        return self.storages.setdefault(str(key), Storage(kind, str(key), int(numel)))


def rebuild_tensor(storage: Storage, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    """Stand in for PyTorch's function of that name."""
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


def rebuild_parameter(tensor: Tensor, *_: Any) -> Tensor:
    """Stand in for PyTorch's function of that name."""
    return tensor


def _state(value: Any) -> dict[str, Tensor]:
    for key in ("state_dict", "model"):
        if isinstance(value, dict) and isinstance(value.get(key), dict):
            value = value[key]
    tensors = {k: v for k, v in dict(value).items() if isinstance(v, Tensor)}
    if not tensors:
        raise ValueError("it holds no tensor")
    return tensors


def _array(tensor: Tensor, read: Callable[[Storage], bytes]) -> np.ndarray:
    storage, offset, shape, strides = tensor
    flat: np.ndarray = np.frombuffer(read(storage), dtype=TYPES[storage.kind])
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    inside = min([offset, *strides, *shape]) >= 0 and (0 in shape or last < len(flat))
    if len(shape) != len(strides) or not inside or math.prod(shape) > len(flat):
        raise ValueError("a tensor lies outside of its storage; the file is cut short or damaged")
    places: list[int] = [stride * flat.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, places)
    return _widened(view) if storage.kind == "BFloat16Storage" else view
