"""How good a trained network is: values, what is behind them, and how sure they are; as tables.

Evaluations, `mxmtl.report` and reports about runs all show values of metrics in the same tables.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from .._files import PathLike, atomic_write, json_text
from .._options import ByName, one_of
from .._table import Cell, Table, csv_text, in_markdown, known, one_line, written
from ..metrics import ALL_TASKS, MetricValue, interval_of
from ..tasks import Task, TaskSet
from ._options import FORMATS

ENDINGS = {".txt": "text", ".md": "md", ".json": "json", ".csv": "csv"}
Named = Callable[[str], str]  # how the name of a metric is shown
# Two constant answers, which may not be the same: said where both stand.
CONSTANTS = (
    "relative_loss is beside the best constant answer for the training labels (if the model knows "
    "it), baseline_... is what the best one for these labels reaches."
)
# Of these metrics a class has a column where there is little room.
CLASS_METRICS = (
    "num_labels",
    "num_positive",
    "precision",
    "recall",
    "f1",
    "auroc",
    "average_precision",
)


@dataclass(frozen=True)
class Evaluation:
    """Metric values of a model on records; made by `evaluate`. Prints as text.

    Attributes
    ----------
    tasks : TaskSet
        What was predicted.
    metrics : list of MetricValue
        All values, with what each is of; nan where nothing is labelled.
    level : float
        Share of the resampled values within their intervals.
    num_records, skipped : int
        Rows that were predicted, and damaged ones that were left out.
    thresholds, temperature : dict
        By task: what was applied; 0.5 and 1 where there is none.
    worst : dict of str to str
        Whose value the worst over tasks is.
    model, records : str
        What was evaluated on what.
    notes : list of str
        What makes the values better than they are, as where thresholds were tuned on the records.
    drawn : ndarray (draws, values), optional
        The values of each draw, in the order of ``metrics``.
    """

    tasks: TaskSet
    metrics: Sequence[MetricValue]
    level: float
    num_records: int
    skipped: int = 0
    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    worst: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    records: str = ""
    notes: Sequence[str] = ()
    drawn: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def values(self) -> dict[str, float]:
        """By name: ``<task>/<metric>``, ``<task>/<metric>/<class>``, ``all_tasks/<metric>``."""
        return ByName({value.name: value.value for value in self.metrics})

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """Bounds of some or all of the values, by the same names."""
        return ByName({v.name: v.interval for v in self.metrics if v.interval is not None})

    def __str__(self) -> str:
        blocks = ["\n".join([self._head(), *self.notes])]
        for title, tables in self._tables(CLASS_METRICS):
            blocks += [one_line(title), *(table.text() for table in tables)]
        return "\n\n".join([*blocks, *self._constants()])

    def markdown(self) -> str:
        """Return the tables in Markdown, with all metrics of each class."""
        blocks = [in_markdown(self._head()), *map(in_markdown, self.notes)]
        for title, tables in self._tables():
            blocks += [in_markdown(title), *(table.markdown() for table in tables)]
        return "\n\n".join([*blocks, *map(in_markdown, self._constants())])

    def json(self) -> str:
        """Return all of it as JSON; nan, which JSON has not, is null."""
        return json_text(
            {
                "model": self.model,
                "records": self.records,
                "num_records": self.num_records,
                "skipped": self.skipped,
                "notes": list(self.notes),
                "level": self.level,
                "temperature": dict(self.temperature),
                "thresholds": {name: list(levels) for name, levels in self.thresholds.items()},
                "worst": dict(self.worst),
                "values": self.values,
                "intervals": self.intervals,
            },
            indent=2,
        )

    def csv(self, safe_cells: bool = False) -> str:
        """Return lines ``task,metric,class,value,low,high``; what does not apply is empty.

        ``safe_cells`` puts an apostrophe before names that a spreadsheet would run.
        """
        return values_csv(self.metrics, intervals=True, safe_cells=safe_cells)

    def text(self, form: str = "text", safe_cells: bool = False) -> str:
        """Return it in one of `FORMATS`; ``safe_cells`` as `csv` takes it."""
        made: Any = {"text": self.__str__, "md": self.markdown, "json": self.json}
        made["csv"] = functools.partial(self.csv, safe_cells)
        if form not in made:
            raise ValueError(f"format {form!r} is not {one_of(form, FORMATS)}.")
        return str(made[form]())

    def save(self, path: PathLike, form: str | None = None, *, safe_cells: bool = False) -> None:
        """Write it as told, or as the ending says: ``.txt``, ``.md``, ``.json`` or ``.csv``."""
        text = self.text(form_of(path, form), safe_cells)
        with atomic_write(path) as stream:
            stream.write((text.rstrip("\n") + "\n").encode("utf-8"))

    def _constants(self) -> list[str]:
        """Say which constant answers values are beside, where there are two kinds."""
        names = [value.metric for value in self.metrics if known(value.value)]
        both = "relative_loss" in names and any(name.startswith("baseline_") for name in names)
        return [CONSTANTS] if both else []

    def _head(self) -> str:
        skipped = f", {self.skipped} damaged ones left out" if self.skipped else ""
        return f"{self.model} on {self.records}: {self.num_records} records{skipped}"

    def _tables(self, class_metrics: Sequence[str] = ()) -> list[tuple[str, list[Table]]]:
        """Return a title and its tables for each task, and for all of them together."""
        parts = []
        for task in self.tasks:
            tables = [metric_table(of_task(self.metrics, task.name), self.level)]
            classes = class_table(self.metrics, task.name, class_metrics)
            tables += [self._with_thresholds(classes, task)] if classes.rows else []
            parts.append((self._title(task), tables))
        together = of_task(self.metrics, ALL_TASKS)
        if together:
            parts.append(("all tasks", [metric_table(together, self.level, shown=self._of_whom)]))
        return parts

    def _title(self, task: Task) -> str:
        """Return a task's line: its type, and what was applied to its predictions."""
        names = f" of {len(task.names)}" if task.names else ""
        parts = [f"{task.name}: {type(task).__name__}{names}"]
        if task.name in self.temperature:
            parts.append(f"temperature {self.temperature[task.name]:.3g}")
        if getattr(task, "offsets", None) is not None:
            parts.append("adjusted to balanced classes")
        if task.name in self.thresholds:
            levels = self.thresholds[task.name]
            parts.append("tuned thresholds" if len(levels) > 1 else f"threshold {levels[0]:.3g}")
        return ", ".join(parts)

    def _with_thresholds(self, table: Table, task: Task) -> Table:
        levels = self.thresholds.get(task.name)
        if levels is None:
            return table
        by_name = dict(zip(task.names, levels))
        rows = [[name, written(float(by_name[name])), *cells] for name, *cells in table.rows]
        first, *others = table.header
        return Table(table.title, [first, "threshold", *others], rows, table.note)

    def _of_whom(self, value: MetricValue) -> str:
        whose = f" ({self.worst[value.name]})" if value.name in self.worst else ""
        return value.metric + whose


class Difference(NamedTuple):
    """How much more one value is than another, and the interval of that; nan where not known."""

    value: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether 0 is outside of the interval."""
        return self.low > 0 or self.high < 0


def differences(one: Evaluation, other: Evaluation) -> dict[str, Difference]:
    """Return how much more values of ``other`` are than those of ``one``, by name.

    Both are of the same rows, so that each draw has the same rows of both: what makes a row
    difficult for both of them does not widen the interval.
    """
    places = {value.name: place for place, value in enumerate(one.metrics)}
    pairs = [(places[v.name], place) for place, v in enumerate(other.metrics) if v.name in places]
    before, now = (list(part) for part in zip(*pairs)) if pairs else ([], [])
    values = np.array([other.metrics[b].value - one.metrics[a].value for a, b in pairs])
    bounds = np.full((len(pairs), 2), np.nan)
    if one.drawn is not None and other.drawn is not None:
        bounds = interval_of(values, other.drawn[:, now] - one.drawn[:, before], one.level)
    names = [other.metrics[place].name for place in now]
    return {n: Difference(*row) for n, *row in zip(names, values.tolist(), *bounds.T.tolist())}


def form_of(path: PathLike, form: str | None = None) -> str:
    """Return the format to write a file in: as told, or as its ending says."""
    ending = os.path.splitext(os.fspath(path))[1]
    if form is None and ending not in ENDINGS:
        raise ValueError(f"{os.fspath(path)}: an evaluation ends in one of {list(ENDINGS)}.")
    return form or ENDINGS[ending]


# -- values as tables: a row a task, a metric, or a class; as JSON and CSV too ---------------------
def of_task(values: Iterable[MetricValue], task: str) -> list[MetricValue]:
    """Return the values of a task, or of ``"all_tasks"``, as a whole: none of its classes'."""
    return [value for value in values if value.task == task and value.of_class is None]


def task_tables(
    values: Sequence[MetricValue],
    tasks: Iterable[str],
    title: Callable[[str], str] = lambda task: "",
    shown: Named = str,
) -> list[Table]:
    """Return a row a task; those with the same metrics and title share a table."""
    groups: dict[tuple[str, ...], list[list[Any]]] = {}
    for task in tasks:
        found = of_task(values, task)
        if found:
            key = (title(task), *(value.metric for value in found))
            groups.setdefault(key, []).append([task, *(value.value for value in found)])
    return [
        Table(name, ["task", *map(shown, metrics)], rows)
        for (name, *metrics), rows in groups.items()
    ]


def metric_table(
    values: Sequence[MetricValue],
    level: float = 0.95,
    title: str = "",
    shown: Callable[[MetricValue], str] = lambda value: value.metric,
    first: str = "metric",
) -> Table:
    """Return a row a metric: its value, and its interval where any of them has one."""
    rows = [[shown(value), value.value, interval(value)] for value in values]
    header = [first, "value", f"{100 * level:.4g} % interval"]
    if not any(known(row[2]) for row in rows):
        rows, header = [row[:2] for row in rows], header[:2]
    return Table(title, header, rows)


def interval(value: MetricValue) -> Any:
    """Return ``0.8112 to 0.8473``; None where there is none, or where it tells nothing.

    What depends on the labels alone says what the data are, not how good the network is.
    """
    if value.of_labels or value.interval is None or not known(value.interval[0]):
        return None
    low, high = value.interval
    return Cell(low, f"{written(low)} to {written(high)}")


def class_table(
    values: Iterable[MetricValue],
    task: str,
    metrics: Sequence[str] = (),
    *,
    title: str = "",
    first: str = "",
    shown: Named = str,
) -> Table:
    """Return a row a class or label of a task, with a column a metric: these, or all."""
    found: dict[str, dict[str, Any]] = {}
    for value in values:
        if value.task == task and value.of_class is not None:
            found.setdefault(value.of_class, {})[value.metric] = value.value
    there = list(dict.fromkeys(metric for each in found.values() for metric in each))
    columns = [metric for metric in metrics if metric in there] if metrics else there
    rows = [[name, *map(each.get, columns)] for name, each in found.items()]
    return Table(title, [first or task, *map(shown, columns)], rows)


def values_csv(values: Iterable[MetricValue], intervals: bool, safe_cells: bool = False) -> str:
    """Return lines ``task,metric,class,value``, and ``low,high`` of their intervals."""
    ends = ["low", "high"] if intervals else []
    rows: list[list[Any]] = []
    for value in values:
        bounds = (value.interval or (None, None)) if intervals else ()
        rows.append([value.task, value.metric, value.of_class, value.value, *bounds])
    return csv_text(["task", "metric", "class", "value", *ends], rows, safe_cells)
