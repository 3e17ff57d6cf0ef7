"""How good a trained network is: values, what is behind them, and how sure they are."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .._files import PathLike, atomic_write
from .._table import Table, in_markdown, one_line, written
from ..metrics import ALL_TASKS, MetricValue
from ..tasks import Task, TaskSet
from ._metric_tables import (
    CLASS_METRICS,
    class_table,
    finite_or_none,
    json_text,
    metric_table,
    of_task,
    values_by_name,
    values_csv,
)
from ._options import FORMATS

ENDINGS = {".txt": "text", ".md": "md", ".json": "json", ".csv": "csv"}


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

    @property
    def values(self) -> Dict[str, float]:
        """By name: ``<task>/<metric>``, ``<task>/<metric>/<class>``, ``all_tasks/<metric>``."""
        return {value.name: value.value for value in self.metrics}

    @property
    def intervals(self) -> Dict[str, Tuple[float, float]]:
        """Bounds of some or all of the values, by the same names."""
        return {value.name: value.interval for value in self.metrics if value.interval is not None}

    def __str__(self) -> str:
        blocks = [self._head()]
        for title, tables in self._tables(CLASS_METRICS):
            blocks += [one_line(title), *(table.text() for table in tables)]
        return "\n\n".join(blocks)

    def markdown(self) -> str:
        """Return the tables in Markdown, with all metrics of each class."""
        blocks = [in_markdown(self._head())]
        for title, tables in self._tables():
            blocks += [in_markdown(title), *(table.markdown() for table in tables)]
        return "\n\n".join(blocks)

    def json(self) -> str:
        """Return all of it as JSON; nan, which JSON has not, is null."""
        intervals = {name: [*map(finite_or_none, pair)] for name, pair in self.intervals.items()}
        return json_text(
            {
                "model": self.model,
                "records": self.records,
                "num_records": self.num_records,
                "skipped": self.skipped,
                "level": self.level,
                "temperature": dict(self.temperature),
                "thresholds": {name: list(levels) for name, levels in self.thresholds.items()},
                "worst": dict(self.worst),
                "values": values_by_name(self.metrics),
                "intervals": intervals,
            }
        )

    def csv(self) -> str:
        """Return lines ``task,metric,class,value,low,high``; what does not apply is empty."""
        return values_csv(self.metrics, intervals=True)

    def text(self, form: str = "text") -> str:
        """Return it in one of `FORMATS`."""
        made: Any = {"text": self.__str__, "md": self.markdown, "json": self.json, "csv": self.csv}
        if form not in made:
            raise ValueError(f"format {form!r} is not one of {FORMATS}.")
        return str(made[form]())

    def save(self, path: PathLike, form: Optional[str] = None) -> None:
        """Write it as told, or as the ending says: ``.txt``, ``.md``, ``.json`` or ``.csv``."""
        text = self.text(form_of(path, form))
        with atomic_write(path) as stream:
            stream.write((text.rstrip("\n") + "\n").encode("utf-8"))

    def _head(self) -> str:
        skipped = f", {self.skipped} damaged ones left out" if self.skipped else ""
        return f"{self.model} on {self.records}: {self.num_records} records{skipped}"

    def _tables(self, class_metrics: Sequence[str] = ()) -> List[Tuple[str, List[Table]]]:
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


def form_of(path: PathLike, form: Optional[str] = None) -> str:
    """Return the format to write a file in: as told, or as its ending says."""
    ending = os.path.splitext(os.fspath(path))[1]
    if form is None and ending not in ENDINGS:
        raise ValueError(f"{os.fspath(path)}: an evaluation ends in one of {list(ENDINGS)}.")
    return form or ENDINGS[ending]
