"""Which stored labels are none of their task: one check for all who read tables and records."""

from __future__ import annotations

from typing import Dict

import numpy as np

from ._task import Task
from ._taskset import TaskSet

ALLOWED = {"class": "0 to {last}", "cells": "0 or 1", "value": "a finite number"}
SOFT = {**ALLOWED, "cells": "0 to 1"}


def illegal_labels(tasks: TaskSet, labels: np.ndarray, *, soft: bool = False) -> Dict[int, str]:
    """Say of labels (n, label_width) which rows hold what is no label: {row: reason}, in order.

    Soft labels are those that a network is given: there a cell may lie between 0 and 1.

    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Multiclass("breed", classes=["beagle", "pug"])])
    >>> illegal_labels(tasks, np.float32([[1], [-1], [2]]))
    {2: "2 is no label of task 'breed' (breed); expected 0 to 1, or -1 where it is unknown."}
    """
    found: Dict[int, str] = {}
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part]
        legal = valid_or_soft(task, cells) if soft else task.valid(cells)
        if np.count_nonzero(legal) < legal.size:  # half the time of all()
            for row in np.flatnonzero(~legal.all(axis=1)).tolist():
                column = int(np.argmin(legal[row]))
                allowed = (SOFT if soft else ALLOWED)[task.kind].format(last=task.num_outputs - 1)
                found.setdefault(row, reason(task, column, float(cells[row, column]), allowed))
    return dict(sorted(found.items()))


def valid_or_soft(task: Task, label: np.ndarray) -> np.ndarray:
    """Tell which entries are valid, or lie between the 0 and the 1 of a cell: bool, same shape."""
    valid = task.valid(label)
    return valid | ((label > 0) & (label < 1)) if task.kind == "cells" else valid


def reason(task: Task, column: int, value: float, allowed: str) -> str:
    """Say what stands where a label should, and what may."""
    return (
        f"{value:g} is no label of task {task.name!r} ({task.columns[column]}); expected "
        f"{allowed}, or {task.missing:g} where it is unknown."
    )
