"""What a table of images and labels is, and the registry of all layouts that one may have."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import abc
import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Any,
    ClassVar,
    NamedTuple,
)

import numpy as np

from ..._files import PathLike
from ..._options import Options, option, read_character
from .._errors import TableError

HEAD = 4096  # bytes from which a layout may be recognised
table = functools.partial(option, group="table")


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
    cells : dict
        {column: text}; empty text where the label is missing.
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
    cells: dict[str, str]
    label: np.ndarray | None = None
    problem: str | None = None
    task: str = ""


@dataclass(frozen=True)
class TableOptions(Options):
    """How to read a table; every field is an option of `write_records`.

    A name that is not listed in a multi-label task's single column does not hold for the row;
    where the cell is the separator alone, none does.
    """

    layout: str = table("auto", "of the table", choices=lambda: layouts())
    path_column: str = table("path", "column that holds the image's path")
    delimiter: str | None = table(
        None, "between cells; by the header by default", read=read_character
    )
    missing_values: tuple[str, ...] = table(
        ("",),
        "a spelling of an unknown label, beside the empty cell; may be repeated",
        flag="--missing-value",
        repeat=True,
    )
    separator: str | None = table(
        None, "between names in one multi-label column, as ; in ball;rope", read=read_character
    )
    empty_names: str = table(
        "missing",
        "what an empty cell there says: nothing is known, or none of the names holds",
        choices=("missing", "none"),
    )

    def __post_init__(self) -> None:
        if isinstance(self.missing_values, str):
            raise ValueError(
                f"missing_values={self.missing_values!r} is one string; expected a list."
            )
        super().__post_init__()
        if self.delimiter is not None and len(self.delimiter) != 1:
            raise ValueError(f"delimiter={self.delimiter!r}: expected one character.")
        if self.separator == "":
            raise ValueError("separator='': expected what stands between names, such as ';'.")


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
    stored_width : int, optional
        Number of stored values a row, where rows hold those (`Row.label`) instead of text.
    known_tasks : sequence of dict
        Tasks (as `Task.to_dict` has them) that the layout itself tells; classes that are left
        out are the cells of the column, letter by letter.
    split_column : str, optional
        Column that the layout splits by, unless told otherwise.

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
    stored_width: int | None = None
    known_tasks: Sequence[Mapping[str, Any]] = ()
    split_column: str | None = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "layout" in vars(cls):
            TableReader.types[cls.layout] = cls

    def __init__(self, path: str, options: TableOptions) -> None:
        self.source = path
        self.options = dataclasses.replace(options, **self.settles)

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        """Tell whether a table is in this layout, by its name or its first bytes.

        It is asked about files, or about folders, as it reads the ones or the others.
        """
        return cls.reads_folder or path.lower().endswith(cls.endings)

    @abc.abstractmethod
    def rows(self) -> Iterator[Row]:
        """Read the rows from the start."""

    def check_labels(self) -> None:
        """Raise `TableError` for a table that names images, and says nothing about them."""
        if self.stored_width == 0:
            raise TableError(f"{self.source}: its rows have no label.")


def layouts() -> dict[str, str]:
    """Return what `TableOptions.layout` may be, each with a line about it."""
    about = {name: reader.about for name, reader in TableReader.types.items()}
    return {"auto": "the one that recognises the table", **about}


def open_table(path: PathLike, options: TableOptions) -> TableReader:
    """Open a table in the layout that the options name, or that recognises it.

    Raises `TableError` (or `OSError` where there is nothing of that name) before any row is read.
    """
    path, layout = os.fspath(path), options.layout
    reader = guessed(path) if layout == "auto" else TableReader.types[layout]
    if os.path.isdir(path) != reader.reads_folder:
        kind = "is a folder" if os.path.isdir(path) else "is no folder"
        raise TableError(f"{path} {kind}, which does not go with layout={layout!r}.")
    return reader(path, options)


def guessed(path: str) -> type[TableReader]:
    """Return the newest layout that recognises a table; `TableError` where there is none."""
    if not os.path.exists(path):
        raise TableError(f"{path}: no such table.")
    head, is_folder = b"", os.path.isdir(path)
    if not is_folder:
        with open(path, "rb") as stream:
            head = stream.read(HEAD)
    for reader in reversed(list(TableReader.types.values())):
        if reader.reads_folder == is_folder and reader.recognises(path, head):
            return reader
    raise TableError(f"{path}: of no layout that is known: {sorted(TableReader.types)}.")
