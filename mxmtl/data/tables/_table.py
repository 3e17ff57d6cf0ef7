"""What a table of images and labels is, and the registry of all layouts that one may have."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import abc
import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..._options import Options, option, read_character
from .._errors import TableError
from ._chunk import Cell, Chunk, Coded, Row, chunk_rows
from ._paths import find_path_column
from ._values import (
    WordMap,
    checked_long,
    read_names,
    read_separator,
    read_states,
    separators,
    states,
)
from ._words import plain_amount

SPACES = "spaces"  # a delimiter: runs of them
HEAD = 4096  # bytes from which a layout may be recognised
table = functools.partial(option, group="table")


@dataclass(frozen=True)
class TableOptions(Options):
    """How to read a table; every field is an option of `write_records`.

    A name that is not listed in a multi-label task's single column does not hold for the row;
    where the cell is the separator alone, none does.
    """

    layout: str = table("auto", "of the table", choices=lambda: layouts())
    path_column: str = table(
        "path",
        "column of the image's path, or a path made of columns: 'train/{id:.2}/{id}.png'; a "
        "usual name of it is found",
        flag="--path-column/--path",
    )
    delimiter: str | None = table(
        None, "between cells, or spaces for runs of them; by the header by default",
        read=read_character,
    )  # fmt: skip
    skip_lines: int = table(0, "lines before the header", low=0)
    header: tuple[str, ...] = table((), "names of the columns, where the first row has none")
    missing_values: tuple[str, ...] = table(
        ("",),
        "a spelling of an unknown label, beside the empty cell; may be repeated",
        flag="--missing-value",
        repeat=True,
    )
    values: Mapping[str, Any] | None = table(
        None,
        "what cells say, as yes=1,no=-1,missing=0, or of one column: 'Edema: missing=-1'; may be "
        "repeated",
        read=read_states,
        repeat=True,
        metavar="[COLUMN:]yes=..,no=..,missing=..",
    )
    amounts: str = table(
        "plain",
        "numbers as people write them, whose decimals come behind a point (1,234.5, 45%%, $3) or a "
        "comma (1.234,5); by default they are pointed out",
        choices=("plain", "point", "comma"),
    )
    separator: str | Mapping[str, str] | None = table(
        None,
        "between names in one multi-label column, as ; in ball;rope, or of one column: 'Tags: ;'; "
        "may be repeated",
        read=read_separator,
        repeat=True,
        metavar="[COLUMN:]CHARACTER",
    )
    empty_names: str = table(
        "missing",
        "what an empty cell there says: nothing is known, or none of the names holds",
        choices=("missing", "none"),
    )
    none_names: tuple[str, ...] = table(
        (), "a cell that says that none of the names holds, or of one column: 'Tags: nothing'; may "
        "be repeated", flag="--none-name", repeat=True,
    )  # fmt: skip
    labels: tuple[str, ...] = table(
        (), "the labels to take: their names, or the least number of rows that have one"
    )
    names: tuple[str, ...] = table(
        (),
        "a file of codes and what they are called, for the column of its header, or of "
        "COLUMN=FILE; may be repeated",
        repeat=True,
    )
    long: Mapping[str, str] | None = table(
        None,
        "one row a label: its columns, as image=ImageID,label=LabelName,value=Confidence",
        read=read_names,
        metavar="image=..,label=..,value=..",
    )
    absent: str = table(
        "auto",
        "what a name says that a row does not mention: no, or missing where others are said not "
        "to hold",
        choices=("auto", "no", "missing"),
    )
    contradictions: str = table(
        "refuse",
        "what becomes of a label that is said to hold and not to",
        choices=("refuse", "missing"),
    )
    join: tuple[str, ...] = table(
        (), "a second table, by the column that both have, or by on=a or on=a,b behind it; may be "
        "repeated", repeat=True, metavar="'FILE [on=COLUMN]'",
    )  # fmt: skip
    split_files: tuple[str, ...] = table(
        (), "a list of the images of a split, as test=test_list.txt; may be repeated",
        flag="--split-file", repeat=True, metavar="NAME=FILE",
    )  # fmt: skip
    path_pattern: str | None = table(
        None, "what paths say, as {split}/{class}/* or {age}_{sex}_*.jpg: each name is a column"
    )

    def __post_init__(self) -> None:
        if isinstance(self.labels, int):
            object.__setattr__(self, "labels", str(self.labels))
        if isinstance(self.missing_values, str):
            raise ValueError(
                f"missing_values={self.missing_values!r} is one string; expected a list."
            )
        numbers = tuple(str(value) for value in self.missing_values)
        object.__setattr__(self, "missing_values", numbers)
        object.__setattr__(self, "values", states(self.values))
        object.__setattr__(self, "separator", separators(self.separator))
        between = self.separator.values() if isinstance(self.separator, dict) else [self.separator]
        if self.amounts == "comma" and "," in between:
            raise ValueError("amounts='comma' and separator=',': a comma is one or the other.")
        if self.long is not None:
            object.__setattr__(self, "long", checked_long(self.long))
        super().__post_init__()
        if self.delimiter is not None and self.delimiter != SPACES and len(self.delimiter) != 1:
            raise ValueError(f"delimiter={self.delimiter!r}: expected one character, or 'spaces'.")

    def separator_of(self, column: str) -> str | None:
        """Return what separates names in a column."""
        found = self.separator
        return found.get(column, found.get("")) if isinstance(found, Mapping) else found

    def none_names_of(self, column: str) -> frozenset[str]:
        """Return the cells of a column that say that none of the names holds."""
        start = f"{column}: "
        own = {name.removeprefix(start) for name in self.none_names if name.startswith(start)}
        return frozenset(own.union(self.none_names))


class TableReader(abc.ABC):
    """Abstract: a layout of tables, and one table in it, whose rows are read again and again.

    A subclass takes part as soon as it is defined, here or anywhere else: ``layout="auto"`` asks
    the newest first whether it `recognises` a table, ``mxmtl convert`` and ``mxmtl predict`` know
    its name.

    Parameters
    ----------
    path : str
        The file or folder.
    options : TableOptions
        How to read it. Raises `TableError` for what cannot be read in this layout.

    Attributes
    ----------
    layout : str
        Name of the layout (of the class).
    about : str
        What such a table is, for help texts (of the class).
    endings : tuple of str
        What names of such files end in, in lower case; none if it is never guessed (of the class).
    reads_folder : bool
        Whether it reads a folder instead of a file (of the class).
    settles : dict
        Options that the layout itself gives, whatever they were (of the class).
    one_task_a_row : bool
        Whether every row asks for one task: `Row.task` (of the class).
    source : str
        The file or folder, as messages name it.
    options : TableOptions
        Those given, with what the layout settles.
    columns : sequence of str
        Columns that every row's `cells` have.
    path_column : str, optional
        The column of the images, where one is; '' if it is not found.
    more_columns : sequence of str
        Columns that its chunks have as well, to split by; no tasks, and not joined on.
    not_tasks : sequence of str
        Columns that the layout knows to be no tasks, such as an id.
    notes : sequence of str
        What the user should know of how it is read.
    stored_width : int, optional
        Number of stored values a row, where rows hold those (`Row.label`) instead of text.
    known_tasks : sequence of dict
        Tasks (as `Task.to_dict` has them) that the layout itself tells; classes that are left
        out are the cells of the column, letter by letter.
    split_column : str, optional
        Column that the layout splits by, unless told otherwise.
    split_flags : bool
        Whether that column says no more than yes (val) or no (train).

    Examples
    --------
    >>> class PipesReader(TableReader):
    ...     layout, about, endings = "pipes", "path|breed, without a header", (".pipes",)
    ...     columns = ("breed",)
    ...     def rows(self):
    ...         with open(self.source) as stream:
    ...             for number, line in enumerate(stream):
    ...                 path, breed = line.rstrip().split("|")
    ...                 yield Row(number + 1, number, path, {"breed": breed})
    >>> layouts()["pipes"]
    'path|breed, without a header'
    >>> del TableReader.types["pipes"]
    """

    types: ClassVar[dict[str, type[TableReader]]] = {}
    layout: ClassVar[str]
    about: ClassVar[str]
    endings: ClassVar[tuple[str, ...]] = ()
    reads_folder: ClassVar[bool] = False
    settles: ClassVar[Mapping[str, Any]] = {}
    one_task_a_row: ClassVar[bool] = False

    columns: Sequence[str]
    path_column: str | None = None
    more_columns: Sequence[str] = ()
    not_tasks: Sequence[str] = ()
    notes: Sequence[str] = ()
    stored_width: int | None = None
    known_tasks: Sequence[Mapping[str, Any]] = ()
    split_column: str | None = None
    split_flags: bool = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "layout" in vars(cls):
            TableReader.types[cls.layout] = cls

    def __init__(self, path: str, options: TableOptions) -> None:
        self.source = path
        self.options = dataclasses.replace(options, **self.settles)

    @property
    def images_folder(self) -> str:
        """Folder that the paths begin from, where nobody names one."""
        return self.source if self.reads_folder else os.path.dirname(self.source)

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        """Tell whether a table is in this layout, by its name or its first bytes.

        It is asked about files, or about folders, as it reads the ones or the others.
        """
        return cls.reads_folder or path.lower().endswith(cls.endings)

    @abc.abstractmethod
    def rows(self) -> Iterator[Row]:
        """Read the rows from the start."""

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows from the start, some thousand at a time."""
        rows, size = self.rows(), chunk_rows(len(self.columns))
        while batch := list(itertools.islice(rows, size)):
            yield Chunk.of_rows(batch, self.stored_width)

    def unmet(self) -> list[str]:
        """Say which spellings of an unknown label no cell was, after the rows were read."""
        return []

    def check_labels(self) -> None:
        """Raise `TableError` for a table that names images, and says nothing about them."""
        if self.stored_width == 0:
            raise TableError(f"{self.source}: its rows have no label.")


class ColumnTable(TableReader, abc.ABC):
    """Abstract: a table that is read by columns."""

    @abc.abstractmethod
    def chunks(self) -> Iterator[Chunk]: ...

    def rows(self) -> Iterator[Row]:
        for chunk in self.chunks():
            for at in range(len(chunk)):
                row = chunk.row(at)
                yield row._replace(cells={name: row.cells[name] for name in self.columns})


class CellTable(ColumnTable, abc.ABC):
    """Abstract: a table of cells, of which one column names the images."""

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self._missing = WordMap({"missing": [word for word in options.missing_values if word]})
        plain = functools.partial(as_plain, mark="," if options.amounts == "comma" else ".")
        self._changes = [self._missing, None if options.amounts == "plain" else plain]

    def unmet(self) -> list[str]:
        return [f"missing_values: no cell is {word!r}" for word in self._missing.unmet()]

    def find_paths(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Find the column of the images, by the names of all columns and some rows."""
        self.path_column = found = find_path_column(self.options.path_column, columns, rows)
        if found:
            self.options = dataclasses.replace(self.options, path_column=found)

    def paths(self, column: Callable[[str], Coded], count: int) -> tuple[list[str], dict[int, str]]:
        """Return the images of so many rows, and what is wrong with those that have none."""
        if not self.path_column:
            return [""] * count, {}
        text = f"column {self.path_column!r}: the cell is empty; expected an image file."
        read = column(self.path_column).read(
            lambda one: one.strip() if isinstance(one, str) else ""
        )
        empty = [code for code, path in enumerate(read.texts) if not path]
        bad = np.flatnonzero(np.isin(read.codes, empty)).tolist() if empty else ()
        return read.cells(), dict.fromkeys(bad, text)  # type: ignore[return-value]


def as_plain(cell: Cell, mark: str) -> Cell:
    """Return an amount as a plain number, and any other cell as it is."""
    return plain_amount(cell, mark) if isinstance(cell, str) else cell


def layouts() -> dict[str, str]:
    """Return what `TableOptions.layout` may be, each with a line about it."""
    about = {name: reader.about for name, reader in TableReader.types.items()}
    return {"auto": "the one that recognises the table", **about}
