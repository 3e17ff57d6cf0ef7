"""Memory for batches, used again once nobody holds the batch that was in it."""

from __future__ import annotations

import collections
import weakref
from typing import Deque, Tuple

import mxnet as mx
import numpy as np

ALIGNMENT = 64  # bytes: a cache line, and what vector instructions like


class BufferPool:
    """Arrays of one shape and type; fresh memory costs as much as a third of decoding into it.

    Parameters
    ----------
    shape : tuple of int
        Of every array.
    dtype : str
        Of every array.
    keep : int
        How many unused arrays are kept.
    """

    def __init__(self, shape: Tuple[int, ...], dtype: str, keep: int) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._unused: Deque[np.ndarray] = collections.deque(maxlen=keep)

    def take(self) -> np.ndarray:
        """Return an array that nobody uses; what is in it is undefined."""
        try:
            return self._unused.pop()
        except IndexError:
            size = int(np.prod(self._shape)) * self._dtype.itemsize
            raw = np.empty(size + ALIGNMENT, np.uint8)
            start = -raw.ctypes.data % ALIGNMENT
            return raw[start : start + size].view(self._dtype).reshape(self._shape)

    def give(self, array: np.ndarray) -> None:
        """Take an array back that nobody uses any more."""
        self._unused.append(array)

    def share(self, array: np.ndarray) -> mx.nd.NDArray:
        """Make an NDArray of an array, without a copy; the array comes back when it dies.

        MXNet keeps it alive for its own pending operations, and so do slices of the NDArray.
        """
        view = array[:]
        # The pool, not a bound method of it in a cycle: it may die before its arrays.
        weakref.finalize(view, self._unused.append, array).atexit = False
        return mx.nd.from_numpy(view)
