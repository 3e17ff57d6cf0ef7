"""A table of runs: how far each came, what it reached, and the settings in which they differ."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

from .._files import PathLike
from .._table import Table
from ..model import SETTINGS, CheckpointError, best_entry
from ._run_folder import Run
from ._settings import Settings

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


def runs_table(runs: Sequence[Run]) -> Table:
    """Return a row a run: epochs, the best one, the monitored value there; what differs.

    Examples
    --------
    ::

        print(runs_table(find_runs(["runs"])).text())
    """
    settings = [run.settings for run in runs]
    differing = differing_settings([each.to_dict() for each in settings])
    header = ["run", "epochs", "best", "value", "monitor", *differing]
    rows = []
    for run, each in zip(runs, settings):
        told = each.to_dict()
        cells = [setting_text(told[name]) for name in differing]
        rows.append([str(run.folder), *reached(run, each), *cells])
    if "monitor" in differing:
        place = header.index("monitor", 5)
        header, rows = without(header, place), [without(row, place) for row in rows]
    return Table("", header, rows)


def without(cells: list[Any], place: int) -> list[Any]:
    """Return cells without one."""
    return [*cells[:place], *cells[place + 1 :]]


def reached(run: Run, settings: Settings) -> list[Any]:
    """Return finished epochs, the best one, its monitored value, and what that is."""
    try:
        history = run.history
    except CheckpointError:
        history = []
    best = best_entry(history) or {}
    values = best.get("val") or best.get("train") or {}
    done = f"{len(history)} of {settings.num_epochs}"
    return [done, best.get("epoch"), values.get(settings.monitor), settings.monitor]


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
