"""A table of runs: how far each came, what it reached, and the settings in which they differ."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._files import PathLike
from .._table import Table, written
from ..metrics import ALL_TASKS
from ..model import SETTINGS, CheckpointError, best_entry
from ..tasks import TaskSet
from ._records import mark_of
from ._run_folder import Run
from ._settings import Settings, load_noted
from ._single_tasks import SINGLE_TASKS

ALIKE = (
    "These runs weigh their tasks differently: in means over all tasks each task counts alike here."
)
OTHERS = (
    "These runs were validated on different records, so their values do not compare; mxmtl report "
    "of them measures all on the same."
)
NOT_SAID = ("begin", "threads", "gpus", "logs", "keep", "kvstore")  # what comes out is the same


def find_runs(folders: Iterable[PathLike]) -> list[Run]:
    """Return the runs that folders are, or have in them, in order.

    Raises `FileNotFoundError` for a folder that neither is a run nor has one in it.
    """
    found: list[Run] = []
    for folder in folders:
        runs = sorted(place for place, _, files in os.walk(folder) if SETTINGS in files)
        if not runs:
            raise FileNotFoundError(f"{folder}: no run, and none in it. mxmtl train makes one.")
        found += [Run(run) for run in runs]
    return found


def runs_in(folder: PathLike) -> list[Run]:
    """Return the run that a folder is, or the runs in it, without the single tasks of each.

    Raises `FileNotFoundError` where there is none.
    """
    if os.path.exists(os.path.join(folder, SETTINGS)):
        return [Run(folder)]
    return [run for run in find_runs([folder]) if SINGLE_TASKS not in run.folder.parts]


def runs_table(runs: Sequence[Run]) -> Table:
    """Return a row a run: epochs, the best one, the monitored value there; what differs.

    Examples
    --------
    ::

        print(runs_table(find_runs(["runs"])).text())
    """
    settings = [run.settings for run in runs]
    over_all = [r for r, s in zip(runs, settings) if s.monitor.startswith(f"{ALL_TASKS}/")]
    apart = weighed_apart([run.tasks for run in over_all])
    differing = differing_settings([each.to_dict() for each in settings])
    header = ["run", "finished", "best", "value", "monitor", *differing]
    rows, changed = [], False
    for run, each in zip(runs, settings):
        told = each.to_dict()
        cells = [setting_text(told[name]) for name in differing]
        own = reached(run, each)
        found = reached(run, each, alike=True) if apart and run in over_all else own
        changed |= written(found[2]) != written(own[2])
        rows.append([str(run.folder), *found, *cells])
    if "monitor" in differing:
        place = header.index("monitor", 5)
        header, rows = without(header, place), [without(row, place) for row in rows]
    notes = [OTHERS] if len({validated_on(run) for run in runs}) > 1 else []
    notes += [ALIKE] if changed else []
    return Table("", header, rows, " ".join([*notes, *doubts_of(runs)]))


def weighed_apart(runs: Iterable[TaskSet]) -> bool:
    """Tell whether a task has another weight in one run than in another.

    >>> import mxmtl
    >>> one, other = (mxmtl.TaskSet([mxmtl.Binary("a", weight=w)]) for w in (1, 5))
    >>> weighed_apart([one, one]), weighed_apart([one, other])
    (False, True)
    """
    told = {(task.name, task.weight) for tasks in runs for task in tasks}
    return len(told) > len({name for name, _ in told})


def alike(values: Mapping[str, float | None], tasks: TaskSet) -> dict[str, float | None]:
    """Return an epoch's values with means over tasks in which each task counts alike.

    None is the mean of a metric of which the epoch has not the values of all tasks that have it.

    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("a", weight=0), mxmtl.Binary("b")])
    >>> alike({"a/f1": 0.5, "b/f1": 1.0, "all_tasks/f1": 1.0}, tasks)["all_tasks/f1"]
    0.75
    """
    made = dict(values)
    for name in values:
        whose, _, metric = name.partition("/")
        parts = [f"{task.name}/{metric}" for task in tasks if metric in task.kind.metrics]
        if whose == ALL_TASKS and parts:
            known = [value for part in parts if (value := values.get(part)) is not None]
            there = known and all(part in values for part in parts)
            made[name] = sum(known) / len(known) if there else None
    return made


def history_alike(run: Run) -> list[dict[str, Any]]:
    """Return a run's history with the values of `alike`."""
    tasks = run.tasks
    return [
        {**entry, **{part: alike(entry[part] or {}, tasks) for part in ("train", "val")}}
        for entry in run.history
    ]


def without(cells: list[Any], place: int) -> list[Any]:
    """Return cells without one."""
    return [*cells[:place], *cells[place + 1 :]]


def reached(run: Run, settings: Settings, alike: bool = False) -> list[Any]:
    """Return finished epochs, the best one, its monitored value, and what that is.

    ``alike`` has each task count alike in means over tasks.
    """
    try:
        history = history_alike(run) if alike else run.history
    except CheckpointError:
        history = []
    best = best_entry(history) or {}
    values = best.get("val") or best.get("train") or {}
    done = f"{len(history)} of {settings.num_epochs}"
    return [done, best.get("epoch"), values.get(settings.monitor), settings.monitor]


def validated_on(run: Run) -> str:
    """Return a mark of the records that a run was validated on, by what was noted of them."""
    noted = load_noted(run.folder / SETTINGS)[0].get("val") or {}
    files = [mark_of(file) for file in noted.get("files", [])]
    return json.dumps(files or run.records[1])


def doubts_of(runs: Iterable[Run]) -> list[str]:
    """Return which files of best checkpoints are missing; of a run without any it is shown."""
    found = []
    for run in runs:
        with contextlib.suppress(CheckpointError):
            found.append(run.doubt)
    return [doubt for doubt in found if doubt]


def differing_settings(told: Sequence[dict[str, Any]]) -> list[str]:
    """Return the names of settings that are not the same in all runs, those of tasks first."""
    names = [name for name in told[0] if name not in NOT_SAID] if told else []
    return [
        name for name in names
        if len({json.dumps(each.get(name), sort_keys=True) for each in told}) > 1
    ]  # fmt: skip


def setting_text(value: Any) -> str:
    """Write a setting.

    >>> setting_text({"type": "RandomZoom", "least": 0.8}), setting_text({"ink": 0.01})
    ('RandomZoom(least=0.8)', 'ink=0.01')
    """
    if isinstance(value, str):
        return value or "none"
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_text, value)) or "none"
    if isinstance(value, dict):
        parts = dict(value)
        kind = parts.pop("type", "")
        text = ", ".join(f"{name}={setting_text(part)}" for name, part in parts.items())
        return f"{kind}({text})" if kind else text or "none"
    return str(value)
