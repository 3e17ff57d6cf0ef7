"""How good a trained network is: values, what is behind them, and how sure they are."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from dataclasses import dataclass, field
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from .._files import PathLike, atomic_write
from ..tasks import TaskSet
from ._tables import tables

FORMATS = ("text", "md", "json", "csv")
ENDINGS = {".txt": "text", ".md": "md", ".json": "json", ".csv": "csv"}


@dataclass(frozen=True)
class Evaluation:
    """Metric values of a model on records; made by `evaluate`. Prints as text.

    Attributes
    ----------
    tasks : TaskSet
        What was predicted.
    values : dict of str to float
        By name: ``<task>/<metric>``, ``<task>/<metric>/<class>`` or ``all_tasks/<metric>``; nan
        where nothing is labelled.
    intervals : dict of str to (float, float)
        Bounds of some or all of them, by the same names.
    level : float
        Share of the resampled values within the bounds.
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
    values: Dict[str, float]
    intervals: Dict[str, Tuple[float, float]]
    level: float
    num_records: int
    skipped: int = 0
    thresholds: Mapping[str, Sequence[float]] = field(default_factory=dict)
    temperature: Mapping[str, float] = field(default_factory=dict)
    worst: Mapping[str, str] = field(default_factory=dict)
    model: str = ""
    records: str = ""

    def __str__(self) -> str:
        return tables(self, "simple")

    def markdown(self) -> str:
        """Return the tables in Markdown, with all metrics of each class."""
        return tables(self, "github", every_metric=True)

    def json(self) -> str:
        """Return all of it as JSON; nan, which JSON has not, is null."""
        data = {
            "model": self.model,
            "records": self.records,
            "num_records": self.num_records,
            "skipped": self.skipped,
            "level": self.level,
            "temperature": dict(self.temperature),
            "thresholds": {name: list(levels) for name, levels in self.thresholds.items()},
            "worst": dict(self.worst),
            "values": {name: known(value) for name, value in self.values.items()},
            "intervals": {name: [*map(known, pair)] for name, pair in self.intervals.items()},
        }
        return json.dumps(data, indent=2, ensure_ascii=False)

    def csv(self) -> str:
        """Return lines ``task,metric,class,value,low,high``; what does not apply is empty."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["task", "metric", "class", "value", "low", "high"])
        for name, value in self.values.items():
            owner, metric, of_class = (name.split("/", 2) + [""])[:3]
            numbers = [value, *self.intervals.get(name, (math.nan, math.nan))]
            cells = ["" if math.isnan(number) else repr(number) for number in numbers]
            writer.writerow([owner, metric, of_class, *cells])
        return stream.getvalue()

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


def form_of(path: PathLike, form: Optional[str] = None) -> str:
    """Return the format to write a file in: as told, or as its ending says."""
    ending = os.path.splitext(os.fspath(path))[1]
    if form is None and ending not in ENDINGS:
        raise ValueError(f"{os.fspath(path)}: an evaluation ends in one of {list(ENDINGS)}.")
    return form or ENDINGS[ending]


def known(value: float) -> Any:
    """Return a number, or None for what JSON has not."""
    return value if math.isfinite(value) else None
