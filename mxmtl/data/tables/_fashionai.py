"""The FashionAI layout: no header; file, ``<task>_labels``, and ``nnnyn``."""

from __future__ import annotations

import csv
from typing import Dict, Iterator, List, Tuple

from ...tasks import TASK_NAME
from .._errors import TableError, not_utf8
from ._table import Row, TableOptions, TableReader

SUFFIX = "_labels"
MARKS = frozenset("ynm")
UNKNOWN = ("", "?")


class FashionAITable(TableReader):
    """Rows that label one task each: all other tasks of the row are missing.

    The letters of the third cell stand for the task's classes: y marks the class, n is none,
    m (maybe) counts as none. Classes are named by their position: "0", "1", ...; a third cell
    of "?" (the test set) is missing. Empty lines are passed over.
    """

    layout, about = "fashionai", "no header: file, <task>_labels, nnyn"
    one_task_a_row = True

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self.num_classes: Dict[str, int] = {}
        asks = False  # whether rows without letters ask for a task, as those of the test set do
        for _, line in self._lines():
            name = task_of(line)
            if len(line) == 3 and TASK_NAME.fullmatch(name) and set(line[2]) <= MARKS:
                self.num_classes[name] = max(self.num_classes.get(name, 0), len(line[2]))
            asks |= line[2] in UNKNOWN if len(line) == 3 else line[-1].endswith(SUFFIX)
        if not asks:
            self.check_labels()
        self.columns = list(self.num_classes)
        self.known_tasks = [
            {"type": "Multiclass", "name": name, "classes": [str(index) for index in range(count)]}
            for name, count in self.num_classes.items()
        ]

    def check_labels(self) -> None:
        if not self.num_classes:
            raise TableError(f"{self.source}: no rows of the form 'file,<task>_labels,nnyn'.")

    def rows(self) -> Iterator[Row]:
        empty = dict.fromkeys(self.columns, "")
        for record_id, (number, line) in enumerate(self._lines()):
            problem, cells, name = None, dict(empty), task_of(line)
            try:
                if len(line) != 3:
                    raise ValueError(f"it has {len(line)} cells; expected file, task, letters.")
                if not TASK_NAME.fullmatch(name):
                    raise ValueError(f"task name {name!r}: expected letters, digits, '_' and '-'.")
                cells[name] = self._marked(name, line[2])
            except ValueError as error:
                problem = str(error)
            yield Row(number, record_id, line[0], cells, problem=problem, task=name)

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


def task_of(line: List[str]) -> str:
    """Return the task that the second cell of a row names; '' if there is none.

    >>> task_of(["1.jpg", "coat_length_labels", "?"])
    'coat_length'
    """
    name = line[1] if len(line) > 1 else ""
    return name[: -len(SUFFIX)] if name.endswith(SUFFIX) else name
