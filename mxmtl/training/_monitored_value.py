"""The metrics of a run, and the one value of theirs that says which epoch is best."""

from __future__ import annotations

import math
from typing import Any, Dict

from ..metrics import MeanOverTasks, Metric, Suite, WorstTask
from ..tasks import TaskSet

ACROSS = "all_tasks/"


def make_suite(tasks: TaskSet, monitor: str) -> Suite:
    """Return the default metrics of all tasks, and the monitored one if it is none of them.

    Raises `ValueError` if there is no such metric, or the tasks have none of that kind, and for
    a task whose name stands for all of them.
    """
    if ACROSS[:-1] in tasks and len(tasks) > 1:
        raise ValueError(
            f"a task is called {ACROSS[:-1]!r}, which stands for the mean over all tasks in names "
            f"of values such as {ACROSS}task_loss. Give it another name in the table, and convert "
            "it again."
        )
    suite: Suite = tasks.metrics()
    if monitor not in suite.names:
        suite.add(_make_metric(tasks, monitor))
        suite.reset()  # shares statistics from here on
    direction(suite, monitor)
    return suite


def direction(suite: Suite, name: str) -> bool:
    """Tell whether higher is better for a value of a suite; `ValueError` if neither is."""
    for metric in suite.metrics:
        if isinstance(metric, Metric) and name in metric.names:
            if metric.higher_is_better is None:
                raise ValueError(f"monitor={name!r}: neither more nor less of it is better.")
            return metric.higher_is_better
    raise ValueError(f"monitor={name!r} is not one of {suite.names}.")


def _make_metric(tasks: TaskSet, name: str) -> Metric:
    owner, _, kind = name.partition("/")
    worst = owner == ACROSS[:-1] and kind.startswith("worst_")
    kind = kind[len("worst_") :] if worst else kind
    made = Metric.types.get(kind)
    if made is None or not (owner in tasks or owner == ACROSS[:-1]):
        raise ValueError(
            f"monitor={name!r}: expected TASK/METRIC, all_tasks/METRIC or all_tasks/worst_METRIC, "
            f"TASK one of {tasks.names}, METRIC one of {sorted(Metric.types)}."
        )
    if owner in tasks:
        return made(tasks[owner])  # type: ignore[no-any-return]
    parts = []
    for task in tasks:
        try:
            parts.append(made(task))
        except (TypeError, ValueError):
            continue  # a metric of another kind of task
    if not parts:
        raise ValueError(f"monitor={name!r}: none of the tasks {tasks.names} has {kind!r}.")
    return WorstTask(parts, name=name) if worst else MeanOverTasks(parts, by="weight", name=name)


def monitored(entry: Dict[str, Any], name: str) -> float:
    """Return a value of an epoch: of its validation, or of training where there is none."""
    values = entry["val"] or entry["train"]
    value = values.get(name)
    return math.nan if value is None else float(value)
