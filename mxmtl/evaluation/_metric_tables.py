"""Values of metrics as tables: a row a task, a row a metric, a row a class; as JSON and CSV too.

Evaluations, `mxmtl.report` and reports about runs all show the same values in these tables.
"""

from __future__ import annotations

import json
import math
from typing import Any, Callable, Dict, Iterable, List, Sequence, Tuple

from .._table import Cell, Table, csv_text, known, written
from ..metrics import MetricValue

Named = Callable[[str], str]  # how the name of a metric is shown
# Of these metrics a class has a column where there is little room.
CLASS_METRICS = (
    "num_labels",
    "num_positive",
    "precision",
    "recall",
    "f1",
    "auroc",
    "average_precision",
)


def of_task(values: Iterable[MetricValue], task: str) -> List[MetricValue]:
    """Return the values of a task, or of ``"all_tasks"``, as a whole: none of its classes'."""
    return [value for value in values if value.task == task and value.of_class is None]


def task_tables(
    values: Sequence[MetricValue],
    tasks: Iterable[str],
    title: Callable[[str], str] = lambda task: "",
    shown: Named = str,
) -> List[Table]:
    """Return a row a task; those with the same metrics and title share a table."""
    groups: Dict[Tuple[str, ...], List[List[Any]]] = {}
    for task in tasks:
        found = of_task(values, task)
        if found:
            key = (title(task), *(value.metric for value in found))
            groups.setdefault(key, []).append([task, *(value.value for value in found)])
    return [
        Table(name, ["task", *map(shown, metrics)], rows)
        for (name, *metrics), rows in groups.items()
    ]


def metric_table(
    values: Sequence[MetricValue],
    level: float = 0.95,
    title: str = "",
    shown: Callable[[MetricValue], str] = lambda value: value.metric,
    first: str = "metric",
) -> Table:
    """Return a row a metric: its value, and its interval where any of them has one."""
    rows = [[shown(value), value.value, interval(value)] for value in values]
    header = [first, "value", f"{100 * level:.4g} % interval"]
    if not any(known(row[2]) for row in rows):
        rows, header = [row[:2] for row in rows], header[:2]
    return Table(title, header, rows)


def interval(value: MetricValue) -> Any:
    """Return ``0.8112 to 0.8473``; None where there is none, or where it tells nothing.

    What depends on the labels alone says what the data are, not how good the network is.
    """
    if value.of_labels or value.interval is None or not known(value.interval[0]):
        return None
    low, high = value.interval
    return Cell(low, f"{written(low)} to {written(high)}")


def class_table(
    values: Iterable[MetricValue],
    task: str,
    metrics: Sequence[str] = (),
    *,
    title: str = "",
    first: str = "",
    shown: Named = str,
) -> Table:
    """Return a row a class or label of a task, with a column a metric: these, or all."""
    found: Dict[str, Dict[str, Any]] = {}
    for value in values:
        if value.task == task and value.of_class is not None:
            found.setdefault(value.of_class, {})[value.metric] = value.value
    there = list(dict.fromkeys(metric for each in found.values() for metric in each))
    columns = [metric for metric in metrics if metric in there] if metrics else there
    rows = [[name, *map(each.get, columns)] for name, each in found.items()]
    return Table(title, [first or task, *map(shown, columns)], rows)


def values_csv(values: Iterable[MetricValue], intervals: bool) -> str:
    """Return lines ``task,metric,class,value``, and ``low,high`` of their intervals."""
    ends = ["low", "high"] if intervals else []
    rows: List[List[Any]] = []
    for value in values:
        bounds = (value.interval or (None, None)) if intervals else ()
        rows.append([value.task, value.metric, value.of_class, value.value, *bounds])
    return csv_text(["task", "metric", "class", "value", *ends], rows)


def values_by_name(values: Iterable[MetricValue]) -> Dict[str, Any]:
    """Return what JSON has of values: by name, null for what is not defined."""
    return {value.name: finite_or_none(value.value) for value in values}


def finite_or_none(value: Any) -> Any:
    """Return a number, or None for what JSON has not."""
    return value if math.isfinite(value) else None


def json_text(data: Any) -> str:
    """Return JSON for people to read: indented, in any script."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
