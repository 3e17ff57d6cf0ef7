"""The first walk through a table: how many rows, what is wrong with them, which split each has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np

from ...tasks import TaskSet
from .._errors import TableError
from ..tables._labels import LabelEncoder
from ..tables._rows import LabelledRow, labelled_rows
from ..tables._split import split_rows
from ..tables._table import Table
from ._convert_options import OutputOptions

TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")


@dataclass(frozen=True)
class Plan:
    """What a conversion is going to do.

    Attributes
    ----------
    num_rows : int
        Rows of the table, bad ones included.
    splits : tuple of str
        Names of the splits; one, '', where nothing is split.
    assignment : ndarray, optional
        Which split each row goes to, (num_rows,); None where there is one.
    """

    num_rows: int
    splits: Tuple[str, ...]
    assignment: Optional[np.ndarray]

    def split_of(self, position: int) -> int:
        """Return the number of a row's split."""
        return 0 if self.assignment is None else int(self.assignment[position])


def make_plan(
    table: Table, encoder: LabelEncoder, tasks: Optional[TaskSet], options: OutputOptions
) -> Plan:
    """Walk through the table once, without looking at images.

    With ``on_error="raise"`` the first bad row raises `RowError` here, before any work is done.
    Raises `TableError` for a table without rows and for an id that stands there twice.
    """
    column = check_columns(table, options)
    if options.stratify and tasks is None:
        raise ValueError("stratify=True needs tasks: they say what is to be evened out.")
    labels: List[np.ndarray] = []
    cells: List[str] = []
    ids: List[int] = []
    num_rows = 0
    for item in labelled_rows(table, encoder):
        if item.problem is not None and options.on_error == "raise":
            raise item.error(table.source)
        num_rows += 1
        if column is not None:
            cells.append(cell_of(item, column))
        if options.stratify and tasks is not None:
            labels.append(tasks.missing_label if item.label is None else item.label)
        if table.stored_width is not None and item.problem is None:
            ids.append(item.row.record_id)
    if num_rows == 0:
        raise TableError(f"{table.source}: no rows.")
    check_ids(table.source, ids)
    if options.split_column is not None:
        return named_splits(num_rows, cells)
    if options.split is None:
        return Plan(num_rows, ("",), None)
    assignment = split_rows(
        num_rows,
        options.split,
        tasks=tasks if options.stratify else None,
        labels=np.stack(labels) if labels else None,
        groups=cells if options.group else None,
        seed=options.seed,
    )
    return Plan(num_rows, tuple(options.split), assignment)


def check_columns(table: Table, options: OutputOptions) -> Optional[str]:
    """Return the column that the split goes by, if one; `TableError` if it is not there."""
    column = options.split_column or options.group
    if column is not None and column not in table.columns:
        raise TableError(f"{table.source}: no column {column!r} among {table.columns}.")
    return column


def cell_of(item: LabelledRow, column: str) -> str:
    """Return a row's cell; a row that misses it is a group of its own."""
    return item.row.cells.get(column) or f"\0{item.row.number}"


def check_ids(source: str, ids: Sequence[int]) -> None:
    """Raise `TableError` if an id stands in a list twice."""
    if not ids:
        return
    values, counts = np.unique(np.array(ids, np.int64), return_counts=True)
    if counts.max() > 1:
        twice = int(values[np.argmax(counts > 1)])
        raise TableError(f"{source}: index {twice} stands there more than once; it names a record.")


def named_splits(num_rows: int, cells: Sequence[str]) -> Plan:
    """Split by the names in a column: true and 1 mean val, false and 0 train."""
    names: Dict[str, int] = {}
    assignment = np.empty(num_rows, np.uint8)
    for position, cell in enumerate(cells):
        word = cell.lower()
        name = "val" if word in TRUE else "train" if word in FALSE or cell[0] == "\0" else cell
        assignment[position] = names.setdefault(name, len(names))
    return Plan(num_rows, tuple(names), assignment)
