"""Predictions as real numbers that thresholds can be compared with."""

from __future__ import annotations

from typing import Any

import numpy as np

HALF_STEP = 2.0**-25  # half of the distance from 1 to the next float32 below it


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
