"""Which rows an epoch reads, how often, in which order, and how they fall into batches."""

from __future__ import annotations

import abc
import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...augment import keys, uniforms
from ...tasks import Task, TaskSet
from ..records import RecordReader, illegal_rows

SHUFFLE, SAMPLE = 0x73687566, 0x73616D70  # keep these random numbers apart from each other
MAX_EPOCH = (1 << 63) - 1


@dataclass(frozen=True)
class Order:
    """The rows of one part of the data, epoch by epoch; a function of the seed and the epoch.

    Parameters
    ----------
    num_records : int
        Rows of the whole data.
    batch_size, shuffle, seed, num_parts, part_index, last_batch
        As in `RecordIter`. (The last two batches of parts differ from the whole's where parts
        have unequally many rows: see `take`.)
    expected : numpy.ndarray, optional
        How often each row is read on average, (num_records,), from a `Sampler`; once each by
        default.
    """

    num_records: int
    batch_size: int
    shuffle: bool = False
    seed: int = 0
    num_parts: int = 1
    part_index: int = 0
    last_batch: str = "pad"
    expected: np.ndarray | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        for option, value in (("batch_size", self.batch_size), ("num_parts", self.num_parts)):
            if not isinstance(value, int | np.integer) or value < 1:
                raise ValueError(f"{option}={value!r}: expected 1 or more.")
        if not 0 <= self.part_index < self.num_parts:
            raise ValueError(f"part_index={self.part_index} is not in 0 to {self.num_parts - 1}.")
        if self.last_batch not in ("pad", "discard"):
            raise ValueError(f"last_batch={self.last_batch!r} is not 'pad' or 'discard'.")
        if self.num_batches == 0:
            raise ValueError(
                f"{self.num_rows} rows in {self.num_parts} part(s) fill no batch of "
                f"{self.batch_size}; take a smaller one or last_batch='pad'."
            )

    @property
    def num_rows(self) -> int:
        """Rows that an epoch reads, over all parts."""
        return self.num_records if self.expected is None else round(float(self.expected.sum()))

    @property
    def num_batches(self) -> int:
        """Batches in an epoch, the same for every part."""
        if self.last_batch == "discard":
            return self.num_rows // self.num_parts // self.batch_size
        most = -(-self.num_rows // self.num_parts)
        return -(-most // self.batch_size)

    @property
    def num_mine(self) -> int:
        """Rows that this part reads in an epoch."""
        return len(range(self.part_index, self.num_rows, self.num_parts))

    def rows(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that this part reads in an epoch, in order: int64, (n,).

        Beside them stands how often each was there before in the same epoch, (n,).
        """
        rows = np.arange(self.num_records)
        repeats = np.broadcast_to(np.int64(0), rows.shape)  # takes no memory
        if self.expected is not None:
            rows, repeats = self._sample(epoch)
        if self.shuffle:
            order = np.argsort(keys(self.seed, SHUFFLE, epoch, rows, repeats), kind="stable")
            rows, repeats = rows[order], repeats[order]
        # In turn: batch k of all parts together has the rows of batch k of the whole.
        mine = slice(self.part_index, None, self.num_parts)
        return rows[mine], repeats[mine]

    def take(self, batch: int, rows_left: int) -> int:
        """Return how many rows a batch takes: full, but one is left for each later batch.

        Only a part that has fewer rows than another notices; so none of its batches is empty.
        """
        later = self.num_batches - 1 - batch
        return max(min(self.batch_size, rows_left - later), min(rows_left, 1))

    def cursor(self, batch: int) -> int:
        """Return how many rows of this part come before a batch, if none is damaged."""
        cursor = 0
        for before in range(batch):
            cursor += self.take(before, self.num_mine - cursor)
        return cursor

    def whole(self) -> Order:
        """Return the order of all parts together, as one part reads it."""
        size = self.batch_size * self.num_parts
        return replace(self, batch_size=size, num_parts=1, part_index=0)

    def describe(self) -> dict[str, Any]:
        """Return what makes this order, as JSON-able data."""
        made = {name: getattr(self, name) for name in self.__dataclass_fields__}
        expected = made.pop("expected")
        made["sampler"] = None if expected is None else zlib.crc32(expected.tobytes())
        plain = {name: each for name, each in made.items() if isinstance(each, np.generic)}
        return {**made, **{name: each.item() for name, each in plain.items()}}

    def check_place(self, state: Mapping[str, Any]) -> None:
        """Raise `ValueError` if a place is of another order, or is none in this one."""
        made = self.describe()
        for option, value in dict(state["made"]).items():
            if made.get(option) != value:
                raise ValueError(
                    f"the state is of an iterator with {option}={value!r}; this one has "
                    f"{made.get(option)!r}."
                )
        rows = self.num_mine
        most = {"epoch": MAX_EPOCH, "batch": self.num_batches, "cursor": rows, "skipped": rows}
        for name, bound in most.items():
            value = state[name]
            if not isinstance(value, int | np.integer) or not 0 <= value <= bound:
                raise ValueError(f"the state's {name}={value!r} is not in 0 to {bound}.")

    def _sample(self, epoch: int) -> tuple[np.ndarray, np.ndarray]:
        # Systematic sampling over the rows in random order: the epoch's length is exact, and a
        # row is read as often as expected, rounded down or up.
        assert self.expected is not None
        key = keys(self.seed, SAMPLE, epoch, np.arange(self.num_records))
        order = np.argsort(key, kind="stable")
        start = uniforms(keys(self.seed, SAMPLE, epoch), 1)[0, 0]
        # Rounded sums would put whole expectations a hair below the grid.
        ends = np.floor(np.round(np.cumsum(self.expected[order]), 6) + start).astype(np.int64)
        counts = np.empty(self.num_records, dtype=np.int64)
        counts[order] = np.diff(ends, prepend=0)
        rows = np.repeat(np.arange(self.num_records), counts)
        firsts = np.cumsum(counts) - counts
        return rows, np.arange(len(rows)) - firsts[rows]


# -- samplers for unbalanced data: how often an epoch reads each row -------------------------------
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
    num_rows: int | None

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
    num_rows: int | None = None

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
    num_rows: int | None = None
    names: tuple[str, ...] | None = None

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


def task_weights(task: Task, label: np.ndarray, power: float) -> np.ndarray | None:
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
                raise reader.error(row, reason)
    return expected
