"""Values of metrics as a table: one row a task."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from dataclasses import dataclass
from typing import Any, Dict, Iterable, List, Mapping, Tuple, Union

from tabulate import tabulate

from .._files import PathLike, atomic_write
from ..tasks import TaskSet

Values = Union[Mapping[str, float], Iterable[Tuple[str, float]]]
COUNTS = ("num_labels",)  # whole numbers among the metrics


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
    indoors              0
    """
    pairs = list(values.items() if isinstance(values, Mapping) else values)
    names = [name for name, _ in pairs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"values named {twice} come more than once; metric names must differ.")
    return Report({name: float(value) for name, value in pairs}, tasks)


@dataclass(frozen=True)
class Report:
    """Metric values by name, and the tasks that they are about. Made by `report`."""

    values: Dict[str, float]
    tasks: TaskSet

    def __str__(self) -> str:
        return self._tables("simple")

    def markdown(self) -> str:
        """Return the tables in Markdown."""
        return self._tables("github")

    def json(self) -> str:
        """Return the values by name as JSON; nan, which JSON has not, is null."""
        known = {
            name: value if math.isfinite(value) else None for name, value in self.values.items()
        }
        return json.dumps(known, indent=2, ensure_ascii=False)

    def csv(self) -> str:
        """Return lines ``task,metric,class,value``; cells that do not apply are empty."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["task", "metric", "class", "value"])
        for name, value in self.values.items():
            writer.writerow([*self._parts(name), "" if math.isnan(value) else repr(value)])
        return stream.getvalue()

    def save(self, path: PathLike) -> None:
        """Write the report as its ending says: ``.md``, ``.json``, ``.csv`` or ``.txt``."""
        ending = os.path.splitext(os.fspath(path))[1]
        forms = {".md": self.markdown, ".json": self.json, ".csv": self.csv, ".txt": self.__str__}
        if ending not in forms:
            raise ValueError(f"{os.fspath(path)}: a report ends in one of {list(forms)}.")
        with atomic_write(path) as stream:
            stream.write((forms[ending]().rstrip("\n") + "\n").encode("utf-8"))

    def _parts(self, name: str) -> Tuple[str, str, str]:
        # A class name may hold a slash; task and metric names do not.
        task, _, rest = name.partition("/")
        if task not in self.tasks.names or not rest:
            return "", name, ""
        metric, _, of_class = rest.partition("/")
        return task, metric, of_class

    def _tables(self, form: str) -> str:
        tables: List[str] = []
        for headers, rows in [*self._by_task(), *self._by_class(), *self._together()]:
            formats = ["", *("d" if header in COUNTS else ".4f" for header in headers[1:])]
            tables.append(tabulate(rows, headers, tablefmt=form, floatfmt=formats, missingval=""))
        return "\n\n".join(tables)

    def _by_task(self) -> List[Tuple[List[str], List[List[Any]]]]:
        # Tasks with the same metrics share a table, so that no table is wide and half empty.
        tables: Dict[Tuple[str, ...], List[List[Any]]] = {}
        for task in self.tasks.names:
            values = {m: v for (t, m, c), v in self._split() if t == task and not c}
            if values:
                cells = [_cell(metric, value) for metric, value in values.items()]
                tables.setdefault(tuple(values), []).append([task, *cells])
        return [(["task", *metrics], rows) for metrics, rows in tables.items()]

    def _by_class(self) -> List[Tuple[List[str], List[List[Any]]]]:
        tables = []
        for task in self.tasks.names:
            values = {(c, m): v for (t, m, c), v in self._split() if t == task and c}
            metrics = list(dict.fromkeys(metric for _, metric in values))
            classes = list(dict.fromkeys(of_class for of_class, _ in values))
            rows = [
                [name, *(_cell(metric, values.get((name, metric), math.nan)) for metric in metrics)]
                for name in classes
            ]
            if rows:
                tables.append(([task, *metrics], rows))
        return tables

    def _together(self) -> List[Tuple[List[str], List[List[Any]]]]:
        rows: List[List[Any]] = [[m, _cell(m, v)] for (t, m, _), v in self._split() if not t]
        return [(["all tasks", "value"], rows)] if rows else []

    def _split(self) -> List[Tuple[Tuple[str, str, str], float]]:
        return [(self._parts(name), value) for name, value in self.values.items()]


def _cell(metric: str, value: float) -> Any:
    if math.isnan(value):
        return None
    return int(value) if metric in COUNTS else value
