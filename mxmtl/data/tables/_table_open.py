"""Which layout a table has, by its options or its name."""

from __future__ import annotations

import dataclasses
import os
from typing import Tuple, Union

from .._errors import TableError
from ._table import Table, TableOptions
from ._table_csv import DelimitedTable
from ._table_fashionai import FashionAITable
from ._table_folder import FolderTable
from ._table_lst import ListTable

LAYOUTS = ("auto", "table", "lst", "folder", "fashionai", "pascal")


def open_table(
    path: Union[str, "os.PathLike[str]"], options: TableOptions
) -> Tuple[Table, TableOptions]:
    """Open a table, and return it with the options that its layout settles.

    Raises `TableError` (or `OSError` where there is nothing of that name) before any row is read.
    """
    path = os.fspath(path)
    layout = options.layout
    if layout not in LAYOUTS:
        raise ValueError(f"layout={layout!r} is not one of {LAYOUTS}.")
    if layout == "auto":
        layout = guess_layout(path)
    if os.path.isdir(path) != (layout == "folder"):
        kind = "is a folder" if os.path.isdir(path) else "is no folder"
        raise TableError(f"{path} {kind}, which does not go with layout={layout!r}.")
    if layout == "folder":
        return FolderTable(path), options
    if layout == "lst":
        return ListTable(path), options
    if layout == "fashionai":
        return FashionAITable(path), options
    if layout == "table":
        return DelimitedTable(path, options), options
    options = dataclasses.replace(options, path_column="fname", separator=" ")
    table = DelimitedTable(path, options)
    if "is_valid" in table.columns:
        table.split_column = "is_valid"
    return table, options


def guess_layout(path: str) -> str:
    """Return the layout that a path's kind and ending tell; `TableError` where there is none."""
    if os.path.isdir(path):
        return "folder"
    if not os.path.exists(path):
        raise TableError(f"{path}: no such table.")
    return "lst" if path.lower().endswith(".lst") else "table"
