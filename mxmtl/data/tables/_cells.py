"""What the cells of a column look like: texts, numbers, yes and no, names in lists.

A cell such as ``NA`` may mean that a label is unknown, or be the name of a class: that is asked,
never decided here. Each distinct cell of a column is looked at once.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ...tasks import altered, spellings, word_value
from ._chunk import UNKNOWN, Cell, Chunk, Coded, Said
from ._values import CODE, WordMap, number, split_at
from ._words import NOTHING, SPELLINGS, folded, half_width

MAX_CLASSES = 1000
FLOAT32_MAX = float(np.finfo(np.float32).max)
ODD = 20  # texts among numbers that are remembered


class ColumnCells:
    """The cells of one column, as far as they matter for guessing a task.

    Parameters
    ----------
    name : str
        The column.
    separator : str or tuple of str, optional
        What separates names in a cell that holds several; any of them.
    limit : int
        How many different cells (and names in them) to remember.
    as_written : bool
        Cells are names and nothing else: 1.0 is not 1, and nan is not unknown.
    none_names : sequence of str
        Cells that say that no name holds.
    empty_names : str
        What empty cells of lists say: ``missing``, or ``none`` of the names holds.
    words : WordMap, optional
        What cells say in words of the table's own.
    """

    def __init__(
        self,
        name: str,
        separator: str | tuple[str, ...] | None = None,
        *,
        limit: int = MAX_CLASSES,
        as_written: bool = False,
        none_names: Iterable[str] = (),
        empty_names: str = "missing",
        words: WordMap | None = None,
    ) -> None:
        self.name, self.limit = name, limit
        self.separator, self._as_written = separator, as_written
        self._none, self._words = frozenset(none_names), words
        self._empty = empty_names == "none"
        self.empty = 0  # cells that are, and say that none of the names holds
        self.filled = self.rows = 0
        self.texts: dict[str, int] = {}  # and how many rows have each
        self.parts: dict[str, int] = {}
        self.none_met: set[str] = set()
        self.empty_lists = False  # cells that list no name, which say that none holds
        self.unknown: set[str] = set()  # texts that may mean so
        self.odd: dict[str, tuple[int, int]] = {}  # no numbers: how many rows, and the first
        self.more_texts = self.more_parts = self.several = False
        self.lists = self.repeated = False  # cells are lists, and not texts; with one twice
        self.said: Said | None = None
        self.statements = 0
        # Of cells that do not look unknown:
        self.numbers = self.whole = self.boolean = True
        self.count_numbers = self.count_odd = 0
        self.no_value = ""  # why a cell is none of a Regression's

    def add(self, chunk: Chunk, rows: np.ndarray | None = None) -> None:
        """Look at the cells of some rows; '' is missing."""
        column = chunk.column(self.name)
        self.rows += len(chunk if rows is None else rows)
        if isinstance(column, Said):
            self._add_said(column)
            return
        if rows is not None:
            column = column.take(rows)
        if self._words:
            column = column.read(self._words)
        counts = column.counts().tolist()
        for code, (cell, count) in enumerate(zip(column.texts, counts)):
            self.empty += count * (self._empty and cell == "")
            if cell not in ("", UNKNOWN) and count:
                self._add_cell(cell, count, chunk, column, code)

    def _add_cell(self, cell: Cell, count: int, chunk: Chunk, column: Coded, code: int) -> None:
        self.filled += count
        if isinstance(cell, tuple):
            self.lists = self.several = True
            self.numbers = self.whole = self.boolean = False
            self.repeated |= len(set(cell)) < len(cell)
            self._add_parts(cell, count)
            return
        new = cell not in self.texts
        self.more_texts |= not remember(self.texts, [cell], count, self.limit)
        if not self._as_written and cell in self.odd:
            self.odd[cell] = (self.odd[cell][0] + count, self.odd[cell][1])
        separated = cell if self.separator is None else split_at(cell, self.separator)
        if cell in self._none:
            self.none_met.add(cell)
            self.several |= self.separator is not None
        else:
            self.several |= not isinstance(separated, str) and len(separated) > 1
            self._add_parts([cell] if isinstance(separated, str) else separated, count)
        if new and is_spelling(cell) and not self._as_written and cell not in self._none:
            self.unknown.add(cell)
        if cell not in self.unknown:
            self._look(cell, count, new, chunk, column, code)

    def _add_parts(self, names: Iterable[str], count: int) -> None:
        stripped = {name.strip() for name in names} - {""}
        self.empty_lists |= not stripped
        self.none_met |= stripped & self._none
        stripped -= self._none
        self.more_parts |= not remember(self.parts, stripped, count, self.limit)

    def _add_said(self, column: Said) -> None:
        self.lists = self.several = True
        self.numbers = self.whole = self.boolean = False
        self.said = column if self.said is None else self.said
        self.filled += len(column.ends)
        self.statements += int(np.count_nonzero(column.states >= 0))
        counts = np.bincount(column.codes[column.states == 1], minlength=len(column.names))
        said = np.bincount(column.codes, minlength=len(column.names))
        for code in np.flatnonzero(said).tolist():
            name = column.names[code]
            self.parts[name] = self.parts.get(name, 0) + int(counts[code])

    def _look(
        self, cell: str, count: int, new: bool, chunk: Chunk, column: Coded, code: int
    ) -> None:
        self.boolean = self.boolean and (not new or word_value(cell) is not None)
        value = number(cell)
        if value is None:
            self.numbers = self.whole = False
            self.count_odd += count
            if cell not in self.odd and len(self.odd) < ODD:
                first = int(np.argmax(column.codes == code))
                self.odd[cell] = (count, int(chunk.numbers[first]))
            return
        self.count_numbers += count
        if not new:
            return
        self.whole = self.whole and value.is_integer()
        if not abs(value) <= FLOAT32_MAX:
            self.no_value = self.no_value or f"{cell!r} is no finite number"
        elif not self.no_value:
            self.no_value = altered(cell, float(np.float32(value)))

    def nothing(self) -> list[str]:
        """Return what may say, among the names of lists, that none of the others holds."""
        return sorted(filter(says_nothing, self.parts)) if self.several else []

    def answered(self) -> list[str]:
        """Return what says neither yes nor no in a column whose words for both were met."""
        if self._words is None or not self._words.answers():
            return []
        return sorted(text for text in self.known() if word_value(text) is None)[:ODD]

    def merge(self) -> None:
        """Make one of names that differ in what people do not mean: the most frequent spelling."""
        for names in (self.texts, self.parts):
            groups: dict[str, list[str]] = {}
            for name in sorted(names, key=lambda name: (-names[name], name)):
                groups.setdefault(folded(name), []).append(name)
            merged = {own[0]: sum(names[one] for one in own) for own in groups.values()}
            names.clear()
            names.update(merged)

    def known(self) -> dict[str, int]:
        """Return the cells that do not look unknown, with their rows; of 3 and 3.0 the first."""
        texts = {text: count for text, count in self.texts.items() if text not in self.unknown}
        if not (self.numbers and self.whole) or self._as_written:
            return texts
        merged: dict[str, int] = {}
        for text, count in texts.items():
            name = spellings(text)[-1]
            merged[name] = merged.get(name, 0) + count
        return merged

    def classes(self) -> list[str]:
        """Return the cells as names, in order, such that every cell has one."""
        return in_order(self.texts if self.unknown else self.known())

    def labels(self) -> list[str]:
        """Return the names that stand in the cells, in order."""
        return in_order(self.parts)

    def labelled(self, width: int) -> int:
        """Return how many labels are known, of a task that has so many names in this column."""
        if self.said is not None and self.said.absent < 0:
            return self.statements
        return (self.filled + self.empty * self.several) * width


def remember(names: dict[str, int], new: Iterable[str], count: int, limit: int) -> bool:
    """Count names that are not empty; tell whether there was room for all."""
    for name in new:
        if name and name not in names and len(names) >= limit:
            return False
        if name:
            names[name] = names.get(name, 0) + count
    return True


def in_order(names: Iterable[str]) -> list[str]:
    """Sort names, as numbers if they all are whole ones.

    >>> in_order(["10", "9"]), in_order(["10", "9", "x"])
    (['9', '10'], ['10', '9', 'x'])
    """
    ranks = {name: number(name) for name in names}
    if all(rank is not None and rank.is_integer() for rank in ranks.values()):
        return sorted(ranks, key=lambda name: (ranks[name], len(name), name))
    return sorted(ranks)


def is_spelling(cell: Cell) -> bool:
    """Tell whether a cell looks like an unknown label. It is one only if the user says so.

    >>> is_spelling("NaN"), is_spelling("pug")
    (True, False)
    """
    return isinstance(cell, str) and half_width(cell).lower() in SPELLINGS


def says_nothing(cell: str) -> bool:
    """Tell whether a cell may say that none of the names holds, in a column of lists."""
    return cell.lower() in NOTHING


def quoted(cells: Iterable[str], between: str = ", ") -> str:
    """List cells in quotes, in order."""
    return between.join(map(repr, sorted(cells)))


def is_code(cell: str) -> bool:
    """Tell whether a cell is digits that are a name, as 007."""
    return CODE.fullmatch(cell) is not None
