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

import numpy as np
from protocols import MODELS, PROTOCOLS
from results import HERE, read_log
from tabulate import tabulate

# Test accuracy in percent. Sener & Koltun 2018, table 3 (one run each); Kurin et al. 2022,
# figure 7 (mean of both tasks and 95 % confidence interval over 10 runs).
PUBLISHED = {
    ("sener", "multi_mnist", "left", "left"): "97.23",
    ("sener", "multi_mnist", "right", "right"): "95.90",
    ("sener", "multi_mnist", "both", "left"): "96.46",
    ("sener", "multi_mnist", "both", "right"): "94.99",
    ("kurin", "multi_mnist", "both", "mean"): "94.76 ± 0.44",
}
NAMES = {"left": "left alone", "right": "right alone", "both": "both, equal weights"}
COLUMNS = 2  # panels of curves side by side
STEEP = 4  # epochs at the beginning, whose curves may leave a panel at its lower edge
BEGIN, END = "<!-- table -->", "<!-- end of table -->"
Row = dict[str, Any]
Group = tuple[str, str, int, int]  # protocol, dataset, epochs, images


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


def grouped(rows: list[Row]) -> dict[Group, dict[str, list[Row]]]:
    """Sort finished runs into {group: {model: runs}}; those that tuned are left out."""
    groups: dict[Group, dict[str, list[Row]]] = {}
    for row in rows:
        if not row["tune"]:
            key = (row["protocol"], row["dataset"], row["epochs"], row["images"])
            groups.setdefault(key, {}).setdefault(row["model"], []).append(row)
    return groups


def accuracies(runs: list[Row], model: str) -> dict[str, list[float]]:
    """Return the test accuracies in percent of each task, and their mean if there are several."""
    found = {task: [100 * run[f"test/{task}/accuracy"] for run in runs] for task in MODELS[model]}
    if len(found) > 1:
        found["mean"] = list(np.mean(list(found.values()), axis=0))
    return found


def table(groups: dict[Group, dict[str, list[Row]]]) -> str:
    """Return a markdown table, a row for each task of each model."""
    lines = []
    for (protocol, dataset, epochs, images), models in groups.items():
        for model in [name for name in MODELS if name in models]:
            for task, values in accuracies(models[model], model).items():
                mean, half = interval(values)
                ours = f"{mean:.2f}" + ("" if np.isnan(half) else f" ± {half:.2f}")
                published = PUBLISHED.get((protocol, dataset, model, task), "")
                where = [PROTOCOLS[protocol].paper, dataset, NAMES[model], task]
                scale = f"{epochs}" + (f" of {images} pictures" if images else "")
                lines.append([*where, ours, published, len(values), scale])
    headers = ["protocol", "data", "trained", "task", "ours, test %", "published", "seeds"]
    return tabulate(lines, [*headers, "epochs"], tablefmt="github", disable_numparse=True)


def tuned(rows: list[Row]) -> str:
    """Return a markdown table of the learning rates that were compared on validation pictures."""
    lines = []
    for row in rows:
        if row["tune"]:
            values = [100 * row[f"val/{task}/accuracy"] for task in MODELS[row["model"]]]
            found = " / ".join(f"{value:.2f}" for value in values)
            lines.append([row["protocol"], row["model"], row["lr"], row["epochs"], found])
    headers = ["protocol", "trained", "learning rate", "epochs", "validation %"]
    return tabulate(lines, headers, tablefmt="github", disable_numparse=True)


def curves(groups: dict[Group, dict[str, list[Row]]], path: Path) -> None:
    """Draw test accuracy over epochs, mean and range over seeds, a panel for each group."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shape = (-(-len(groups) // COLUMNS), min(len(groups), COLUMNS))
    figure = Figure(figsize=(5 * shape[1], 3.6 * shape[0]), constrained_layout=True)
    FigureCanvasAgg(figure)
    panels = figure.subplots(*shape, squeeze=False).flat
    for panel, ((protocol, dataset, _, _), models) in zip(panels, groups.items()):
        low = 100.0
        for model, runs in models.items():
            for task in MODELS[model]:
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


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--log", type=Path, default=HERE / "results.jsonl")
    parser.add_argument("--write", type=Path, nargs="+", default=[], help="markdown files")
    parser.add_argument("--curves", type=Path, help="draw learning curves into this picture")
    arguments = parser.parse_args()

    rows = read_log(arguments.log)
    groups = grouped(rows)
    print(table(groups))
    if any(row["tune"] for row in rows):
        print("\n" + tuned(rows))
    for path in arguments.write:
        head, _, rest = path.read_text("utf-8").partition(BEGIN)
        _, end, tail = rest.partition(END)
        if not end:
            raise SystemExit(f"{path} has no lines {BEGIN!r} and {END!r} to put the table between.")
        text = f"{head}{BEGIN}\n{table(groups)}\n{END}{tail}"
        path.write_text(text, encoding="utf-8")
    if arguments.curves:
        curves(groups, arguments.curves)


if __name__ == "__main__":
    main()
