"""From cells to labels: what `TaskSet.encode` gives for each row, column by column and so faster.

Each different cell of a column is encoded once, and its value is put where the cell stands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._options import meant, one_of
from ...tasks import LabelError, Task, TaskSet, illegal_labels, is_missing_cell
from .._errors import RowError, RowLabelError, TableError
from ._advice import hint
from ._cells import is_spelling
from ._chunk import CELLS, UNKNOWN, Cell, Chunk, Coded, Row, Said
from ._table import TableOptions, TableReader
from ._values import ColumnValues, WordMap, parts_of
from ._words import folded

Values = tuple[float, ...]
REMEMBERED = 65536  # distinct cells of a column; a column of real numbers has no end of them
MANY = 16  # columns
LABELS = 8 * CELLS  # numbers that are made at a time, at the most


class Fault(NamedTuple):
    """A cell, or several that make one label, that is no label: its columns, and what is wrong."""

    columns: str
    error: ValueError


class LabelledRow(NamedTuple):
    """A row and its label, or the problem that keeps it from being a record.

    ``blanks`` are cells that were no labels, and are missing in the label.
    """

    row: Row
    label: np.ndarray | None
    problem: ValueError | None
    blanks: Sequence[Fault] = ()

    def error(self, source: str) -> RowError:
        """Make the error that names this row."""
        kind = RowLabelError if isinstance(self.problem, LabelError) else RowError
        return kind(source, self.row.number, self.row.path, str(self.problem))


def labelled_rows(
    table: TableReader, encoder: LabelEncoder, blank: bool = False
) -> Iterator[LabelledRow]:
    """Encode the rows of a table one after the other; bad ones carry their problem.

    With ``blank``, cells that are no labels are missing, and no problem of their rows.
    """
    for chunk in table.chunks():
        for part in chunk.parts(max(1, LABELS // max(encoder.label_width, 1))):
            labels, problems, faults = encoder.encode_all(part)
            for at in range(len(part)):
                row, problem, found = part.row(at), problems.get(at), faults.get(at, ())
                if found and not blank:
                    problem = problem or found[0].error
                yield LabelledRow(row, None if problem else labels[at], problem, found)


class LabelEncoder:
    """Encode rows as `TaskSet.encode` does, bit for bit, and faster.

    A multi-label task whose columns are absent may stand in one column of names: lists, or texts
    of which the table's options give the character that separates names.

    Parameters
    ----------
    table : TableReader
        Its columns are checked: `TableError` names the first that a task needs and misses.
    tasks : TaskSet, optional
        What to encode. None takes the labels of a ``.lst`` file as they are.
    """

    def __init__(self, table: TableReader, tasks: TaskSet | None) -> None:
        self._tasks, self._parts = tasks, list[ColumnEncoder]()
        self._width = table.stored_width
        self.values = ColumnValues(table.options.values)
        table.check_labels()
        if table.stored_width is not None:
            self._check_width(table)
            return
        if tasks is None:
            raise TableError(f"{table.source}: tasks are needed to read its cells.")
        for task, place in zip(tasks, tasks.slices):
            self._parts += self._encoders(task, place.start, table)

    @property
    def label_width(self) -> int:
        """Number of values of a row."""
        return (self._width or 0) if self._tasks is None else self._tasks.label_width

    def encode(self, chunk: Chunk) -> tuple[np.ndarray, dict[int, ValueError]]:
        """Return labels, float32 (n, label_width), and what is wrong with rows, by position."""
        labels, problems, faults = self.encode_all(chunk)
        return labels, {**{at: found[0].error for at, found in faults.items()}, **problems}

    def encode_all(
        self, chunk: Chunk
    ) -> tuple[np.ndarray, dict[int, ValueError], dict[int, list[Fault]]]:
        """Return labels, missing where cells are none; what is wrong with rows, and with cells."""
        problems: dict[int, ValueError] = {
            at: TableError(text) for at, text in chunk.problems.items()
        }
        faults: dict[int, list[Fault]] = {}
        if chunk.labels is not None:
            labels = chunk.labels if self._tasks is None else self._stored(chunk.labels, faults)
            return labels, problems, faults
        # By columns in memory where there are many, for each is written as a whole.
        many = "F" if len(self._parts) > MANY else "C"
        labels = np.empty((len(chunk), self.label_width), np.float32, order=many)  # type: ignore[call-overload]
        missing = np.empty(0) if self._tasks is None else self._tasks.missing_label
        for part in self._parts:
            values, wrong = part.encode(chunk)
            place = slice(part.place, part.place + values.shape[1])
            if values.shape[1] == self.label_width:
                labels = values  # thousands of labels from one column: not copied
            else:
                labels[:, place] = values
            for at, error in wrong.items():
                labels[at, place] = missing[place]
                faults.setdefault(at, []).append(Fault(", ".join(part.columns), error))
        return np.ascontiguousarray(labels), problems, faults

    def _stored(self, stored: np.ndarray, faults: dict[int, list[Fault]]) -> np.ndarray:
        """Return stored labels (n, label_width), missing where they are none of their tasks."""
        labels, tasks = stored, self._tasks or TaskSet([])
        for task, place in zip(tasks, tasks.slices):
            for at, text in illegal_labels(TaskSet([task]), stored[:, place]).items():
                labels = stored.copy() if labels is stored else labels
                labels[at, place] = task.missing
                faults.setdefault(at, []).append(Fault(task.name, LabelError(text)))
        return labels

    def __call__(self, row: Row) -> np.ndarray:
        """Return the row's label, float32 (label_width,); `LabelError` without the place."""
        labels, problems = self.encode(Chunk.of_rows([row], self._width))
        if problems:
            raise problems[0]
        return labels[0]

    def unmet(self) -> list[str]:
        """Say which values of the options no cell was."""
        return self.values.unmet(name for part in self._parts for name in part.columns)

    def _encoders(self, task: Task, place: int, table: TableReader) -> Iterator[ColumnEncoder]:
        if is_names_column(task, table):
            name = task.column or task.name
            check_lists(name, task, table)
            yield NamesEncoder(name, place, names_reader(task, table.options), task, table.options)
            return
        for column in task.sources:
            if column not in table.columns:
                raise TableError(
                    f"{table.source}: no column {column!r} for task {task.name!r} among "
                    f"{list(table.columns)[:50]}{meant(column, list(table.columns))}. Add it, with "
                    "empty cells where the label is unknown."
                )
        if len(task.sources) != task.label_width:
            maps = [self.values.of(column) for column in task.sources]
            rows = RowsEncoder(task.sources, place, task.encode_cells, maps)
            rows.width = task.label_width
            yield rows
            return
        for at, column in enumerate(task.sources):
            read = cell_reader(task, column, table.options)
            yield CellEncoder(column, place + at, read, self.values.of(column))

    def _check_width(self, table: TableReader) -> None:
        if self._tasks is not None and table.stored_width != self._tasks.label_width:
            raise TableError(
                f"{table.source}: rows store {table.stored_width} labels, but the tasks take "
                f"{self._tasks.label_width}: {self._tasks.columns}."
            )


class ColumnEncoder:
    """Encodes what one column says, ``width`` values; knows the cells that it has seen."""

    width = 1

    def __init__(self, columns: Sequence[str], place: int, read: Callable[[Any], Values]) -> None:
        self.columns, self.place, self._read = columns, place, read
        self._known: dict[Any, Values] = {}

    def encode(self, chunk: Chunk) -> tuple[np.ndarray, dict[int, ValueError]]:
        """Return the values, float32 (n, width), and what is wrong with rows."""
        return self._of_coded(self._cells(chunk))

    def _cells(self, chunk: Chunk) -> Coded:
        return chunk.coded(self.columns[0])

    def _of_coded(self, column: Coded) -> tuple[np.ndarray, dict[int, ValueError]]:
        values: list[Values | None] = []
        wrong: dict[int, ValueError] = {}
        for code, cell in enumerate(column.texts):
            try:
                values.append(self._value(cell))
            except LabelError as error:
                values.append(None)
                wrong[code] = error
        nothing = (0.0,) * self.width
        table = np.array([nothing if value is None else value for value in values], np.float32)
        rows: dict[int, ValueError] = {}
        if wrong:
            for at in np.flatnonzero(np.isin(column.codes, list(wrong))).tolist():
                rows[at] = wrong[int(column.codes[at])]
        return table.reshape(-1, self.width)[column.codes], rows

    def _value(self, cell: Any) -> Values:
        value = self._known.get(cell)
        if value is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            value = self._known[cell] = self._read(cell)
        return value


class CellEncoder(ColumnEncoder):
    """One cell, one value."""

    def __init__(
        self, column: str, place: int, read: Callable[[Any], Values], words: WordMap
    ) -> None:
        super().__init__([column], place, read)
        self._words = words

    def _cells(self, chunk: Chunk) -> Coded:
        found = super()._cells(chunk)
        return found.read(self._words) if self._words else found


class RowsEncoder(ColumnEncoder):
    """The cells of several columns make one label, as one-hot columns do."""

    def __init__(
        self,
        columns: Sequence[str],
        place: int,
        read: Callable[[Any], Values],
        words: Sequence[WordMap],
    ) -> None:
        super().__init__(columns, place, read)
        self._words = words

    def _cells(self, chunk: Chunk) -> Coded:
        read = [chunk.coded(name).read(words) for name, words in zip(self.columns, self._words)]
        return Coded.of(list(zip(*(column.cells() for column in read))))  # type: ignore[arg-type]


class NamesEncoder(ColumnEncoder):
    """The names that hold stand in one column, or the column says of each what it knows."""

    def __init__(
        self,
        column: str,
        place: int,
        read: Callable[[Any], Values],
        task: Task,
        options: TableOptions,
    ) -> None:
        super().__init__([column], place, read)
        self._task, self._options, self.width = task, options, task.label_width
        self._names: Sequence[str] = ()  # those of the table, the last time
        self._place_of = np.zeros(0, np.int64)

    def encode(self, chunk: Chunk) -> tuple[np.ndarray, dict[int, ValueError]]:
        column = chunk.column(self.columns[0])
        return self._of_said(column) if isinstance(column, Said) else self._of_coded(column)

    def _of_said(self, column: Said) -> tuple[np.ndarray, dict[int, ValueError]]:
        if column.names is not self._names:
            places = {name: place for place, name in enumerate(self._task.names)}
            found = [places.get(name, -1) for name in column.names]
            self._names, self._place_of = column.names, np.array(found or [-1], np.int64)
        values = np.full((len(column.ends), self._task.label_width), column.absent, np.float32)
        rows, at = column.rows(), self._place_of[column.codes]
        taken = at >= 0
        values[rows[taken], at[taken]] = column.states[taken]
        wrong: dict[int, ValueError] = {}
        if not self._options.labels:
            for one in np.flatnonzero(~taken).tolist():
                name = column.names[column.codes[one]]
                wrong.setdefault(int(rows[one]), no_name(name, self._task))
        return values, wrong


def is_names_column(task: Task, table: TableReader) -> bool:
    """Tell whether a task's label stands in one column of names instead of its own columns."""
    column = task.column or task.name
    return column in table.columns and set(task.sources).isdisjoint(table.columns)


def cell_reader(task: Task, column: str, options: TableOptions) -> Callable[[Any], Values]:
    """Return a function from the cell of one of a task's columns to its stored value."""
    called = spelling(task, options)

    def read(cell: Any) -> Values:
        if isinstance(cell, tuple):
            if len(cell) > 1:
                raise LabelError(f"task {task.name!r}: {list(cell)} is a list; expected one label.")
            cell = "".join(cell)
        try:
            if is_missing_cell(cell):
                return (task.missing,)
            return (task.encode_cell(called(cell) if isinstance(cell, str) else cell, column),)
        except LabelError as error:
            if is_spelling(cell):
                raise LabelError(f"{error} {hint([cell])}") from None
            raise

    return read


def names_reader(task: Task, options: TableOptions) -> Callable[[Any], Values]:
    """Return a function from a cell of separated names to one stored value a name.

    An empty cell says what the options have it say; a cell of separators alone says that no name
    holds, for somebody wrote a list there.
    """
    known, column = frozenset(task.names), task.column or task.name
    separator, none = options.separator_of(column), options.none_names_of(column)
    yes, no = ([task.encode_cell(word, name) for name in task.names] for word in "10")
    called = spelling(task, options)

    def read(cell: Cell) -> Values:
        if cell == UNKNOWN or (is_missing_cell(cell) and options.empty_names == "missing"):
            return (task.missing,) * task.label_width
        held = {called(name) for name in names_in(cell, separator, none, task)}
        unknown = sorted(held - known)
        if unknown and not options.labels:
            error = no_name(unknown[0], task)
            raise LabelError(f"{error} {hint([str(cell)])}") if is_spelling(cell) else error
        return tuple(yes[at] if name in held else no[at] for at, name in enumerate(task.names))

    return read


def check_lists(column: str, task: Task, table: TableReader) -> None:
    """Raise `TableError` for texts, none of them a list, in which nothing separates names."""
    first, none = "", table.options.none_names_of(column)
    separator = table.options.separator_of(column)
    for chunk in table.chunks() if separator is None else ():
        found = chunk.column(column)
        if isinstance(found, Said) or any(isinstance(cell, tuple) for cell in found.texts):
            return
        texts = (cell for cell in found.texts if cell and cell not in none)
        first = first or str(next(texts, ""))
    if first:
        raise TableError(
            f"{table.source}: task {task.name!r} needs the columns {list(task.sources)[:50]}. If "
            f"column {column!r} lists the names that hold, say what separates them: separator='|', "
            "say."
        )


def spelling(task: Task, options: TableOptions) -> Callable[[str], str]:
    """Return a function from a name as it is written to one of the task's, where that is asked."""
    if not options.merge_names:
        return lambda name: name
    alike = {folded(name): name for name in reversed(task.names)}
    known = frozenset(task.names)
    return lambda name: name if name in known else alike.get(folded(name), name)


def names_in(
    cell: Cell, separator: str | tuple[str, ...] | None, none: frozenset[str], task: Task
) -> set[str]:
    """Return the names that a cell lists."""
    if cell in none:
        return set()
    names = parts_of(cell, separator)
    nothing = names & none
    if nothing and len(names) > 1:
        raise LabelError(
            f"task {task.name!r}: {cell!r} has {sorted(nothing)[0]!r}, none of the names, beside "
            "others."
        )
    return names - nothing


def no_name(name: str, task: Task) -> LabelError:
    """Make the error for a name that is none of a task's labels."""
    return LabelError(
        f"task {task.name!r}: {name!r} is not {one_of(name, task.names)}. Leave the cell empty if "
        "it is unknown."
    )
