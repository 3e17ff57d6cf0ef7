"""The HTML page: everything in one file, nothing fetched."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

from ..metrics import ALL_TASKS, Metric
from . import _panels as panels
from . import _tables as tables
from . import _task_tables as task_tables
from ._figures import OwnIds
from ._markdown import NOTHING, summary
from ._matrix import heat
from ._network_view import drawn

FOLDER = Path(__file__).parent / "page"
Facts = Mapping[str, Any]
Pictures = Mapping[Tuple[int, int], Optional[str]]


def page(facts: Facts, pictures: Pictures) -> str:
    """Return the whole page."""
    import jinja2

    loader = jinja2.FileSystemLoader(str(FOLDER), encoding="utf-8")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.globals.update(written=tables.written, value_of=tables.value_of)
    environment.filters["own_ids"] = OwnIds()
    environment.tests["number_cell"] = tables.is_number
    style, script = ((FOLDER / name).read_text("utf-8") for name in ("style.css", "page.js"))
    return environment.get_template("page.html").render(
        **view(facts, pictures), style=style, script=script, script_digest=digest(script)
    )


def digest(script: str) -> str:
    """Return what the page's policy knows its script by: no other one runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()


def view(facts: Facts, pictures: Pictures) -> Dict[str, Any]:
    """Return what the template fills in."""
    runs = facts["runs"]
    names = list(dict.fromkeys(name for run in runs for name in run["tasks"]))
    return {
        "title": ", ".join(run["name"] for run in runs),
        "records": facts["records"],
        "summaries": [(run["name"], summary(run)) for run in runs],
        "several": len(runs) > 1,
        "cards": cards(runs[0]) if len(runs) == 1 else [],
        "metrics": [tables.side_by_side(runs)] if len(runs) > 1 else single(runs[0]),
        "learning": panels.learning(runs),
        "histories": [task_tables.history(run) for run in runs],
        "tasks": [
            {
                "name": name,
                "runs": [
                    of_task(run, name, number, pictures)
                    for number, run in enumerate(runs)
                    if name in run["tasks"]
                ],
            }
            for name in names
        ],
        "data": data(runs),
        "networks": [(run["name"], network(run)) for run in runs],
        "settings": [
            (title, task_tables.settings(runs, usual=usual))
            for usual, title in ((False, "Chosen"), (True, "Left at their defaults"))
        ],
        "nothing": NOTHING,
    }


def single(run: Facts) -> List[tables.Table]:
    """Return the metrics of one run's tasks, and of all of them together."""
    found = tables.by_task(run)
    together = tables.all_metrics(run, ALL_TASKS)
    return [*found, replace(together, title="All tasks together")] if together.rows else found


def cards(run: Facts) -> List[Dict[str, Any]]:
    """Return of each task the one number that stands for it, and its baseline."""
    found = []
    for name, task in run["tasks"].items():
        values = tables.default_values(run, name)
        metric = panels.headline(values)
        value, baseline = values.get(metric), values.get(f"baseline_{metric}")
        known = bool(task["labelled"]) and value is not None and baseline is not None
        ends = run["intervals"].get(f"{name}/{metric}", (value, value))
        higher = getattr(Metric.types.get(metric), "higher_is_better", True)
        found.append(
            {
                "task": name,
                "type": task["type"],
                "metric": tables.words(metric),
                "value": tables.written(tables.metric_value(metric, value)),
                "baseline": tables.written(tables.metric_value(metric, baseline)),
                "gain": gain(ends, baseline, higher) if known else 0,
                "known": known,
                "labelled": f"{task['labelled']:,} of {task['records']:,}",
            }
        )
    return found


def gain(ends: Tuple[float, float], baseline: Any, higher: bool) -> int:
    """Return 1 if all of an interval is better than the baseline, -1 if all is worse, else 0."""
    sides = [(end > baseline) - (end < baseline) for end in ends]
    return (sides[0] if higher else -sides[0]) if sides[0] == sides[1] else 0


def of_task(run: Facts, name: str, number: int, pictures: Pictures) -> Dict[str, Any]:
    """Return what one run has to show of one task."""
    task = run["tasks"][name]
    confusion = task.get("confusion", {})
    found = [tables.by_class(run, name)] if task["labelled"] else []
    if "tables" in confusion:
        found.append(task_tables.decisions(confusion))
    if "cells" in confusion and len(confusion["classes"]) > 2:
        found.append(task_tables.confused_pairs(confusion))
    if "sweep" in task:
        found.append(task_tables.chosen_thresholds(task["sweep"]))
        if len(set(task["sweep"]["thresholds"].values())) > 1:
            found.append(task_tables.label_thresholds(task["sweep"]))
    return {
        "run": run["name"],
        "type": task["type"],
        "labelled": task["labelled"],
        "records": task["records"],
        "all_metrics": tables.all_metrics(run, name),
        "matrix": heat(confusion) if "cells" in confusion else None,
        "panels": panels.of_task(task),
        "tables": [table for table in found if table and table.rows],
        "mistakes": [
            {
                **mistake,
                "picture": pictures.get((number, mistake["row"])),
                "said": task_tables.probabilities(mistake),
                "loss": tables.written(mistake["loss"]),
            }
            for mistake in task["mistakes"]
        ],
    }


def data(runs: List[Facts]) -> List[Dict[str, Any]]:
    """Return the tables about data, once for runs that learned from the same records."""
    found: Dict[str, Dict[str, Any]] = {}
    for run in runs:
        key = str((run["train"]["prefix"], list(run["tasks"])))
        known = found.setdefault(
            key,
            {
                "runs": [],
                "train": ", ".join(run["train"]["prefix"]),
                "error": run["train"].get("error", ""),
                "labels": task_tables.labels_known(run),
                "classes": [task_tables.class_counts(run, name) for name in run["tasks"]],
            },
        )
        known["runs"].append(run["name"])
    return list(found.values())


def network(run: Facts) -> Dict[str, Any]:
    """Return the drawing of a network, and its tables."""
    facts = run["network"]
    return {
        "drawing": drawn(facts),
        "parameters": facts["parameters"],
        "trunk_parameters": facts["trunk_parameters"],
        "trunk": run["settings"]["trunk"],
        "tables": [task_tables.stages(facts), task_tables.heads(facts)],
    }
