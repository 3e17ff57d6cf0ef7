"""The log of results beside the published figures, and the learning curves.

    cd examples/multi_mnist
    python table.py                                              # prints the table
    python table.py --write README.md --curves curves.png        # and puts it where it stands

Means and 95 % confidence intervals (Student's t) are over the seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mxmtl.balance import balance_of

import numpy as np
from protocols import MODELS, PROTOCOLS
from results import HERE, read_log
from tabulate import tabulate

# Test accuracy in percent of MultiMNIST. Sener & Koltun 2018, table 3 (one run each); Kurin et al.
# 2022, figure 7 (mean of both tasks and 95 % confidence interval over 10 runs).
PUBLISHED = {
    "sener": {
        ("left", "equal"): {"left": "97.23"},
        ("right", "equal"): {"right": "95.90"},
        ("both", "equal"): {"left": "96.46", "right": "94.99"},
        ("both", "uncertainty"): {"left": "96.47", "right": "95.29"},
        ("both", "gradnorm"): {"left": "96.27", "right": "94.84"},
        ("both", "mgda(normalize='loss+')"): {"left": "97.26", "right": "95.90"},
    },
    "kurin": {
        ("both", "equal"): {"mean": "94.76 ± 0.44"},
        ("both", "imtl_g"): {"mean": "94.87 ± 0.25"},
        ("both", "mgda(normalize='loss+')"): {"mean": "94.78 ± 0.20"},
        ("both", "pcgrad"): {"mean": "94.79 ± 0.36"},
        ("both", "random(draw='dirichlet')"): {"mean": "94.30 ± 0.30"},
        ("both", "random"): {"mean": "93.99 ± 0.89"},
    },
}
NAMES = {"left": "left alone", "right": "right alone", "both": "both, equal weights"}
COLUMNS = 2  # panels of curves side by side
STEEP = 4  # epochs at the beginning, whose curves may leave a panel at its lower edge
TASKS = ("left", "right", "mean")  # columns
Row = dict[str, Any]
Group = tuple[str, str, int, int]  # protocol, dataset, epochs, images
Way = tuple[str, str]  # what was trained, and how its tasks were balanced
EQUAL = "equal"


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return mean and half width of the 95 % confidence interval of the mean.

    >>> mean, half = interval([1.0, 2.0, 3.0])
    >>> round(mean, 3), round(half, 3)
    (2.0, 2.484)
    """
    from scipy.stats import t

    count = len(values)
    if count < 2:
        return float(np.mean(values)), float("nan")
    spread = np.std(values, ddof=1) / np.sqrt(count)
    return float(np.mean(values)), float(t.ppf(0.975, count - 1) * spread)


def way_of(row: Row) -> Way:
    """Return what was trained in a run, and how; the first runs of the log were not balanced."""
    return row["model"], str(balance_of(row.get("balance", EQUAL)) or EQUAL)


def named(way: Way) -> str:
    """Return what a way is called in a table."""
    model, balance = way
    return NAMES[model] if balance == EQUAL else f"{model}, {balance}"


def grouped(rows: list[Row]) -> dict[Group, dict[Way, list[Row]]]:
    """Sort finished runs into {group: {way: runs}}; those that tuned are left out."""
    groups: dict[Group, dict[Way, list[Row]]] = {}
    for row in sorted(rows, key=lambda row: list(MODELS).index(row["model"])):
        if not row["tune"]:
            key = (row["protocol"], row["dataset"], row["epochs"], row["images"])
            groups.setdefault(key, {}).setdefault(way_of(row), []).append(row)
    return groups


def accuracies(runs: list[Row], model: str) -> dict[str, list[float]]:
    """Return the test accuracies in percent of each task, and their mean if there are several."""
    found = {task: [100 * run[f"test/{task}/accuracy"] for run in runs] for task in MODELS[model]}
    if len(found) > 1:
        found["mean"] = list(np.mean(list(found.values()), axis=0))
    return found


def longest(groups: dict[Group, dict[Way, list[Row]]]) -> dict[Group, dict[Way, list[Row]]]:
    """Return of each protocol and data set the runs of most epochs; others stay in the log."""
    last = {group[:2]: group for group in sorted(groups, key=lambda group: group[2])}
    return {group: ways for group, ways in groups.items() if group in last.values()}


def table(groups: dict[Group, dict[Way, list[Row]]]) -> str:
    """Return a markdown table, a row for each way to train."""
    lines = []
    for (protocol, dataset, epochs, images), ways in groups.items():
        published = PUBLISHED[protocol] if dataset == "multi_mnist" else {}
        for way, runs in ways.items():
            ours = accuracies(runs, way[0])
            shown = [written(ours[task]) if task in ours else "" for task in TASKS]
            theirs = " / ".join(published.get(way, {}).values())
            scale = f"{epochs}" + (f" of {images} pictures" if images else "")
            where = [PROTOCOLS[protocol].paper, dataset, named(way)]
            lines.append([*where, *shown, theirs, len(runs), scale])
    headers = ["protocol", "data", "trained", *TASKS, "published", "seeds", "epochs"]
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


def written(values: Sequence[float], sign: str = "") -> str:
    """Write a mean and its interval."""
    mean, half = interval(values)
    return f"{mean:{sign}.2f}" + ("" if np.isnan(half) else f" ± {half:.2f}")


def methods(groups: dict[Group, dict[Way, list[Row]]]) -> str:
    """Return a markdown table of each way of balancing less equal weights, of the same seeds.

    Without such ways it is empty.
    """
    lines = []
    for (protocol, dataset, epochs, _), ways in groups.items():
        plain = {run["seed"]: run for run in ways.get(("both", EQUAL), [])}
        for way, runs in ways.items():
            same = [run for run in runs if run["seed"] in plain]
            if way[1] != EQUAL and same:
                ours = accuracies(same, "both")
                equal = accuracies([plain[run["seed"]] for run in same], "both")
                apart = [written(np.subtract(ours[task], equal[task]), "+") for task in ours]
                where = [PROTOCOLS[protocol].paper, dataset, way[1]]
                lines.append([*where, *apart, len(same), epochs])
    headers = ["protocol", "data", "balance", *TASKS, "seeds", "epochs"]
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True) if lines else ""


def tuned(rows: list[Row]) -> str:
    """Return a markdown table of the learning rates that were compared, if any were."""
    lines = []
    for row in rows:
        if row["tune"]:
            values = [100 * row[f"val/{task}/accuracy"] for task in MODELS[row["model"]]]
            found = " / ".join(f"{value:.2f}" for value in values)
            lines.append([row["protocol"], named(way_of(row)), row["lr"], row["epochs"], found])
    headers = ["protocol", "trained", "learning rate", "epochs", "validation %"]
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True) if lines else ""


def curves(groups: dict[Group, dict[Way, list[Row]]], path: Path) -> None:
    """Draw test accuracy over epochs, mean and range over seeds."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shape = (-(-len(groups) // COLUMNS), min(len(groups), COLUMNS))
    figure = Figure(figsize=(5 * shape[1], 3.6 * shape[0]), constrained_layout=True)
    FigureCanvasAgg(figure)
    panels = figure.subplots(*shape, squeeze=False).flat
    for ((protocol, dataset, _, _), ways), panel in zip(groups.items(), panels):
        low = 100.0
        for (model, balance), runs in ways.items():
            for task in MODELS[model] if balance == EQUAL else ():  # methods lie on each other
                name = f"test/{task}/accuracy"
                lines = 100 * np.array([run["curves"][name] for run in runs])
                epoch = np.arange(1, lines.shape[1] + 1)
                style = "-" if model == "both" else "--"
                color = "tab:blue" if task == "left" else "tab:orange"
                label = f"{task}, {'both trained' if model == 'both' else 'alone'}"
                panel.plot(epoch, lines.mean(axis=0), style, color=color, label=label)
                panel.fill_between(epoch, lines.min(0), lines.max(0), color=color, alpha=0.15)
                low = min(low, lines[:, STEEP:].min(initial=low))
        panel.set(title=f"{PROTOCOLS[protocol].paper}, {dataset}", xlabel="epoch")
        panel.set(ylabel="test accuracy, %", ylim=(5 * (low // 5), None))
        panel.grid(alpha=0.3)
        panel.legend(fontsize=8)
    for panel in panels:
        panel.axis("off")
    figure.savefig(path, dpi=100)


def put(text: str, name: str, found: str) -> str:
    r"""Put a table between the lines of its name, if a text has them.

    >>> put("a <!-- b --> old <!-- end of b --> c", "b", "new")
    'a <!-- b -->\nnew\n<!-- end of b --> c'
    """
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, mark, rest = text.partition(begin)
    return f"{head}{begin}\n{found}\n{end}{rest.partition(end)[2]}" if mark else text


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--log", type=Path, default=HERE / "results.jsonl")
    parser.add_argument("--write", type=Path, nargs="+", default=[], help="markdown files")
    parser.add_argument("--curves", type=Path, help="draw learning curves into this picture")
    arguments = parser.parse_args()

    rows = read_log(arguments.log)
    groups = longest(grouped(rows))
    tables = {"table": table(groups), "less equal": methods(groups), "tuned": tuned(rows)}
    print("\n\n".join(f"{name}:\n\n{found}" for name, found in tables.items() if found))
    for path in arguments.write:
        text = path.read_text("utf-8")
        for name, found in tables.items():
            text = put(text, name, found)
        path.write_text(text, encoding="utf-8")
    if arguments.curves:
        curves(groups, arguments.curves)


if __name__ == "__main__":
    main()
