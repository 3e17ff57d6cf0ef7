"""The way of a batch from the devices to the statistics."""

from __future__ import annotations

from collections import deque
from typing import Any, Deque, Dict, Hashable, Iterable, List, Tuple, TypeVar

import mxnet as mx
import numpy as np

from ..tasks import Task
from ._batch import make_batch
from ._statistic import Statistic

Entry = Tuple[Task, Any, Any]  # a task, its labels and its predictions
S = TypeVar("S", bound=Statistic)
DEPTH = 2  # batches: by then the device is done with the first, so that reading it does not wait


class Feed:
    """Gives each batch of each task to the statistics that want it, once.

    Arrays on a GPU are not waited for: a copy to the host is started, and read when two newer
    batches have come, or when the values are asked for.
    """

    def __init__(self) -> None:
        self._statistics: Dict[Hashable, Statistic] = {}
        self._waiting: Deque[List[Entry]] = deque()

    def share(self, statistic: S) -> S:
        """Return the statistic that is kept for this one and its equals."""
        return self._statistics.setdefault(statistic.key, statistic)  # type: ignore[return-value]

    @property
    def tasks(self) -> List[Task]:
        """The tasks of which it needs labels and predictions."""
        needed = {task.name: task for s in self._statistics.values() for task in s.tasks}
        return list(needed.values())

    def push(self, entries: Iterable[Entry]) -> None:
        """Take one batch: (task, labels, predictions) of each task that is in it."""
        batch = list(entries)
        if any(on_device(prediction) for _, _, prediction in batch):
            self._waiting.append([(t, start_copy(label), start_copy(p)) for t, label, p in batch])
            while len(self._waiting) > DEPTH:
                self._read(self._waiting.popleft())
        else:
            self._read(batch)

    def settle(self) -> None:
        """Read what is still waiting."""
        while self._waiting:
            self._read(self._waiting.popleft())

    def reset_local(self) -> None:
        """Begin a new local part of every statistic."""
        self.settle()
        for statistic in self._statistics.values():
            statistic.reset_local()

    def _read(self, entries: List[Entry]) -> None:
        batches = {
            task.name: make_batch(task, fetch(label), fetch(prediction))
            for task, label, prediction in entries
        }
        for statistic in self._statistics.values():
            statistic.update(*(batches[task.name] for task in statistic.tasks))


def on_device(array: Any) -> bool:
    """Tell whether reading the array would wait for a GPU."""
    return isinstance(array, mx.nd.NDArray) and array.context.device_type == "gpu"


def start_copy(array: Any) -> Any:
    """Return a copy on the host that the engine fills as soon as the device has the values."""
    return array.copyto(mx.cpu()) if on_device(array) else fetch(array)


def fetch(array: Any) -> np.ndarray:
    """Return a copy of the array as an ndarray: iterators and loops fill theirs again."""
    return array.asnumpy() if isinstance(array, mx.nd.NDArray) else np.array(array)
