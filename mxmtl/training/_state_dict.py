"""Arrays by name from PyTorch's files and safetensors, without PyTorch; nothing in them is run.

Both layouts that ``torch.save`` has had are read: the zip archive, and the older one of pickles in
a row. A pickle names functions to call; here only those that rebuild a tensor are known, and they
are our own. What a file says of its sizes is believed only as far as the file has bytes for it, so
that no small file asks for much memory: arrays are views of what was read. A pickle's opcodes are
walked before it is read: a few bytes of them may be tuples in tuples without end, for whoever
hashes them, or a number of a place that takes gigabytes.
"""

from __future__ import annotations

import functools
import io
import json
import math
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import IO, Any, NamedTuple

import numpy as np

from .._files import Bytes, PathLike, check_archive, open_regular
from .._foreign import DIMENSIONS

MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older layout
MOST_VALUES = 1 << 24  # of a pickle, each counted as often as it is in others
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
        with open_regular(path) as stream:
            arrays = _safetensors(stream) if safe else _torch(stream)
    except (
        pickle.UnpicklingError, zipfile.BadZipFile, EOFError, KeyError, TypeError, ValueError,
        IndexError, AttributeError, OverflowError, RecursionError, NotImplementedError,
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
    if len(shape) > DIMENSIONS:
        raise ValueError(f"a tensor of {len(shape)} dimensions")
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


def _open(stream: IO[bytes]) -> tuple[Any, Callable[[Storage], Bytes]]:
    content = stream.read()
    stream = io.BytesIO(content)
    if zipfile.is_zipfile(stream):
        archive = zipfile.ZipFile(stream)
        check_archive(archive, len(content))
        (data,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        root = data[: -len("data.pkl")]
        order = f"{root}byteorder"
        if order in archive.namelist() and archive.read(order).strip() != b"little":
            raise ValueError("big-endian numbers")
        value, _ = unpickled(io.BytesIO(archive.read(data)))

        @functools.cache  # tensors may share a storage
        def read(storage: Storage) -> bytes:
            return archive.read(f"{root}data/{storage.key}")

        return value, read
    stream.seek(0)
    if unpickled(stream)[0] != MAGIC:
        raise ValueError("neither a zip archive nor PyTorch's older layout")
    unpickled(stream)  # version of the layout
    unpickled(stream)  # sizes of C's types
    value, storages = unpickled(stream)
    pieces: dict[str, memoryview] = {}
    for key in unpickled(stream)[0]:
        numel = int.from_bytes(_exactly(stream, 8), "little", signed=True)
        size = numel * np.dtype(TYPES[storages[key].kind]).itemsize
        begin = stream.tell()
        if not 0 <= size <= len(content) - begin:
            raise EOFError("it is cut short")
        pieces[key] = memoryview(content)[begin : begin + size]
        stream.seek(size, os.SEEK_CUR)
    return value, lambda storage: pieces[storage.key]


def unpickled(stream: IO[bytes]) -> tuple[Any, dict[str, Storage]]:
    """Read a pickle that begins here, checked before: what it holds, and its storages."""
    begin = stream.tell()
    check_pickle(stream)
    stream.seek(begin)
    reader = Restricted(stream)
    return reader.load(), reader.storages


def check_pickle(stream: IO[bytes]) -> None:
    """Walk a pickle's opcodes; `ValueError` for one that takes time or memory out of proportion.

    Of what its stack would hold it is known how many values each is made of, counted as often as
    they are in it: as hashing goes through them. Lists and dictionaries are not hashed.
    """
    stack: list[int] = []
    marks: list[int] = []  # how high the stack was
    memo: dict[int, int] = {}
    left = MOST_VALUES
    for op, argument, place in pickletools.genops(stream):
        taken, made = list(op.stack_before), list(op.stack_after)
        size = 1
        if op.name == "MARK":
            marks.append(len(stack))
            continue
        if pickletools.markobject in taken:
            height = marks.pop()
            size += sum(stack[height:])
            del stack[height:]
            taken = taken[: taken.index(pickletools.markobject)]
        if op.name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            number = len(memo) if argument is None else argument
            if number > (place or 0):
                raise ValueError(f"its place {number} is none of so short a file")
            memo[number] = stack[-1]
            continue
        if op.name in ("GET", "BINGET", "LONG_BINGET"):
            size = memo[int(argument or 0)]
        if op.name == "DUP":
            size = stack[-1]
        for _ in taken:
            size += stack.pop()
        if pickletools.pydict in made or pickletools.pylist in made:
            size = 1
        stack += [size] * len(made)
        left -= size
        if left < 0:
            raise ValueError("it has more values within values than any list of tensors")


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size) if size >= 0 else b""
    if len(data) != size:
        raise EOFError("it is cut short")
    return data


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
        if word != "storage" or not isinstance(key, str | int) or kind not in TYPES:
            raise pickle.UnpicklingError("it names what is no storage of numbers")
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
    if not all(isinstance(name, str) for name in tensors):
        raise ValueError("the name of a tensor is no text")
    return tensors


def _array(tensor: Tensor, read: Callable[[Storage], Bytes]) -> np.ndarray:
    storage, offset, shape, strides = tensor
    if len(shape) > DIMENSIONS:
        raise ValueError(f"a tensor of {len(shape)} dimensions")
    flat: np.ndarray = np.frombuffer(read(storage), dtype=TYPES[storage.kind])
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    inside = min([offset, *strides, *shape]) >= 0 and (0 in shape or last < len(flat))
    if len(shape) != len(strides) or not inside or math.prod(shape) > len(flat):
        raise ValueError("a tensor lies outside of its storage; the file is cut short or damaged")
    places: list[int] = [stride * flat.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, places)
    return _widened(view) if storage.kind == "BFloat16Storage" else view
