"""What is done to a table after it is read: joined with others, named, split by lists.

Each step is a table around another; those that nobody asks for are not there.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..._options import meant
from .._errors import TableError
from ._chunk import Cell, Chunk, Coded, Column, Said, always
from ._delimited import SAMPLE, guess_delimiter
from ._derived import Derived
from ._guess import in_a_row
from ._join import JoinedTable, names_pictures
from ._long import LongTable
from ._paths import PathPattern, no_path_column, paths_of, template_fields
from ._records import read_json
from ._table import TableOptions, TableReader
from ._text import lines_of, open_text
from ._values import all_of, key_of, parts_of, split_at

SPLIT = "split"
Pairs = Sequence[tuple[str, ...]]


class NamedTable(Derived):
    """A table whose codes are called by their names."""

    def __init__(self, inner: TableReader, column: str, file: str) -> None:
        super().__init__(inner)
        names, header = names_in_file(file)
        self._file = file
        self._names = {key_of(code): name for code, name in names.items()}  # 3.0 is called as 3 is
        known = [task.get("column", task["name"]) for task in inner.known_tasks]
        usual = [one for one in (header, *known) if one in inner.columns]
        column = column or (usual[0] if usual else self._column_of_codes(inner))
        self._column, self._old = column, {name: name for name in inner.columns}
        if column not in inner.columns:
            self._old = {self._renamed(name, column): name for name in inner.columns}
            if list(self._old) == list(inner.columns):
                raise TableError(
                    f"{inner.source}: no column {column or header!r} among "
                    f"{list(inner.columns)[:50]} for the names of {file}: names=['COLUMN={file}']."
                )
        self.columns = list(self._old)

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self.inner.chunks():
            columns: dict[str, Callable[[Chunk], Column]] = {
                new: functools.partial(Chunk.column, name=old)
                for new, old in self._old.items()
                if new != old
            }
            if self._column in self.columns:
                columns[self._column] = lambda chunk: self._called(chunk.column(self._column))
            yield chunk.changed(columns)

    def _called(self, column: Column) -> Column:
        if isinstance(column, Said):
            called = [str(self._name(name)) for name in column.names]
            return dataclasses.replace(column, names=called)
        return column.read(self._name)

    def _name(self, cell: Cell) -> Cell:
        if isinstance(cell, tuple):
            return tuple(str(self._name(one)) for one in cell)
        separator = self.options.separator_of(self._column)
        if separator is not None and any(mark in cell for mark in all_of(separator)):
            parts = split_at(cell, separator)
            return all_of(separator)[0].join(str(self._name(part.strip())) for part in parts)
        if cell and key_of(cell) not in self._names and not self.own_notes:
            self.note_once(
                f"{self._file} has no name for {cell!r}, nor any other that stays a code."
            )
        return self._names.get(key_of(cell), cell)

    def _column_of_codes(self, inner: TableReader) -> str:
        # The one whose first cells are codes of the file; of several the last column.
        shares = {}
        for chunk in itertools.islice(inner.chunks(), 1):
            for name in inner.columns:
                mark = self.options.separator_of(name)
                words = set().union(*(parts_of(one, mark) for one in chunk.coded(name).texts))
                shares[name] = sum(key_of(word) in self._names for word in words) / max(
                    len(words), 1
                )
        most = max(shares.values(), default=0.0)
        best = [name for name, share in shares.items() if share == most > 0]
        if len(best) == 1 or inner.columns[-1] in best:
            return best[-1]
        found = f"codes of it stand in {best}" if best else "no column has codes of it"
        raise TableError(
            f"{self._file}: {found}. Name the column: names=['COLUMN={self._file}'] (--names)."
        )

    def _renamed(self, name: str, column: str) -> str:
        start, dot, code = name.partition(".")
        return (
            f"{start}.{self._names[key_of(code)]}"
            if dot and start == column and key_of(code) in self._names
            else name
        )


def names_in_file(file: str) -> tuple[dict[str, str], str]:
    """Read codes and names, or names and numbers, or a name a line (from 1); return the header.

    A name that two codes have is told with the code.
    """
    with open_text(file) as stream:
        lines = [line.strip() for line in stream if line.strip()]
    if lines and lines[0][0] in "[{":
        return names_in_json(file), ""
    tabs = all("\t" in line for line in lines[:SAMPLE])
    mark = "\t" if tabs else guess_delimiter(*lines[:SAMPLE])
    if lines and mark in lines[0]:
        rows = [
            [cell.strip() for cell in line] for _, line in lines_of(file, mark) if len(line) > 1
        ]
        # The first row may name the columns, or not: as a code it calls nothing.
        pairs: Pairs = [(row[0], row[1]) for row in rows]
        pairs = codes_first(pairs, [pair[::-1] for pair in pairs], count=False)
        header = pairs[0][0]
    else:
        turned: Pairs = [tuple(line.rsplit(None, 1))[::-1] for line in lines]
        pairs = [tuple(line.split(None, 1)) for line in lines]
        header, pairs = "", codes_first(pairs, turned, count=True)
        if not all(len(pair) == 2 and pair[0].isdigit() for pair in pairs):
            counted = lines[0].isdigit() and len(lines) > 1
            lines = lines[2:] if counted else lines  # a count, and what the columns are
            pairs = [(str(at), name_before(line)) for at, line in enumerate(lines, start=1)]
    check_pairs(file, pairs)
    called = [name for _, name in pairs]
    twice = {name for name in called if called.count(name) > 1} if len(called) < 50_000 else set()
    return {code: f"{name} ({code})" if name in twice else name for code, name in pairs}, header


def codes_first(pairs: Pairs, turned: Pairs, count: bool) -> Pairs:
    """Return pairs of a code and a name; ``turned`` if names stand first, and numbers behind them.

    The first pair may be a header. ``count`` wants numbers that count the names: a name may end
    in a number, as Boeing 707 does.

    >>> pairs = [("name", "id"), ("owl", "10"), ("wren", "20")]
    >>> codes_first(pairs, [pair[::-1] for pair in pairs], count=False)
    [('id', 'name'), ('10', 'owl'), ('20', 'wren')]
    """
    codes, names = ([pair[at] for pair in turned[1:] if len(pair) == 2] for at in (0, 1))
    whole = len({*codes}) == len({*names}) == len(turned) - 1 > 0
    numbers = whole and all(map(str.isdigit, codes)) and not all(map(str.isdigit, names))
    first = [pair[0] for pair in turned]
    return turned if numbers and (in_a_row(first) or not count) else pairs


def check_pairs(file: str, pairs: Pairs) -> None:
    """Raise `TableError` for a code of two names."""
    named: dict[str, str] = {}
    for code, name in pairs:
        if named.setdefault(code, name) != name:
            raise TableError(f"{file}: code {code!r} is {named[code]!r} and {name!r}.")


def names_in_json(file: str) -> dict[str, str]:
    """Read {code: name}, {name: number}, a list of names from 0, or records of an id and a name."""
    found = read_json(file)
    if isinstance(found, list) and all(isinstance(one, dict) and "id" in one for one in found):
        return {str(one["id"]): str(one.get("name", one["id"])) for one in found}
    pairs = dict(enumerate(found)) if isinstance(found, list) else found
    if not isinstance(pairs, dict) or any(isinstance(name, dict | list) for name in pairs.values()):
        raise TableError(f"{file}: expected codes and names: {{'0': 'owl'}}, or ['owl', ...].")
    numbers = all(isinstance(name, int) for name in pairs.values())
    if numbers and not all(str(code).isdigit() for code in pairs):
        pairs = {code: name for name, code in pairs.items()}
    return {str(code): str(name) for code, name in pairs.items()}


def name_before(line: str) -> str:
    """Return the name that a line begins with, up to two spaces.

    >>> name_before("abstract chevron       1")
    'abstract chevron'
    """
    return line.split("  ")[0].split("\t")[0]


class SplitTable(Derived):
    """A table with a column of splits, by lists of images."""

    def __init__(self, inner: TableReader, files: Sequence[str]) -> None:
        super().__init__(inner)
        self._splits: dict[str, str] = {}
        self._names = []
        for one in files:
            name, equals, file = one.partition("=")
            if not equals:
                raise TableError(f"split_files={one!r}: expected NAME=FILE, as test=test_list.txt.")
            self._names.append(name)
            for image in images_in(file):
                if self._splits.setdefault(image, name) != name:
                    raise TableError(
                        f"{file}: {image!r} is in the list of {self._splits[image]!r} as well."
                    )
        self.columns, self.split_column = [*inner.columns, SPLIT], SPLIT
        self.split_flags = False
        self.not_tasks += [SPLIT]

    def chunks(self) -> Iterator[Chunk]:
        met: set[str] = set()
        for chunk in self.inner.chunks():
            found = [self._listed(path) for path in chunk.paths]
            met.update(found)
            cells = [self._splits.get(one, "") for one in found]
            problems = {}
            if "train" in self._names:
                problems = {
                    at: f"{chunk.paths[at]!r} is in none of the lists of splits."
                    for at, cell in enumerate(cells)
                    if not cell
                }
            cells = [cell or "train" for cell in cells]
            yield chunk.changed({SPLIT: always(Coded.of(cells))}, problems=problems)
        left = [image for image in self._splits if image not in met]
        if len(left) == len(self._splits):
            raise TableError(
                f"{self.source}: no row is in the lists of splits, such as {left[0]!r}."
            )
        if left:
            count = f"{len(left)} of {len(self._splits)}"
            self.note_once(f"{count} images in lists of splits are in no row, such as {left[0]!r}.")

    def _listed(self, path: str) -> str:
        # How the lists call an image; '' if they do not.
        stem = os.path.splitext(path)[0]
        names = (path, stem, os.path.basename(path), os.path.basename(stem))
        return next((one for one in names if one in self._splits), "")


def images_in(file: str) -> Iterator[str]:
    """Yield the images of a list: the first cell of each line."""
    for _, line in lines_of(file, None):
        if line:
            yield line[0].split(",")[0].strip('"')


class PathTable(Derived):
    """A table whose paths are made of columns, or say what columns are."""

    def __init__(self, inner: TableReader, template: str, pattern: str | None) -> None:
        super().__init__(inner)
        self._template, self._pattern = template, None if pattern is None else PathPattern(pattern)
        for name in template_fields(template):
            if name not in inner.columns:
                raise TableError(
                    f"{inner.source}: no column {name!r} among {list(inner.columns)[:50]}; the "
                    f"path {template!r} needs it."
                )
            self.not_tasks += [name]
            self.path_column = None
        if self._pattern is not None:
            new = [name for name in self._pattern.columns if name not in self.columns]
            self.columns += new
            self.added_columns += new
            if SPLIT in new:
                self.split_column, self.split_flags = SPLIT, False

    def chunks(self) -> Iterator[Chunk]:
        for chunk in self.inner.chunks():
            if self._template:
                paths, problems = paths_of(chunk, self._template)
                chunk = chunk.changed({}, paths, problems)
            if self._pattern is not None:
                columns, problems = self._pattern.columns_of(chunk.paths)
                made = {name: always(column) for name, column in columns.items()}
                chunk = chunk.changed(made, problems=problems)
            yield chunk


def arranged(table: TableReader, second: Callable[[str], TableReader]) -> TableReader:
    """Return a table with all that its options ask for; ``second`` opens the other tables."""
    steps = [table, *arrangements(table, second)]
    columns = [name for step in steps for name in (*step.columns, *step.more_columns)]
    check_columns(steps[-1], list(dict.fromkeys(columns)))
    return steps[-1]


def arrangements(table: TableReader, second: Callable[[str], TableReader]) -> Iterator[TableReader]:
    """Yield a table after each step that its options ask for."""
    options: TableOptions = table.options
    if options.long is not None:
        yield (table := LongTable(table))
    pattern = options.path_pattern
    if pattern is not None and names_pictures(table):  # to join by what it reads, and name that
        yield (table := PathTable(table, "", pattern))
        pattern = None
    for one in options.join:
        file, _, on = one.partition(" on=")
        yield (table := JoinedTable(table, second(file.strip()), on.strip()))
    for one in options.names:
        column, equals, file = one.rpartition("=") if not os.path.exists(one) else ("", "", one)
        yield (table := NamedTable(table, column, file))
    path = table.options.path_column
    template = path if path not in table.columns and template_fields(path) else ""
    if template or pattern is not None:
        yield (table := PathTable(table, template, pattern))
    if options.split_files:
        yield SplitTable(table, options.split_files)


def check_columns(table: TableReader, columns: list[str]) -> None:
    """Raise `TableError` for an option that is said of a column which is not there."""
    for option in ("values", "separator", "amounts"):
        said = getattr(table.options, option)
        for name in said if isinstance(said, Mapping) else ():
            if name and name not in columns:
                raise TableError(
                    f"{table.source}: {option} (--{option}) of {name!r}: there is no such column "
                    f"among {columns[:50]}{meant(name, columns)}."
                )


def check_path(table: TableReader) -> None:
    """Raise `TableError` for a table of rows in which nothing names the images."""
    if table.path_column == "":
        asked, hint = table.options.path_column, table.hint_of_path
        raise no_path_column(table.source, asked, table.columns, hint=hint, notes=table.notes)
