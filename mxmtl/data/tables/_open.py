"""Which reader opens a table: by its name, or by what recognises it."""

from __future__ import annotations

import functools
import os
from typing import Any

from .._errors import TableError
from ._arrange import arranged, check_path
from ._foreign import check_readable
from ._records import RecordsTable, rows_of
from ._table import HEAD, TableOptions, TableReader
from ._text import first_bytes


def open_table(table: Any, options: TableOptions) -> TableReader:
    """Open a table in the layout that the options name, or that recognises it.

    Raises `TableError` (or `OSError` where there is nothing of that name) before any row is read.

    Parameters
    ----------
    table : path, DataFrame, iterable of dict, or TableReader
        The table; the cells of rows may be lists. One that is open already is returned as it is,
        so that tasks are proposed and records written from one reading of a large file.
    options : TableOptions
        How to read it; `ValueError` for any of a table that is open.
    """
    if isinstance(table, TableReader):
        if options != TableOptions():
            raise ValueError(f"{table.source} is open already: say its options to open_table.")
        return table
    opened = opened_alone(table, options)
    arranged_ = arranged(opened, functools.partial(opened_beside, options=options))
    check_path(arranged_)
    return arranged_


def is_rows(table: Any) -> bool:
    """Tell whether a table is rows in memory, and no path."""
    return not isinstance(table, str | bytes | os.PathLike)


def opened_alone(table: Any, options: TableOptions) -> TableReader:
    """Open a table as it is."""
    if is_rows(table):
        source, records, numbers = rows_of(table)
        return RecordsTable(source, options, records, numbers)
    path, layout = os.fspath(table), options.layout
    reader = guessed(path) if layout == "auto" else TableReader.types[layout]
    if os.path.isdir(path) != reader.reads_folder:
        kind = "is a folder" if os.path.isdir(path) else "is no folder"
        raise TableError(f"{path} {kind}, which does not go with layout={layout!r}.")
    return reader(path, options)


def opened_beside(table: Any, options: TableOptions) -> TableReader:
    """Open a second table: no more than cells that mean unknown are as in the first."""
    return opened_alone(table, TableOptions(missing_values=options.missing_values))


def guessed(path: str) -> type[TableReader]:
    """Return the newest layout that recognises a table; `TableError` where there is none."""
    if not os.path.exists(path):
        raise TableError(f"{path}: no such table.")
    head, is_folder = b"", os.path.isdir(path)
    if not is_folder:
        head = first_bytes(path, HEAD)
    for reader in reversed(list(TableReader.types.values())):
        if reader.reads_folder == is_folder and reader.recognises(path, head):
            if reader.layout == "table":
                check_readable(path, head)
            return reader
    raise TableError(f"{path}: of no layout that is known: {sorted(TableReader.types)}.")
