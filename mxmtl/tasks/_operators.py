"""The operators that tasks are written in: exact gradients, and the same names in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

HALF_STEP = 2.0**-25  # half of the distance from 1 to the next float32 below it


def gate(F: Any, x: Any, keep: Any) -> Any:
    """Return ``x`` with a gradient of exactly 0 where ``keep`` is 0.

    ``keep`` has the shape of ``x``, or (N,) to keep or stop whole rows. `where` selects and
    never multiplies, so a NaN gradient behind a closed gate is stopped too.
    """
    return F.where(keep, x, F.BlockGrad(x))


def scale_gradient(F: Any, x: Any, scale: Any, **name: str) -> Any:
    """Return ``x`` with its gradient multiplied by ``scale`` (broadcast against ``x``)."""
    scaled = F.broadcast_mul(x, scale)
    # The bracket is a - a, so exactly 0; only its first term lets the gradient through.
    return F.elemwise_add(F.BlockGrad(x), scaled - F.BlockGrad(scaled), **name)


class NumpyOperators:
    """What tasks take as ``F`` where arrays are NumPy's; their type is kept.

    The usual activations are written here; whatever else a task uses is MXNet's own operator,
    applied to a copy.

    >>> F = NumpyOperators()
    >>> F.sigmoid(np.array([0.0])), F.concat(np.ones((1, 1)), np.zeros((1, 2)), dim=1)
    (array([0.5]), array([[1., 0., 0.]]))
    """

    @staticmethod
    def softmax(x: np.ndarray, axis: int = -1) -> np.ndarray:
        """Return exp(x) divided by its sum, without overflow."""
        powers = np.exp(x - x.max(axis=axis, keepdims=True))
        return powers / powers.sum(axis=axis, keepdims=True)

    @staticmethod
    def sigmoid(x: np.ndarray) -> np.ndarray:
        """Return 1 / (1 + exp(-x)), without overflow and exact at both ends."""
        small = np.exp(-np.abs(x))
        return np.where(x >= 0, 1, small) / (1 + small)

    @staticmethod
    def identity(x: np.ndarray) -> np.ndarray:
        """Return the values as they are."""
        return x

    @staticmethod
    def slice_axis(x: np.ndarray, axis: int, begin: int, end: int | None) -> np.ndarray:
        """Return a part along an axis: a view."""
        return np.moveaxis(np.moveaxis(x, axis, 0)[begin:end], 0, axis)

    def __getattr__(self, name: str) -> Callable[..., np.ndarray]:
        import mxnet as mx  # only here, because tables and records need none of it

        operator = getattr(mx.nd, name)

        def in_numpy(*arrays: Any, **options: Any) -> np.ndarray:
            given = [
                mx.nd.array(a, dtype=a.dtype) if isinstance(a, np.ndarray) else a for a in arrays
            ]
            result: np.ndarray = operator(*given, **options).asnumpy()
            return result

        return in_numpy


def operators(array: Any) -> Any:
    """Return the operators for an array: a Symbol's, an NDArray's, or NumPy's."""
    if isinstance(array, np.ndarray):
        return NumpyOperators()
    import mxnet as mx

    return mx.sym if isinstance(array, mx.sym.Symbol) else mx.nd


def real(prediction: Any) -> np.ndarray:
    """Return predictions as float32 or float64.

    Other types would make a threshold something else: 0.7 another number, 0.5 True.

    >>> real(np.float16([0.5])).dtype, real(np.array([True])).dtype, real(np.array([3])).dtype
    (dtype('float32'), dtype('float32'), dtype('float64'))
    """
    array = np.asarray(prediction)
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float32 if array.dtype in (np.float16, np.bool_) else np.float64)


def complement(probability: np.ndarray) -> np.ndarray:
    """Return 1 - p; of a 1, which float32 makes of all that is nearer to it, half a step.

    >>> complement(np.array([0.25, 1.0]))
    array([7.50000000e-01, 2.98023224e-08])
    """
    return np.where(probability == 1.0, HALF_STEP, 1.0 - probability)


def middle(probability: np.ndarray) -> np.ndarray:
    """Return the median class of each row: as many lie below it as P(class > k) above a half.

    >>> middle(np.array([[0.4, 0.25, 0.35], [0.1, 0.2, 0.7]]))
    array([1, 2])
    """
    above = np.cumsum(probability[:, :0:-1], axis=1, dtype=np.float64)
    return np.count_nonzero(above > 0.5, axis=1)
