"""Sizes and kinds of the images in a stream."""

from __future__ import annotations

import collections
from typing import Any, Counter, Dict


class ImageCounts:
    """Count image sizes and encodings; memory grows with the number of distinct lengths only."""

    def __init__(self) -> None:
        self._width: Counter[int] = collections.Counter()
        self._height: Counter[int] = collections.Counter()
        self._encoding: Counter[str] = collections.Counter()
        self._kept = 0

    def add(self, width: int, height: int, encoding: str, kept: bool = False) -> None:
        """Count one image; ``kept`` if its file was stored as it was."""
        self._width[width] += 1
        self._height[height] += 1
        self._encoding[encoding] += 1
        self._kept += kept

    def summary(self) -> Dict[str, Any]:
        """Return {width: {min, median, max}, height: ..., encodings, kept}, ready for JSON."""
        return {
            "width": spread(self._width),
            "height": spread(self._height),
            "encodings": dict(sorted(self._encoding.items())),
            "kept": self._kept,
        }


def spread(counts: Counter[int]) -> Dict[str, int]:
    """Return the least, the median (lower of two) and the greatest of counted numbers.

    >>> spread(collections.Counter([3, 1, 2, 2]))
    {'min': 1, 'median': 2, 'max': 3}
    """
    if not counts:
        return {}
    ordered, half, seen = sorted(counts), (sum(counts.values()) + 1) // 2, 0
    for value in ordered:
        seen += counts[value]
        if seen >= half:
            break
    return {"min": ordered[0], "median": value, "max": ordered[-1]}
