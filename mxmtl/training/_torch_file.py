"""Arrays of a PyTorch state dict, read without PyTorch and without running what a file says.

Both layouts that ``torch.save`` has had: the zip archive, and the older one of pickles in a row.
A pickle names functions to call; here only those that rebuild a tensor are known, and they are
our own.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from typing import IO, Any, Callable, Dict, List, NamedTuple, Tuple

import numpy as np

from .._files import PathLike

MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older layout
TYPES = {
    "FloatStorage": np.float32, "DoubleStorage": np.float64, "HalfStorage": np.float16,
    "LongStorage": np.int64, "IntStorage": np.int32, "ShortStorage": np.int16,
    "CharStorage": np.int8, "ByteStorage": np.uint8, "BoolStorage": np.bool_,
    "BFloat16Storage": np.uint16,
}  # fmt: skip


class Storage(NamedTuple):
    """A flat piece of memory that tensors lie in; filled after the pickle was read."""

    kind: str
    key: str
    numel: int


class Tensor(NamedTuple):
    """How a tensor lies in its storage."""

    storage: Storage
    offset: int
    shape: Tuple[int, ...]
    strides: Tuple[int, ...]


def read_state_dict(path: PathLike) -> Dict[str, np.ndarray]:
    """Return the arrays of a ``.pth`` or ``.pt`` file by name.

    A checkpoint that holds a state dict under ``state_dict`` or ``model`` is taken as that.

    Raises
    ------
    ValueError
        If the file is something else, is cut short, or asks for anything but tensors.
    """
    try:
        with open(path, "rb") as stream:
            tensors, read = _open(stream)
            return {name: _array(tensor, read) for name, tensor in _state(tensors).items()}
    except (
        pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError,
        IndexError, AttributeError, OverflowError,
    ) as error:  # fmt: skip
        raise ValueError(f"{path}: no PyTorch state dict of arrays ({error}).") from error


def _open(stream: IO[bytes]) -> Tuple[Any, Callable[[Storage], bytes]]:
    if zipfile.is_zipfile(stream):
        archive = zipfile.ZipFile(io.BytesIO(_all(stream)))
        (data,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = data[: -len("data.pkl")]
        order = f"{root}byteorder"
        if order in archive.namelist() and archive.read(order).strip() != b"little":
            raise ValueError("big-endian numbers")
        value = Restricted(io.BytesIO(archive.read(data))).load()
        return value, lambda storage: archive.read(f"{root}data/{storage.key}")
    stream.seek(0)
    if Restricted(stream).load() != MAGIC:
        raise ValueError("neither a zip archive nor PyTorch's older layout")
    Restricted(stream).load()  # version of the layout
    Restricted(stream).load()  # sizes of C's types
    reader = Restricted(stream)
    value = reader.load()
    pieces: Dict[str, bytes] = {}
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
        self.storages: Dict[str, Storage] = {}

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


def _state(value: Any) -> Dict[str, Tensor]:
    for key in ("state_dict", "model"):
        if isinstance(value, dict) and isinstance(value.get(key), dict):
            value = value[key]
    tensors = {k: v for k, v in dict(value).items() if isinstance(v, Tensor)}
    if not tensors:
        raise ValueError("it holds no tensor")
    return tensors


def _array(tensor: Tensor, read: Callable[[Storage], bytes]) -> np.ndarray:
    storage, offset, shape, strides = tensor
    flat = np.frombuffer(read(storage), dtype=TYPES[storage.kind])
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    inside = min([offset, *strides, *shape]) >= 0 and (0 in shape or last < len(flat))
    if len(shape) != len(strides) or not inside:
        raise ValueError("a tensor lies outside of its storage; the file is cut short or damaged")
    places: List[int] = [stride * flat.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, places)
    if storage.kind == "BFloat16Storage":  # the upper half of a float32
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.array(view)
