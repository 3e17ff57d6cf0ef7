"""A table with the columns of a second one: by columns that both have, or by the pictures.

A folder has no column of its files, and a second table calls them with folders or without, with an
ending or without. A row that may be of two pictures is an error, never a guess.
"""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from ..._options import meant
from .._errors import TableError
from ._advice import option
from ._chunk import Cell, Chunk, Coded, Column
from ._derived import Derived
from ._paths import IMAGE_ENDINGS, PATH, find_path_column, is_picture
from ._table import TableReader

Key = tuple[Cell, ...]
SAMPLE = 50


class On(NamedTuple):
    """By what rows are joined: columns of both; and the second's of the picture, '' if none."""

    left: list[str]
    right: list[str]
    picture: str = ""

    def __str__(self) -> str:
        picture = bool(self.picture)
        left, right = [PATH] * picture + self.left, [self.picture] * picture + self.right
        return f"{left} and {right}"


class JoinedTable(Derived):
    """A table with the columns of a second one: by the columns that both have, or those told."""

    def __init__(self, inner: TableReader, second: TableReader, on: str) -> None:
        super().__init__(inner)
        self._file, self._named = second.source, names_pictures(inner)
        self._on = told(inner, second, on, self._named) if on else by_both(inner, second)
        keys = {*self._on.right, self._on.picture}
        names = [name for name in second.columns if name not in keys]
        stem = os.path.basename(second.source).split(".")[0]
        self._names = {
            name if name not in inner.columns else f"{stem}_{name}": name for name in names
        }
        self._second, self._places = self._read(second)
        self.columns = [*inner.columns, *self._names]
        path = inner.options.path_column
        if not self._on.picture:  # beside a picture a column is more than a key, as its class is
            self.not_tasks += [name for name in self._on.left if name != path]
        self.added_columns = [*inner.added_columns, *self._names]
        self._path = ""
        codes = path in self._on.left  # of what the second calls by its file
        if not self._named and (codes or path not in inner.columns):
            self._find_path(codes)
            self.not_tasks += [path] if codes and self._path else []

    def _find_path(self, codes: bool) -> None:
        first = next(iter(self._second.values()), None)
        shown = range(0 if first is None else min(20, len(first.codes)))
        rows = [[str(column[at]) for column in self._second.values()] for at in shown]
        found = find_path_column(PATH, list(self._second), rows)
        files = bool(found) and all(
            map(is_picture, filter(None, self._second[found].texts[:SAMPLE]))
        )
        self._path = found if files or not codes else ""
        if self._path:
            self.path_column = found
            self.options = dataclasses.replace(self.options, path_column=found)

    def chunks(self) -> Iterator[Chunk]:
        met, pictures = Met(len(self._places)), None
        if self._on.picture:
            pictures = Pictures(self.source, self._file, self._places)
        for chunk in self.inner.chunks():
            keys = keyed([chunk.coded(name) for name in self._on.left], len(chunk))
            rows = map(pictures.row_of, chunk.paths, keys) if pictures else map(self._row_of, keys)
            places = np.fromiter(rows, np.int64, len(chunk))
            met.add(places, chunk)
            columns = {name: functools.partial(self._joined, name, places) for name in self._second}
            paths = None
            if self._path:
                paths = [str(cell) for cell in joined(self._second[self._path], places).cells()]
            yield chunk.changed(columns, paths)
        if met.rows == met.partners:
            return
        if met.partners:
            self._tell(met)
            return
        raise TableError(f"{self.source}: no row is in {self._file}, by {self._on}. {self._mend()}")

    def _tell(self, met: Met) -> None:
        left = [key for key, place in self._places.items() if not met.taken[place]]
        text = (
            f"{met.partners} of {met.rows} rows have a partner in {self._file}, by {self._on}; the "
            f"others, such as {met.first}, have empty cells in its columns."
        )
        if left:
            count = f"{len(left)} of its {len(self._places)} rows"
            text += f" No row takes {count}, such as that of {shown(left[0])}."
        if 2 * met.partners < met.rows:
            self.own_doubts = [f"{text} {self._mend()}"]
        else:
            self.note_once(text)

    def _row_of(self, key: Key) -> int:
        return self._places.get(key, -1)

    def _mend(self) -> str:
        text = f"{self._file} on=COLUMN,COLUMN"
        said = f"join={[text]} ({option('--join', text)})"
        picture = f"; {PATH} is the picture" * self._named
        return f"Name a column of each that say the same: {said}{picture}."

    def _joined(self, name: str, places: np.ndarray, _: Chunk) -> Column:
        return joined(self._second[name], places)

    def _read(self, second: TableReader) -> tuple[dict[str, Coded], dict[Key, int]]:
        places: dict[Key, int] = {}
        cells: dict[str, list[Cell]] = {name: [] for name in self._names}
        own = [self._on.picture] * bool(self._on.picture) + self._on.right
        for chunk in second.chunks():
            columns = {new: chunk.coded(old).cells() for new, old in self._names.items()}
            for at, key in enumerate(keyed([chunk.coded(name) for name in own], len(chunk))):
                if not any(key):
                    continue  # it names no row
                new = len(places)
                first = places.setdefault(key, new)
                if first < new:
                    self._check_same(cells, columns, first, at, key)
                    continue
                for name, column in columns.items():
                    cells[name].append(column[at])
        return {name: Coded.of(column) for name, column in cells.items()}, places

    def _check_same(
        self,
        cells: Mapping[str, Sequence[Cell]],
        columns: Mapping[str, Sequence[Cell]],
        first: int,
        at: int,
        key: Key,
    ) -> None:
        for name, column in columns.items():
            if cells[name][first] != column[at]:
                raise TableError(
                    f"{self._file}: {shown(key)} has {cells[name][first]!r} and {column[at]!r} in "
                    f"column {name!r}; to join, each may stand there once. (One row a label? "
                    "long= or --long.)"
                )


class Met:
    """How many rows found one of a second table, and which of its rows were taken."""

    def __init__(self, rows: int) -> None:
        self.rows = self.partners = 0
        self.taken = np.zeros(rows, bool)
        self.first = ""  # of those that found none

    def add(self, places: np.ndarray, chunk: Chunk) -> None:
        """Take the next rows, each with its place in the second table or -1."""
        found = places >= 0
        self.rows += len(places)
        self.partners += int(found.sum())
        self.taken[places[found]] = True
        if not self.first and not found.all():
            at = int(np.argmin(found))
            path = f" ({chunk.paths[at]!r})" if chunk.paths[at] else ""
            self.first = f"row {chunk.numbers[at]}{path}"


def keyed(columns: Sequence[Coded], count: int) -> list[Key]:
    """Return the cells by which each of so many rows is joined."""
    return list(zip(*(column.cells() for column in columns))) if columns else [()] * count


def shown(key: Key) -> str:
    """Return a key for a message: the cell, or the cells."""
    return repr(key[0] if len(key) == 1 else key)


def joined(column: Coded, places: np.ndarray) -> Coded:
    """Return the cells at some places; nothing where there is none."""
    codes = np.append(column.codes, len(column.texts))
    return Coded([*column.texts, ""], codes[places])


# -- by what rows are joined -----------------------------------------------------------------------
def told(inner: TableReader, second: TableReader, on: str, named: bool) -> On:
    """Return what ``on=left,right`` says; ``path``, or the column of the images, is the picture."""
    left, _, right = on.partition(",")
    right = right or left
    is_path = left == inner.path_column or (left == PATH and left not in inner.columns)
    ours = [*inner.columns, *[PATH] * (named and PATH not in inner.columns)]
    for table, columns, name in ((inner, ours, left), (second, list(second.columns), right)):
        if name not in columns:
            raise TableError(
                f"{table.source}: no column {name!r} among {columns[:50]}, to join on"
                f"{meant(name, columns)}."
            )
    return On([], [], right) if is_path else On([left], [right])


def by_both(inner: TableReader, second: TableReader) -> On:
    """Return the columns that both tables have, or the picture; else the first column of each.

    A table of files, as a folder is, has no column of its pictures: they are what it is joined by.
    """
    if not second.columns:
        raise TableError(f"{second.source}: it has no column to join on.")
    both = [name for name in inner.columns if name in second.columns]
    own, picture = inner.path_column, second.path_column
    of_files = own is None and names_pictures(inner)
    likely = of_files or own == picture or (own and not both)
    if picture and likely and (of_pictures(second, picture) or of_pictures(inner, picture)):
        rest = [name for name in both if name != picture]
        return On(rest, rest, picture)
    if both:
        return On(both, both)
    if of_files or not inner.columns:
        return On([], [], picture or second.columns[0])
    return On([inner.columns[0]], [second.columns[0]])


def names_pictures(table: TableReader) -> bool:
    """Tell whether the first rows of a table name images, and nothing that stands for them."""
    for chunk in table.chunks():
        paths = [path for path in chunk.paths[:SAMPLE] if path]
        return bool(paths) and all(map(is_picture, paths))
    return False


def of_pictures(table: TableReader, column: str) -> bool:
    """Tell whether the first cells of a column are names of images."""
    for chunk in table.chunks() if column in table.columns else ():
        cells = [cell for cell in chunk.coded(column).cells()[:SAMPLE] if cell]
        return bool(cells) and all(map(is_picture, cells))
    return False


class Pictures:
    """Finds the row of a second table for a picture; `TableError` where it may be another.

    Folders that both tell have to be the same, and so do endings.

    Parameters
    ----------
    source, file : str
        Both tables, for messages.
    places : mapping
        {(picture, other cells): row of the second table}.
    """

    def __init__(self, source: str, file: str, places: Mapping[Key, int]) -> None:
        self._source, self._file = source, file
        self._rows: dict[Key, list[tuple[str, int]]] = {}
        self._taken: dict[int, str] = {}
        for (picture, *rest), place in places.items():
            name = str(picture)
            self._rows.setdefault((Picture.of(name).stem, *rest), []).append((name, place))

    def row_of(self, path: str, rest: Key) -> int:
        """Return the row of a picture with these other cells; -1 if there is none."""
        own = Picture.of(path)
        ranked = sorted(
            (rank, name, place)
            for name, place in self._rows.get((own.stem, *rest), ())
            if path and (rank := own.likeness(Picture.of(name)))
        )
        if not ranked:
            return -1
        (rank, name, place), rivals = ranked[-1], ranked[:-1]
        if rivals and rivals[-1][0] == rank:
            raise TableError(
                f"{self._source}: {path!r} may be {rivals[-1][1]!r} or {name!r} of {self._file}. "
                "Take one out."
            )
        first = self._taken.setdefault(place, path)
        if first != path:
            raise TableError(
                f"{self._file}: {name!r} may be {first!r} or {path!r} of {self._source}. Write the "
                "folder before the name there, or add a column that both tables have."
            )
        return place


class Picture(NamedTuple):
    """The name of a picture in its parts."""

    folders: list[str]
    stem: str
    ending: str

    @classmethod
    def of(cls, name: str) -> Picture:
        r"""Take a name apart, of any system.

        >>> Picture.of(r"D:\a\1.jpg")
        Picture(folders=['D:', 'a'], stem='1', ending='.jpg')
        """
        *folders, last = name.replace("\\", "/").split("/")
        stem, ending = os.path.splitext(last)
        stem, ending = (stem, ending) if ending.lower() in IMAGE_ENDINGS else (last, "")
        return cls([one for one in folders if one not in ("", ".")], stem, ending)

    def likeness(self, other: Picture) -> tuple[int, ...]:
        """Return how much of two names is the same, to be compared; nothing if they differ."""
        depth = min(len(self.folders), len(other.folders))
        if self.folders[len(self.folders) - depth :] != other.folders[len(other.folders) - depth :]:
            return ()
        if self.ending != other.ending and self.ending and other.ending:
            return ()
        more = abs(len(self.folders) - len(other.folders))
        return depth + 1, -more, int(self.ending == other.ending)
