"""What the cells of a column look like, which task that suggests, and the labels they become.

A cell such as ``NA`` may mean that a label is unknown, or be the name of a class: that is asked,
never decided here. Each distinct cell of a column is encoded once.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ..._options import one_of
from ...tasks import (
    WORDS,
    LabelError,
    Task,
    TaskSet,
    altered,
    illegal_labels,
    is_missing_cell,
    spellings,
)
from .._errors import RowError, RowLabelError, TableError
from ._table import Row, TableOptions, TableReader

MAX_CLASSES, FEW_NUMBERS, MANY_ROWS = 1000, 20, 20
FLOAT32_MAX = float(np.finfo(np.float32).max)
CODE = re.compile(r"[+-]?0\d+")  # 007 is a name: nobody writes an amount like that
# How other programs spell an unknown label.
SPELLINGS = frozenset(("na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?"))
Values = tuple[float, ...]
REMEMBERED = 65536  # distinct cells of a column; a column of real numbers has no end of them


class ColumnCells:
    """The cells of one column, as far as they matter for guessing a task.

    Parameters
    ----------
    name : str
        The column.
    separator : str, optional
        What separates names in a cell that holds several.
    limit : int
        How many different cells (and names in them) to remember.
    as_written : bool
        Cells are names and nothing else: 1.0 is not 1, and nan is not unknown.
    """

    def __init__(
        self,
        name: str,
        separator: str | None = None,
        *,
        limit: int = MAX_CLASSES,
        as_written: bool = False,
    ) -> None:
        self.name, self.limit = name, limit
        self._separator, self._as_written = separator, as_written
        self.filled = 0
        self.texts: set[str] = set()
        self.parts: set[str] = set()
        self.unknown: set[str] = set()  # texts that may mean so
        self.more_texts = self.more_parts = self.several = False
        # Of cells that do not look unknown:
        self.numbers = self.whole = self.boolean = True
        self.no_value = ""  # why a cell is none of a Regression's

    def add(self, cell: str) -> None:
        """Look at one cell; '' is missing."""
        if not cell:
            return
        self.filled += 1
        if cell in self.texts:
            return
        self.more_texts |= not remember(self.texts, [cell], self.limit)
        parts = [cell] if self._separator is None else cell.split(self._separator)
        self.several |= len(parts) > 1
        self.more_parts |= not remember(self.parts, map(str.strip, parts), self.limit)
        if is_spelling(cell) and not self._as_written:
            self.unknown.add(cell)
            return
        self.boolean = self.boolean and any(text.lower() in WORDS for text in spellings(cell))
        if self.numbers:
            self._look_at_number(cell)

    def _look_at_number(self, cell: str) -> None:
        value = number(cell)
        if value is None:
            self.numbers = self.whole = False
            return
        self.whole &= value.is_integer()
        if not abs(value) <= FLOAT32_MAX:
            self.no_value = self.no_value or f"{cell!r} is no finite number"
        else:
            self.no_value = self.no_value or altered(cell, float(np.float32(value)))

    def known(self) -> set[str]:
        """Return the different cells that do not look unknown; of 3 and 3.0 the first alone."""
        if self.numbers and self.whole and not self._as_written:
            return {spellings(text)[-1] for text in self.texts - self.unknown}
        return self.texts - self.unknown

    def classes(self) -> list[str]:
        """Return the cells as names, in order, such that every cell has one."""
        return in_order(self.texts if self.unknown else self.known())

    def labels(self) -> list[str]:
        """Return the names that stand in the cells, in order."""
        return in_order(self.parts)


def remember(names: set[str], new: Iterable[str], limit: int) -> bool:
    """Add names that are not empty; tell whether there was room for all."""
    for name in new:
        if name and name not in names:
            if len(names) >= limit:
                return False
            names.add(name)
    return True


def number(cell: str) -> float | None:
    """Return the number that a cell is, or None for a name (007, 1_000).

    >>> number("1e3"), number("007"), number("0.5")
    (1000.0, None, 0.5)
    """
    if "_" in cell or CODE.fullmatch(cell):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names, as numbers if they all are whole ones.

    >>> in_order(["10", "9"]), in_order(["10", "9", "x"])
    (['9', '10'], ['10', '9', 'x'])
    """
    ranks = {name: number(name) for name in names}
    if all(rank is not None and rank.is_integer() for rank in ranks.values()):
        return sorted(ranks, key=lambda name: (ranks[name], len(name), name))
    return sorted(ranks)


def guess_type(cells: ColumnCells) -> str:
    """Return the name of the task type that a column suggests, or the reason why there is none."""
    if not cells.parts:
        return "every cell is empty"
    if len(cells.texts) == len(cells.unknown):
        return f"every cell is {quoted(cells.unknown, ' or ')}"
    if cells.several:
        return f"more than {cells.limit} different names" if cells.more_parts else "Multilabel"
    amounts = cells.numbers and (not cells.whole or len(cells.known()) > FEW_NUMBERS)
    if cells.boolean or amounts:
        return guess_number("Binary" if cells.boolean else "Regression", cells)
    if cells.more_texts:
        return f"more than {cells.limit} different cells"
    classes = cells.classes()
    if len(classes) < 2:
        return f"every cell is {classes[0]!r}"
    if len(classes) == cells.filled > MANY_ROWS:
        return "every cell is different"
    return "Multiclass"


def guess_number(kind: str, cells: ColumnCells) -> str:
    """Return the type of a column of numbers, unless there is a cell that it cannot take."""
    if cells.no_value:
        return cells.no_value
    if cells.unknown:
        return f"it would be a {kind} without {quoted(cells.unknown)}. {hint(cells.unknown)}"
    return kind


def is_spelling(cell: str) -> bool:
    """Tell whether a cell looks like an unknown label. It is one only if the user says so.

    >>> is_spelling("NaN"), is_spelling("pug")
    (True, False)
    """
    return cell.lower() in SPELLINGS


def hint(cells: Iterable[str]) -> str:
    """Say how to have cells read as unknown.

    >>> hint({"NaN"})
    "If that means unknown: --missing-value NaN (missing_values=['NaN'])."
    """
    found = sorted(cells)
    options = " ".join(f"--missing-value {shlex.quote(cell)}" for cell in found)
    return f"If that means unknown: {options} (missing_values={found})."


def quoted(cells: Iterable[str], between: str = ", ") -> str:
    """List cells in quotes, in order."""
    return between.join(map(repr, sorted(cells)))


# -- rows with labels ------------------------------------------------------------------------------
class LabelledRow(NamedTuple):
    """A row and its label, or the problem that keeps it from being a record."""

    row: Row
    label: np.ndarray | None
    problem: ValueError | None

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
    known: dict[str, Values]

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

    def __init__(self, table: TableReader, tasks: TaskSet | None) -> None:
        self._tasks = tasks
        self._columns: list[Column] = []
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
        values: list[float] = []
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
