"""Excel workbooks and Parquet files, by libraries that are an extra."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Sequence
from typing import Any

from .._errors import TableError
from ._header import lines_above, said_of_header
from ._records import SAMPLE, FileOfRecords, Record, check_names_once
from ._table import TableOptions

INSTALL = 'pip install "mxmtl[tables]"'


def library(name: str, path: str) -> Any:
    """Import what reads a kind of file; `TableError` with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        package = name.partition(".")[0]
        raise TableError(
            f"{path}: {package} reads such files, and is not installed: {INSTALL} (or pip install "
            f"{package}). Or save the table as CSV."
        ) from error


class ExcelTable(FileOfRecords):
    """The first sheet of an Excel workbook; its first row names the columns."""

    layout, about, endings = "excel", "first sheet of an Excel workbook", (".xlsx", ".xlsm")

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return head.startswith(b"PK") and super().recognises(path, head)

    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        openpyxl = library("openpyxl", path)
        try:
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise TableError(f"{path}: no Excel workbook that can be read ({error}).") from error
        sheets = book.sheetnames
        if len(sheets) > 1:
            self.notes = [f"of the sheets {sheets} the first is read: move another there."]
        rows = list(book[sheets[0]].iter_rows(values_only=True))[options.skip_lines :]
        book.close()
        header = list(options.header)
        if not header:
            skip, above = options.skip_lines, lines_above(rows[:SAMPLE])
            self.above = above and skip + above
            header = ["" if name is None else str(name).strip() for name in (rows or [()])[0]]
            letter = importlib.import_module("openpyxl.utils").get_column_letter
            first, rows = rows[1:SAMPLE], rows[1:]
            self.say_of_header(*said_of_header(header, first, skip, lambda at: letter(at + 1)))
        start = options.skip_lines + (not options.header) + 1
        filled = [at for at, row in enumerate(rows) if any(cell not in (None, "") for cell in row)]
        self.first, rows = [start + at for at in filled], [rows[at] for at in filled]
        if not any(header):
            raise TableError(f"{path}: the first row is empty; expected column names.")
        check_names_once(path, header)
        return [dict(zip(header, row)) for row in rows]


class ParquetTable(FileOfRecords):
    """A Parquet file."""

    layout, about, endings = "parquet", "Parquet", (".parquet", ".pq")

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return head.startswith(b"PAR1")

    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        parquet, arrow = library("pyarrow.parquet", path), library("pyarrow", path)
        try:
            check_names_once(path, parquet.read_schema(path).names)
            read = parquet.read_table(path)
        except (OSError, arrow.ArrowException) as error:
            raise TableError(f"{path}: no Parquet file that can be read ({error}).") from error
        names = [name for name in read.column_names if not name.startswith("__index_level_")]
        columns = [read.column(name).to_pylist() for name in names]
        for name, cells in zip(names, columns):
            if any(isinstance(cell, dict) and cell.get("bytes") for cell in cells[:20]):
                raise TableError(
                    f"{path}: column {name!r} holds the pictures themselves. Save them as files, "
                    "and their names in a column."
                )
        return [dict(zip(names, cells)) for cells in zip(*columns)]
