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
from ...tasks import word_value
from .._errors import TableError
from ._chunk import UNKNOWN, Cell, Chunk, Coded, Row, chunk_rows
from ._paths import PATH, find_path_column, no_path_column, said_of_paths
from ._values import (
    WordMap,
    amounts_of,
    changed_by,
    checked_long,
    number,
    read_amounts,
    read_names,
    read_separator,
    read_states,
    separators,
    states,
)
from ._words import decimal_marks, half_width, plain_amount

AMOUNTS = ("plain", "point", "comma")
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
    charset: str = table(
        "utf-8", "in which a table of text is written, as gbk or cp1252, where that is not UTF-8"
    )
    amounts: str | Mapping[str, str] = table(
        "plain",
        "numbers as people write them, whose decimals come behind a point (1,234.5, 45%, $3) or a "
        "comma (1.234,5): 'comma', or of one column 'Price: comma'; may be repeated; by default "
        "they are pointed out",
        read=read_amounts,
        repeat=True,
        metavar="[COLUMN:]{point,comma,plain}",
    )
    separator: str | Mapping[str, str | tuple[str, ...]] | None = table(
        None,
        "between names in one multi-label column, as ; in ball;rope, or of one column: 'Tags: ;'; "
        "may be repeated, and each separates",
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
    merge_names: bool = table(
        False,
        "take names as one that differ in case, spaces, accents, width of letters or a plural "
        "alone: the most frequent of them",
    )
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
        object.__setattr__(self, "amounts", amounts_of(self.amounts, AMOUNTS))
        between = self.separator.values() if isinstance(self.separator, dict) else [self.separator]
        if self.amounts == "comma" and "," in between:
            raise ValueError("amounts='comma' and separator=',': a comma is one or the other.")
        check_charset(self.charset)
        if self.long is not None:
            object.__setattr__(self, "long", checked_long(self.long))
        super().__post_init__()
        if self.delimiter is not None and self.delimiter != SPACES and len(self.delimiter) != 1:
            raise ValueError(f"delimiter={self.delimiter!r}: expected one character, or 'spaces'.")

    def separator_of(self, column: str) -> str | tuple[str, ...] | None:
        """Return what separates names in a column."""
        found = self.separator
        return found.get(column, found.get("")) if isinstance(found, Mapping) else found

    def amounts_of(self, column: str) -> tuple[str, bool]:
        """Return how numbers are written in a column, and whether that was said of it alone."""
        if isinstance(self.amounts, str):
            return self.amounts, False
        return self.amounts.get(column, self.amounts.get("", "plain")), column in self.amounts

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
    hint_of_path : str
        Which column may be meant, if it is not found.
    more_columns : sequence of str
        Columns that its chunks have as well, to split by; no tasks, and not joined on.
    not_tasks : sequence of str
        Columns that the layout knows to be no tasks, such as an id.
    added_columns : sequence of str
        Columns that were added to those of the layout, which tells nothing of them.
    notes : sequence of str
        What the user should know of how it is read.
    doubts : sequence of str
        What the user has to answer before tasks are taken as they are proposed.
    stored_width : int, optional
        Number of stored values a row, where rows hold those (`Row.label`) instead of text.
    known_tasks : sequence of dict
        Tasks (as `Task.to_dict` has them) that the layout itself tells; classes that are left
        out are the cells of the column, letter by letter.
    split_column : str, optional
        Column that the layout splits by, unless told otherwise.
    semicolons : bool
        Whether they stand between cells, as in tables of programs that write decimal commas.
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
    hint_of_path: str = ""
    more_columns: Sequence[str] = ()
    not_tasks: Sequence[str] = ()
    added_columns: Sequence[str] = ()
    notes: Sequence[str] = ()
    doubts: Sequence[str] = ()
    stored_width: int | None = None
    known_tasks: Sequence[Mapping[str, Any]] = ()
    split_column: str | None = None
    split_flags: bool = False
    semicolons: bool = False

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

    above = 0  # lines of a title, where one seems to be read as the header

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        unknown = UNKNOWN if options.empty_names == "none" else ""
        words = [word for word in options.missing_values if word]
        self._missing = WordMap({"missing": words}, missing=unknown)
        self._marks: dict[str, str] | None = None  # that stand before decimals, by column
        self._looking = False  # at the marks, before anything is read
        self._changes: dict[str, Callable[[Cell], Cell]] = {}  # by the mark

    def unmet(self) -> list[str]:
        more = {word: " (each takes an option of its own)" for word in self._missing.unmet()}
        return [
            f"missing_values: no cell is {word!r}{text if {*word} & {*',，'} else ''}"
            for word, text in more.items()
        ]

    def change_of(self, column: str) -> Callable[[Cell], Cell]:
        """Return what is made of the cells of a column before anything is looked for in them."""
        if self._looking:
            return lambda cell: cell
        how, of_it = self.options.amounts_of(column)
        mark = {"plain": "", "point": ".", "comma": ","}[how]
        mark = mark if of_it or not mark else self._mark_of(column, mark)
        if mark not in self._changes:
            self._changes[mark] = changed_by(*self.changes(mark))
        return self._changes[mark]

    def changes(self, mark: str) -> Sequence[Callable[[Cell], Cell]]:
        """Return what is made of cells, one after the other, if ``mark`` is before decimals."""
        amounts = functools.partial(as_plain, mark=mark) if mark else as_number
        return (self._missing, amounts)

    def _mark_of(self, column: str, mark: str) -> str:
        # What is said of all columns is not true of one whose cells show the other mark alone:
        # 1.250 beside 0.48 is no 1250. All rows are looked at before the first is read.
        if self._marks is None:
            found: dict[str, str] = {}
            self._looking, self._marks = True, found
            for chunk in self.chunks():
                for name in self.columns:
                    texts = [text for text in chunk.coded(name).texts if isinstance(text, str)]
                    found[name] = found.get(name, "") + decimal_marks(map(str.strip, texts))
            self._looking = False
        other = "," if mark == "." else "."
        if set(self._marks.get(column, "")) != {other}:
            return mark
        behind = {".": "a point", ",": "a comma"}[other]
        note = f"decimals of {column!r} stand behind {behind}, and are read so."
        self.notes = [*self.notes, *([] if note in self.notes else [note])]
        return other

    def say_of_header(self, note: str, doubt: str) -> None:
        """Take what is to be said of the rows above the cells, '' for nothing."""
        self.notes = [*self.notes, *filter(None, [note])]
        self.doubts = [*self.doubts, *filter(None, [doubt])]

    def find_paths(self, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Find the column of the images, by the names of all columns and some rows."""
        asked = self.options.path_column
        self.path_column = found = find_path_column(asked, columns, rows, self.above > 0)
        self.hint_of_path = "" if found else said_of_paths(columns, rows)
        if not found and self.above and asked == PATH:
            raise no_path_column(self.source, asked, columns, self.above, notes=self.notes)
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


def as_number(cell: Cell) -> Cell:
    """Return a number, or a yes or no, in the digits and letters of ASCII; other cells as they are.

    >>> as_number("−１４．５"), as_number("Ａ組"), as_number("½")
    ('-14.5', 'Ａ組', '½')
    """
    if not isinstance(cell, str) or cell.isascii():
        return cell
    half = half_width(cell)
    return cell if number(half) is None and word_value(half) is None else half


def check_charset(name: str) -> None:
    """Raise `ValueError` for what is no encoding of text."""
    try:
        "".encode(name)
    except LookupError as error:
        raise ValueError(f"charset={name!r}: expected one that Python knows, as gbk.") from error


def layouts() -> dict[str, str]:
    """Return what `TableOptions.layout` may be, each with a line about it."""
    about = {name: reader.about for name, reader in TableReader.types.items()}
    return {"auto": "the one that recognises the table", **about}
