"""A report about runs as one HTML page or as Markdown, and a sheet of pictures as a page.

A page is everything in one file, and fetches nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .._progress import progress
from .._table import UNKNOWN, Table, in_markdown, is_number, known, value_of, written
from ..metrics import ALL_TASKS
from . import _run_tables as tables
from ._figures import OwnIds, balancing, headline, learning, task_panels
from ._grid import Picture
from ._network import drawn
from ._pictures import data_uri

FOLDER = Path(__file__).parent / "page"
NOTHING = "No label of this task is known in these records, so there is nothing to measure."
SHADED = 14  # classes of a shaded confusion matrix that is still readable
MATRIX = 12  # classes of one that is written out in Markdown
Facts = Mapping[str, Any]
Pictures = Mapping[tuple[int, int], str | None]


def page(records: Sequence[str], runs: Sequence[Facts], pictures: Pictures) -> str:
    """Return the whole page about runs."""
    script = (FOLDER / "page.js").read_text("utf-8")
    return rendered(
        "page.html",
        **view(records, runs, pictures),
        script=script,
        script_digest=digest(script),
    )


def sheet(title: str, more: Sequence[Table], pictures: Sequence[Picture]) -> str:
    """Return a page of pictures with the lines under them, below tables."""
    shown = [(each, None if each.pixels is None else data_uri(each.pixels)) for each in pictures]
    moods = {True: "good", False: "bad", None: "soft", "plain": ""}
    return rendered("sheet.html", title=title, tables=more, pictures=shown, moods=moods)


def rendered(template: str, **values: Any) -> str:
    """Fill in a template of ours; whatever is no markup of it is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(FOLDER), encoding="utf-8"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.globals.update(written=written, sort_key=sort_key, unknown=UNKNOWN)
    environment.filters["own_ids"] = OwnIds()
    environment.tests["number_cell"] = is_number
    style = (FOLDER / "style.css").read_text("utf-8")
    return environment.get_template(template).render(style=style, **values)


def sort_key(cell: Any) -> str:
    """Return what the page's script sorts a cell by; nothing for what is not known."""
    value = value_of(cell)
    return "" if value is None else str(value).replace("inf", "Infinity")


def digest(script: str) -> str:
    """Return what the page's policy knows its script by: no other one runs."""
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode()


def view(records: Sequence[str], runs: Sequence[Facts], pictures: Pictures) -> dict[str, Any]:
    """Return what the template fills in."""
    names = list(dict.fromkeys(name for run in runs for name in run["tasks"]))
    return {
        "title": ", ".join(run["name"] for run in runs),
        "records": records,
        "summaries": [(run["name"], summary(run)) for run in runs],
        "several": len(runs) > 1,
        "cards": cards(runs),
        "notes": notes(runs),
        "differing": tables.differing(runs) if len(runs) > 1 else None,
        "metrics": overview(runs),
        "gains": tables.gains(runs),
        "learning": [*learning(runs), *(panel for run in runs for panel in balancing(run))],
        "histories": [tables.history(run) for run in runs],
        "tasks": [
            {
                "name": name,
                "runs": [
                    task_view(run, name, number, pictures)
                    for number, run in enumerate(runs)
                    if name in run["tasks"]
                ],
            }
            for name in progress(names, "tasks", what="drawing")
        ],
        "data": data(runs),
        "networks": networks(runs),
        "settings": [
            (title, tables.settings(runs, usual=usual))
            for usual, title in ((False, "Chosen"), (True, "Left at their defaults"))
        ],
        "glossary": tables.glossary(runs),
        "nothing": NOTHING,
    }


def notes(runs: Sequence[Facts]) -> list[str]:
    """Return what is to be known of the values of runs, each once."""
    return list(dict.fromkeys(note for run in runs for note in run.get("notes", ())))


def overview(runs: Sequence[Facts]) -> list[Table]:
    """Return the metrics of several runs side by side, or those of the one that there is."""
    return [tables.side_by_side(runs)] if len(runs) > 1 else single(runs[0])


def single(run: Facts) -> list[Table]:
    """Return the metrics of one run's tasks, and of all of them together."""
    together = tables.all_metrics(run, ALL_TASKS, "All tasks together")
    return [table for table in (*tables.by_task(run), together) if table.rows]


def cards(runs: Sequence[Facts]) -> list[dict[str, Any]]:
    """Return of each task the number that stands for it, its baseline, and how each run does."""
    found = []
    for name in dict.fromkeys(name for run in runs for name in run["tasks"]):
        there = [run for run in runs if name in run["tasks"]]
        task = there[0]["tasks"][name]
        lines = [line for run in there if (line := card_line(run, name))]
        card = {
            "task": name,
            "type": task["type"],
            "labelled": f"{task['labelled']:,} of {task['records']:,}",
            "known": bool(task["labelled"] and lines),
            "lines": lines,
        }
        found.append(
            {**card, "metric": lines[0]["metric"], "baseline": lines[0]["baseline"]}
            if card["known"]
            else card
        )
    return found


def card_line(run: Facts, name: str) -> dict[str, Any] | None:
    """Return what one run has to say on a task's card; None where nothing is known."""
    values = {value.metric: value for value in tables.default_values(run, name)}
    value = headline(list(values.values()))
    baseline = values.get(f"baseline_{value.metric}") if value else None
    if value is None or not known(value.value):
        return None
    level = baseline.value if baseline and known(baseline.value) else None
    ends = value.interval or (value.value, value.value)
    better = value.higher_is_better is not False
    apart = tables.difference(run, value)
    return {
        "run": run["name"],
        "metric": tables.words(value.metric),
        "value": written(value.value),
        "interval": f"{written(ends[0])} to {written(ends[1])}" if value.interval else "",
        "baseline": "" if level is None else written(level),
        "gain": None if level is None else gain(ends, level, better),
        "difference": written(apart) if known(apart) else "",
        "best": value.name in run.get("best_at", ()),
    }


def gain(ends: tuple[float, float], baseline: Any, higher: bool) -> int:
    """Return 1 if all of an interval is better than the baseline, -1 if all is worse, else 0."""
    sides = [(end > baseline) - (end < baseline) for end in ends]
    return (sides[0] if higher else -sides[0]) if sides[0] == sides[1] else 0


def task_view(run: Facts, name: str, number: int, pictures: Pictures) -> dict[str, Any]:
    """Return what one run has to show of one task."""
    task = run["tasks"][name]
    confusion = task.get("confusion", {})
    found = [tables.by_class(run, name)] if task["labelled"] else []
    if "tables" in confusion:
        found.append(tables.decisions(confusion))
    if "cells" in confusion and len(confusion["classes"]) > 2:
        found.append(tables.confused_pairs(confusion))
    if "sweep" in task:
        found.append(tables.chosen_thresholds(task["sweep"]))
        if len(set(task["sweep"]["thresholds"].values())) > 1:
            found.append(tables.label_thresholds(task["sweep"]))
    return {
        "run": run["name"],
        "type": task["type"],
        "labelled": task["labelled"],
        "records": task["records"],
        "all_metrics": tables.all_metrics(run, name),
        "matrix": shaded(confusion) if "cells" in confusion else None,
        "panels": task_panels(task),
        "tables": [table for table in found if table.rows],
        "mistakes": [
            {
                **mistake,
                "picture": pictures.get((number, mistake["row"])),
                "probability": tables.probabilities(mistake),
                "loss": written(mistake["loss"]),
            }
            for mistake in task["mistakes"]
        ],
    }


def data(runs: Sequence[Facts]) -> list[dict[str, Any]]:
    """Return the tables about data, once for runs that learned from the same records."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        key = str((run["train"]["prefix"], list(run["tasks"])))
        same = found.setdefault(
            key,
            {
                "runs": [],
                "train": ", ".join(run["train"]["prefix"]),
                "error": run["train"].get("error", ""),
                "labels": tables.labels_known(run),
                "classes": [tables.class_counts(run, name) for name in run["tasks"]],
            },
        )
        same["runs"].append(run["name"])
    return list(found.values())


def networks(runs: Sequence[Facts]) -> list[dict[str, Any]]:
    """Return the networks, once for runs that have the same."""
    found: dict[str, dict[str, Any]] = {}
    for run in runs:
        key = str((run["network"], run["settings"]["trunk"]))
        found.setdefault(key, {"runs": [], **network(run)})["runs"].append(run["name"])
    return list(found.values())


def network(run: Facts) -> dict[str, Any]:
    """Return the drawing of a network, and its tables."""
    facts = run["network"]
    return {
        "drawing": drawn(facts),
        "parameters": facts["parameters"],
        "trunk_parameters": facts["trunk_parameters"],
        "trunk": run["settings"]["trunk"],
        "tables": [tables.stages(facts), tables.heads(facts)],
    }


def shaded(confusion: Facts) -> dict[str, Any]:
    """Return the matrix of the classes that are confused most: names and rows of cells.

    A cell has its number, its share of the label's records, and whether it is right. ``rest`` is
    what was answered with a class that is not shown.
    """
    names = confusion["classes"]
    counts = np.zeros((len(names), len(names)), np.int64)
    for label, answer, number in confusion["cells"]:
        counts[label, answer] = number
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * np.diag(counts)
    shown = np.sort(np.argsort(-wrong, kind="stable")[:SHADED])
    total = counts.sum(axis=1)
    rows: list[dict[str, Any]] = []
    for i in shown.tolist():
        cells = [
            {
                "number": int(counts[i, j]),
                "share": round(100 * counts[i, j] / total[i], 1) if total[i] else 0.0,
                "right": i == j,
            }
            for j in shown.tolist()
        ]
        rest = int(total[i] - counts[i, shown].sum())
        rows.append({"name": names[i], "cells": cells, "rest": rest, "total": int(total[i])})
    left_out = len(names) - len(shown)
    return {"names": [names[i] for i in shown.tolist()], "rows": rows, "left_out": left_out}


# -- Markdown: the tables --------------------------------------------------------------------------
def markdown(records: Sequence[str], runs: Sequence[Facts]) -> str:
    """Return the whole report."""
    return "\n\n".join(parts(records, runs)) + "\n"


def parts(records: Sequence[str], runs: Sequence[Facts]) -> Iterator[str]:
    """Yield headings, sentences and tables."""
    yield f"# {in_markdown(', '.join(run['name'] for run in runs))}"
    yield f"Evaluated on {in_markdown(', '.join(records))}."
    for run in runs:
        yield f"* {in_markdown(run['name'])}: {in_markdown(summary(run))}"
    yield from (f"* {in_markdown(note)}" for note in notes(runs))
    if len(runs) > 1:
        apart = tables.differing(runs)
        yield from [apart.markdown()] if apart.rows else []
        yield tables.side_by_side(runs).markdown()
    gained = tables.gains(runs)
    yield from [gained.markdown()] if gained.rows else []
    for run in runs:
        yield f"## {in_markdown(run['name'])}"
        yield from (table.markdown() for table in tables.by_task(run))
        together = tables.all_metrics(run, ALL_TASKS, "All tasks together")
        if together.rows:
            yield together.markdown()
        yield tables.history(run).markdown()
        for name in run["tasks"]:
            yield f"### {in_markdown(name)}"
            yield from (table.markdown() for table in written_out(run, name))
            if not run["tasks"][name]["labelled"]:
                yield NOTHING
        yield "### Data"
        if "error" in run["train"]:
            yield f"The training records cannot be read: {in_markdown(run['train']['error'])}"
        yield tables.labels_known(run).markdown()
        yield from (tables.class_counts(run, name).markdown() for name in run["tasks"])
        yield "### Network"
        yield tables.stages(run["network"]).markdown()
        yield tables.heads(run["network"]).markdown()
    yield "## Settings"
    yield tables.settings(runs, usual=False).markdown()
    yield "## What the metrics mean"
    yield replace(tables.glossary(runs), title="").markdown()


def summary(run: Facts) -> str:
    """Say in a sentence what was evaluated."""
    return (
        f"checkpoint {run['checkpoint']} ({run['which']}), epoch {run['epoch']} of "
        f"{len(run['history'])}, {run['evaluated']['records']:,} records, "
        f"{run['network']['parameters']:,} parameters."
    )


def written_out(run: Facts, name: str) -> list[Table]:
    """Return the tables about one task, those that its kind has."""
    task = run["tasks"][name]
    found = [tables.all_metrics(run, name), tables.by_class(run, name)]
    if not task["labelled"]:
        return []
    confusion = task.get("confusion", {})
    if "cells" in confusion:
        if len(confusion["classes"]) <= MATRIX:
            found.append(tables.matrix(confusion))
        found.append(tables.confused_pairs(confusion))
    elif confusion:
        found.append(tables.decisions(confusion))
    if "sweep" in task:
        found.append(tables.chosen_thresholds(task["sweep"]))
        if task["sweep"]["tuned"]:
            found.append(tables.label_thresholds(task["sweep"]))
    if task["mistakes"]:
        found.append(tables.mistakes(task))
    return [table for table in found if table.rows]
