"""Sufficient statistics: what is kept of the batches, and shared by all metrics that need it.

At the end stands the `Feed`: the way of a batch from the devices to the statistics.
"""

from __future__ import annotations

import abc
from collections import deque
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import (
    Any,
    NamedTuple,
    TypeVar,
)

import mxnet as mx
import numpy as np

from ..tasks import Task
from ._batch import Batch, make_batch, shaped
from ._fast import fetch
from ._formulas import ratio

Blocks = list[tuple[np.ndarray, np.ndarray]]
Entry = tuple[Task, Any, Any]  # a task, its labels and its predictions
DEPTH = 2  # batches a device: by then it is done with the first, and reading that does not wait
ROWS = 1024  # small batches are put together up to this many rows, for a call costs more than a row


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

    def to_arrays(self, state: Any) -> list[np.ndarray]:
        """Return a state as arrays, to be sent to another process."""
        return [state]

    def from_arrays(self, arrays: list[np.ndarray]) -> Any:
        """Return the state that `to_arrays` made arrays of."""
        return arrays[0]


class Known(Statistic):
    """Number of known labels of each unit: int64 (units,)."""

    def zero(self) -> np.ndarray:
        (task,) = self.tasks
        return np.zeros(task.kind.units(task), np.int64)

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

    ``options`` are the method of `Batch` that gives the values, (n, label_width) and 0 where the
    label is missing, and what it is called with.
    """

    options: tuple[Any, ...]  # a method of Batch, then its arguments

    def zero(self) -> np.ndarray:
        return np.zeros((2, self.tasks[0].label_width))

    def totals(self, *batches: Batch) -> np.ndarray:
        method, *arguments = self.options
        # By name, because each kind of batch has its own method of that name.
        values = getattr(batches[0], method.__name__)(*arguments)
        return np.stack([values.sum(axis=0), batches[0].number])


class RowRates(Statistic):
    """Sum and number over labelled rows of a function of each row's counts: float64 (2,).

    ``options`` are a threshold, the function and its parameters.
    """

    options: tuple[Any, Any, tuple[float, ...]]

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

    options: tuple[Any, ...]

    def zero(self) -> np.ndarray:
        return np.zeros(2, np.int64)

    def totals(self, *batches: Any) -> np.ndarray:
        wrong = [batch.wrong(threshold) for batch, threshold in zip(batches, self.options)]
        labelled = np.any([batch.rows for batch in batches], axis=0)
        right = labelled & ~np.any(wrong, axis=0)
        return np.array([np.count_nonzero(right), np.count_nonzero(labelled)])


# -- of probabilities ------------------------------------------------------------------------------
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


class Scored(Statistic):
    """The scores and labels themselves, a block a batch: 4 bytes a score, and a label 1 or 4."""

    def zero(self) -> Blocks:
        return []

    def totals(self, *batches: Any) -> Blocks:
        return [batches[0].scores()]

    def add(self, totals: Blocks) -> None:
        self.local += totals  # in place: merging would copy the list each time

    def to_arrays(self, state: Blocks) -> list[np.ndarray]:
        return [np.concatenate(parts) for parts in zip(*state)]

    def from_arrays(self, arrays: list[np.ndarray]) -> Blocks:
        return [(arrays[0], arrays[1])] if arrays else []


# -- of real values --------------------------------------------------------------------------------
class Moments(NamedTuple):
    """Means and centred sums of products of labels y and predictions p: float64, (columns,)."""

    n: np.ndarray
    y: np.ndarray
    p: np.ndarray
    yy: np.ndarray
    pp: np.ndarray
    yp: np.ndarray
    error: np.ndarray


def moments_of(state: np.ndarray) -> Moments:
    """Return the moments (..., columns) that a state (..., 7, columns) holds."""
    return Moments(*np.moveaxis(state, -2, 0))


class Spread(Statistic):
    """`Moments`, array (7, label_width). Centred, so that large values lose no digits."""

    def zero(self) -> np.ndarray:
        return np.zeros((7, self.tasks[0].label_width))

    def totals(self, *batches: Any) -> np.ndarray:
        (batch,) = batches
        n = batch.number.astype(np.float64)
        label = np.where(batch.mask, batch.label, 0.0)
        y, p = ratio(label.sum(axis=0), n), ratio(batch.prediction.sum(axis=0), n)
        dy, dp = (label - y) * batch.mask, (batch.prediction - p) * batch.mask
        squares = [(a * b).sum(axis=0) for a, b in ((dy, dy), (dp, dp), (dy, dp))]
        return np.stack([n, y, p, *squares, batch.squared_errors().sum(axis=0)])

    def merge(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # Chan, Golub and LeVeque 1983: the sums about the common mean.
        a_, b_ = Moments(*a), Moments(*b)
        n = a_.n + b_.n
        share, dy, dp = ratio(b_.n, n), b_.y - a_.y, b_.p - a_.p
        between = a_.n * share
        yy, pp, yp = between * dy * dy, between * dp * dp, between * dy * dp
        means = [a_.y + share * dy, a_.p + share * dp]
        sums = [a_.yy + b_.yy + yy, a_.pp + b_.pp + pp, a_.yp + b_.yp + yp]
        return np.stack([n, *means, *sums, a_.error + b_.error])


S = TypeVar("S", bound=Statistic)


# -- the way of a batch from the devices to the statistics -----------------------------------------
class Feed:
    """Gives each batch of each task to the statistics that want it, once.

    Arrays on a GPU are not waited for: a copy to the host is started, and read when two newer
    batches have come. Small batches are put together before they are looked at, but the first
    is looked at by itself, so that wrong use is told at once. `settle` reads all that there is.
    """

    def __init__(self) -> None:
        self._statistics: dict[Hashable, Statistic] = {}
        self._tasks: dict[str, Task] = {}
        self._on_device: deque[list[Entry]] = deque()
        self._devices: set[Any] = set()
        self._on_host: deque[list[Entry]] = deque()
        self._rows = ROWS

    def share(self, statistic: S) -> S:
        """Return the statistic that is kept for this one and its equals."""
        self._tasks.update((task.name, task) for task in statistic.tasks)
        return self._statistics.setdefault(statistic.key, statistic)  # type: ignore[return-value]

    def clear(self) -> None:
        """Forget the statistics and what was on its way to them."""
        self._statistics.clear()
        self._on_device.clear()
        self._devices.clear()
        self._on_host.clear()
        self._rows = ROWS

    @property
    def statistics(self) -> Collection[Statistic]:
        """The statistics that it feeds, in the order in which they came."""
        return self._statistics.values()

    @property
    def tasks(self) -> Collection[Task]:
        """The tasks of which it needs labels and predictions."""
        return self._tasks.values()

    def push(self, entries: Iterable[Entry]) -> None:
        """Take one batch: (task, labels, predictions) of each task that is in it."""
        batch = list(entries)
        if batch and on_device(batch[0][2]):  # one executor, one device: the first tells
            self._devices.add(batch[0][2].context)
            self._on_device.append([(t, start_copy(y), start_copy(p)) for t, y, p in batch])
            while len(self._on_device) > DEPTH * len(self._devices):
                self._receive(self._on_device.popleft())
        else:
            self._receive(batch)

    def settle(self) -> None:
        """Read what is still waiting."""
        while self._on_device:
            self._receive(self._on_device.popleft())
        self._read()

    def reset_local(self) -> None:
        """Begin a new local part of every statistic."""
        self.settle()
        for statistic in self._statistics.values():
            statistic.reset_local()

    def _receive(self, batch: list[Entry]) -> None:
        entries = [(t, *shaped(t, fetch(y), fetch(p))) for t, y, p in batch]
        self._on_host.append(entries)
        self._rows += len(entries[0][2]) if entries else 0
        if self._rows >= ROWS:
            self._read()
            self._rows = 0

    def _read(self) -> None:
        if len(self._on_host) > 1:
            try:
                self._add([join(entries) for entries in zip(*self._on_host)])
                self._on_host.clear()
            except ValueError:
                pass  # one by one, to tell of the batch that it is in, and to take the others
        while self._on_host:
            self._add(self._on_host.popleft())

    def _add(self, batch: Iterable[Entry]) -> None:
        batches = {task.name: make_batch(task, label, p) for task, label, p in batch}
        totals = [
            (statistic, statistic.totals(*(batches[task.name] for task in statistic.tasks)))
            for statistic in self._statistics.values()
        ]
        # Only now, when nothing was refused: a batch counts everywhere or nowhere.
        for statistic, total in totals:
            statistic.add(total)


def join(entries: Sequence[Entry]) -> Entry:
    """Put one task's batches together."""
    tasks, labels, predictions = zip(*entries)
    return tasks[0], np.concatenate(labels), np.concatenate(predictions)


def on_device(array: Any) -> bool:
    """Tell whether reading the array would wait for a GPU."""
    return isinstance(array, mx.nd.NDArray) and array.context.device_type == "gpu"


def start_copy(array: Any) -> Any:
    """Return a copy on the host that the engine fills as soon as the device has the values."""
    return array.copyto(mx.cpu()) if on_device(array) else fetch(array)
