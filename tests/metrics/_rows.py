"""Every metric, for every kind of task and average that it has: what the laws go through."""

from __future__ import annotations

from typing import Any

from mxmtl import metrics

import numpy as np

from ._data import TASKS
from ._oracles import OPTIONS, ORACLES

Row = tuple[str, str, Any]  # metric, task, average


def rows() -> list[Row]:
    out: list[Row] = []
    for name in sorted(ORACLES):
        cls = metrics.Metric.types[name]
        for task_name, task in TASKS.items():
            if not hasattr(cls, "averages"):
                out += [(name, task_name, None)] if task.kind in cls.kinds else []
            elif task.kind in cls.averages:
                out += [(name, task_name, average) for average in cls.averages[task.kind] or [None]]
    return out


def by_metric() -> dict[str, list[Row]]:
    """Return the rows of each metric: a test goes through those of one."""
    found: dict[str, list[Row]] = {}
    for row in rows():
        found.setdefault(row[0], []).append(row)
    return found


def make(row: Row, task: Any = None) -> metrics.Metric:
    name, task_name, average = row
    options = dict(OPTIONS.get(name, {}))
    if average is not None:
        options["average"] = average
    return metrics.Metric.types[name](task or TASKS[task_name], **options)


def values(metric: metrics.Metric, whole: bool = True) -> np.ndarray:
    """The values since reset (or since reset_local), one-dimensional."""
    pairs = metric.get_global_name_value() if whole else metric.get_name_value()
    assert [name for name, _ in pairs] == metric.names
    assert all(type(value) is float for _, value in pairs)
    return np.array([value for _, value in pairs])
