"""Whether records hold the labels that a network was trained for."""

from __future__ import annotations

from typing import Any, Tuple

from ...tasks import Task, TaskSet
from ._files_of import Prefixes, record_files, tasks_of


def record_tasks(records: Prefixes, tasks: TaskSet) -> TaskSet:
    """Return the tasks to read the records with: those beside them, or the network's.

    What tasks weigh and how they are smoothed is a matter of training; layout and meaning of the
    labels must be the same. Raises `ValueError` naming the first task that differs.
    """
    try:
        beside = tasks_of(records, None)
    except FileNotFoundError:
        return tasks
    ours, theirs = map(layout, tasks), map(layout, beside)
    for wanted, found in zip(ours, theirs):
        if wanted != found:
            raise ValueError(
                f"{record_files(records)[0]}: written for other tasks. The network has "
                f"{say(wanted)}, the records have {say(found)}."
            )
    if len(tasks) != len(beside):
        raise ValueError(
            f"{record_files(records)[0]}: written for other tasks. The network has {tasks.names}, "
            f"the records have {beside.names}."
        )
    return beside


Layout = Tuple[str, str, Tuple[str, ...], Tuple[str, ...]]


def layout(task: Task) -> Layout:
    """Return what decides how a task's labels are read."""
    return type(task).__name__, task.name, task.columns, task.names


def say(described: Layout) -> Any:
    """Name a task and its classes or labels."""
    kind, name, _, names = described
    return f"{kind} {name!r}" + (f" with {list(names)}" if names else "")
