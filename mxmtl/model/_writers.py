"""Predictions as lines of a file: CSV, JSON lines, or FashionAI's submission."""

from __future__ import annotations

import abc
import csv
import json
from typing import IO, Any, ClassVar, Dict, List, Sequence, Type

import numpy as np

from ._inputs import Item
from ._model_file import ModelFile


class Writer(abc.ABC):
    """Abstract: writes batches of predictions to a text stream.

    Parameters
    ----------
    stream : text file
        Where to.
    file : ModelFile
        Tasks and thresholds.
    column : str
        What the images' names are, ``"path"`` or ``"record"``; with ``_`` behind it where a task
        is called so.
    top : int
        How many of the likeliest classes are written.
    """

    formats: ClassVar[Dict[str, Type["Writer"]]] = {}

    def __init_subclass__(cls, form: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        Writer.formats[form] = cls

    def __init__(self, stream: IO[str], file: ModelFile, column: str, top: int) -> None:
        self.stream, self.file, self.top = stream, file, top
        while column in (*file.tasks.names, *file.tasks.columns):
            column += "_"  # a task has the name
        self.column = column

    @abc.abstractmethod
    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        """Write one batch: predictions are one array a task, (N, num_outputs)."""


class CsvWriter(Writer, form="csv"):
    """A table with a header, in the columns that labels come from.

    ``breed`` and ``breed.probability`` hold the likeliest class, ``breed.2`` and
    ``breed.2.probability`` the next one if there is a ``top``; ``toys.ball`` is 0 or 1, by the
    thresholds.
    """

    def __init__(self, stream: IO[str], file: ModelFile, column: str, top: int) -> None:
        super().__init__(stream, file, column, top)
        self._writer = csv.writer(stream, lineterminator="\n")
        self._begun = False

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        table: Dict[str, Any] = {self.column: [item.name for item in items]}
        for task, part in zip(self.file.tasks, predictions):
            table.update(task.describe(part, self.file.thresholds.get(task.name)))
            if task.kind == "class" and self.top > 1:
                table.update(runners_up(task.name, task.names, part, self.top))
        if not self._begun:
            self._writer.writerow(table)
            self._begun = True
        self._writer.writerows(zip(*table.values()))


class JsonLinesWriter(Writer, form="jsonl"):
    """One object a line: the image, and of each task answer, probabilities and thresholds."""

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        tasks, levels = self.file.tasks, self.file.thresholds
        for row, item in enumerate(items):
            data: Dict[str, Any] = {self.column: item.name}
            for task, part in zip(tasks, predictions):
                answer = task.answer(part[row], levels.get(task.name)).to_dict()
                if task.kind == "class" and self.top:
                    answer["probabilities"] = likeliest(answer["probabilities"], self.top)
                data[task.name] = short(answer)
            self.stream.write(json.dumps(data, ensure_ascii=False) + "\n")


class FashionAIWriter(Writer, form="fashionai"):
    """No header; ``file,<task>_labels,p;p;...``: the asked task's classes with 8 decimals."""

    def __init__(self, stream: IO[str], file: ModelFile, column: str, top: int) -> None:
        super().__init__(stream, file, column, top)
        self._writer = csv.writer(stream, lineterminator="\n")

    def write(self, items: Sequence[Item], predictions: Sequence[np.ndarray]) -> None:
        by_task = dict(zip(self.file.tasks.names, predictions))
        for row, item in enumerate(items):
            if item.task not in by_task:
                raise ValueError(
                    f"row {item.number}, {item.name!r}: asks for task {item.task!r}, and the model "
                    f"has {self.file.tasks.names}."
                )
            cells = ";".join(f"{p:.8f}" for p in by_task[item.task][row])
            self._writer.writerow([item.name, f"{item.task}_labels", cells])


def runners_up(
    column: str, names: Sequence[str], prediction: np.ndarray, top: int
) -> Dict[str, List[Any]]:
    """Return the second likeliest class of each row, the third, ... and their probabilities."""
    order = np.argsort(-prediction, axis=1, kind="stable")[:, :top]
    table: Dict[str, List[Any]] = {}
    for place in range(1, order.shape[1]):
        index = order[:, place]
        table[f"{column}.{place + 1}"] = [names[i] for i in index]
        table[f"{column}.{place + 1}.probability"] = list(prediction[np.arange(len(index)), index])
    return table


def likeliest(probabilities: Dict[str, float], top: int) -> Dict[str, float]:
    """Return the highest of them, in order."""
    return dict(sorted(probabilities.items(), key=lambda pair: -pair[1])[:top])


def short(data: Any) -> Any:
    """Return JSON-able data with as many digits as float32 has."""
    if isinstance(data, dict):
        return {key: short(value) for key, value in data.items()}
    return float(f"{data:.9g}") if isinstance(data, float) else data
