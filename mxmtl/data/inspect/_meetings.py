"""How often two tasks are labelled, and two classes or labels hold, in the same record."""

from __future__ import annotations

from typing import Tuple

import numpy as np

from ...tasks import TaskSet

BLOCK = 1 << 14  # records: a product of matrices that stay in the cache


def meetings(
    tasks: TaskSet, labels: np.ndarray
) -> Tuple[Tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Count over labels of shape (N, label_width).

    Returns
    -------
    columns : tuple of str
        What may hold: ``task=class`` and ``task.label``.
    together : ndarray
        int64, (tasks, tasks): rows in which both tasks are labelled.
    pairs : ndarray
        int64, (columns, columns): rows in which both hold.
    expected : ndarray
        float64, (columns, columns): the same for columns that are independent of each other,
        among the rows in which both are known.
    """
    columns = column_names(tasks)
    together = np.zeros((len(tasks), len(tasks)))
    pairs, one_held, both_known = (np.zeros((len(columns), len(columns))) for _ in range(3))
    for start in range(0, len(labels), BLOCK):
        labelled, held, known = indicators(tasks, labels[start : start + BLOCK])
        together += labelled @ labelled.T
        pairs += held @ held.T
        one_held += held @ known.T  # the first holds, of the second we know whether it does
        both_known += known @ known.T
    expected = one_held * one_held.T / np.maximum(both_known, 1)
    return columns, together.astype(np.int64), pairs.astype(np.int64), expected


def column_names(tasks: TaskSet) -> Tuple[str, ...]:
    """Return what may hold, in order: each class, each label."""
    return tuple(name for task in tasks for name in task.kind.holding(task))


def indicators(tasks: TaskSet, labels: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 0/1 rows, float64: labelled (tasks, N), held and known (columns, N)."""
    labelled, wanted = [], [np.zeros((len(labels), 0))]
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part]
        labelled.append(task.labelled(cells).any(axis=1))
        if task.kind.holding(task):
            wanted.append(task.as_prediction(cells))
    columns = np.concatenate(wanted, axis=1).T
    parts = (np.array(labelled), columns == 1, ~np.isnan(columns))
    labelled_, held, known = (part.astype(np.float64) for part in parts)
    return labelled_, held, known
