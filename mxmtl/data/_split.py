"""Which split each row goes to: at random, by group, or stratified over all tasks."""

from __future__ import annotations

from typing import List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..tasks import Task, TaskSet

BINS = 4  # of a real-valued label, by its quantiles


def split_rows(
    num_rows: int,
    split: Mapping[str, float],
    *,
    tasks: Optional[TaskSet] = None,
    labels: Optional[np.ndarray] = None,
    groups: Optional[Sequence[str]] = None,
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
        uint8, (num_rows,): the position of each row's split in ``split``.

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
    counts = sum_by(unit_of_row, indicators(tasks, labels), len(sizes))
    return stratify(counts, sizes, shares, rng)[unit_of_row]


def shuffle(sizes: np.ndarray, shares: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Assign units at random, large and small alike: uint8 (units,)."""
    order = rng.permutation(len(sizes))
    middles = np.cumsum(sizes[order]) - sizes[order] / 2
    ends = np.cumsum(shares)[:-1] * sizes.sum()
    result = np.empty(len(sizes), np.uint8)
    result[order] = np.searchsorted(ends, middles, side="right")
    return result


def indicators(tasks: TaskSet, labels: np.ndarray) -> np.ndarray:
    """Return 0/1 columns for all that is stratified: (num_rows, number of columns) int32."""
    columns: List[np.ndarray] = []
    for task, part in zip(tasks, tasks.slices):
        for cell in range(part.start, part.stop):
            columns += cell_indicators(task, labels[:, cell])
    return np.stack([column for column in columns if column.any()], axis=1).astype(np.int32)


def cell_indicators(task: Task, label: np.ndarray) -> List[np.ndarray]:
    """Return one bool column for each value of a cell, and one for missing."""
    known = np.asarray(task.labelled(label))
    if task.kind == "value":
        edges = np.quantile(label[known], np.linspace(0, 1, BINS + 1)[1:-1]) if known.any() else []
        values = np.searchsorted(edges, label, side="right")
    else:
        values = label
    return [~known, *(known & (values == value) for value in np.unique(values[known]))]


def sum_by(group: np.ndarray, counts: np.ndarray, num_groups: int) -> np.ndarray:
    """Sum the rows of each group: (num_groups, columns)."""
    total = np.zeros((num_groups, counts.shape[1]), counts.dtype)
    np.add.at(total, group, counts)
    return total


def stratify(
    counts: np.ndarray, sizes: np.ndarray, shares: np.ndarray, rng: np.random.RandomState
) -> np.ndarray:
    """Assign units with counts (units, columns) and sizes (units,) to splits: uint8 (units,)."""
    order = rng.permutation(len(sizes))
    counts, sizes = counts[order], sizes[order]
    wanted = counts.sum(axis=0)[:, None] * shares  # what each split still lacks, of each column
    room = sizes.sum() * shares
    left = counts.sum(axis=0)
    result = np.full(len(sizes), 255, np.uint8)
    waiting = np.ones(len(sizes), bool)
    while left.any():
        rarest = int(np.argmin(np.where(left > 0, left, left.max() + 1)))
        units = np.flatnonzero(waiting & (counts[:, rarest] > 0))
        # The largest first, while there is room to even out; a no-op where units are rows.
        units = units[np.argsort(-counts[units, rarest], kind="stable")]
        for unit in units:
            place(unit, result, wanted, room, (counts, sizes), rarest)
        waiting[units] = False
        left = left - counts[units].sum(axis=0)
    rest = np.flatnonzero(waiting)
    for unit in rest[np.argsort(-sizes[rest], kind="stable")]:
        place(unit, result, wanted, room, (counts, sizes), None)
    back = np.empty_like(result)
    back[order] = result
    return back


def place(
    unit: int,
    result: np.ndarray,
    wanted: np.ndarray,
    room: np.ndarray,
    units: Tuple[np.ndarray, np.ndarray],
    column: Optional[int],
) -> None:
    """Give a unit to the split that lacks most of a column, and of those the one with most room."""
    lacks = room if column is None else wanted[column]
    best = np.flatnonzero(lacks >= lacks.max() - 1e-9)
    chosen = int(best[np.argmax(room[best])])
    counts, sizes = units
    wanted[:, chosen] -= counts[unit]
    room[chosen] -= sizes[unit]
    result[unit] = chosen
