"""What is counted in a stream of records: classes, labels and gaps; sizes and kinds of images."""

from __future__ import annotations

import collections
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ..._files import PathLike
from ...tasks import Task, TaskSet
from ._prefix import Prefixes, record_files, tasks_of
from ._reader import RecordReader

DARK = 32  # of 256: what 13 bits of 16 become
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
        self._waiting: list[np.ndarray] = []
        self._rows = 0
        self._counters = [task.kind.counter(task) for task in tasks]

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

    def summary(self) -> dict[str, dict[str, Any]]:
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


def class_counts(
    records: Prefixes, tasks: TaskSet | PathLike | None = None
) -> dict[str, dict[str, Any]]:
    """Return how often each class and label of some records holds, of labelled rows alone.

    Parameters
    ----------
    records : str or sequence of str
        Prefixes.
    tasks : TaskSet or path, optional
        What the labels are, where no ``.tasks.json`` says so.

    Returns
    -------
    dict
        ``{task: {class: rows}}`` of multiclass tasks, ``{task: {label: (no, yes)}}`` of binary
        and multi-label tasks; of others nothing. As losses take them:
        ``mxmtl.losses.LogitAdjusted(counts=class_counts("data/train")["breed"])``.
    """
    tasks = tasks_of(records, tasks)
    counts, reader = LabelCounts(tasks), RecordReader(record_files(records))
    try:
        counts.add_block(reader.labels(tasks.label_width))
    finally:
        reader.close()
    summary = counts.summary()
    return {task.name: task.kind.frequencies(summary[task.name]) for task in tasks}


class ImageCounts:
    """Count image sizes and encodings; memory grows with the number of distinct lengths only."""

    def __init__(self) -> None:
        self._width: Counter[int] = collections.Counter()
        self._height: Counter[int] = collections.Counter()
        self._encoding: Counter[str] = collections.Counter()
        self._kept = self._deep = self._dark = 0

    def add(
        self, width: int, height: int, encoding: str, kept: bool = False, brightest: int = -1
    ) -> None:
        """Count one image.

        ``kept`` if its file was stored as it was; ``brightest`` is the highest sample, of 255, of
        one that may have had 16 bits a sample.
        """
        self._width[width] += 1
        self._height[height] += 1
        self._encoding[encoding] += 1
        self._kept += kept
        self._deep += brightest >= 0
        self._dark += 0 <= brightest < DARK

    def summary(self) -> dict[str, Any]:
        """Return {width: {min, median, max}, height: ..., encodings, kept}, ready for JSON.

        ``deep``, if there are any, counts images that may have had 16 bits a sample.
        """
        deep = {"deep": {"images": self._deep, "dark": self._dark}} if self._deep else {}
        return {
            "width": spread(self._width),
            "height": spread(self._height),
            "encodings": dict(sorted(self._encoding.items())),
            "kept": self._kept,
            **deep,
        }


def note_on_depth(images: Iterable[Mapping[str, Any]]) -> str:
    """Say that files of 16 bits seem to use fewer of them; '' if not.

    Parameters
    ----------
    images : iterable of dict
        What `ImageCounts` summed up. Files of 16 bits are judged by themselves: one JPEG among them
        is as bright as any.
    """
    found = [one["deep"] for one in images if "deep" in one]
    dark, all_ = (sum(one[name] for one in found) for name in ("dark", "images"))
    if 2 * dark <= all_:
        return ""
    return (
        f"no sample of {dark} of {all_} images (PNG of 16 bits, TIFF and the like) is above 1/8 of "
        "the range: 12 bits in files of 16? Convert them with bits=12 (--bits 12)."
    )


def spread(counts: Counter[int]) -> dict[str, int]:
    """Return the least, the median (lower of two) and the greatest of counted numbers.

    >>> spread(collections.Counter([3, 1, 2, 2]))
    {'min': 1, 'median': 2, 'max': 3}
    """
    if not counts:
        return {}
    ordered, half, seen = sorted(counts), (sum(counts.values()) + 1) // 2, 0
    for value in ordered:
        seen += counts[value]
        if seen >= half:
            break
    return {"min": ordered[0], "median": value, "max": ordered[-1]}
