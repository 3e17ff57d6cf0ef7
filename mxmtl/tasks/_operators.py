"""Operators that change a gradient and leave the forward pass as it is, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._numpy_operators import NumpyOperators


def gate(F: Any, x: Any, keep: Any) -> Any:
    """Return ``x`` with a gradient of exactly 0 where ``keep`` is 0.

    ``keep`` has the shape of ``x``, or (N,) to keep or stop whole rows. `where` selects and
    never multiplies, so a NaN gradient behind a closed gate is stopped too.
    """
    return F.where(keep, x, F.BlockGrad(x))


def scale_gradient(F: Any, x: Any, scale: Any) -> Any:
    """Return ``x`` with its gradient multiplied by ``scale`` (broadcast against ``x``)."""
    scaled = F.broadcast_mul(x, scale)
    # The bracket is a - a, so exactly 0; only its first term lets the gradient through.
    return F.BlockGrad(x) + (scaled - F.BlockGrad(scaled))


def operators(array: Any) -> Any:
    """Return the operators for an array: a Symbol's, an NDArray's, or NumPy's."""
    if isinstance(array, np.ndarray):
        return NumpyOperators
    import mxnet as mx

    return mx.sym if isinstance(array, mx.sym.Symbol) else mx.nd
