"""What an augmentation is, one of three kinds, each done in one go; and what it draws.

Random numbers belong to a record, not to the thread that happens to draw them. What geometric ones
change is a `View`.
"""

from __future__ import annotations

import abc
import operator
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ._view import View

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Draws = Sequence[float]


def whole_seed(seed: Any) -> int:
    """Return a seed as an integer; `TypeError` if it is none."""
    try:
        return operator.index(seed)
    except TypeError:
        raise TypeError(
            f"seed={seed!r}: expected a whole number; the same one gives the same batches."
        ) from None


def split_mix(value: np.ndarray) -> np.ndarray:
    """Scramble uint64 values: the output function of SplitMix64 (Steele et al. 2014)."""
    value = value ^ (value >> np.uint64(30))
    value = value * np.uint64(0xBF58476D1CE4E5B9)
    value = value ^ (value >> np.uint64(27))
    value = value * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def keys(seed: int, *counters: int | np.ndarray) -> np.ndarray:
    """Hash a seed and counters (integers or integer arrays of one shape) to uint64 keys."""
    key = split_mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + GOLDEN)
    for counter in counters:
        key = split_mix(key + GOLDEN + split_mix(np.atleast_1d(counter).astype(np.uint64) + GOLDEN))
    return key


def uniforms(key: np.ndarray, count: int) -> np.ndarray:
    """Draw ``count`` numbers from [0, 1) for each key: float64, (n, count).

    They are SplitMix64 streams: the same key gives the same numbers, on every machine and with
    every NumPy, and asking for more does not change the first ones.

    >>> uniforms(keys(0, 5, np.arange(2)), 3).shape
    (2, 3)
    """
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return (split_mix(key[:, None] + steps) >> np.uint64(11)) * (1.0 / (1 << 53))


# -- augmentations, of three kinds -----------------------------------------------------------------
class Augmentation:
    """One change of an image, decided by random numbers that are given to it.

    Attributes
    ----------
    draws : int
        How many numbers from [0, 1) it takes for each record. The numbers of a record depend on
        the seed, the epoch and the record alone.
    """

    draws: ClassVar[int] = 0


class Geometric(Augmentation, abc.ABC):
    """Abstract: moves points. All of a list become one map, so pixels are sampled once."""

    @abc.abstractmethod
    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        """Return the changed view; ``size`` is the (height, width) that is wanted in the end."""

    def relabel(self, label: np.ndarray, draws: Draws) -> np.ndarray | None:
        """Return the label that the changed image has, or None where it stays."""
        return None


class Color(Augmentation, abc.ABC):
    """Abstract: changes every pixel alike, linearly. All of a list become one matrix."""

    @abc.abstractmethod
    def matrix(self, mean: np.ndarray, draws: Draws) -> np.ndarray:
        """Return the (3, 4) matrix that maps (red, green, blue, 1), on the scale of 0 to 255.

        ``mean`` is the image's mean colour, (3,), as the changes before this one made it.
        """


class Pixels(Augmentation, abc.ABC):
    """Abstract: anything else, on the finished image."""

    @abc.abstractmethod
    def apply(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return image and label; the image, uint8 (height, width[, 3]), may be changed in place.

        The label, float32 (label_width,), is read only.
        """


def check_range(owner: str, option: str, value: float, low: float, high: float) -> None:
    """Raise `ValueError` unless a number is in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{owner}: {option}={value!r} is not in [{low}, {high}].")


def check_interval(owner: str, option: str, interval: Sequence[float], most: float) -> None:
    """Raise `ValueError` unless there are two numbers, 0 < least <= greatest <= most."""
    if len(interval) != 2 or not 0 < interval[0] <= interval[1] <= most:
        raise ValueError(
            f"{owner}: {option}={interval!r}: expected two numbers, 0 < least <= greatest"
            f"{'.' if most == float('inf') else f' <= {most}.'}"
        )
