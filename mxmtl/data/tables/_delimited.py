"""Tables of text: CSV and TSV with a header, as spreadsheets write them, and plain text.

What people write by hand or by script has runs of spaces, a first line that counts the rows, no
header, or one that leaves out the column of the images. All of that is seen by the first rows, in
files of a name that ends in ``.txt`` or with ``delimiter="spaces"``.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar

from .._errors import TableError, not_utf8
from ._blocks import BYTES, WIDE, read_block, split_block
from ._chunk import Cell, Chunk, Coded, chunk_rows
from ._header import lines_above, said_of_header
from ._paths import PATH, is_picture, looks_like_data
from ._table import SPACES, CellTable, TableOptions
from ._text import batches_of, is_packed, lines_of, listed, open_text
from ._values import number

DELIMITERS = "\t,;|"
SEPARATED = re.compile(r"sep=(.)\s*")  # a first line of Excel's
KEPT = 1 << 28  # cells of a wide table, a byte each
SAMPLE = 20  # rows that are looked at before the others
WORDS = 1 << 16  # rows in which the last cell may be some words


class DelimitedTable(CellTable):
    """A CSV or TSV file with a header row, in UTF-8 (with or without byte order mark).

    Cells are stripped of white space, and spellings of an unknown label become ''. Columns
    without a name (an index that pandas left) are passed over, and so is a delimiter at the end
    of every row, which the header has not.
    """

    layout, about = "table", "CSV, TSV or plain text, packed or not"

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        self._plain = path.lower().removesuffix(".gz").endswith(".txt")
        self._skip, self._header, self._trailing = 0, list[str](), False
        self._most = -1  # runs of spaces that part cells; the rest stand in the last one
        self._kept: list[Chunk] = []  # all rows of a wide table, after they were read once
        self._utf8 = options.charset == "utf-8"  # whose commas are bytes of their own
        self._delimiter = self._find_delimiter()
        self.semicolons = self._delimiter == ";"
        self._read_head()
        self.columns = [name for name in self._header if name]

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        # Whatever its name, if no other layout recognises it; one that derives says what it reads.
        return cls is DelimitedTable or super().recognises(path, head)

    def changes(self, mark: str) -> Sequence[Callable[[Cell], Cell]]:
        return (str.strip, *super().changes(mark), listed)  # type: ignore[arg-type]

    def chunks(self) -> Iterator[Chunk]:
        if self._kept and not self._looking:
            yield from self._kept
        elif self._utf8 and len(self._header) > 1 and self._delimiter and self._delimiter.isascii():
            yield from self._chunks_of_blocks(self._delimiter)
        else:
            yield from self._chunks_of(0)

    def _chunks_of(self, first: int) -> Iterator[Chunk]:
        # Of the rows from one on, by its place among those with labels.
        drop, record_id = first + (not self.options.header), first
        skip, size = self.options.skip_lines + self._skip, chunk_rows(len(self._header))
        source, charset = self.source, self.options.charset
        batches = batches_of(source, self._delimiter, skip, size, charset, self._most)
        for numbers, lines in batches:
            left = max(0, drop - len(lines))
            numbers, lines, drop = numbers[drop:], lines[drop:], left
            if lines:
                yield self._chunk(numbers, lines, record_id)
                record_id += len(lines)

    def _chunks_of_blocks(self, delimiter: str) -> Iterator[Chunk]:
        # As long as blocks are plain; rows are those of the other way, from where they are not.
        skip = self.options.skip_lines + self._skip + (not self.options.header)
        record_id, width, kept = 0, len(self._header), list[Chunk]()
        wide = width >= WIDE
        read, size = (read_block, 4 * BYTES) if wide else (split_block, BYTES)
        try:
            with open(self.source, "rb") as stream:
                plain = skip > 0 and not is_packed(stream.peek(2))
                first = [stream.readline() for _ in range(skip if plain else 0)]
                plain &= not any(b'"' in line or b"\r" in line.rstrip(b"\r\n") for line in first)
                while plain and (content := stream.read(size)):
                    content += stream.readline()
                    block = read(content, width, delimiter)
                    if block is None:
                        break
                    chunk = self._block_chunk(block, skip + 1 + record_id, record_id)
                    yield chunk
                    record_id += len(chunk)
                    keep = wide and not self._looking and record_id * width <= KEPT
                    kept += [chunk] * keep
                else:
                    if plain:
                        self._kept = kept if sum(map(len, kept)) == record_id else []
                        return
        except UnicodeDecodeError as error:
            raise not_utf8(self.source) from error
        yield from self._chunks_of(record_id)

    def _block_chunk(
        self, block: Sequence[Coded | list[str]], number: int, record_id: int
    ) -> Chunk:
        places = {name: place for place, name in enumerate(self._header)}
        count = len(block[0].codes if isinstance(block[0], Coded) else block[0])

        @functools.cache  # as the images may be a column as well
        def cells(name: str) -> Coded:
            found = block[places[name]]
            return found if isinstance(found, Coded) else Coded.of(found)

        paths, problems = self.paths(cells, count)
        return Chunk(
            range(number, number + count), range(record_id, record_id + count), paths,
            lambda name: cells(name).read(self.change_of(name)), problems=problems,
        )  # fmt: skip

    def _chunk(self, numbers: Sequence[int], lines: list[list[str]], first_id: int) -> Chunk:
        width, problems = len(self._header), {}
        if {*map(len, lines)} != {width}:
            for at, line in enumerate(lines):
                if self._trailing and len(line) == width + 1 and not line[-1].strip():
                    lines[at] = line[:-1]
                elif len(line) != width:
                    problems[at] = (
                        f"it has {len(line)} cells, but the header names {width} columns."
                    )
                    lines[at] = (line + [""] * width)[:width]
        columns = dict(zip(self._header, zip(*lines)))
        paths, empty = self.paths(lambda name: Coded.of(columns[name]), len(lines))
        problems = {**empty, **problems}
        ids = range(first_id, first_id + len(lines))
        return Chunk(
            numbers,
            ids,
            paths,
            lambda name: Coded.of(columns[name]).read(self.change_of(name)),
            problems=problems,
        )

    def _find_delimiter(self) -> str | None:
        given = self.options.delimiter
        if given is not None:
            self._plain |= given == SPACES
            return None if given == SPACES else given
        skip = self.options.skip_lines
        with open_text(self.source, self.options.charset) as stream:
            lines = list(itertools.islice(stream, skip, skip + 3))
        told = SEPARATED.fullmatch(lines[0]) if lines else None
        if told:
            self._skip = 1
            return told.group(1)
        bars = not any(" " in line.strip() for line in lines)  # and not between names in a cell
        marks = DELIMITERS if bars else DELIMITERS.replace("|", "")
        spaced = self._plain and not any(mark in line for line in lines for mark in marks)
        return None if spaced else guess_delimiter(*lines)

    def _read_head(self) -> None:
        first = self._rows_at_the_start()
        if self._plain and len(first) > 1 and is_count(first[0]) and not self.options.header:
            self._skip, first = (
                self._skip + 1,
                first[1:],
            )  # DeepFashion's and CelebA's number of rows
        header = [name.strip() for name in (self.options.header or (first[:1] or [[]])[0])]
        rows = first if self.options.header else first[1:]
        if not any(header):
            raise TableError(f"{self.source}: the first row is empty; expected column names.")
        if not self.options.header and (
            is_data(header, rows) if self._plain else is_row(header, rows)
        ):
            if not self._plain:
                self.notes = [f"there is no header: {header[:5]} is a row, as others are."]
            if self._delimiter is None:
                self._most = self._parts_of_words()
                first = self._rows_at_the_start()
            header, rows = self._names_for(first[0]), first
            self.options = dataclasses.replace(self.options, header=tuple(header))
        width = len(rows[0]) if rows else len(header)
        picture = bool(rows) and is_picture(rows[0][0].strip())
        short = width == len(header) + 1 and bool(rows[0][-1].strip()) and PATH not in header
        if short and (self._plain or picture):
            header = [PATH, *header]  # CelebA names the labels alone
        elif self._plain and width > len(header) and not self.options.header:
            more = range(
                1, width - len(header) + 2
            )  # one name for all the rest, as DeepFashion has
            header = [*header[:-1], *(f"{header[-1]}.{number}" for number in more)]
        self._check_header(header)
        self._header = header
        if not self.options.header:
            self._look_above(header, rows)
        self._trailing = width == len(header) + 1 and not rows[0][-1].strip()
        self.find_paths(header, rows)

    def _parts_of_words(self) -> int:
        # Of rows without a header, whose last cell is some words: British Aerospace, or names.
        lines = itertools.islice(self._lines(self.options.skip_lines + self._skip), WORDS)
        rows = [line for _, line in lines if line]
        least = min(map(len, rows))
        rest = (cell for line in rows for cell in line[least - 1 :])
        words = (
            least > 1 and {*map(len, rows)} != {least} and all(number(one) is None for one in rest)
        )
        return least - 1 if words else -1

    def _look_above(self, header: Sequence[str], rows: list[list[str]]) -> None:
        skip = self.options.skip_lines
        lines = list(itertools.islice(self._lines(skip), SAMPLE))
        above = lines_above([line for _, line in lines])
        self.above = lines[above][0] - 1 if above else 0
        at = next((number for number, line in self._lines(skip + self._skip) if line), 1)
        self.say_of_header(*said_of_header(header, rows, at - 1, lambda at: f"number {at + 1}"))

    def _rows_at_the_start(self) -> list[list[str]]:
        skip = self.options.skip_lines + self._skip
        rows = (line for _, line in self._lines(skip) if line)
        first = list(itertools.islice(rows, 1))
        return first + list(itertools.islice(filter(any, rows), SAMPLE - 1))

    def _lines(self, skip: int) -> Iterator[tuple[int, list[str]]]:
        return lines_of(self.source, self._delimiter, skip, self.options.charset, self._most)

    def _names_for(self, cells: Sequence[str]) -> list[str]:
        # No header: the images, an id before them, and what the file is called.
        stem = os.path.basename(self.source).split(".")[0]
        at = next((place for place, cell in enumerate(cells) if is_picture(cell)), None)
        names = [PATH if place == at else "id" if place == 0 else "" for place in range(len(cells))]
        rest = names.count("")
        numbers = itertools.count(1)
        return [name or (stem if rest == 1 else f"{stem}.{next(numbers)}") for name in names]

    def _check_header(self, header: Sequence[str]) -> None:
        twice = sorted(name for name, count in Counter(header).items() if name and count > 1)
        if twice:
            raise TableError(
                f"{self.source}: the header names {twice[:10]} more than once. Rename or remove "
                "one."
            )


def guess_delimiter(header: str = "", *rows: str) -> str:
    r"""Return the delimiter that a header line has most of, outside of quotes, as rows have it.

    >>> guess_delimiter('path;"a,b,c";breed'), guess_delimiter("path")
    (';', ',')
    >>> guess_delimiter("path\tkind, size", "1.jpg\tpug, small", "2.jpg\tbig")
    '\t'
    """
    bare = ["".join(line.split('"')[::2]) for line in (header, *rows)]

    def rank(mark: str) -> tuple[bool, int, bool]:
        counts = {line.count(mark) for line in bare if line.strip()}
        return len(counts) == 1 and counts != {0}, bare[0].count(mark), mark == ","

    return max(DELIMITERS, key=rank)


def is_count(line: Sequence[str]) -> bool:
    """Tell whether a first line says no more than how many rows follow."""
    return len(line) == 1 and line[0].strip().isdigit()


def is_data(line: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row of a plain text is a row like the others, and no header."""
    numbers = [at for at, cell in enumerate(line) if number(cell) is not None]
    below = all(
        number(cell) is not None for row in rows for at, cell in enumerate(row) if at in numbers
    )
    return len(numbers) == len(line) or (below and looks_like_data(line))


def is_row(line: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Tell whether the first row names an image where all others do, and so is no header."""
    return any(
        is_picture(cell) and all(len(row) > at and is_picture(row[at].strip()) for row in rows)
        for at, cell in enumerate(line)
    )


class PascalTable(DelimitedTable):
    """A table of PASCAL VOC's images as courses hand it out: names separated by spaces."""

    layout, about = "pascal", "columns fname, labels (names and spaces), is_valid"
    settles: ClassVar[Mapping[str, Any]] = {"path_column": "fname", "separator": " "}

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options)
        if "is_valid" in self.columns:
            self.split_column, self.split_flags = "is_valid", True
