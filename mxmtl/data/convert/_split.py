"""Which split each row goes to: by shares, at random, stratified or by group, or by a column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...tasks import Task, TaskSet
from .._errors import TableError
from .._options import SPLIT_NAME
from ..tables import LabelledRow

TRUE, FALSE = ("1", "true", "yes"), ("0", "false", "no")


def split_rows(
    num_rows: int,
    split: Mapping[str, float],
    *,
    tasks: TaskSet | None = None,
    labels: np.ndarray | None = None,
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Assign every row to a split.

    With labels the split is stratified: every class, every 0 and every 1 of a label, every
    quarter of a real value, and every missing label come to the splits by their shares, the
    rarest first (iterative stratification: Sechidis, Tsoumakas and Vlahavas, ECML PKDD 2011).
    With groups, rows of a group stay together, and the same algorithm takes a group at a time.

    Parameters
    ----------
    num_rows : int
        Number of rows.
    split : mapping
        {name: share}; shares add up to 1.
    tasks, labels : TaskSet, ndarray (num_rows, label_width), optional
        What to stratify by.
    groups : sequence of str, optional
        The group of each row.
    seed : int
        Governs everything that is left to chance.

    Returns
    -------
    ndarray
        uint8 (more bits for more than 256 splits), (num_rows,): the position of each row's split
        in ``split``.

    Examples
    --------
    >>> split_rows(6, {"train": 0.5, "val": 0.5}, seed=1)
    array([1, 0, 0, 1, 0, 1], dtype=uint8)
    >>> split_rows(4, {"train": 0.5, "val": 0.5}, groups=["rex", "rex", "ada", "ada"])
    array([0, 0, 1, 1], dtype=uint8)
    """
    rng = np.random.RandomState(seed)
    shares = np.array(list(split.values()), np.float64)
    sizes, unit_of_row = np.ones(num_rows, np.int64), np.arange(num_rows)
    if groups is not None:
        names = np.asarray(groups, dtype=object).astype(str)
        unit_of_row = np.unique(names, return_inverse=True)[1]
        sizes = np.bincount(unit_of_row)
    if labels is None or tasks is None:
        return shuffle(sizes, shares, rng)[unit_of_row]
    counts = indicators(tasks, labels)
    if groups is not None:
        order = np.argsort(unit_of_row, kind="stable")
        counts = np.add.reduceat(counts[order], np.cumsum(sizes) - sizes, axis=0, dtype=np.int32)
    return stratify(counts, sizes, shares, rng)[unit_of_row]


def shuffle(sizes: np.ndarray, shares: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Assign units at random, large and small alike: (units,)."""
    order = rng.permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    ends = np.cumsum(shares)[:-1] * sizes.sum()
    result = np.empty(len(sizes), np.min_scalar_type(len(shares) - 1))
    result[order] = np.searchsorted(ends, middles, side="right")
    return result


def indicators(tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
    """Return 0/1 columns for all that is stratified: (num_rows, columns) uint8."""
    columns: list[np.ndarray] = []
    for task, part in zip(tasks, tasks.slices):
        for cell in range(part.start, part.stop):
            columns += cell_indicators(task, labels[:, cell])
    return np.stack([column for column in columns if column.any()], axis=1).astype(np.uint8)


def cell_indicators(task: Task, label: np.ndarray) -> list[np.ndarray]:
    """Return one bool column for each value of a cell, and one for missing."""
    known = np.asarray(task.labelled(label))
    values = task.kind.strata(label, known)
    return [~known, *(known & (values == value) for value in np.unique(values[known]))]


def stratify(
    counts: np.ndarray, sizes: np.ndarray, shares: np.ndarray, rng: np.random.RandomState
) -> np.ndarray:
    """Assign units with counts (units, columns) and sizes (units,) to splits: (units,).

    Units are taken in random order: the largest first would all go to the largest split.
    """
    order = rng.permutation(len(sizes))
    counts, sizes = counts[order], sizes[order]
    left = counts.sum(axis=0, dtype=np.int64)
    splits = Splits(left, int(sizes.sum()), shares)
    result = np.empty(len(sizes), np.min_scalar_type(len(shares) - 1))
    waiting = np.ones(len(sizes), bool)
    while left.any():
        rarest = int(np.argmin(np.where(left > 0, left, left.max() + 1)))
        units = np.flatnonzero(waiting & (counts[:, rarest] > 0))
        result[units] = [splits.take(counts[unit], int(sizes[unit]), rarest) for unit in units]
        waiting[units] = False
        left = left - counts[units].sum(axis=0, dtype=np.int64)
    rest = np.flatnonzero(waiting)
    result[rest] = [splits.take(counts[unit], int(sizes[unit]), None) for unit in rest]
    back = np.empty_like(result)
    back[order] = result
    return back


class Splits:
    """What each split still lacks: of each column, and of rows."""

    def __init__(self, totals: np.ndarray, rows: int, shares: np.ndarray) -> None:
        self._wanted = [totals * share for share in shares]
        self._room = [rows * share for share in shares]

    def take(self, counts: np.ndarray, size: int, column: int | None) -> int:
        """Give a unit to the split that lacks most of a column, then the one with most room."""
        room, wanted = self._room, self._wanted
        lacks = room if column is None else [round(float(want[column]), 6) for want in wanted]
        _, _, chosen = max(zip(lacks, room, range(0, -len(room), -1)))  # ties: the first
        wanted[-chosen] -= counts
        room[-chosen] -= size
        return -chosen


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
    says : mapping, optional
        {split: the cell that means it}; all cells must be among them.
    """

    def __init__(
        self, source: str, column: str, flags: bool, says: Mapping[str, str] | None = None
    ) -> None:
        self._source, self._column, self._flags = source, column, flags
        self._says = {cell: name for name, cell in (says or {}).items()}
        self._names: list[str] = []  # '' for an empty cell
        self._wrong: set[int] = set()
        self.problems: dict[int, str] = {}

    def take(self, item: LabelledRow) -> None:
        """Note what the next row names."""
        cell, position = self._cell(item), len(self._names)
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

    def _cell(self, item: LabelledRow) -> str:
        cell = str(item.row.cells.get(self._column, ""))
        where = f"{self._source} row {item.row.number}, column {self._column!r}: {cell!r}"
        if self._says and cell:
            found = self._says.get(cell, self._says.get(cell.partition(".0")[0]))
            if found is None:
                raise TableError(f"{where} is none of split_values {list(self._says)}.")
            return found
        if cell.lower() in TRUE + FALSE and "train" in self._column.lower():
            raise TableError(
                f"{where} may mean train, as the column's name has it, or val. Say which: "
                "--split-values train=1,test=0 (split_values={'train': 1, 'test': 0})."
            )
        return cell

    def end(self) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the names, and the number of each row's; note the rows that name none."""
        sound = [(at, name) for at, name in enumerate(self._names) if at not in self._wrong]
        default = "train" if {"train", "val"} & {name for _, name in sound} else ""
        numbers: dict[str, int] = {}
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
