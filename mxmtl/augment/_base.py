"""What an augmentation is."""

from __future__ import annotations

import abc
from typing import ClassVar, Optional, Sequence, Tuple

import numpy as np

from ._view import View

Draws = Sequence[float]


class Augmentation:
    """Abstract: one change of an image, decided by random numbers that are given to it.

    Attributes
    ----------
    draws : int
        How many numbers from [0, 1) it takes for each record. The numbers of a record depend on
        the seed, the epoch and the record alone.
    """

    draws: ClassVar[int] = 0


class Geometric(Augmentation, abc.ABC):
    """Abstract: moves points. All that are in a row become one map, so pixels are sampled once."""

    @abc.abstractmethod
    def view(self, view: View, size: Tuple[int, int], draws: Draws) -> View:
        """Return the changed view; ``size`` is the (height, width) that is wanted in the end."""

    def relabel(self, label: np.ndarray, draws: Draws) -> Optional[np.ndarray]:
        """Return the label that the changed image has, or None where it stays."""
        return None


def check_range(owner: str, option: str, value: float, low: float, high: float) -> None:
    """Raise `ValueError` unless a number is in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{owner}: {option}={value!r} is not in [{low}, {high}].")
