"""Rows in memory: dicts of cells, as JSON, a DataFrame or a program of the user's has them.

A dict in a row becomes columns of dotted names, a list of texts stays a list, and a list of dicts
becomes a list for each of their keys: whatever JSON there is, its leaves are cells.
"""

from __future__ import annotations

import abc
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._errors import TableError
from ._chunk import Cell, Chunk, Coded, chunk_rows
from ._paths import PATH, is_picture
from ._table import CellTable, TableOptions
from ._text import LABEL_STUDIO, listed, open_text, text

SAMPLE = 50
# Where things stand in a picture; large, and nothing that this package predicts.
GEOMETRY = frozenset(
    "segmentation bbox keypoints polygon points rle landmarks bounding_box bbox_mode".split()
)
NUMBERS = r"[\d.,eE+\-\s]*"
OUTLINE = re.compile(
    rf'("(?:{"|".join(sorted(GEOMETRY))})"\s*:\s*\[){NUMBERS}(?:\[{NUMBERS}\]{NUMBERS})*\]'
)
Record = Mapping[str, Any]


class RecordsTable(CellTable):
    """A table of dicts: the columns are all of their keys, the cells of others are empty.

    Parameters
    ----------
    source : str
        How messages call it.
    options : TableOptions
        How to read it.
    records : sequence of dict
        The rows.
    numbers : int or sequence of int
        Of the rows, for messages, or of the first one.
    """

    def __init__(
        self,
        source: str,
        options: TableOptions,
        records: Sequence[Record],
        numbers: int | Sequence[int] = 1,
    ) -> None:
        super().__init__(source, options)
        self._records = [flat(record, source) for record in records]
        if isinstance(numbers, int):
            numbers = range(numbers, numbers + len(records))
        self._numbers = numbers
        if not self._records:
            raise TableError(f"{source}: no rows.")
        self.columns = columns_of(self._records)
        rows = [[r.get(name, "") for name in self.columns] for r in self._records[:SAMPLE]]
        self.find_paths(self.columns, rows)

    def chunks(self) -> Iterator[Chunk]:
        size = chunk_rows(len(self.columns))
        for start in range(0, len(self._records), size):
            yield self._chunk(self._records[start : start + size], start)

    def _chunk(self, records: Sequence[dict[str, Cell]], start: int) -> Chunk:
        def cells(name: str) -> Coded:
            return Coded.of([record.get(name, "") for record in records])

        paths, problems = self.paths(cells, len(records))
        ids = range(start, start + len(records))
        return Chunk(
            self._numbers[ids.start : ids.stop], ids, paths,
            lambda name: cells(name).read(self.change_of(name)), problems=problems,
        )  # fmt: skip


def columns_of(records: Sequence[dict[str, Cell]]) -> list[str]:
    """Return the columns of records; where a list of dicts is empty, so are the lists of its keys.

    >>> rows = [{"tags.name": ("a",)}, {"tags": ()}]
    >>> columns_of(rows), rows[1]
    (['tags.name'], {'tags.name': ()})
    """
    names = dict.fromkeys(name for record in records for name in record if name)
    starts = {name.rpartition(".")[0] for name in names}
    for start in starts.intersection(names):
        if any(record.get(start, ()) != () for record in records):
            continue
        inner = [name for name in names if name.rpartition(".")[0] == start]
        lists = {name for name in inner for one in records if isinstance(one.get(name), tuple)}
        for record in records:
            if record.pop(start, None) == ():
                record.update({name: () for name in inner if name in lists})
        del names[start]
    return list(names)


class Rows(NamedTuple):
    """Rows in memory: how messages call them, the rows, and their numbers or that of the first."""

    source: str
    records: Sequence[Record]
    numbers: int | Sequence[int] = 1


def rows_of(rows: Any) -> Rows:
    """Return rows in memory as dicts; `TableError` for what has none.

    >>> rows_of([{"path": "1.jpg"}])
    Rows(source='the rows', records=[{'path': '1.jpg'}], numbers=1)
    """
    for name in ("to_dicts", "to_pylist"):  # of Polars, of Arrow
        if hasattr(rows, name):
            check_names_once("the rows", getattr(rows, "column_names", ()))
            return Rows("the rows", list(getattr(rows, name)()))
    if hasattr(rows, "to_dict") and hasattr(rows, "columns"):  # of pandas
        return rows_of_frame(rows)
    if isinstance(rows, Mapping) or not isinstance(rows, Iterable):
        raise TableError(
            f"{type(rows).__name__}: expected a path, a DataFrame, or an iterable of dicts of "
            "{column: cell}."
        )
    found = list(rows)
    for at, row in enumerate(found):
        if not isinstance(row, Mapping):
            raise TableError(f"the rows: row {at + 1} is {type(row).__name__}; expected a dict.")
    return Rows("the rows", found)


def rows_of_frame(frame: Any) -> Rows:
    """Return the rows of a DataFrame of pandas, by the numbers of its index if it has such.

    A frame that was filtered keeps them, and they are what its user finds rows by.
    """
    names = [str(name) for name in frame.columns]
    columns = [frame.iloc[:, at].tolist() for at in range(len(names))]
    index = frame.index.tolist()
    if index and all(map(is_picture, index)):
        names, columns = [str(frame.index.name or PATH), *names], [index, *columns]
    check_names_once("the DataFrame", names)
    records = [dict(zip(names, cells)) for cells in zip(*columns)]
    if frame.index.is_unique and all(type(one) is int and one >= 0 for one in index):
        return Rows("the DataFrame (rows as in df.loc)", records, index)
    return Rows("the DataFrame (rows as in df.iloc)", records, range(len(index)))


def check_names_once(source: str, names: Sequence[str]) -> None:
    """Raise `TableError` for columns of one name: a dict would keep the last of them."""
    counts = Counter(str(name).strip() for name in names)
    twice = sorted(name for name, count in counts.items() if name and count > 1)
    if twice:
        raise TableError(
            f"{source}: columns {twice[:10]} are there more than once. Rename or remove one of "
            "each."
        )


def flat(record: Record, source: str) -> dict[str, Cell]:
    """Return a record as columns and cells."""
    cells: dict[str, Cell] = {}
    for name, value in record.items():
        put(cells, str(name).strip(), value)
    return cells


def put(cells: dict[str, Cell], name: str, value: Any) -> None:
    """Put a value into a row: a dict as columns of dotted names."""
    if isinstance(value, Mapping):
        if len(value) == 1 and not LABEL_STUDIO.isdisjoint(value):
            put(cells, name, next(iter(value.values())))
            return
        for key, inner in value.items():
            put(cells, f"{name}.{key}", inner)
        return
    if hasattr(value, "tolist") and not isinstance(value, str):  # NumPy's
        value = value.tolist()
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else list(value)
        if any(isinstance(item, Mapping) for item in items):
            put_all(cells, name, items)
            return
        cells[name] = tuple(leaf for item in items for leaf in leaves(item))
        return
    cells[name] = listed(text(value))


def put_all(cells: dict[str, Cell], name: str, items: Sequence[Any]) -> None:
    """Put a list of dicts into a row: each key is a list."""
    inner: dict[str, list[str]] = {}
    for item in items:
        own: dict[str, Cell] = {}
        put(own, name, item if isinstance(item, Mapping) else {"": item})
        for key, cell in own.items():
            inner.setdefault(key, []).extend(
                cell if isinstance(cell, tuple) else [cell] if cell else []
            )
    cells.update({key: tuple(names) for key, names in inner.items()})


def leaves(item: Any) -> list[str]:
    """Return the texts in a list, or in lists in it."""
    if isinstance(item, list | tuple):
        return [leaf for inner in item for leaf in leaves(inner)]
    found = text(item)
    return [found] if found else []


def without_geometry(record: dict[str, Any]) -> dict[str, Any]:
    """Drop what says where things stand in a picture, as JSON is read: it is most of a file."""
    for name in GEOMETRY.intersection(record):
        value = record[name]
        of_numbers = isinstance(value, list) and all(not isinstance(one, str) for one in value[:3])
        if of_numbers or isinstance(value, dict):
            del record[name]
    return record


def read_json(path: str) -> Any:
    """Return what a JSON file says, without what says where things stand in a picture.

    Lists of numbers go before the text is parsed: of COCO's 450 MB they are nine tenths, and would
    be made into a hundred million numbers that nobody asks for.
    """
    with open_text(path) as stream:
        text = stream.read()
    try:
        return json.loads(OUTLINE.sub(r"\1]", text), object_hook=without_geometry)
    except json.JSONDecodeError:
        return json.loads(text, object_hook=without_geometry)  # which says in which line


class FileOfRecords(RecordsTable, abc.ABC):
    """Abstract: a file whose rows are read at once."""

    first: int | Sequence[int] = 1  # the numbers of the rows, or that of the first one

    def __init__(self, path: str, options: TableOptions) -> None:
        super().__init__(path, options, self.read(path, options), self.first)

    @abc.abstractmethod
    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        """Return the rows of the file."""


class JsonLinesTable(FileOfRecords):
    """One JSON object a line."""

    layout, about = "json-lines", "JSON objects, one a line"
    endings = (".jsonl", ".ndjson", ".jsonl.gz")

    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        records = []
        with open_text(path) as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip():
                    try:
                        record = json.loads(line, object_hook=without_geometry)
                    except (ValueError, RecursionError) as error:
                        raise TableError(f"{path} line {number}: no JSON ({error}).") from error
                    if not isinstance(record, dict):
                        raise TableError(f"{path} line {number}: expected an object, {{...}}.")
                    records.append(record)
        return records
