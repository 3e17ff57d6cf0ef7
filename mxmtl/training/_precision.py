"""Numbers of 16 bits in the trunk, on a device that computes with them."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any, Dict, List, Optional

import mxnet as mx
import numpy as np

from ..nets import training_symbol
from ..tasks import TaskSet
from ._features import features_symbol
from ._network import only_weights_decay

FULL = "float32"
TYPES = {"float16": np.float16, "bfloat16": np.dtype([("bfloat16", np.uint16)])}
# Gradients of float16 end at 6e-8: they are made larger on their way, and divided by the optimizer.
LOSS_SCALE = {"float16": 128.0}


def choose_precision(precision: str, devices: List[mx.Context]) -> str:
    """Return the type to compute the trunk in; ``"auto"`` is float16 on GPUs that have it.

    Raises `ValueError` if a device cannot compute in the type that was asked for.
    """
    if precision == FULL:
        return FULL
    if precision == "auto":
        fast = all(d.device_type == "gpu" and why_not("float16", d) is None for d in devices)
        return "float16" if fast else FULL
    for device in devices:
        reason = why_not(precision, device)
        if reason is not None:
            raise ValueError(
                f"precision={precision!r}: MXNet does not compute in it on {device} ({reason}). "
                "Use float32, or auto, which is float32 there."
            )
    return precision


def why_not(dtype: str, device: mx.Context) -> Optional[str]:
    """Try a small convolution; return None if it works, else MXNet's reason."""
    try:
        ones = mx.nd.ones((1, 8, 8, 8), ctx=device)
        low = mx.nd.amp_cast(ones, dtype=TYPES[dtype])
        made = mx.nd.Convolution(low, low, num_filter=1, kernel=(8, 8), no_bias=True)
        value = float(mx.nd.amp_cast(made, dtype=FULL).asnumpy().sum())
    except mx.MXNetError as error:
        with contextlib.suppress(mx.MXNetError):
            mx.nd.waitall()  # nothing of this may show up in what comes later
        return str(error).strip().splitlines()[-1].replace("MXNetError: ", "")
    return None if value == 512 else f"8 x 8 x 8 ones add up to {value:g}"


def operators(dtype: str) -> Dict[str, List[str]]:
    """Return MXNet's lists of what is computed in a type, and what never is."""
    from mxnet.contrib import amp

    lists = TYPES[dtype] if dtype == "bfloat16" else dtype
    return {"target_dtype_ops": amp.list_lp16_ops(lists), "fp32_ops": amp.list_fp32_ops(lists)}


def reduced(symbol: mx.sym.Symbol, tasks: TaskSet, dtype: str) -> mx.sym.Symbol:
    """Return a training symbol whose trunk computes in ``dtype``; itself for float32.

    MXNet's automatic mixed precision puts casts around what is fast in it: convolutions and fully
    connected layers. Parameters, statistics of batch normalization, heads, losses, and so all
    that is saved, stay in float32.
    """
    if dtype == FULL:
        return symbol
    from mxnet.contrib import amp

    trunk = amp.convert_symbol(
        features_symbol(symbol, tasks), dtype, data_names=["data"], **operators(dtype)
    )
    features = mx.sym.amp_cast(trunk, dtype=FULL)
    scale = LOSS_SCALE.get(dtype, 1.0)
    scaled = [replace(task, weight=task.weight * scale) for task in tasks]  # type: ignore[call-arg]
    larger = TaskSet(scaled, normalization=tasks.normalization)
    return only_weights_decay(training_symbol(features, larger))


def unscaled(params: Dict[str, Any], batch_size: int, dtype: str) -> Dict[str, Any]:
    """Return the optimizer's arguments, with which it takes the scale of the loss out again."""
    scale = LOSS_SCALE.get(dtype, 1.0)
    share = params.get("rescale_grad", 1.0 / batch_size)
    return params if scale == 1.0 else {**params, "rescale_grad": share / scale}
