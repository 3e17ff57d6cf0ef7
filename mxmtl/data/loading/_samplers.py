"""Samplers for unbalanced data: how often an epoch reads each row."""

from __future__ import annotations

import abc
import math
from dataclasses import dataclass, field
from typing import Optional, Sequence, Tuple

import numpy as np

from ...tasks import Task, TaskSet
from ..records import RecordError, RecordReader, illegal_rows


class Sampler(abc.ABC):
    """Abstract: says how often each row is read, on average, in an epoch of given length.

    Attributes
    ----------
    cap : float
        A row is read at most this often in an epoch; rows share what others may not take.
    num_rows : int or None
        Rows in an epoch; as many as there are records by default.
    """

    cap: float
    num_rows: Optional[int]

    @abc.abstractmethod
    def weights(self, tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
        """Return a weight for each row, (n,) and not negative, from labels (n, label_width)."""

    def expected(self, tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
        """Return how often each row is read on average: float64 (n,), none above the cap.

        Raises `ValueError` if the weights are no weights, or the cap leaves the epoch too short.
        """
        weights = np.asarray(self.weights(tasks, labels), dtype=np.float64)
        if weights.shape != (len(labels),):
            raise ValueError(f"{len(labels)} records need as many weights, not {weights.shape}.")
        if not np.all(np.isfinite(weights)) or np.any(weights < 0):
            raise ValueError("weights must be finite and not negative.")
        length = len(labels) if self.num_rows is None else self.num_rows
        count = np.count_nonzero(weights)
        if length < 1 or not self.cap > 0 or not count or count * self.cap < length:
            raise ValueError(
                f"{count} rows with a weight, each read at most {self.cap} "
                f"times, make no epoch of {length} rows. Raise the cap or lower num_rows."
            )
        return share_out(weights, float(length), self.cap)


def share_out(weights: np.ndarray, total: float, cap: float) -> np.ndarray:
    """Split a total in proportion to weights, none above the cap; the rest take what is over.

    >>> share_out(np.array([8.0, 1.0, 1.0]), 4.0, 2.0)
    array([2., 1., 1.])
    """
    shares = np.zeros_like(weights)
    free = weights > 0
    while True:
        capped = np.count_nonzero((weights > 0) & ~free)
        left = total - (cap * capped if capped else 0.0)  # the cap may be infinite
        shares[free] = weights[free] * (left / weights[free].sum()) if free.any() else 0.0
        above = free & (shares > cap)
        if not above.any():
            return shares
        shares[above] = cap
        free &= ~above


@dataclass(frozen=True)
class WeightedSampler(Sampler):
    """Reads rows in proportion to given weights.

    Parameters
    ----------
    row_weights : sequence of float
        One a record, in the order of the files.
    cap, num_rows
        See `Sampler`.
    """

    row_weights: Sequence[float] = field(compare=False)  # an array has no one truth value
    cap: float = math.inf
    num_rows: Optional[int] = None

    def weights(self, tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
        return np.asarray(self.row_weights)


@dataclass(frozen=True)
class ClassAwareSampler(Sampler):
    """Reads rows of rare classes more often, over all tasks at once.

    In a task a row weighs ``frequency ** -power``, of its class or of its rarest positive label
    (rows with no positive one are a class of their own), divided by the mean over the labelled
    rows; 1 where the task is not labelled. A row's weight is the mean over the tasks. Tasks of
    real values are left out. ``power=0.5`` is what LVIS' repeat factors use (Gupta et al. 2019).

    Parameters
    ----------
    power : float
        0 reads all rows alike; with 1 and one task all classes come alike.
    cap, num_rows
        See `Sampler`.
    names : sequence of str, optional
        The tasks to balance; all by default.
    """

    power: float = 0.5
    cap: float = 10.0
    num_rows: Optional[int] = None
    names: Optional[Tuple[str, ...]] = None

    def weights(self, tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
        for name in self.names or ():
            tasks[name]  # KeyError names those that there are
        for row, reason in illegal_rows(tasks, labels).items():
            raise ValueError(f"row {row}: {reason}")
        chosen = [
            task_weights(task, labels[:, part], self.power)
            for task, part in zip(tasks, tasks.slices)
            if self.names is None or task.name in self.names
        ]
        parts = [weights for weights in chosen if weights is not None]
        if not parts:
            raise ValueError(f"{tasks.names}: no task with classes or labels to balance.")
        return np.mean(parts, axis=0)  # type: ignore[no-any-return]


def task_weights(task: Task, label: np.ndarray, power: float) -> Optional[np.ndarray]:
    """Weigh rows by the frequency of what one task's labels (n, label_width) say.

    None where nothing is rare or frequent: a value.
    """
    says = task.kind.balanced(task, label)
    if says is None:
        return None
    labelled = task.labelled(label).any(axis=1)
    if not labelled.any():
        return np.ones(len(label))
    frequency = says.sum(axis=0) / labelled.sum()
    value = np.where(frequency > 0, frequency, 1.0) ** -power
    weights = np.where(says, value, 0.0).max(axis=1)
    return np.where(labelled, weights / weights[labelled].mean(), 1.0)


def expected_reads(
    sampler: Sampler, tasks: TaskSet, reader: RecordReader, on_error: str
) -> np.ndarray:
    """Return how often each row is read on average, float64 (n,).

    Labels that are none of their task count as unknown, as those of records that cannot be read.
    Raises `RecordError` for the first of them that would be read, unless those are skipped.
    """
    labels = reader.labels(tasks.label_width)
    illegal = illegal_rows(tasks, labels)
    labels[list(illegal)] = np.nan
    expected = sampler.expected(tasks, labels)
    if on_error == "raise":
        for row, reason in illegal.items():
            if expected[row] > 0 and reader.readable(row):  # else reading says what is wrong
                raise RecordError(reason).at(*reader.where(row))
    return expected
