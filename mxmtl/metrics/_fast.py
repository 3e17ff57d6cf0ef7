"""Four tricks, each measured, that keep metrics out of the way of training.

A metric is asked after each batch, so what it costs is taken from every step. What stands here is
not how one would write it: it goes around MXNet's and NumPy's slow paths, or asks what no
interface tells. Each function says why, and names the plain expression that it equals, so that
the files of metrics can be read as mathematics.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call

SHORT = range(3, 17)  # lengths of rows in which NumPy's argmax is slow: too short for its blocks
FOLD = 16  # rows that `column_sums` lays side by side
SCORE = mx.module.base_module.BaseModule.score.__code__
# Methods of MXNet's through which score asks a metric that is one of several.
BETWEEN = (
    mx.metric.CompositeEvalMetric.get.__code__,
    mx.metric.EvalMetric.get_name_value.__code__,
)


def fetch(array: Any) -> np.ndarray:
    """Return ``array.asnumpy()``: a copy, because iterators and loops fill theirs again."""
    if type(array) is not mx.nd.NDArray:
        return array.asnumpy() if isinstance(array, mx.nd.NDArray) else np.array(array)
    copy = np.empty(array.shape, array.dtype)
    if copy.size:
        # asnumpy, but for the address, for which it makes objects that take longer than the copy.
        address = ctypes.byref(ctypes.c_char.from_buffer(copy.data))
        check_call(_LIB.MXNDArraySyncCopyToCPU(array.handle, address, ctypes.c_size_t(copy.size)))
    return copy


def first_highest(values: np.ndarray) -> np.ndarray:
    """Return ``values.argmax(axis=1)``, the first of equals: intp (n,). No NaN."""
    places = values.shape[1]
    if places not in SHORT:
        return values.argmax(axis=1)
    # argmax guesses at each value whether it is the highest so far, and guesses wrong often.
    # Columns are compared without guessing; earlier ones rank higher among equals.
    columns = np.ascontiguousarray(values.T)
    ranks = (columns == np.maximum.reduce(columns, axis=0)).view(np.uint8)
    ranks *= np.arange(places, 0, -1, dtype=np.uint8)[:, np.newaxis]
    return places - np.maximum.reduce(ranks, axis=0).astype(np.intp)


def column_sums(mask: np.ndarray) -> np.ndarray:
    """Return ``mask.sum(axis=0)``, int64 (columns,), of a bool mask (n, columns)."""
    # Bytes added in long rows are much faster than bool in short ones, and need no BLAS, whose
    # threads cost more than they save on arrays of this size.
    folds, columns = len(mask) // FOLD, mask.shape[1]
    long = mask[: folds * FOLD].view(np.uint8).reshape(folds, FOLD * columns)
    sums = np.add.reduce(long, axis=0, dtype=np.uint8 if folds < 256 else np.int64)
    total = np.add.reduce(sums.reshape(FOLD, columns), axis=0, dtype=np.int64)
    rest = mask[folds * FOLD :]
    return total + np.add.reduce(rest, axis=0, dtype=np.int64) if len(rest) else total


def asked_by_score() -> bool:
    """Tell whether the method that calls this was called by ``Module.score``.

    Speedometer and score read a metric by the same call. Speedometer means the batches since it
    last reset the local values; score means all of them, and would get what Speedometer left.
    Nothing but the caller tells the two apart.
    """
    frame = sys._getframe(2)
    while frame.f_code in BETWEEN and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code is SCORE
