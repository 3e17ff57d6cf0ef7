"""Panels of the page: a figure of matplotlib with its title and its legend."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Dict, List, Mapping, Sequence

from ..metrics import ALL_TASKS, Metric
from . import _draw as draw
from ._figures import DASHES, SERIES, svg
from ._tables import default_values, words, written

Facts = Mapping[str, Any]
PLAIN = "all together"


@dataclass(frozen=True)
class Panel:
    """A figure, what it shows, and what its lines are: (number of the style, name, value)."""

    title: str
    svg: str
    legend: Sequence[Any] = ()
    note: str = ""


def entry(number: int, name: str, value: Any = None) -> Dict[str, Any]:
    """Return a line of a legend; it looks as `draw.style` makes the line."""
    return {
        "color": number % len(SERIES),
        "dash": number % len(DASHES),
        "name": name,
        "value": written(value),
    }


def of_task(task: Facts) -> List[Panel]:
    """Return the panels that a task has."""
    found: List[Panel] = []
    if task.get("ranking", {}).get("curves"):
        found += [ranked(task["ranking"], *kind) for kind in RANKED]
    if task.get("calibration"):
        found.append(calibrated(task["calibration"]))
    if task.get("sweep"):
        found.append(swept(task["sweep"]))
    if task.get("errors"):
        found.append(scattered(task["errors"]))
    return found


RANKED = (
    ("Precision and recall", draw.precision_recall, "average_precision", "average precision"),
    ("ROC", draw.roc, "auroc", "area under the curve"),
)


def ranked(ranking: Facts, title: str, draws: Any, area: str, meaning: str) -> Panel:
    """Draw one kind of curve of the labels that rank worst."""
    curves = ranking["curves"]
    legend = [entry(i, curve["name"] or PLAIN, curve[area]) for i, curve in enumerate(curves)]
    notes = [f"With the {meaning}."]
    if ranking["left_out"]:
        notes.append(f"{ranking['left_out']:,} that rank better are left out.")
    if ranking["undefined"]:
        notes.append(f"{ranking['undefined']:,} have no label of both kinds.")
    return Panel(title, svg(partial(draws, ranking=ranking), title), legend, " ".join(notes))


def calibrated(calibration: Facts) -> Panel:
    """Draw the reliability diagram."""
    figure = svg(partial(draw.reliability, calibration=calibration), "Calibration")
    note = f"Calibration error {written(calibration['error'])}. Larger dots: more labels."
    return Panel("Calibration", figure, (), note)


def swept(sweep: Facts) -> Panel:
    """Draw metrics against the threshold."""
    names = ["accuracy", "precision", "recall", "f1"]
    figure = svg(partial(draw.thresholds, sweep=sweep, names=names), "Metrics by threshold")
    legend = [entry(i, words(name), sweep["chosen"][name]) for i, name in enumerate(names)]
    if len(set(sweep["thresholds"].values())) > 1:
        used = "Level lines: with the tuned threshold of each label."
    else:
        level = written(next(iter(sweep["thresholds"].values())))
        used = f"Upright line: the {'tuned threshold' if sweep['tuned'] else 'threshold'}, {level}."
    return Panel("Thresholds", figure, legend, f"{used} Stars: best single threshold.")


def scattered(errors: Facts) -> Panel:
    """Draw predictions against labels."""
    more = errors["left_out"]
    note = f"{more:,} records are left out, evenly." if more else ""
    figure = svg(partial(draw.answers, errors=errors), "Predictions against labels")
    return Panel("Predictions", figure, (), note)


# -- learning curves -------------------------------------------------------------------------------
def headline(values: Mapping[str, float]) -> str:
    """Return the metric that stands for a task: one with a baseline beside it, or the first."""
    for name in values:
        if name.startswith("baseline_") and name[len("baseline_") :] in values:
            return name[len("baseline_") :]
    known = (
        n for n in values if getattr(Metric.types.get(n), "higher_is_better", None) is not None
    )
    return next(known, "")


def learning(runs: Sequence[Facts], limit: int = 12) -> List[Panel]:
    """Draw the monitored value, then loss and headline of each task, by epoch."""
    names = [run["monitor"] for run in runs]
    tasks = list(dict.fromkeys(task for run in runs for task in run["tasks"]))[:limit]
    for task in tasks:
        values = next(default_values(run, task) for run in runs if task in run["tasks"])
        names += [f"{task}/task_loss", f"{task}/{headline(values)}"]
    panels = (learned(runs, name) for name in dict.fromkeys(names))
    return [panel for panel in panels if panel]


def learned(runs: Sequence[Facts], name: str) -> Any:
    """Draw one value by epoch: training and validation of one run, or a line for each run."""
    lines: List[Any] = []
    legend: List[Dict[str, Any]] = []
    for run in runs:
        for part, said in (("train", "training"), ("val", "validation")):
            points = [(entry["epoch"], (entry[part] or {}).get(name)) for entry in run["history"]]
            last = next((value for _, value in reversed(points) if value is not None), None)
            wanted = len(runs) == 1 or part == "val" or not run["history"][0]["val"]
            if wanted and last is not None:
                legend.append(entry(len(lines), said if len(runs) == 1 else run["name"], last))
                lines.append(points)
    if not lines:
        return None
    task, _, metric = name.partition("/")
    title = f"{words(task)}: {words(metric)}" if task == ALL_TASKS else f"{task}: {words(metric)}"
    figure = svg(partial(draw.epochs, series=lines), f"{title} by epoch")
    return Panel(title, figure, legend)
