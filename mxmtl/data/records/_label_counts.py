"""How often each class and label stands in a stream of labels, and how often none."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List

import numpy as np

from ...tasks import Task

BLOCK = 4096  # rows: large enough to count by NumPy, small enough to forget


class LabelCounts:
    """Count labels, row by row, in memory that does not grow with the rows.

    >>> import mxmtl
    >>> counts = LabelCounts(mxmtl.TaskSet([mxmtl.Binary("outdoors")]))
    >>> for cell in (1, 0, 1, -1):
    ...     counts.add(np.float32([cell]))
    >>> counts.summary()["outdoors"]["labelled"], counts.summary()["outdoors"]["positive"]
    (3, {'outdoors': 2})
    """

    def __init__(self, tasks: Iterable[Task]) -> None:
        self._waiting: List[np.ndarray] = []
        self._rows = 0
        self._counters = [Counter(task) for task in tasks]

    def add(self, label: np.ndarray) -> None:
        """Count one record's label, (label_width,)."""
        self._waiting.append(label)
        if len(self._waiting) == BLOCK:
            self._flush()

    def add_block(self, labels: np.ndarray) -> None:
        """Count a block of labels, (N, label_width)."""
        start = 0
        for counter in self._counters:
            counter.add(labels[:, start : start + counter.task.label_width])
            start += counter.task.label_width
        self._rows += len(labels)

    def summary(self) -> Dict[str, Dict[str, Any]]:
        """Return what was counted as {task: {type, labelled, missing, ...}}, ready for JSON.

        A class task has ``counts`` {class: rows}; a 0/1 task ``positive`` and ``labels``
        {column: cells}; a real-valued one min, max, mean and std. ``labelled`` rows have at
        least one known cell.
        """
        self._flush()
        return {counter.task.name: counter.summary(self._rows) for counter in self._counters}

    def _flush(self) -> None:
        if self._waiting and self._counters:
            self.add_block(np.stack(self._waiting))
        self._waiting = []


class Counter:
    """Count the labels of one task."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.labelled = 0
        self.cells = np.zeros(task.label_width, np.int64)
        self.classes = np.zeros(max(1, len(task.names)), np.int64)
        self.sums = np.zeros((2, task.label_width))
        self.low, self.high = np.inf, -np.inf

    def add(self, labels: np.ndarray) -> None:
        """Count labels of shape (N, label_width)."""
        known = self.task.labelled(labels)
        self.labelled += int(known.any(axis=1).sum())
        self.cells += known.sum(axis=0)
        values = np.where(known, labels, 0).astype(np.float64)
        self.sums += values.sum(axis=0), np.square(values).sum(axis=0)
        if self.task.kind == "class":
            self.classes += np.bincount(labels[known].astype(np.int64), minlength=len(self.classes))
        if known.any():
            self.low = min(self.low, float(labels[known].min()))
            self.high = max(self.high, float(labels[known].max()))

    def summary(self, rows: int) -> Dict[str, Any]:
        """Return the counts as JSON-able data."""
        result: Dict[str, Any] = {
            "type": type(self.task).__name__,
            "labelled": self.labelled,
            "missing": rows - self.labelled,
        }
        if self.task.kind == "class":
            result["counts"] = dict(zip(self.task.names, self.classes.tolist()))
        elif self.task.kind == "cells":
            keys = self.task.names or self.task.columns
            result["positive"] = dict(zip(keys, self.sums[0].astype(int).tolist()))
            result["labels"] = dict(zip(keys, self.cells.tolist()))
        elif self.labelled:
            mean, square = (self.sums[:, 0] / self.labelled).tolist()
            result.update(min=self.low, max=self.high, mean=mean)
            result["std"] = float(np.sqrt(max(0.0, square - mean * mean)))
        return result
