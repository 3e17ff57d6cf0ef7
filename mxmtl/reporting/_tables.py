"""Tables of a report, for the page and for Markdown alike."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from tabulate import tabulate

from ..evaluation import CLASS_METRICS as CLASS_METRICS
from ..evaluation import COUNTS
from ..metrics import ALL_TASKS, Metric

SHOWN = 24  # rows of a table of classes; the JSON has all of them
Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Cell:
    """A value of a table that needs more than itself: how it is written, whether it is best."""

    value: Any
    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Rows under a header; the first column names the rows.

    Attributes
    ----------
    title : str
        What it shows.
    header : list of str
        Names of the columns.
    rows : list of list
        Texts, whole numbers, other numbers (four digits are shown), None, or `Cell`.
    note : str
        What was left out.
    """

    title: str
    header: List[str]
    rows: List[List[Any]]
    note: str = ""

    def markdown(self) -> str:
        """Return it in Markdown."""
        rows = [[in_markdown(cell) for cell in row] for row in self.rows]
        header = [in_markdown(name) for name in self.header]
        numbers = [all(is_number(row[i]) for row in self.rows) for i in range(len(self.header))]
        align = ["right" if number and self.rows else "left" for number in numbers]
        text = tabulate(rows, header, tablefmt="pipe", colalign=align, disable_numparse=True)
        return "\n\n".join(
            part for part in (f"**{in_markdown(self.title)}**", text, self.note) if part
        )


def written(cell: Any) -> str:
    """Return a cell's text: four digits of a real number, nothing for one that is none."""
    if isinstance(cell, Cell):
        return cell.text
    if cell is None or (isinstance(cell, float) and not math.isfinite(cell)):
        return ""
    if isinstance(cell, float):
        return f"{cell:.4f}" if 1e-3 <= abs(cell) < 1e5 or not cell else f"{cell:.3g}"
    return f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else str(cell)


def value_of(cell: Any) -> Any:
    """Return what a cell is sorted by."""
    return cell.value if isinstance(cell, Cell) else cell


def is_number(cell: Any) -> bool:
    """Tell whether a cell stands with the numbers; an empty one may."""
    value = value_of(cell)
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def in_markdown(cell: Any) -> str:
    """Return a cell as Markdown text, in which nothing is markup but what is best."""
    text = written(cell)
    for sign in "\\`*_[]<>|#$~!&":
        text = text.replace(sign, "\\" + sign)
    text = " ".join(text.split())
    return f"**{text}**" if isinstance(cell, Cell) and cell.best else text


def limited(
    rows: List[Any], key: Callable[[Any], Any], what: str, limit: int = SHOWN
) -> Tuple[List[Any], str]:
    """Return the first rows by a key, in their old order, and a note on how many were left out."""
    if len(rows) <= limit:
        return rows, ""
    chosen = sorted(range(len(rows)), key=lambda index: key(rows[index]))[:limit]
    note = f"{len(rows) - limit:,} of {len(rows):,} left out: these are {what}. The JSON has all."
    return [rows[index] for index in sorted(chosen)], note


# -- metrics ---------------------------------------------------------------------------------------
def split_name(name: str) -> List[str]:
    """Return task, metric and class of a value's name; a class may hold a slash, or be ''."""
    return (name.split("/", 2) + [""])[:3]


def values_of(run: Facts, task: str) -> Dict[str, float]:
    """Return the metrics of one task (or of ``all_tasks``) as a whole, by metric."""
    parts = ((split_name(name), value) for name, value in run["metrics"].items())
    return {metric: value for (of, metric, of_class), value in parts if of == task and not of_class}


def default_values(run: Facts, task: str) -> Dict[str, float]:
    """Return the metrics that stand for a task, by metric."""
    values = values_of(run, task)
    if task not in run["tasks"]:
        return values
    return {name: values[name] for name in run["tasks"][task]["default_metrics"]}


def metric_value(metric: str, value: Optional[float]) -> Any:
    """Return a value as a table has it: counts whole, nan empty."""
    if value is None or not math.isfinite(value):
        return None
    return int(value) if metric in COUNTS else float(value)


def by_task(run: Facts) -> List[Table]:
    """Return a row a task; tasks with the same metrics share a table."""
    groups: Dict[Tuple[str, ...], List[List[Any]]] = {}
    for task in run["tasks"]:
        values = default_values(run, task)
        row = [task, *(metric_value(metric, value) for metric, value in values.items())]
        kind = run["tasks"][task]["type"]
        groups.setdefault((kind, *values), []).append(row)
    return [
        Table(f"{kind} tasks", ["task", *map(words, metrics)], rows)
        for (kind, *metrics), rows in groups.items()
    ]


def side_by_side(runs: Sequence[Facts]) -> Table:
    """Return a row a metric of each task, a column a run; the best values are marked."""
    tasks = list(dict.fromkeys(task for run in runs for task in run["tasks"]))
    rows = []
    for task in [*tasks, ALL_TASKS]:
        found = [default_values(run, task) for run in runs]
        for metric in dict.fromkeys(metric for values in found for metric in values):
            cells = [metric_value(metric, values.get(metric)) for values in found]
            rows.append([words(task), words(metric), *marked(metric, cells)])
    return Table("Side by side", ["task", "metric", *(run["name"] for run in runs)], rows)


def marked(metric: str, cells: List[Any]) -> List[Any]:
    """Mark the best values of a metric, where there is a best one and not all are."""
    measured = metric.replace("worst_", "").replace("_by_num_labels", "")
    higher = getattr(Metric.types.get(measured), "higher_is_better", None)
    known = [cell for cell in cells if cell is not None]
    if higher is None or metric.startswith("baseline") or len(set(known)) < 2:
        return cells
    best = max(known) if higher else min(known)
    return [Cell(cell, written(cell), best=True) if cell == best else cell for cell in cells]


def all_metrics(run: Facts, task: str) -> Table:
    """Return a row a metric of one task, or of all tasks, with its interval."""
    rows = []
    for metric, value in values_of(run, task).items():
        ends = run["intervals"].get(f"{task}/{metric}", (None, None))
        ends = (None, None) if metric in COUNTS else ends
        rows.append([words(metric), *(metric_value(metric, v) for v in (value, *ends))])
    percent = f"{100 * run['level']:.4g} %"
    header = ["metric", "value", f"{percent}: from", "to"]
    if not run["intervals"]:
        rows, header = [row[:2] for row in rows], header[:2]
    return Table("All metrics", header, rows)


def by_class(run: Facts, task: str) -> Optional[Table]:
    """Return a row a class or label of one task, the worst ones where they are many."""
    values: Dict[str, Dict[str, float]] = {}
    for name, value in run["metrics"].items():
        of, metric, of_class = split_name(name)
        if of == task and of_class:
            values.setdefault(of_class, {})[metric] = value
    if not values:
        return None
    found = {metric for each in values.values() for metric in each}
    metrics = [metric for metric in CLASS_METRICS if metric in found]
    rows = [
        [name, *(metric_value(m, each.get(m)) for m in metrics)] for name, each in values.items()
    ]
    column = metrics.index("f1") + 1
    rows, note = limited(rows, lambda row: worst_first(row[column]), "those with the lowest F1")
    return Table("By class", ["class", *map(words, metrics)], rows, note)


def worst_first(value: Any) -> Tuple[bool, float]:
    """Sort low values first, and what is not known last."""
    return value is None, value or 0.0


def words(metric: str) -> str:
    """Return the name of a metric as people write it."""
    text = metric.replace("num_", "").replace("_", " ")
    return re.sub(r"\b(auroc|f1|mae|r2|rmse)\b", lambda m: m.group().upper(), text)
