"""Rows of a table -> rows with labels: each distinct cell of a column is encoded once."""

from __future__ import annotations

from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from ..._options import one_of
from ...tasks import LabelError, Task, TaskSet, illegal_labels, is_missing_cell
from .._errors import RowError, RowLabelError, TableError
from ._guess import hint, is_spelling
from ._table import Row, TableOptions, TableReader

Values = Tuple[float, ...]
REMEMBERED = 65536  # distinct cells of a column; a column of real numbers has no end of them


class LabelledRow(NamedTuple):
    """A row and its label, or the problem that keeps it from being a record."""

    row: Row
    label: Optional[np.ndarray]
    problem: Optional[ValueError]

    def error(self, source: str) -> RowError:
        """Make the error that names this row."""
        kind = RowLabelError if isinstance(self.problem, LabelError) else RowError
        return kind(source, self.row.number, self.row.path, str(self.problem))


def labelled_rows(table: TableReader, encoder: LabelEncoder) -> Iterator[LabelledRow]:
    """Encode the rows of a table one after the other; bad ones carry their problem."""
    for row in table.rows():
        if row.problem is not None:
            yield LabelledRow(row, None, TableError(row.problem))
            continue
        try:
            yield LabelledRow(row, encoder(row), None)
        except LabelError as error:
            yield LabelledRow(row, None, error)


class Column(NamedTuple):
    """A table column, how its cells become stored values, and the cells seen so far."""

    name: str
    read: Callable[[str], Values]
    known: Dict[str, Values]

    def values(self, cell: str) -> Values:
        """Return what a cell stores; `LabelError` if it is no label."""
        values = self.known.get(cell)
        if values is None:
            values = self._read(cell)
            if len(self.known) >= REMEMBERED:
                self.known.clear()
            self.known[cell] = values
        return values

    def _read(self, cell: str) -> Values:
        try:
            return self.read(cell)
        except LabelError as error:
            if is_spelling(cell):
                raise LabelError(f"{error} {hint([cell])}") from None
            raise


class LabelEncoder:
    """Encode rows as `TaskSet.encode` does, bit for bit, and faster.

    A multi-label task whose columns are absent may stand in one column of names, if the
    table's options give the character that separates them.

    Parameters
    ----------
    table : TableReader
        Its columns are checked: `TableError` names the first that a task needs and misses.
    tasks : TaskSet, optional
        What to encode. None takes the labels of a ``.lst`` file as they are.
    """

    def __init__(self, table: TableReader, tasks: Optional[TaskSet]) -> None:
        self._tasks = tasks
        self._columns: List[Column] = []
        table.check_labels()
        if table.stored_width is not None:
            self._check_width(table)
            return
        if tasks is None:
            raise TableError(f"{table.source}: tasks are needed to read its cells.")
        for task in tasks:
            if is_names_column(task, table):
                names = names_reader(task, table.source, table.options)
                self._columns.append(Column(task.name, names, {}))
                continue
            for column in task.columns:
                self._columns.append(Column(column, cell_reader(task, column), {}))
                if column not in table.columns:
                    raise TableError(
                        f"{table.source}: no column {column!r} for task {task.name!r} among "
                        f"{list(table.columns)}. Add it, with empty cells where the label is "
                        "unknown."
                    )

    def __call__(self, row: Row) -> np.ndarray:
        """Return the row's label, float32 (label_width,); `LabelError` without the place."""
        if row.label is not None:
            return self._stored(row.label)
        values: List[float] = []
        for column in self._columns:
            values.extend(column.values(row.cells[column.name]))
        return np.array(values, np.float32)

    def _check_width(self, table: TableReader) -> None:
        if self._tasks is not None and table.stored_width != self._tasks.label_width:
            raise TableError(
                f"{table.source}: rows store {table.stored_width} labels, but the tasks take "
                f"{self._tasks.label_width}: {self._tasks.columns}."
            )

    def _stored(self, label: np.ndarray) -> np.ndarray:
        if self._tasks is None:
            return label
        for text in illegal_labels(self._tasks, label[np.newaxis]).values():
            raise LabelError(text)
        return label


def is_names_column(task: Task, table: TableReader) -> bool:
    """Tell whether a task's label stands in one column of names instead of its own columns."""
    return task.name in table.columns and set(task.columns).isdisjoint(table.columns)


def cell_reader(task: Task, column: str) -> Callable[[str], Values]:
    """Return a function from the cell of one of a task's columns to its stored value."""

    def read(cell: str) -> Values:
        return (task.missing if is_missing_cell(cell) else task.encode_cell(cell, column),)

    return read


def names_reader(task: Task, source: str, options: TableOptions) -> Callable[[str], Values]:
    """Return a function from a cell of separated names to one stored value a name.

    An empty cell says what the options have it say; a cell of separators alone says that no name
    holds, for somebody wrote a list there.
    """
    if options.separator is None:
        raise TableError(
            f"{source}: task {task.name!r} needs the columns {list(task.columns)}. If column "
            f"{task.name!r} lists the names that hold, say what separates them: separator='|', say."
        )

    def read(cell: str) -> Values:
        if is_missing_cell(cell) and options.empty_names == "missing":
            return (task.missing,) * task.label_width
        held = {name.strip() for name in cell.split(options.separator)} - {""}
        unknown = sorted(held.difference(task.names))
        if unknown:
            raise LabelError(
                f"task {task.name!r}: {unknown[0]!r} is not {one_of(unknown[0], task.names)}. "
                "Leave the cell empty if it is unknown."
            )
        return tuple(
            task.encode_cell("1" if name in held else "0", column)
            for name, column in zip(task.names, task.columns)
        )

    return read
