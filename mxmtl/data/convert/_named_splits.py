"""Splits that a column of the table names."""

from __future__ import annotations

from typing import Dict, List, Set, Tuple

import numpy as np

from .._errors import TableError
from ..tables import LabelledRow
from ._convert_options import SPLIT_NAME

TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")


class NamedSplits:
    """Which split each row names; rows are taken one after the other.

    An empty cell means train in a column that speaks of train or val, and is a problem of its row
    in any other. A row that cannot become a record, as its cells are wrong, makes no split of its
    own: it is listed with the split that it names, if other rows name it as well, or the first.

    Parameters
    ----------
    source, column : str
        The table and its column, as messages name them.
    flags : bool
        Whether the column says no more than yes or no.
    """

    def __init__(self, source: str, column: str, flags: bool) -> None:
        self._source, self._column, self._flags = source, column, flags
        self._names: List[str] = []  # '' for an empty cell
        self._wrong: Set[int] = set()
        self.problems: Dict[int, str] = {}

    def take(self, item: LabelledRow) -> None:
        """Note what the next row names."""
        cell, position = item.row.cells.get(self._column, ""), len(self._names)
        self._names.append(split_name(cell))
        if item.row.problem is not None:
            self._wrong.add(position)
        elif self._flags and cell and cell.lower() not in TRUE + FALSE:
            self._wrong.add(position)
            self.problems[position] = f"column {self._column!r}: {cell!r} is not True or False."
        elif cell and not SPLIT_NAME.fullmatch(cell):
            raise TableError(
                f"{self._source} row {item.row.number}, column {self._column!r}: {cell!r} cannot "
                "name a split: expected letters, digits and '_', as it becomes part of file names."
            )

    def end(self) -> Tuple[Tuple[str, ...], np.ndarray]:
        """Return the names, and the number of each row's; note the rows that name none."""
        sound = [(at, name) for at, name in enumerate(self._names) if at not in self._wrong]
        default = "train" if {"train", "val"} & {name for _, name in sound} else ""
        numbers: Dict[str, int] = {}
        for _, name in sound:
            if name or default:
                numbers.setdefault(name or default, len(numbers))
        example = next(iter(numbers), "train")
        text = f"column {self._column!r}: the cell is empty; expected a split, such as {example!r}."
        self.problems.update((at, text) for at, name in sound if not (name or default))
        assignment = np.array([numbers.get(name or default, 0) for name in self._names], np.int32)
        return tuple(numbers) or ("",), assignment


def split_name(cell: str) -> str:
    """Return the split that a cell names: true and 1 mean val, false and 0 train.

    >>> split_name("True"), split_name("0"), split_name("test"), split_name("")
    ('val', 'train', 'test', '')
    """
    word = cell.lower()
    return "val" if word in TRUE else "train" if word in FALSE else cell
