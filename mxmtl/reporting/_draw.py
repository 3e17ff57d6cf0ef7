"""What each figure of a report draws, from the report's own figures."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Sequence

from ._figures import DASHES, FAINT, INK, SERIES

Facts = Mapping[str, Any]


def style(number: int) -> Dict[str, Any]:
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


def thresholds(axes: Any, sweep: Facts, names: List[str]) -> None:
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


def square(axes: Any) -> None:
    """Show all of the unit square."""
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
