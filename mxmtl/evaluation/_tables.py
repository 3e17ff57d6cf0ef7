"""An evaluation as tables: for each task its metrics, then those of its classes or labels."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Tuple

from tabulate import tabulate

from ..metrics import ALL_TASKS
from ..tasks import Task

COUNTS = ("num_labels", "num_positive")
# Of these metrics a class has a column in the terminal; the other formats have all.
CLASS_METRICS = (
    "num_labels",
    "num_positive",
    "precision",
    "recall",
    "f1",
    "auroc",
    "average_precision",
)


def tables(evaluation: Any, form: str, every_metric: bool = False) -> str:
    """Return the tables as text; ``form`` is tabulate's name of the format."""
    blocks = [head(evaluation)]
    for task in evaluation.tasks:
        blocks += [title(evaluation, task), metric_table(evaluation, task.name, form)]
        classes = class_table(evaluation, task, form, every_metric)
        blocks += [classes] if classes else []
    together = metric_table(evaluation, ALL_TASKS, form)
    blocks += ["all tasks", together] if together else []
    return "\n\n".join(blocks)


def head(evaluation: Any) -> str:
    """Return the line of what was evaluated on what."""
    skipped = f", {evaluation.skipped} damaged ones left out" if evaluation.skipped else ""
    return f"{evaluation.model} on {evaluation.records}: {evaluation.num_records} records{skipped}"


def title(evaluation: Any, task: Task) -> str:
    """Return a task's line: its type, and what was applied to its predictions."""
    names = f" of {len(task.names)}" if task.names else ""
    parts = [f"{task.name}: {type(task).__name__}{names}"]
    if task.name in evaluation.temperature:
        parts.append(f"temperature {evaluation.temperature[task.name]:.3g}")
    if task.name in evaluation.thresholds:
        levels = evaluation.thresholds[task.name]
        parts.append("tuned thresholds" if len(levels) > 1 else f"threshold {levels[0]:.3g}")
    return ", ".join(parts)


def metric_table(evaluation: Any, owner: str, form: str) -> str:
    """Return one line a metric of a task, or of all tasks: value and interval."""
    rows: List[List[Any]] = []
    for name, value in evaluation.values.items():
        parts = name.split("/", 2)
        if parts[0] == owner and len(parts) == 2:
            rows.append([parts[1], number(parts[1], value), interval(evaluation, name, parts[1])])
            if name in evaluation.worst:
                rows[-1][0] += f" ({evaluation.worst[name]})"
    headers = ["metric", "value", f"{100 * evaluation.level:.4g} % interval"]
    if not any(row[2] for row in rows):
        rows, headers = [row[:2] for row in rows], headers[:2]
    return grid(rows, headers, form) if rows else ""


def class_table(evaluation: Any, task: Task, form: str, every_metric: bool) -> str:
    """Return one line a class or label, one column a metric."""
    values: Dict[Tuple[str, str], float] = {}
    for name, value in evaluation.values.items():
        parts = name.split("/", 2)
        if parts[0] == task.name and len(parts) == 3:
            values[parts[2], parts[1]] = value
    metrics = list(dict.fromkeys(metric for _, metric in values))
    if not every_metric:
        metrics = [metric for metric in CLASS_METRICS if metric in metrics]
    levels = evaluation.thresholds.get(task.name)
    rows = []
    for index, name in enumerate(task.names):
        cells = [number(metric, values[name, metric]) for metric in metrics]
        rows.append([name, *([] if levels is None else [f"{levels[index]:.4f}"]), *cells])
    headers = [task.name, *([] if levels is None else ["threshold"]), *metrics]
    return grid(rows, headers, form) if rows else ""


def grid(rows: List[List[Any]], headers: List[str], form: str) -> str:
    """Return a table of texts: first column to the left, the others to the right."""
    align = ["left", *["right"] * (len(headers) - 1)]
    return tabulate(rows, headers, tablefmt=form, colalign=align, disable_numparse=True)


def number(metric: str, value: float) -> str:
    """Return a value in four decimals, a count as a whole number, nothing where undefined."""
    if math.isnan(value):
        return ""
    return f"{value:.0f}" if metric in COUNTS else f"{value:.4f}"


def interval(evaluation: Any, name: str, metric: str) -> str:
    """Return ``0.8112 to 0.8473``; nothing where there is none."""
    low, high = evaluation.intervals.get(name, (math.nan, math.nan))
    if math.isnan(low) or metric in (*COUNTS, "baseline_accuracy", "baseline_rmse"):
        return ""
    return f"{low:.4f} to {high:.4f}"
