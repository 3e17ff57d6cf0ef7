"""Batches of tasks whose label is the id of one class."""

from __future__ import annotations

from functools import cached_property
from math import isfinite
from typing import Any, Tuple

import numpy as np

from ..tasks import Task
from ._batch import NEAR_ONE, Batch
from ._stats import Counts, log_loss

FEW = 64  # classes up to which a table of all pairs is counted faster than each side by itself
SHORT = range(3, 17)  # lengths of rows in which NumPy's argmax is slow: too short for its blocks


class ClassBatch(Batch, kind="class"):
    """Rows with a known class; each class is a unit, seen against the others."""

    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        self.rows = self.task.labelled(label[:, 0])
        self._number = int(np.count_nonzero(self.rows))
        self._ids = label[:, 0].astype(np.intp)
        self._all = prediction
        # NaN goes through max, and argmax would take it for the highest.
        if len(label) and not isfinite(prediction.max()) and not self._finite():
            raise self._not_finite()

    @property
    def _complete(self) -> bool:
        return self._number == len(self.rows)

    @cached_property
    def _index(self) -> np.ndarray:
        return np.flatnonzero(self.rows)

    def _labelled(self, values: np.ndarray) -> np.ndarray:
        # Taking by index is faster than by mask, and done for several arrays.
        return values if self._complete else values.take(self._index, axis=0)

    def _finite(self) -> bool:
        # In rows without a label predictions may be anything, but must not upset the others.
        self._all = np.where(self.rows[:, None], self._all, self._all.dtype.type(0))
        return bool(np.isfinite(self._all).all())

    @cached_property
    def label(self) -> np.ndarray:  # type: ignore[override]
        """Class ids of labelled rows: intp, (n,)."""
        return self._labelled(self._ids)

    @cached_property
    def prediction(self) -> np.ndarray:  # type: ignore[override]
        """Of labelled rows: (n, num_classes)."""
        return self._labelled(self._all)

    @property
    def known(self) -> np.ndarray:
        return np.bincount(self.label, minlength=self.task.num_outputs)

    @property
    def number(self) -> np.ndarray:
        return np.array([self._number])

    def task_losses(self) -> np.ndarray:
        return self.task.prediction_loss(self.label, self.probability)

    @cached_property
    def probability(self) -> np.ndarray:
        """The predictions (n, num_classes), checked to be distributions over the classes."""
        if not self.prediction.size:
            return self.prediction
        low, high = self.prediction.min(), self.prediction.max()
        if not isfinite(low):
            raise self._not_finite()
        if low < 0 or high > 1 + NEAR_ONE:
            raise self._no_probabilities(f"they go from {low:.3g} to {high:.3g}")
        total = self.prediction @ np.ones(self.prediction.shape[1], self.prediction.dtype)
        if np.any(np.abs(total - 1) > NEAR_ONE):
            raise self._no_probabilities(f"a row adds up to {total[np.argmax(abs(total - 1))]:.3g}")
        return self.prediction

    @cached_property
    def _choice(self) -> np.ndarray:
        return first_highest(self._all)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class with the highest prediction, the first of equals: (n,)."""
        return self._labelled(self._choice)

    @cached_property
    def _table(self) -> np.ndarray:
        """Rows by labelled and by predicted class: int64 (num_classes, num_classes)."""
        units = self.task.num_outputs
        cells = self._ids * units + self._choice
        if not self._complete:  # one more cell for the others is faster than picking the labelled
            cells = np.where(self.rows, cells, units**2)
        return np.bincount(cells, minlength=units**2)[: units**2].reshape(units, units)

    def counts(self, threshold: Any) -> np.ndarray:
        units = self.task.num_outputs
        counts = np.empty((4, units), np.int64)
        if units <= FEW:
            counts[0] = self._table.diagonal()
            counts[1] = np.add.reduce(self._table, axis=0)
            counts[2] = np.add.reduce(self._table, axis=1)
        else:
            hits = self.label.take(np.flatnonzero(self.label == self.predicted))
            counts[0] = np.bincount(hits, minlength=units)
            counts[1] = np.bincount(self.predicted, minlength=units)
            counts[2] = self.known
        counts[3] = self._number
        return counts

    def wrong(self, threshold: Any) -> np.ndarray:
        wrong = np.zeros(len(self.rows), bool)
        wrong[self.rows] = self.label != self.predicted
        return wrong

    def confusion(self, threshold: Any) -> np.ndarray:
        return self._table[np.newaxis]

    def top(self, k: int) -> np.ndarray:
        """Tell whether the label is among the k highest predictions: bool (n, 1).

        Classes are ranked as `predicted` ranks them: of equal predictions the first counts more.
        """
        p, label = self.prediction, self.label[:, None]
        own = np.take_along_axis(p, label, axis=1)
        before = (p > own) | ((p == own) & (np.arange(p.shape[1]) < label))
        return (np.count_nonzero(before, axis=1) < k)[:, None]

    @cached_property
    def _of_label(self) -> np.ndarray:
        return np.take_along_axis(self.probability, self.label[:, None], axis=1).astype(np.float64)

    def log_losses(self) -> np.ndarray:
        return log_loss(self._of_label)

    def brier_scores(self) -> np.ndarray:
        p = self.probability
        # sum_k (p_k - [k is the label])^2, without writing the one-hot matrix.
        square = np.einsum("nk,nk->n", p, p, dtype=np.float64)[:, None]
        return square - 2 * self._of_label + 1

    def outcomes(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return probability, whether it came true, and whether that is known: (n, num_classes)."""
        p = self.probability
        return p, self.label[:, None] == np.arange(p.shape[1]), np.ones(p.shape, bool)

    def confidence(self) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
        p = self.probability
        hit = self.predicted == self.label
        return p.max(axis=1, initial=0)[:, None], hit[:, None], np.ones((len(p), 1), bool)

    def scores(self) -> Tuple[np.ndarray, np.ndarray]:
        return self.probability, self.label.astype(np.int32)

    @staticmethod
    def unit(scores: np.ndarray, label: np.ndarray, index: int) -> Tuple[np.ndarray, np.ndarray]:
        return scores[:, index], label == index

    @staticmethod
    def seen(c: Counts) -> np.ndarray:
        return c.predicted + c.positive > 0

    @staticmethod
    def agreement(c: Counts) -> Tuple[np.ndarray, np.ndarray]:
        return c.tp, c.positive

    @staticmethod
    def table_names(task: Task) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
        return (), task.names

    @staticmethod
    def tables(c: Counts) -> Counts:
        return Counts(*(part[None] for part in c))


def first_highest(values: np.ndarray) -> np.ndarray:
    """Return the place of each row's highest value, the first of equals: intp (n,). No NaN."""
    places = values.shape[1]
    if places not in SHORT:
        return values.argmax(axis=1)
    # argmax guesses at each value whether it is the highest so far, and guesses wrong often.
    # Columns are compared without guessing; earlier ones rank higher among equals.
    columns = np.ascontiguousarray(values.T)
    ranks = (columns == np.maximum.reduce(columns, axis=0)).view(np.uint8)
    ranks *= np.arange(places, 0, -1, dtype=np.uint8)[:, np.newaxis]
    return places - np.maximum.reduce(ranks, axis=0).astype(np.intp)
