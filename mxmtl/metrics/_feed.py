"""The way of a batch from the devices to the statistics."""

from __future__ import annotations

from collections import deque
from typing import (
    Any,
    Collection,
    Deque,
    Dict,
    Hashable,
    Iterable,
    List,
    Sequence,
    Set,
    Tuple,
    TypeVar,
)

import mxnet as mx
import numpy as np

from ..tasks import Task
from ._batch import make_batch, shaped
from ._fast import fetch
from ._statistic import Statistic

Entry = Tuple[Task, Any, Any]  # a task, its labels and its predictions
S = TypeVar("S", bound=Statistic)
DEPTH = 2  # batches a device: by then it is done with the first, and reading that does not wait
ROWS = 1024  # small batches are put together up to this many rows, for a call costs more than a row


class Feed:
    """Gives each batch of each task to the statistics that want it, once.

    Arrays on a GPU are not waited for: a copy to the host is started, and read when two newer
    batches have come. Small batches are put together before they are looked at, but the first
    is looked at by itself, so that wrong use is told at once. `settle` reads all that there is.
    """

    def __init__(self) -> None:
        self._statistics: Dict[Hashable, Statistic] = {}
        self._tasks: Dict[str, Task] = {}
        self._on_device: Deque[List[Entry]] = deque()
        self._devices: Set[Any] = set()
        self._on_host: Deque[List[Entry]] = deque()
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

    def _receive(self, batch: List[Entry]) -> None:
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
