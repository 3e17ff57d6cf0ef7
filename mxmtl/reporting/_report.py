"""Values of metrics as a table: one row a task."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Dict, Iterable, List, Mapping, Tuple, Union

from .._files import PathLike, atomic_write
from .._table import Table
from ..evaluation import (
    class_table,
    json_text,
    metric_table,
    task_tables,
    values_by_name,
    values_csv,
)
from ..metrics import MetricValue, read_values
from ..tasks import TaskSet

Values = Union[Mapping[str, float], Iterable[Tuple[str, float]]]


def report(values: Values, tasks: TaskSet) -> "Report":
    """Make a table of metric values, one row a task.

    Parameters
    ----------
    values : list of (name, value), or mapping
        As ``module.score`` and ``metric.get_name_value()`` return them; names read
        ``<task>/<metric>`` or ``<task>/<metric>/<class>``, others are about all tasks together.
    tasks : TaskSet
        Gives the order of the rows.

    Returns
    -------
    Report
        Prints as text; has `markdown`, `json`, `csv` and `save`.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Binary("indoors")])
    >>> values = {"outdoors/num_labels": 40, "outdoors/accuracy": 0.925,
    ...           "indoors/num_labels": 0, "indoors/accuracy": float("nan")}
    >>> print(mxmtl.report(values, tasks))
    task        num_labels    accuracy
    --------  ------------  ----------
    outdoors            40      0.9250
    indoors              0           -
    """
    pairs = list(values.items() if isinstance(values, Mapping) else values)
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"values named {twice} come more than once; metric names must differ.")
    found = read_values({name: float(value) for name, value in pairs}, tasks)
    # What is of no single task stands under its whole name.
    return Report(
        [v if v.task in tasks.names else replace(v, task=None, metric=v.name) for v in found],
        tasks,
    )


@dataclass(frozen=True)
class Report:
    """Metric values, and the tasks that they are about. Made by `report`."""

    metrics: List[MetricValue]
    tasks: TaskSet

    @property
    def values(self) -> Dict[str, float]:
        """All values by name."""
        return {value.name: value.value for value in self.metrics}

    def __str__(self) -> str:
        return "\n\n".join(table.text() for table in self._tables())

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return "\n\n".join(table.markdown() for table in self._tables())

    def json(self) -> str:
        """Return the values by name as JSON; nan, which JSON has not, is null."""
        return json_text(values_by_name(self.metrics))

    def csv(self) -> str:
        """Return lines ``task,metric,class,value``; cells that do not apply are empty."""
        return values_csv(self.metrics, intervals=False)

    def save(self, path: PathLike) -> None:
        """Write the report as its ending says: ``.md``, ``.json``, ``.csv`` or ``.txt``."""
        ending = os.path.splitext(os.fspath(path))[1]
        forms = {".md": self.markdown, ".json": self.json, ".csv": self.csv, ".txt": self.__str__}
        if ending not in forms:
            raise ValueError(f"{os.fspath(path)}: a report ends in one of {list(forms)}.")
        with atomic_write(path) as stream:
            stream.write((forms[ending]().rstrip("\n") + "\n").encode("utf-8"))

    def _tables(self) -> List[Table]:
        names = self.tasks.names
        together = [value for value in self.metrics if value.task is None]
        return [
            *task_tables(self.metrics, names),
            *(table for name in names if (table := class_table(self.metrics, name)).rows),
            *([metric_table(together, first="all tasks")] if together else []),
        ]
