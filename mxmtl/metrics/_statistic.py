"""Sufficient statistics: what is kept of the batches, and shared by all metrics that need it."""

from __future__ import annotations

import abc
from typing import Any, Hashable, List, Tuple

import numpy as np

from ..tasks import Task
from ._batch import Batch


class Statistic(abc.ABC):
    """Abstract: something that adds up over batches.

    Two of the same class that were made from equal arguments are the same statistic; a suite
    keeps one of them. The local part is what came since `reset_local`.

    Parameters
    ----------
    *tasks : Task
        Whose batches `totals` takes, in this order.
    options : hashable
        What else makes it differ from its like.
    """

    def __init__(self, *tasks: Task, options: Hashable = ()) -> None:
        self.tasks, self.options = tasks, options
        self.key = (type(self), tasks, options)
        self.local = self.zero()
        self.before = self.zero()

    @abc.abstractmethod
    def zero(self) -> Any:
        """Return the state before the first batch."""

    @abc.abstractmethod
    def totals(self, *batches: Batch) -> Any:
        """Return the state that one batch a task makes."""

    def merge(self, a: Any, b: Any) -> Any:
        """Return the state of what ``a`` and ``b`` have seen, each by itself."""
        return a + b

    def add(self, totals: Any) -> None:
        """Add what `totals` returned to the local part."""
        self.local = self.merge(self.local, totals)

    def reset_local(self) -> None:
        """Begin a new local part; what was in it stays in the whole."""
        self.before, self.local = self.merge(self.before, self.local), self.zero()

    def state(self, whole: bool) -> Any:
        """Return the state since the last reset (``whole``) or since the last `reset_local`."""
        return self.merge(self.before, self.local) if whole else self.local

    def to_arrays(self, state: Any) -> List[np.ndarray]:
        """Return a state as arrays, to be sent to another process."""
        return [state]

    def from_arrays(self, arrays: List[np.ndarray]) -> Any:
        """Return the state that `to_arrays` made arrays of."""
        return arrays[0]


class Known(Statistic):
    """Number of known labels of each unit: int64 (num_outputs,)."""

    def zero(self) -> np.ndarray:
        return np.zeros(self.tasks[0].num_outputs, np.int64)

    def totals(self, *batches: Batch) -> np.ndarray:
        return batches[0].known


class Counted(Statistic):
    """The counts of `Counts` with a threshold: int64 (4, num_outputs)."""

    def zero(self) -> np.ndarray:
        return np.zeros((4, self.tasks[0].num_outputs), np.int64)

    def totals(self, *batches: Any) -> np.ndarray:
        return batches[0].counts(self.options)


class Crossed(Statistic):
    """Rows by labelled and predicted class: int64 (num_tables, num_classes, num_classes)."""

    def zero(self) -> np.ndarray:
        (task,) = self.tasks
        tables, classes = Batch.kinds[task.kind].table_names(task)
        return np.zeros((max(1, len(tables)), len(classes), len(classes)), np.int64)

    def totals(self, *batches: Any) -> np.ndarray:
        return batches[0].confusion(self.options)


class Summed(Statistic):
    """Sum and number of the known cells of each column: float64 (2, label_width).

    ``options`` names the method of a batch that gives the values, (n, label_width) and 0 where
    the label is missing, and what it is called with.
    """

    options: Tuple[Any, ...]

    def zero(self) -> np.ndarray:
        return np.zeros((2, self.tasks[0].label_width))

    def totals(self, *batches: Batch) -> np.ndarray:
        method, *arguments = self.options
        values = getattr(batches[0], method)(*arguments)
        return np.stack([values.sum(axis=0), batches[0].number])


class RowRates(Statistic):
    """Sum and number over labelled rows of a function of each row's counts: float64 (2,).

    ``options`` are a threshold, the function and its parameters.
    """

    options: Tuple[Any, Any, Tuple[float, ...]]

    def zero(self) -> np.ndarray:
        return np.zeros(2)

    def totals(self, *batches: Any) -> np.ndarray:
        threshold, function, parameters = self.options
        values = function(batches[0].row_counts(threshold), *parameters)
        return np.array([values.sum(), values.size])


class Matched(Statistic):
    """Rows that are right in all known labels, and rows with one: int64 (2,).

    ``options`` are one threshold a task.
    """

    options: Tuple[Any, ...]

    def zero(self) -> np.ndarray:
        return np.zeros(2, np.int64)

    def totals(self, *batches: Any) -> np.ndarray:
        wrong = [batch.wrong(threshold) for batch, threshold in zip(batches, self.options)]
        labelled = np.any([batch.rows for batch in batches], axis=0)
        right = labelled & ~np.any(wrong, axis=0)
        return np.array([np.count_nonzero(right), np.count_nonzero(labelled)])
