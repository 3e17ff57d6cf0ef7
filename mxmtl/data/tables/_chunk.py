"""Rows of a table, some thousand at a time and column by column: what all readers hand on.

A cell is looked at once for each text that it may be, not once for each row: a column holds its
different texts and, for every row, the number of one of them. A column of a long table (one row of
the file for each label of an image) says of each image which names hold, and which do not.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

Cell = str | tuple[str, ...]  # a text, or the names of a list
# A cell that is said to be unknown, in a column of lists where an empty one says that none holds.
UNKNOWN: Cell = ("",)
ROWS, CELLS = 1 << 15, 1 << 20  # of a chunk, at the most


class Row(NamedTuple):
    """One row of a table.

    Attributes
    ----------
    number : int
        The row number that a spreadsheet shows: the header is row 1, an empty line counts, a
        quoted cell with line breaks counts once. In files without a header it is the line.
    record_id : int
        What the record will be called: the position among the data rows, from 0; in a
        ``.lst`` file its own index.
    path : str
        The image, relative to the image folder.
    cells : mapping
        {column: text, or a tuple of the names in a list}; empty text where the label is missing.
    label : ndarray, optional
        The label itself, float32, where the file holds stored values instead of text (.lst).
    problem : str, optional
        Why this row cannot become a record, where that shows already.
    task : str
        The task that the row asks for, where the layout has one a row.
    """

    number: int
    record_id: int
    path: str
    cells: Mapping[str, Any]
    label: np.ndarray | None = None
    problem: str | None = None
    task: str = ""


@dataclass(frozen=True)
class Coded:
    """A column: the different cells, and for each row the number of one of them, int (n,)."""

    texts: Sequence[Cell]
    codes: np.ndarray

    @classmethod
    def of(cls, cells: Sequence[Cell]) -> Coded:
        """Make a column of its cells, by numbering the different ones.

        >>> column = Coded.of(["pug", "", "pug"])
        >>> column.texts, column.codes.tolist()
        (['pug', ''], [0, 1, 0])
        """
        places = {text: place for place, text in enumerate(dict.fromkeys(cells))}
        codes = np.fromiter(map(places.__getitem__, cells), np.int32, len(cells))
        return cls(list(places), codes)

    def __getitem__(self, row: int) -> Cell:
        return self.texts[self.codes[row]]

    def cells(self) -> list[Cell]:
        """Return the cell of every row."""
        return [self.texts[code] for code in self.codes.tolist()]

    def read(self, change: Callable[[Cell], Cell]) -> Coded:
        """Return the column with other texts."""
        return Coded([change(text) for text in self.texts], self.codes)

    def take(self, rows: Any) -> Coded:
        """Return some rows of it, by a slice or by their numbers."""
        codes = self.codes[rows]
        if len(codes) < len(self.texts):
            used, codes = np.unique(codes, return_inverse=True)
            return Coded([self.texts[code] for code in used.tolist()], codes)
        return Coded(self.texts, codes)

    def counts(self) -> np.ndarray:
        """Return how many rows have each of the texts."""
        return np.bincount(self.codes, minlength=len(self.texts))

    def first_rows(self) -> np.ndarray:
        """Return where each text stands first; the number of rows for one that stands nowhere."""
        count = len(self.codes)
        first = np.full(len(self.texts), count)
        first[self.codes[::-1]] = np.arange(count)[::-1]
        return first


@dataclass(frozen=True)
class Said:
    """A column that says of each row which names hold (1), do not (0) or are unknown (-1).

    Attributes
    ----------
    names : sequence of str
        All names of the table.
    ends : ndarray
        Where each row's statements end, int (n,).
    codes, states : ndarray
        Of each statement the number of its name, and what it says, int.
    absent : int
        What is said of a name that a row does not mention: 0 or -1.
    """

    names: Sequence[str]
    ends: np.ndarray
    codes: np.ndarray
    states: np.ndarray
    absent: int = 0

    def take(self, rows: slice) -> Said:
        """Return some rows of it, one after the other."""
        start, stop, _ = rows.indices(len(self.ends))
        first = 0 if start == 0 else int(self.ends[start - 1])
        last = first if stop <= start else int(self.ends[stop - 1])
        ends = self.ends[start:stop] - first
        return Said(self.names, ends, self.codes[first:last], self.states[first:last], self.absent)

    def rows(self) -> np.ndarray:
        """Return the row of each statement."""
        return np.repeat(np.arange(len(self.ends)), np.diff(self.ends, prepend=0))

    def __getitem__(self, row: int) -> Cell:
        part = slice(0 if row == 0 else int(self.ends[row - 1]), int(self.ends[row]))
        pairs = zip(self.codes[part].tolist(), self.states[part].tolist())
        return tuple(self.names[code] for code, state in pairs if state == 1)


Column = Coded | Said


class Chunk:
    """Some rows of a table.

    Parameters
    ----------
    numbers, ids : sequence of int
        `Row.number` and `Row.record_id` of each row.
    paths : sequence of str
        The images.
    column : function
        Makes a column of its name; each is made when it is asked for, once.
    labels : ndarray, optional
        Stored values, float32 (n, stored_width), of tables that hold those.
    problems : dict
        {position: what is wrong} of rows that cannot become records.
    tasks : sequence of str, optional
        `Row.task` of each row.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        ids: Sequence[int],
        paths: Sequence[str],
        column: Callable[[str], Column],
        *,
        labels: np.ndarray | None = None,
        problems: Mapping[int, str] | None = None,
        tasks: Sequence[str] | None = None,
    ) -> None:
        self.numbers, self.ids, self.paths = numbers, ids, paths
        self._make, self._columns = column, dict[str, Column]()
        self.labels, self.problems, self.tasks = labels, dict(problems or {}), tasks

    def __len__(self) -> int:
        return len(self.paths)

    @classmethod
    def of_rows(cls, rows: Sequence[Row], stored_width: int | None = None) -> Chunk:
        """Put rows together."""
        problems = {at: row.problem for at, row in enumerate(rows) if row.problem is not None}
        labels = None
        if stored_width is not None:
            labels = np.full((len(rows), stored_width), np.nan, np.float32)
            for at, row in enumerate(rows):
                if at not in problems and row.label is not None:
                    labels[at] = row.label
        return cls(
            [row.number for row in rows],
            [row.record_id for row in rows],
            [row.path for row in rows],
            lambda name: Coded.of([row.cells.get(name, "") for row in rows]),
            labels=labels,
            problems=problems,
            tasks=[row.task for row in rows],
        )

    def column(self, name: str) -> Column:
        """Return a column."""
        if name not in self._columns:
            self._columns[name] = self._make(name)
        return self._columns[name]

    def coded(self, name: str) -> Coded:
        """Return a column of cells."""
        found = self.column(name)
        if isinstance(found, Said):
            return Coded.of([found[row] for row in range(len(self))])
        if UNKNOWN in found.texts:
            return found.read(lambda cell: "" if cell == UNKNOWN else cell)
        return found

    def changed(
        self,
        columns: Mapping[str, Callable[[Chunk], Column]],
        paths: Sequence[str] | None = None,
        problems: Mapping[int, str] | None = None,
    ) -> Chunk:
        """Return the rows with more columns, or others; with other paths or more problems."""

        def make(name: str) -> Column:
            return columns[name](self) if name in columns else self.column(name)

        return Chunk(
            self.numbers, self.ids, self.paths if paths is None else paths, make,
            labels=self.labels, problems={**(problems or {}), **self.problems}, tasks=self.tasks,
        )  # fmt: skip

    def parts(self, size: int) -> Iterator[Chunk]:
        """Cut the rows into parts of a size."""
        if len(self) <= size:
            yield self
            return
        for start in range(0, len(self), size):
            part = slice(start, start + size)
            yield Chunk(
                self.numbers[part], self.ids[part], self.paths[part],
                functools.partial(self._taken, part),
                labels=None if self.labels is None else self.labels[part],
                problems={at - start: text for at, text in self.problems.items()
                          if start <= at < start + size},
                tasks=self.tasks[part] if self.tasks else None,
            )  # fmt: skip

    def _taken(self, part: slice, name: str) -> Column:
        return self.column(name).take(part)

    def some(self, rows: Sequence[int]) -> Chunk:
        """Return some of the rows, without their problems."""
        return Chunk(
            [self.numbers[at] for at in rows],
            [self.ids[at] for at in rows],
            [self.paths[at] for at in rows],
            lambda name: self._some(name, np.array(rows, np.int64)),
        )

    def _some(self, name: str, rows: np.ndarray) -> Coded:
        found = self.column(name)
        return (found if isinstance(found, Coded) else self.coded(name)).take(rows)

    def row(self, at: int) -> Row:
        """Return one of the rows."""
        label = None if self.labels is None else self.labels[at]
        problem, task = self.problems.get(at), self.tasks[at] if self.tasks else ""
        return Row(
            int(self.numbers[at]), int(self.ids[at]), self.paths[at], RowCells(self, at), label,
            problem, task,
        )  # fmt: skip


class RowCells(Mapping[str, Any]):
    """The cells of one row, read when they are asked for; only names that are known are listed."""

    def __init__(self, chunk: Chunk, at: int, names: Sequence[str] = ()) -> None:
        self._chunk, self._at, self._names = chunk, at, names

    def __getitem__(self, name: str) -> Cell:
        return self._chunk.column(name)[self._at]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def chunk_rows(width: int) -> int:
    """Return how many rows of so many columns make a chunk."""
    return max(64, min(ROWS, CELLS // max(width, 1)))


def always(column: Column) -> Callable[[Chunk], Column]:
    """Return a function that makes this column of any chunk."""
    return lambda _: column
