"""Several sets of records that are trained on together: that they belong together, and counts.

Their tasks must be the same, but for what each conversion counted in its own labels alone. That is
counted anew, in the labels of all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from ..data.records import LabelCounts, Prefixes, RecordReader, record_files, tasks_if_known
from ..tasks import Task, TaskSet

SHOWN, WIDE = 8, 60  # differences, and letters of a value


def check_alike(prefixes: Sequence[str]) -> None:
    """Raise `ValueError`, with what differs, unless sets of records have the same tasks."""
    known = [(prefix, tasks) for prefix in prefixes if (tasks := tasks_if_known(prefix, None))]
    for prefix, tasks in known[1:]:
        first, wanted = known[0]
        if list(wanted) != list(tasks):
            lines = list(differences((first, wanted), (prefix, tasks)))
            more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
            told = ";\n".join([*lines[:SHOWN], *more])  # a command puts them on one
            raise ValueError(
                f"{first} and {prefix} were written for other tasks:\n{told}.\nConvert both tables "
                "with one --tasks FILE that has the tasks of both, in one order. To a table that "
                "lacks a column add it with empty cells, which are missing labels."
            )


def differences(one: tuple[str, TaskSet], other: tuple[str, TaskSet]) -> Iterator[str]:
    """Tell how the tasks of two sets differ, a line each."""
    (here, tasks), (there, theirs) = one, other
    for name in dict.fromkeys([*tasks.names, *theirs.names]):
        if name not in tasks or name not in theirs:
            where, whose = (here, tasks) if name in tasks else (there, theirs)
            yield f"{name}: in {where} alone, {type(whose[name]).__name__}"
        elif tasks[name] != theirs[name]:
            what, *values = _difference(tasks[name], theirs[name])
            yield f"{name}: {what} {values[0]} in {here}, and {values[1]} in {there}"
    if sorted(tasks.names) == sorted(theirs.names) and tasks.names != theirs.names:
        yield f"the order is {', '.join(tasks.names)} in {here}, and another in {there}"


def _difference(one: Task, other: Task) -> tuple[str, str, str]:
    """Return the first option in which two tasks differ, and its values."""
    if type(one) is not type(other):
        return "type", type(one).__name__, type(other).__name__
    what = next(
        f.name for f in fields(one)
        if f.compare and getattr(one, f.name) != getattr(other, f.name)
    )  # fmt: skip
    told = (repr(getattr(task, what)) for task in (one, other))
    mine, theirs = (text if len(text) <= WIDE else text[:WIDE] + " ..." for text in told)
    return what, mine, theirs


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
