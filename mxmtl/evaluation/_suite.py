"""Which metrics an evaluation has: all that tell something of their own."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from ..metrics import (
    AbstractDecision,
    ExactMatch,
    MeanOverTasks,
    Metric,
    Suite,
    WorstTask,
    metric_named,
)
from ..tasks import Task, TaskSet

Thresholds = Mapping[str, Sequence[float]]
# Each of these says what another says, or is a table.
LEFT_OUT = ("f_beta", "hamming_loss", "mse", "confusion_matrix")
ACROSS = ("accuracy", "f1", "task_loss")  # of these there is a value over all tasks
WIDE = 5  # classes: with no more, the right one is always among the first five


def evaluation_suite(tasks: TaskSet, thresholds: Mapping[str, Sequence[float]] = {}) -> Suite:
    """Make the suite of all metrics, of each task, of each class, and over all tasks.

    Thresholds, by task, go into every metric of decisions of that task.
    """
    metrics: List[Metric] = []
    for task in tasks:
        metrics += task_metrics(task, thresholds)
    return Suite(tasks, [*metrics, *across(tasks, thresholds)])


def task_metrics(task: Task, thresholds: Thresholds) -> List[Metric]:
    """Return a task's metrics: its default ones first, then the others, then those of classes."""
    names = [
        name
        for name in task.kind.metrics
        if name not in LEFT_OUT and not (name == "top_k_accuracy" and task.num_outputs <= WIDE)
    ]
    counts = [name for name in names if Metric.types[name].unit == "count"]
    ordered = list(dict.fromkeys([*counts, *task.default_metrics, *names]))
    whole = [make(name, task, thresholds) for name in ordered]
    if not task.names:
        return whole
    single = [name for name in ordered if "none" in Metric.types[name].averages[task.kind]]
    return [*whole, *(make(name, task, thresholds, average="none") for name in single)]


def make(name: str, task: Task, thresholds: Thresholds, **options: Any) -> Metric:
    """Make a metric, with the task's thresholds if it takes decisions."""
    if task.name in thresholds and issubclass(Metric.types[name], AbstractDecision):
        options["threshold"] = thresholds[task.name]
    return metric_named(name, task, **options)


def across(tasks: TaskSet, thresholds: Thresholds) -> List[Metric]:
    """Return the values over all tasks; none where there is one task."""
    if len(tasks) == 1:
        return []
    metrics: List[Metric] = []
    for name in ACROSS:
        parts = [make(name, task, thresholds) for task in tasks if name in task.kind.metrics]
        if len(parts) > 1:
            start = f"all_tasks/{name}"
            metrics += [
                MeanOverTasks(parts, by="weight", name=start),
                MeanOverTasks(parts, by="num_labels", name=f"{start}_by_num_labels"),
                WorstTask(parts, name=f"all_tasks/worst_{name}"),
            ]
    matched = [task for task in tasks if task.kind in ExactMatch.kinds]
    if matched:
        metrics.append(ExactMatch(tasks, threshold=matching(matched, thresholds)))
    return metrics


def matching(tasks: Sequence[Task], thresholds: Thresholds) -> Dict[str, Sequence[float]]:
    """Return the thresholds of these tasks alone."""
    return {task.name: thresholds[task.name] for task in tasks if task.name in thresholds}
