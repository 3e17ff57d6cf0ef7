"""The figures of a page: curves and learning curves as SVG in the page's own colours and fonts.

matplotlib draws with colours that stand for variables of the page's style, so that one figure is
right in light, in dark and on paper; texts stay texts.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from .._table import written
from ..evaluation import of_task
from ..metrics import ALL_TASKS, MetricValue, main_metric, read_values
from ._run_tables import default_values, words

Facts = Mapping[str, Any]
PLOT = "figures need matplotlib", "plot"  # what needs it, and the extra that has it
CONSTANT = "1 is what the best constant answer for the training labels reaches."
ALL_LABELS = "all together"
INK, FAINT = "#010203", "#040506"  # colours that become variables of the page's style
SERIES = tuple(f"#0a0b{number:02x}" for number in range(8))
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1)), (0, (7, 2, 1, 2)))
STYLE: Any = {
    "svg.fonttype": "none",  # text stays text: the reader's fonts draw it
    "svg.hashsalt": "mxmtl",  # the same figure is the same bytes
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.4,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 8.5,
    "lines.linewidth": 1.6,
}
VARIABLES = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    **{color: f"var(--series-{number})" for number, color in enumerate(SERIES)},
}
SIZE = (3.6, 2.6)  # inches
PLACE = (0.15, 0.155, 0.83, 0.82)  # of the axes: left, bottom, width, height


def needed(what: tuple[str, str], *modules: str) -> None:
    """Raise `ImportError`, with the command that installs it, for what is not installed."""
    text, extra = what
    try:
        for name in modules:
            import_module(name)
    except ImportError as error:
        raise ImportError(f'{text}: pip install "mxmtl[{extra}]" ({error})') from error


def svg(draw: Callable[[Any], None], title: str) -> str:
    """Return a figure as an SVG element.

    Parameters
    ----------
    draw : function
        Takes matplotlib axes, and draws on them with `INK`, `FAINT` and `SERIES`.
    title : str
        What the figure shows, for those who do not see it.
    """
    needed(PLOT, "matplotlib.figure")
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=SIZE)
        FigureCanvasSVG(figure)
        draw(figure.add_axes(PLACE))  # fixed: fitting it to its texts takes longer than drawing it
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return inline(stream.getvalue(), title)


class OwnIds:
    """Gives the ids of each figure of a page a number: figures that look alike share theirs."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, text: str) -> str:
        """Return the figure with ids of its own."""
        self._count += 1
        new = rf"\g<1>figure-{self._count}-\g<2>"
        return re.sub(r'((?:\bid|href)="#?|url\(#)([\w-]+)', new, text)


def inline(text: str, title: str) -> str:
    """Make what matplotlib wrote part of a page: no prologue, no ids that nothing refers to."""
    from markupsafe import escape

    body = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    body = re.sub(r"<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([\w-]+)', body))
    body = re.sub(r' id="([^"]*)"', lambda m: m.group(0) if m.group(1) in used else "", body)
    for color, variable in VARIABLES.items():
        body = body.replace(color, variable)
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    view = re.search(r'viewBox="([^"]*)"', body)
    start = body.index(">", body.index("<svg")) + 1
    box = view.group(1) if view else ""
    head = f'<svg viewBox="{box}" role="img" aria-label="{escape(title)}" class="figure">'
    return head + re.sub(r"\s*\n\s*", "\n", body[start:]).strip()


# -- what is drawn ---------------------------------------------------------------------------------
def style(number: int) -> dict[str, Any]:
    """Return colour and dashes of a line, so that it can be told apart without colour."""
    return {
        "color": SERIES[number % len(SERIES)],
        "linestyle": DASHES[number % len(DASHES)],
    }


def lines(axes: Any, series: Sequence[Sequence[Sequence[float]]], x: str, y: str) -> None:
    """Draw one line a series of (x, y)."""
    for number, points in enumerate(series):
        known = [(a, b) for a, b in points if b is not None and math.isfinite(b)]
        marker = "o" if len(known) == 1 else None
        axes.plot(*zip(*known) if known else ([], []), marker=marker, **style(number))
    axes.set(xlabel=x, ylabel=y)


def epochs(axes: Any, series: Sequence[Sequence[Sequence[float]]]) -> None:
    """Draw values by epoch."""
    lines(axes, series, "epoch", "")
    axes.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)


def precision_recall(axes: Any, ranking: Facts) -> None:
    """Draw precision against recall."""
    lines(axes, [curve["pr"] for curve in ranking["curves"]], "recall", "precision")
    square(axes)


def roc(axes: Any, ranking: Facts) -> None:
    """Draw recall against the false positive rate, and chance."""
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    series = [curve["roc"] for curve in ranking["curves"]]
    lines(axes, series, "false positive rate", "recall")
    square(axes)


def reliability(axes: Any, calibration: Facts) -> None:
    """Draw the share that is true against the probability, larger dots for more labels."""
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
    bins = calibration["bins"]
    most = max(part["number"] for part in bins)
    x, y = [part["probability"] for part in bins], [part["true"] for part in bins]
    axes.plot(x, y, color=SERIES[0], linewidth=1)
    sizes = [10 + 90 * part["number"] / most for part in bins]
    axes.scatter(x, y, s=sizes, color=SERIES[0], alpha=0.75, linewidths=0)
    axes.set(xlabel="probability given", ylabel="share that is true")
    square(axes)


def thresholds(axes: Any, sweep: Facts, names: list[str]) -> None:
    """Draw metrics against the threshold, the best and the chosen one marked."""
    rows = sweep["rows"]
    lines(
        axes, [[(row["threshold"], row[name]) for row in rows] for name in names], "threshold", ""
    )
    for number, name in enumerate(names):
        best = next(row for row in rows if row["threshold"] == sweep["best"][name])
        axes.plot(best["threshold"], best[name], "*", color=SERIES[number], markersize=9)
    used = sorted(set(sweep["thresholds"].values()))
    for threshold in used if len(used) == 1 else ():
        axes.axvline(threshold, color=INK, linewidth=0.9)
    for number, name in enumerate(names):
        if len(used) > 1:
            axes.axhline(sweep["chosen"][name], color=SERIES[number], linewidth=0.8)
        else:
            axes.plot(used, [sweep["chosen"][name]], "o", color=SERIES[number], markersize=4.5)
    axes.set(xlim=(-0.02, 1.02))


def answers(axes: Any, errors: Facts) -> None:
    """Draw predictions against labels, and where they would be right."""
    label, prediction = zip(*errors["pairs"])
    ends = [min(*label, *prediction), max(*label, *prediction)]
    axes.plot(ends, ends, color=FAINT, linewidth=1)
    axes.scatter(label, prediction, s=9, color=SERIES[0], alpha=0.55, linewidths=0)
    axes.set(xlabel="label", ylabel="prediction")


def conflicts(axes: Any, names: Sequence[str], cosines: Mapping[tuple[int, int], float]) -> None:
    """Draw how much each two tasks pull together: a square a pair, stronger where it is more."""
    for (i, j), cosine in cosines.items():
        if math.isfinite(cosine):
            cosine = round(cosine, 2) + 0.0  # what is not to be seen is no conflict
            color = SERIES[1 if cosine < 0 else 0]
            strength = 0.12 + 0.7 * min(abs(cosine), 1.0)
            axes.bar(j - 1, 0.94, 0.94, bottom=i - 0.47, color=color, alpha=strength, linewidth=0)
            axes.text(j - 1, i, f"{cosine:+.2f}" if cosine else "0", ha="center", va="center")
    many = len(names) - 1
    axes.set(xlim=(-0.5, many - 0.5), ylim=(many - 0.5, -0.5))
    axes.set_xticks(range(many), names[1:], rotation=30, ha="right")
    axes.set_yticks(range(many), names[:-1])
    axes.tick_params(length=0)
    axes.grid(visible=False)
    axes.set_position((0.24, 0.22, 0.74, 0.75))  # room for names


def square(axes: Any) -> None:
    """Show all of the unit square."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))


# -- panels: a figure with its title and its legend ------------------------------------------------
@dataclass(frozen=True)
class Panel:
    """A figure, what it shows, and what its lines are: (number of the style, name, value)."""

    title: str
    svg: str
    legend: Sequence[Any] = ()
    note: str = ""


def legend_entry(number: int, name: str, value: Any = None) -> dict[str, Any]:
    """Return a line of a legend; it looks as `style` makes the line."""
    return {
        "color": number % len(SERIES),
        "dash": number % len(DASHES),
        "name": name,
        "value": written(value),
    }


def task_panels(task: Facts) -> list[Panel]:
    """Return the panels that a task has."""
    found: list[Panel] = []
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
    ("Precision and recall", precision_recall, "average_precision", "average precision"),
    ("ROC", roc, "auroc", "area under the curve"),
)


def ranked(ranking: Facts, title: str, draws: Any, area: str, meaning: str) -> Panel:
    """Draw one kind of curve of the labels that rank worst."""
    curves = ranking["curves"]
    legend = [
        legend_entry(i, curve["name"] or ALL_LABELS, curve[area]) for i, curve in enumerate(curves)
    ]
    notes = [f"With the {meaning}."]
    if ranking["left_out"]:
        notes.append(f"{ranking['left_out']:,} that rank better are left out.")
    if ranking["undefined"]:
        notes.append(f"{ranking['undefined']:,} have no label of both kinds.")
    return Panel(title, svg(partial(draws, ranking=ranking), title), legend, " ".join(notes))


def calibrated(calibration: Facts) -> Panel:
    """Draw the reliability diagram."""
    figure = svg(partial(reliability, calibration=calibration), "Calibration")
    note = f"Calibration error {written(calibration['error'])}. Larger dots: more labels."
    return Panel("Calibration", figure, (), note)


def swept(sweep: Facts) -> Panel:
    """Draw metrics against the threshold."""
    names = ["accuracy", "precision", "recall", "f1"]
    figure = svg(partial(thresholds, sweep=sweep, names=names), "Metrics by threshold")
    legend = [legend_entry(i, words(name), sweep["chosen"][name]) for i, name in enumerate(names)]
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
    figure = svg(partial(answers, errors=errors), "Predictions against labels")
    return Panel("Predictions", figure, (), note)


# -- learning curves -------------------------------------------------------------------------------
def headline(values: Sequence[MetricValue]) -> MetricValue | None:
    """Return the value that stands for a task; None if none can."""
    name = main_metric([value.metric for value in values])
    return next((value for value in values if value.metric == name), None)


def learning(runs: Sequence[Facts], limit: int = 12) -> list[Panel]:
    """Draw the monitored value, then loss and headline of each task, by epoch."""
    known = {value.name: value for run in runs for value in run["values"]}
    wanted = [
        known.get(run["monitor"]) or read_values({run["monitor"]: math.nan}, ())[0] for run in runs
    ]
    tasks = list(dict.fromkeys(task for run in runs for task in run["tasks"]))[:limit]
    for task in tasks:
        run = next(run for run in runs if task in run["tasks"])
        wanted += [v for v in of_task(run["values"], task) if v.metric == "task_loss"]
        wanted += filter(None, [headline(default_values(run, task))])
    panels = (learned(runs, value) for value in {value.name: value for value in wanted}.values())
    return [panel for panel in panels if panel]


def learned(runs: Sequence[Facts], value: MetricValue) -> Panel | None:
    """Draw one value by epoch: training and validation of one run, or a line for each run."""
    series: list[Any] = []
    legend: list[dict[str, Any]] = []
    for run in runs:
        for part, name in (("train", "training"), ("val", "validation")):
            points = [
                (entry["epoch"], (entry[part] or {}).get(value.name)) for entry in run["history"]
            ]
            last = next((number for _, number in reversed(points) if number is not None), None)
            wanted = len(runs) == 1 or part == "val" or not run["history"][0]["val"]
            if wanted and last is not None:
                label = name if len(runs) == 1 else run["name"]
                legend.append(legend_entry(len(series), label, last))
                series.append(points)
    if not series:
        return None
    whose = words(ALL_TASKS) if value.task == ALL_TASKS else value.task
    title = f"{whose}: {words(value.metric)}" if whose else words(value.metric)
    note = CONSTANT if value.metric == "relative_loss" else ""
    return Panel(title, svg(partial(epochs, series=series), f"{title} by epoch"), legend, note)


# -- how tasks were balanced -----------------------------------------------------------------------
BALANCED = {
    "weight": ("weights of tasks", "Weights of the tasks"),
    "gradient": ("lengths of gradients", "Lengths of the tasks' gradients at the features"),
}


def balancing(run: Facts, limit: int = 8) -> list[Panel]:
    """Draw weights and gradients of the tasks by epoch, and who pulled against each other."""
    history = [(entry["epoch"], entry["balance"]) for entry in run["history"] if "balance" in entry]
    if not history:
        return []
    names, last = list(run["tasks"]), history[-1][1]
    shown = sorted(names, key=lambda name: -abs((last.get(f"weight/{name}") or 0) - 1))[:limit]
    more = "" if len(names) == len(shown) else (
        f" Of {len(names)} tasks, those whose weights are farthest from 1."
    )  # fmt: skip
    panels = []
    for key, (title, what) in BALANCED.items():
        keys = [f"{key}/{name}" for name in shown]
        if keys[0] in last:  # methods by losses know no gradients
            series = [[(epoch, values.get(each)) for epoch, values in history] for each in keys]
            legend = [legend_entry(i, name, last.get(keys[i])) for i, name in enumerate(shown)]
            drawn = svg(partial(epochs, series=series), f"{what} by epoch")
            title = f"{run['name']}: {title}, {run['settings']['balance']}"
            panels.append(Panel(title, drawn, legend, f"{what}, means of an epoch.{more}"))
    return [*panels, *opposed(run, shown, history)]


def opposed(run: Facts, names: list[str], history: Sequence[tuple[int, Facts]]) -> list[Panel]:
    """Draw the conflict matrix: cosines between the gradients of tasks, means of all epochs."""
    cosines: dict[tuple[int, int], float] = {}
    for i, one in enumerate(names):
        for j, other in enumerate(names[i + 1 :], i + 1):
            keys = f"cosine/{one}/{other}", f"cosine/{other}/{one}"
            told = (values.get(key) for _, values in history for key in keys)
            known = [cosine for cosine in told if cosine is not None and math.isfinite(cosine)]
            if known:
                cosines[i, j] = sum(known) / len(known)
    if not cosines:
        return []
    drawn = svg(partial(conflicts, names=names, cosines=cosines), "Conflicts between tasks")
    note = "Cosine of two tasks' gradients at the features; below 0 they pull against each other."
    return [Panel(f"{run['name']}: conflicts between tasks", drawn, (), note)]
