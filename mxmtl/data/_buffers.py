"""NDArrays that NumPy and OpenCV write into directly."""

from __future__ import annotations

import ctypes
from typing import Tuple

import mxnet as mx
import numpy as np
from mxnet.base import _LIB, check_call


def shared_array(shape: Tuple[int, ...], dtype: str) -> Tuple[mx.nd.NDArray, np.ndarray]:
    """Make an NDArray in main memory and an ndarray over the same bytes, not yet set.

    The ndarray must not be used once the NDArray is gone or given away.
    """
    array = mx.nd.empty(shape, dtype=dtype)
    pointer = ctypes.c_void_p()
    check_call(_LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    kind = np.ctypeslib.as_ctypes_type(np.dtype(dtype))
    view = np.ctypeslib.as_array(ctypes.cast(pointer, ctypes.POINTER(kind)), shape)
    return array, view
