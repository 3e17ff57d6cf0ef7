"""Tables with a header: CSV and TSV, as spreadsheets write them; PASCAL's among them."""

from __future__ import annotations

import csv
from typing import Any, ClassVar, Iterator, List, Mapping, Tuple

from .._errors import TableError, not_utf8
from ._table import Row, TableOptions, TableReader

DELIMITERS = "\t,;"


class DelimitedTable(TableReader):
    """A CSV or TSV file with a header row, in UTF-8 (with or without byte order mark).

    Cells are stripped of white space, and spellings of an unknown label become ''. Columns
    without a name (an index that pandas left) are passed over, and so is a delimiter at the end
    of every row, which the header has not.
    """

    layout, about = "table", "CSV or TSV with a header"

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self._missing = frozenset(options.missing_values) - {""}
        self._header, self._ends_with_delimiter = self._read_header()
        self.columns = [name for name in self._header if name]

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        # Whatever its name, if no other layout recognises it; one that derives says what it reads.
        return cls is DelimitedTable or super().recognises(path, head)

    def rows(self) -> Iterator[Row]:
        path_column, missing, header = self.options.path_column, self._missing, self._header
        width, record_id = len(header), 0
        lines = self._lines()
        next(lines)
        for number, line in enumerate(lines, start=2):
            if not line:
                continue
            stripped = [cell.strip() for cell in line]
            if self._ends_with_delimiter and len(line) == width + 1 and not stripped[-1]:
                stripped.pop()
            cells = dict(zip(header, stripped))
            problem = None
            path = cells.get(path_column, "")
            if len(stripped) != width:
                problem = f"it has {len(line)} cells, but the header names {width} columns."
            elif not path:
                problem = f"column {path_column!r}: the cell is empty; expected an image file."
            if missing:
                cells = {name: "" if cell in missing else cell for name, cell in cells.items()}
            yield Row(number, record_id, path, cells, problem=problem)
            record_id += 1

    def _lines(self) -> Iterator[List[str]]:
        number = 0
        try:
            with open(self.source, encoding="utf-8-sig", newline="") as stream:
                delimiter = self.options.delimiter or guess_delimiter(stream.readline())
                stream.seek(0)
                for line in csv.reader(stream, delimiter=delimiter, strict=True):
                    number += 1
                    yield line
        except UnicodeDecodeError as error:
            raise not_utf8(self.source) from error
        except csv.Error as error:
            raise TableError(f"{self.source} row {number + 1}: {error}.") from error

    def _read_header(self) -> Tuple[List[str], bool]:
        lines = self._lines()
        header = [name.strip() for name in next(lines, [])]
        if not any(header):
            raise TableError(f"{self.source}: the first row is empty; expected column names.")
        twice = sorted({name for name in header if name and header.count(name) > 1})
        if twice:
            raise TableError(
                f"{self.source}: the header names {twice} more than once. Rename or remove one."
            )
        if self.options.path_column not in header:
            raise TableError(
                f"{self.source}: no column {self.options.path_column!r} among "
                f"{[name for name in header if name]}. It holds the image files; "
                "another name can be given as path_column."
            )
        first = next((line for line in lines if line), [""])
        return header, len(first) == len(header) + 1 and not first[-1].strip()


def guess_delimiter(header: str) -> str:
    r"""Return the delimiter that a header line has most of, outside of quotes.

    >>> guess_delimiter('path;"a,b,c";breed'), guess_delimiter("path")
    (';', ',')
    """
    bare = "".join(header.split('"')[::2])
    return max(DELIMITERS, key=lambda mark: (bare.count(mark), mark == ","))


class PascalTable(DelimitedTable):
    """A table of PASCAL VOC's images as courses hand it out: names separated by spaces."""

    layout, about = "pascal", "columns fname, labels (names and spaces), is_valid"
    settles: ClassVar[Mapping[str, Any]] = {"path_column": "fname", "separator": " "}

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        if "is_valid" in self.columns:
            self.split_column = "is_valid"
