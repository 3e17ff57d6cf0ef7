"""Statistics in bins of probability: flat memory, however many rows come."""

from __future__ import annotations

from typing import Any

import numpy as np

from ._statistic import Statistic


def bin_of(probability: np.ndarray, bins: int) -> np.ndarray:
    """Return the bin of each probability in [0, 1]: of equal width, closed below."""
    # In float64, because float32(0.7) lies below 0.7 but 10 times as much rounds to 7.
    return np.minimum(np.multiply(probability, bins, dtype=np.float64).astype(np.intp), bins - 1)


class Reliability(Statistic):
    """Number, sum of probabilities and number of true of each bin: float64 (3, units, bins)."""

    options: int

    def zero(self) -> np.ndarray:
        return np.zeros((3, self.tasks[0].label_width, self.options))

    def totals(self, *batches: Any) -> np.ndarray:
        probability, true, known = batches[0].confidence()
        _, units, bins = shape = self.zero().shape
        index = (bin_of(probability, bins) + np.arange(units) * bins)[known]
        parts = (None, probability[known].astype(np.float64), true[known].astype(np.float64))
        sums = [np.bincount(index, weights=part, minlength=units * bins) for part in parts]
        return np.stack(sums).reshape(shape)


class Histogram(Statistic):
    """Number of negatives and positives of each bin of score: int64 (2, units, bins)."""

    options: int

    def zero(self) -> np.ndarray:
        return np.zeros((2, self.tasks[0].num_outputs, self.options), np.int64)

    def totals(self, *batches: Any) -> np.ndarray:
        probability, true, known = batches[0].outcomes()
        _, units, bins = shape = self.zero().shape
        index = bin_of(probability, bins) + np.arange(units) * bins + true * (units * bins)
        return np.bincount(index[known], minlength=2 * units * bins).reshape(shape)
