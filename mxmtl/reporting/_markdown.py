"""A report as Markdown: its tables."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Iterator, List, Mapping

from ..metrics import ALL_TASKS
from . import _tables as tables
from . import _task_tables as task_tables
from ._tables import in_markdown

Facts = Mapping[str, Any]
NOTHING = "No label of this task is known in these records, so there is nothing to measure."
MATRIX = 12  # classes of a confusion matrix that is written out


def markdown(facts: Facts) -> str:
    """Return the whole report."""
    return "\n\n".join(parts(facts)) + "\n"


def parts(facts: Facts) -> Iterator[str]:
    """Yield headings, sentences and tables."""
    runs = facts["runs"]
    yield f"# {in_markdown(', '.join(run['name'] for run in runs))}"
    yield f"Evaluated on {in_markdown(', '.join(facts['records']))}."
    for run in runs:
        yield f"* {in_markdown(run['name'])}: {in_markdown(summary(run))}"
    if len(runs) > 1:
        yield tables.side_by_side(runs).markdown()
    for run in runs:
        yield f"## {in_markdown(run['name'])}"
        yield from (table.markdown() for table in tables.by_task(run))
        together = tables.all_metrics(run, ALL_TASKS)
        if together.rows:
            yield replace(together, title="All tasks together").markdown()
        yield task_tables.history(run).markdown()
        for name in run["tasks"]:
            yield f"### {in_markdown(name)}"
            yield from (table.markdown() for table in of_task(run, name))
            if not run["tasks"][name]["labelled"]:
                yield NOTHING
        yield "### Data"
        if "error" in run["train"]:
            yield f"The training records cannot be read: {in_markdown(run['train']['error'])}"
        yield task_tables.labels_known(run).markdown()
        yield from (task_tables.class_counts(run, name).markdown() for name in run["tasks"])
        yield "### Network"
        yield task_tables.stages(run["network"]).markdown()
        yield task_tables.heads(run["network"]).markdown()
    yield "## Settings"
    yield task_tables.settings(runs, usual=False).markdown()


def summary(run: Facts) -> str:
    """Say in a sentence what was evaluated."""
    return (
        f"checkpoint {run['checkpoint']} ({run['which']}), epoch {run['epoch']} of "
        f"{len(run['history'])}, {run['evaluated']['records']:,} records, "
        f"{run['network']['parameters']:,} parameters."
    )


def of_task(run: Facts, name: str) -> List[tables.Table]:
    """Return the tables about one task, those that its kind has."""
    task = run["tasks"][name]
    found = [tables.all_metrics(run, name), tables.by_class(run, name)]
    if not task["labelled"]:
        return []
    confusion = task.get("confusion", {})
    if "cells" in confusion:
        if len(confusion["classes"]) <= MATRIX:
            found.append(matrix(confusion))
        found.append(task_tables.confused_pairs(confusion))
    elif confusion:
        found.append(task_tables.decisions(confusion))
    if "sweep" in task:
        found.append(task_tables.chosen_thresholds(task["sweep"]))
        if task["sweep"]["tuned"]:
            found.append(task_tables.label_thresholds(task["sweep"]))
    if task["mistakes"]:
        found.append(task_tables.mistakes(task))
    return [table for table in found if table and table.rows]


def matrix(confusion: Facts) -> tables.Table:
    """Return a confusion matrix, labels down and answers across."""
    names = confusion["classes"]
    counts = [[0] * len(names) for _ in names]
    for label, answer, count in confusion["cells"]:
        counts[label][answer] = count
    rows = [[name, *row] for name, row in zip(names, counts)]
    return tables.Table("Labels (down) and predictions (across)", ["label", *names], rows)
