"""Random numbers that belong to a record, not to the thread that happens to draw them."""

from __future__ import annotations

import operator
from typing import Any, Union

import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def whole_seed(seed: Any) -> int:
    """Return a seed as an integer; `TypeError` if it is none."""
    try:
        return operator.index(seed)
    except TypeError:
        raise TypeError(
            f"seed={seed!r}: expected a whole number; the same one gives the same batches."
        ) from None


def mix(value: np.ndarray) -> np.ndarray:
    """Scramble uint64 values: the output function of SplitMix64 (Steele et al. 2014)."""
    value = value ^ (value >> np.uint64(30))
    value = value * np.uint64(0xBF58476D1CE4E5B9)
    value = value ^ (value >> np.uint64(27))
    value = value * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def keys(seed: int, *counters: Union[int, np.ndarray]) -> np.ndarray:
    """Hash a seed and counters (integers or integer arrays of one shape) to uint64 keys."""
    key = mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + GOLDEN)
    for counter in counters:
        key = mix(key + GOLDEN + mix(np.atleast_1d(counter).astype(np.uint64) + GOLDEN))
    return key


def uniforms(key: np.ndarray, count: int) -> np.ndarray:
    """Draw ``count`` numbers from [0, 1) for each key: float64, (n, count).

    They are SplitMix64 streams: the same key gives the same numbers, on every machine and with
    every NumPy, and asking for more does not change the first ones.

    >>> uniforms(keys(0, 5, np.arange(2)), 3).shape
    (2, 3)
    """
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return (mix(key[:, None] + steps) >> np.uint64(11)) * (1.0 / (1 << 53))
