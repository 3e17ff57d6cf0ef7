"""Batches of tasks whose label is a row of independent 0/1 cells."""

from __future__ import annotations

from functools import cached_property
from math import isfinite
from typing import Any, Tuple

import numpy as np

from ..tasks import Task, complement
from ._batch import Batch
from ._stats import Counts, log_loss

FOLD = 16  # rows that `column_sums` lays side by side


class CellsBatch(Batch, kind="cells"):
    """All rows, with a mask of known cells; each label is a unit."""

    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        self.label, self.mask = label, self.task.labelled(label)
        self.complete = np.count_nonzero(self.mask) == self.mask.size
        self.prediction = self._checked(prediction)
        self.positive = label > 0.5  # a soft label is what it is nearer to

    def _checked(self, p: np.ndarray) -> np.ndarray:
        low, high = (p.min(), p.max()) if p.size else (0.0, 1.0)
        if low >= 0 and high <= 1:  # False where one of them is NaN
            return p
        p = np.where(self.mask, p, p.dtype.type(0))  # what nobody asked for may be anything
        low, high = p.min(), p.max()
        if not (isfinite(low) and isfinite(high)):
            raise self._not_finite()
        if low < 0 or high > 1:
            raise self._no_probabilities(f"they go from {low:.3g} to {high:.3g}")
        return p

    @cached_property
    def rows(self) -> np.ndarray:  # type: ignore[override]
        return self.mask.any(axis=1)

    @cached_property
    def known(self) -> np.ndarray:  # type: ignore[override]
        return column_sums(self.mask)

    @cached_property
    def _positives(self) -> np.ndarray:
        return column_sums(self.positive)

    def above(self, threshold: Any) -> np.ndarray:
        """Cells that are known and predicted positive: bool (N, num_labels)."""
        above = self.prediction > np.asarray(threshold, self.prediction.dtype)
        return above if self.complete else above & self.mask

    def counts(self, threshold: Any) -> np.ndarray:
        above = self.above(threshold)
        counts = np.empty((4, above.shape[1]), np.int64)
        counts[0] = column_sums(above & self.positive)
        counts[1] = column_sums(above)
        counts[2] = self._positives
        counts[3] = self.known
        return counts

    def wrong(self, threshold: Any) -> np.ndarray:
        return (self.above(threshold) != self.positive).any(axis=1)

    def row_counts(self, threshold: Any) -> Counts:
        """Return the counts of each row with a known cell, instead of each label: (n,)."""
        above, rows = self.above(threshold), self.rows
        parts = (above & self.positive, above, self.positive, self.mask)
        return Counts(*(part.sum(axis=1)[rows] for part in parts))

    def confusion(self, threshold: Any) -> np.ndarray:
        tp, predicted, positive, known = self.counts(threshold)
        cells = [known - predicted - positive + tp, predicted - tp, positive - tp, tp]
        return np.stack(cells, axis=1).reshape(-1, 2, 2)

    def log_losses(self) -> np.ndarray:
        p = self.prediction.astype(np.float64)
        loss = self.label * log_loss(p) + (1 - self.label) * log_loss(complement(p))
        return np.where(self.mask, loss, 0)

    def brier_scores(self) -> np.ndarray:
        square = np.square(self.prediction.astype(np.float64) - self.label)
        return np.where(self.mask, square, 0)

    def outcomes(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return probability, whether it came true, and whether that is known: (N, num_labels)."""
        return self.prediction, self.positive, self.mask

    confidence = outcomes

    def scores(self) -> Tuple[np.ndarray, np.ndarray]:
        label = np.where(self.mask, self.positive, -1).astype(np.int8)
        rows = self.rows
        if rows.all():
            return self.prediction, label
        return self.prediction[rows], label[rows]

    @staticmethod
    def unit(scores: np.ndarray, label: np.ndarray, index: int) -> Tuple[np.ndarray, np.ndarray]:
        known = label[:, index] >= 0
        return scores[known, index], label[known, index] > 0

    @staticmethod
    def seen(c: Counts) -> np.ndarray:
        return c.known > 0

    @staticmethod
    def agreement(c: Counts) -> Tuple[np.ndarray, np.ndarray]:
        return c.tp + c.tn, c.known

    @staticmethod
    def table_names(task: Task) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
        return task.names, ("0", "1")

    @staticmethod
    def tables(c: Counts) -> Counts:
        known = np.stack([c.known, c.known], axis=-1)
        return Counts(
            np.stack([c.tn, c.tp], axis=-1),
            np.stack([c.known - c.predicted, c.predicted], axis=-1),
            np.stack([c.known - c.positive, c.positive], axis=-1),
            known,
        )


def column_sums(mask: np.ndarray) -> np.ndarray:
    """Count the True of each column: int64."""
    # Bytes added in long rows are much faster than bool in short ones, and need no BLAS, whose
    # threads cost more than they save on arrays of this size.
    folds, columns = len(mask) // FOLD, mask.shape[1]
    long = mask[: folds * FOLD].view(np.uint8).reshape(folds, FOLD * columns)
    sums = np.add.reduce(long, axis=0, dtype=np.uint8 if folds < 256 else np.int64)
    total = np.add.reduce(sums.reshape(FOLD, columns), axis=0, dtype=np.int64)
    rest = mask[folds * FOLD :]
    return total + np.add.reduce(rest, axis=0, dtype=np.int64) if len(rest) else total
