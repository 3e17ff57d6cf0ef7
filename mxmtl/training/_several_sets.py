"""Several sets of records that are trained on together: that they belong together, and counts.

Their tasks must be the same, but for what each conversion counted in its own labels alone. That is
counted anew, in the labels of all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.records import LabelCounts, Prefixes, RecordReader, record_files, tasks_if_known
from ..tasks import TaskSet, differences


def check_alike(prefixes: Sequence[str]) -> None:
    """Raise `ValueError`, with what differs, unless sets of records have the same tasks."""
    known = [(prefix, tasks) for prefix in prefixes if (tasks := tasks_if_known(prefix, None))]
    for prefix, tasks in known[1:]:
        first, wanted = known[0]
        if list(wanted) != list(tasks):
            told = differences((first, wanted), (prefix, tasks))
            raise ValueError(
                f"{first} and {prefix} were written for other tasks:\n{told}.\nConvert both tables "
                "with one --tasks FILE that has the tasks of both, in one order. To a table that "
                "lacks a column add it with empty cells, which are missing labels."
            )


def counted_together(tasks: TaskSet, prefixes: Sequence[str]) -> TaskSet:
    """Return the tasks of several sets without what was counted in one of them alone."""
    sets = []
    for prefix in prefixes:
        beside = tasks_if_known(prefix, None) or tasks
        sets.append((beside, label_counts(beside, known_labels(beside, prefix))))
    return tasks.opened(sets)


def known_labels(tasks: TaskSet, prefixes: Prefixes) -> np.ndarray:
    """Return the labels of records, (n, label_width); missing is what is none, too."""
    with contextlib.closing(RecordReader(record_files(prefixes))) as reader:
        labels = reader.labels(tasks.label_width)
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part]
        cells[~task.valid(cells)] = task.missing
    return labels


def label_counts(tasks: TaskSet, labels: np.ndarray) -> dict[str, Any]:
    """Return what tasks learn from labels (n, label_width)."""
    counts = LabelCounts(tasks)
    counts.add_block(labels)
    return counts.summary()
