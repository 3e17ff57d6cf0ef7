"""One task's labels and predictions of one batch: checked once, and looked at in many ways."""

from __future__ import annotations

import abc
from functools import cached_property
from math import isfinite
from typing import Any, ClassVar

import numpy as np

from ..tasks import LabelError, Task, complement, real
from ._fast import column_sums, first_highest
from ._formulas import Counts, NotFiniteError, log_loss

NEAR_ONE = 0.01  # how far a row of float16 probabilities may be from adding up to 1
FEW = 64  # classes up to which a table of all pairs is counted faster than each side by itself


class Batch(abc.ABC):
    """Abstract: the labelled part of a batch, for one kind of task.

    Parameters
    ----------
    task : Task
        Whose labels and predictions these are.
    label : ndarray, shape (N, label_width)
        Legal values or missing; cells may be soft, between 0 and 1.
    prediction : ndarray, shape (N, num_outputs)
        Finite, and where probabilities are asked for in [0, 1], wherever the label is known.

    Attributes
    ----------
    rows : ndarray of bool, shape (N,)
        Rows with a known label.
    """

    kinds: ClassVar[dict[str, type[Batch]]] = {}
    rows: np.ndarray
    label: np.ndarray
    prediction: np.ndarray

    def __init_subclass__(cls, kind: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        Batch.kinds[kind] = cls

    def __init__(self, task: Task, label: np.ndarray, prediction: np.ndarray) -> None:
        self.task = task
        legal = task.valid(label)
        if np.count_nonzero(legal) < legal.size:  # half the time of all()
            legal = task.kind.valid_or_soft(task, label)
            if not legal.all():
                raise self._illegal(label, legal)
        self._take(label, real(prediction))

    @abc.abstractmethod
    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        """Keep what is labelled of (N, label_width) labels and (N, num_outputs) predictions."""

    # -- what statistics ask for ---------------------------------------------------------------
    @property
    @abc.abstractmethod
    def known(self) -> np.ndarray:
        """Number of known labels of each unit: int64, (num_units,)."""

    @property
    def number(self) -> np.ndarray:
        """Number of known labels of each stored column: int64, (label_width,)."""
        return self.known

    def task_losses(self) -> np.ndarray:
        """Loss of each cell as the task declares it: float64 (n, label_width), 0 where missing."""
        return self.task.prediction_loss(self.label, self.prediction)

    def constant_losses(self, answer: tuple[float, ...]) -> np.ndarray:
        """Return what `task_losses` would be if all predictions were this one, (num_outputs,)."""
        return self.task.prediction_loss(self.label, np.tile(answer, (len(self.label), 1)))

    # What follows is asked by metrics of some kinds alone.
    def counts(self, threshold: Any) -> np.ndarray:
        """Return the four parts of `Counts`, of each unit: int64 (4, num_outputs)."""
        raise self._has_none("decisions")

    def row_counts(self, threshold: Any) -> Counts:
        """Return the counts of each labelled row, over its cells: (n,)."""
        raise self._has_none("several labels a row")

    def wrong(self, threshold: Any) -> np.ndarray:
        """Tell which rows are wrong in a known label: bool (N,)."""
        raise self._has_none("decisions")

    def confusion(self, threshold: Any) -> np.ndarray:
        """Return tables of labelled and predicted class: int64 (tables, classes, classes)."""
        raise self._has_none("decisions")

    def top(self, k: int) -> np.ndarray:
        """Tell whether the label is among the k highest predictions: bool (n, 1)."""
        raise self._has_none("ranks")

    def log_losses(self) -> np.ndarray:
        """Negative log-probability of each label: float64 (n, label_width), 0 where missing."""
        raise self._has_none("probabilities")

    def brier_scores(self) -> np.ndarray:
        """Squared distance of probabilities from labels: float64 (n, label_width)."""
        raise self._has_none("probabilities")

    def hinges(self) -> np.ndarray:
        """How far a label is from leading by 1, 0 or more: float64 (n, label_width)."""
        raise self._has_none("probabilities")

    def outcomes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return probability, whether it came true, and whether that is known: (n, units)."""
        raise self._has_none("probabilities")

    def confidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the same of what is answered: (n, label_width)."""
        raise self._has_none("probabilities")

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        """Return scores and labels to be kept, as `unit` takes them."""
        raise self._has_none("probabilities")

    def absolute_errors(self) -> np.ndarray:
        """Absolute error of each cell: float64 (n, label_width), 0 where missing."""
        raise self._has_none("real values")

    def squared_errors(self) -> np.ndarray:
        """Squared error of each cell: float64 (n, label_width), 0 where missing."""
        raise self._has_none("real values")

    @staticmethod
    def unit(scores: np.ndarray, label: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return known scores and whether they are positive, of one class or label."""
        raise NotImplementedError

    @staticmethod
    def seen(c: Counts) -> np.ndarray:
        """Tell which units have a value."""
        raise NotImplementedError

    @staticmethod
    def agreement(c: Counts) -> tuple[np.ndarray, np.ndarray]:
        """Return how many labels of each unit are right, and of how many."""
        raise NotImplementedError

    @staticmethod
    def tables(c: Counts) -> Counts:
        """Return the counts of the classes of each table: (..., tables, classes)."""
        raise NotImplementedError

    @staticmethod
    def table_names(task: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return names of the confusion tables, none for a single one, and of their classes."""
        raise NotImplementedError

    # -- what is refused -------------------------------------------------------------------------
    def _has_none(self, what: str) -> TypeError:
        return TypeError(
            f"task {self.task.name!r}: {type(self.task).__name__} has no {what} to measure."
        )

    def _illegal(self, label: np.ndarray, legal: np.ndarray) -> LabelError:
        bad = np.argwhere(~legal)
        first = tuple(bad[0])
        return LabelError(
            f"task {self.task.name!r}: {len(bad)} of {label.size} labels are neither legal nor "
            f"missing ({self.task.missing}); the first is {label[first]} in row {first[0]} of the "
            "batch. Do the records belong to these tasks?"
        )

    def _not_finite(self) -> NotFiniteError:
        return NotFiniteError(self.task.name)

    def _no_probabilities(self, what: str) -> ValueError:
        return ValueError(
            f"task {self.task.name!r}: predictions are no probabilities ({what}). Are they logits? "
            "Pass tasks.predict(outputs), or use the training symbol's outputs."
        )


# -- one id of several classes ---------------------------------------------------------------------


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
        # Not a product: BLAS now and then warns of an invalid value where all are finite.
        total = np.einsum("ij->i", self.prediction)
        if np.any(np.abs(total - 1) > NEAR_ONE):
            raise self._no_probabilities(f"a row adds up to {total[np.argmax(abs(total - 1))]:.3g}")
        return self.prediction

    @cached_property
    def _choice(self) -> np.ndarray:
        task, values = self.task, self._all
        return task.chosen(values) if task.takes_median else first_highest(values)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The class that is the task's answer, mostly that of the highest prediction: (n,)."""
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
        # Ranked as `predicted` ranks them: of equal predictions the first counts more.
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

    def hinges(self) -> np.ndarray:
        others = self.probability.astype(np.float64)
        np.put_along_axis(others, self.label[:, None], -np.inf, axis=1)
        return 1 - self._of_label + others.max(axis=1, keepdims=True, initial=-np.inf)

    def outcomes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p = self.probability
        return p, self.label[:, None] == np.arange(p.shape[1]), np.ones(p.shape, bool)

    def confidence(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        p, answer = self.probability, self.predicted
        sure = np.take_along_axis(p, answer[:, None], axis=1)
        return sure, (answer == self.label)[:, None], np.ones((len(p), 1), bool)

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        return self.probability, self.label.astype(np.int32)

    @staticmethod
    def unit(scores: np.ndarray, label: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
        return scores[:, index], label == index

    @staticmethod
    def seen(c: Counts) -> np.ndarray:
        return c.predicted + c.positive > 0

    @staticmethod
    def agreement(c: Counts) -> tuple[np.ndarray, np.ndarray]:
        return c.tp, c.positive

    @staticmethod
    def table_names(task: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
        return (), task.names

    @staticmethod
    def tables(c: Counts) -> Counts:
        return Counts(*(part[..., None, :] for part in c))


# -- independent 0/1 cells -------------------------------------------------------------------------


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

    def hinges(self) -> np.ndarray:
        p = self.prediction.astype(np.float64)
        return np.where(self.mask, np.where(self.positive, 1 - p, 1 + p), 0)

    def outcomes(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.prediction, self.positive, self.mask

    confidence = outcomes

    def scores(self) -> tuple[np.ndarray, np.ndarray]:
        label = np.where(self.mask, self.positive, -1).astype(np.int8)
        rows = self.rows
        if rows.all():
            return self.prediction, label
        return self.prediction[rows], label[rows]

    @staticmethod
    def unit(scores: np.ndarray, label: np.ndarray, index: int) -> tuple[np.ndarray, np.ndarray]:
        known = label[:, index] >= 0
        return scores[known, index], label[known, index] > 0

    @staticmethod
    def seen(c: Counts) -> np.ndarray:
        return c.known > 0

    @staticmethod
    def agreement(c: Counts) -> tuple[np.ndarray, np.ndarray]:
        return c.tp + c.tn, c.known

    @staticmethod
    def table_names(task: Task) -> tuple[tuple[str, ...], tuple[str, ...]]:
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


def make_batch(task: Task, label: np.ndarray, prediction: np.ndarray) -> Batch:
    """Return the batch of the task's kind."""
    return Batch.kinds[task.kind](task, label, prediction)


def shaped(task: Task, label: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (N, label_width) and predictions (N, num_outputs), or raise `ValueError`.

    Labels come as ``task.label_shape(N)`` or as a column, predictions as (N, num_outputs), or
    (N,) if that is one.
    """
    count, width = len(prediction) if prediction.ndim else 0, task.num_outputs
    columns, shape = (count, task.label_width), task.label_shape(count)
    if label.shape != shape and label.shape != columns:
        raise ValueError(
            f"task {task.name!r}: labels have shape {label.shape} and predictions "
            f"{prediction.shape}; expected labels {shape} for that many predictions."
        )
    if prediction.shape != (count, width) and (prediction.shape != (count,) or width != 1):
        raise ValueError(
            f"task {task.name!r}: predictions have shape {prediction.shape}; expected "
            f"{(count, width)}."
        )
    return label.reshape(columns), prediction.reshape(count, width)
