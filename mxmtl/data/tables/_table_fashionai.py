"""The FashionAI layout: no header; file, ``<task>_labels``, and ``nnnyn``."""

from __future__ import annotations

import csv
from typing import Dict, Iterator, List, Tuple

from ...tasks import TASK_NAME
from .._errors import TableError
from ._table import Row, Table
from ._utf8 import not_utf8

SUFFIX = "_labels"
MARKS = frozenset("ynm")
UNKNOWN = ("", "?")


class FashionAITable(Table):
    """Rows that label one task each: all other tasks of the row are missing.

    The letters of the third cell stand for the task's classes: y marks the class, n is none,
    m (maybe) counts as none. Classes are named by their position: "0", "1", ...; a third cell
    of "?" (the test set) is missing. Empty lines are passed over.
    """

    def __init__(self, path: str) -> None:
        self.source = path
        self.num_classes: Dict[str, int] = {}
        for _, line in self._lines():
            name = fashionai_task(line[1]) if len(line) == 3 else ""
            if TASK_NAME.fullmatch(name) and set(line[2]) <= MARKS:
                self.num_classes[name] = max(self.num_classes.get(name, 0), len(line[2]))
        if not self.num_classes:
            raise TableError(f"{path}: no rows of the form 'file,<task>_labels,nnyn'.")
        self.columns = list(self.num_classes)
        self.known_tasks = [
            {"type": "Multiclass", "name": name, "classes": [str(index) for index in range(count)]}
            for name, count in self.num_classes.items()
        ]

    def rows(self) -> Iterator[Row]:
        empty = dict.fromkeys(self.columns, "")
        for record_id, (number, line) in enumerate(self._lines()):
            problem, cells = None, dict(empty)
            try:
                if len(line) != 3:
                    raise ValueError(f"it has {len(line)} cells; expected file, task, letters.")
                name = fashionai_task(line[1])
                if not TASK_NAME.fullmatch(name):
                    raise ValueError(f"task name {name!r}: expected letters, digits, '_' and '-'.")
                cells[name] = self._marked(name, line[2])
            except ValueError as error:
                problem = str(error)
            yield Row(number, record_id, line[0], cells, problem=problem)

    def _marked(self, task: str, letters: str) -> str:
        if letters in UNKNOWN:
            return ""
        expected = self.num_classes.get(task, 0)
        if len(letters) != expected or not set(letters) <= MARKS or letters.count("y") != 1:
            raise ValueError(
                f"task {task!r}: {letters!r} is not {expected} letters n or m and one y."
            )
        return str(letters.index("y"))

    def _lines(self) -> Iterator[Tuple[int, List[str]]]:
        number = 0
        try:
            with open(self.source, encoding="utf-8-sig", newline="") as stream:
                for number, line in enumerate(csv.reader(stream, strict=True), start=1):
                    cells = [cell.strip() for cell in line]
                    if any(cells):
                        yield number, cells
        except UnicodeDecodeError as error:
            raise not_utf8(self.source) from error
        except csv.Error as error:
            raise TableError(f"{self.source} row {number + 1}: {error}.") from error


def fashionai_task(cell: str) -> str:
    """Return the task that a cell of the second column names.

    >>> fashionai_task("coat_length_labels")
    'coat_length'
    """
    name = cell.strip()
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name
