"""How often two tasks are labelled, and two classes or labels hold, in the same record."""

from __future__ import annotations

from typing import List, Tuple

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
    names: List[str] = []
    for task in tasks:
        if task.kind == "class":
            names += [f"{task.name}={name}" for name in task.names]
        elif task.kind == "cells":
            names += task.columns
    return tuple(names)


def indicators(tasks: TaskSet, labels: np.ndarray) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 0/1 rows, float64: labelled (tasks, N), held and known (columns, N)."""
    labelled, held, known = [], [], []
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part].T
        is_known = np.asarray(task.labelled(cells))
        labelled.append(is_known.any(axis=0))
        if task.kind == "class":
            held += [cells[0] == index for index in range(len(task.names))]
            known += [is_known[0]] * len(task.names)
        elif task.kind == "cells":
            held += list(cells == 1)
            known += list(is_known)
    shape = (len(held), len(labels))
    return (
        np.array(labelled, np.float64),
        np.array(held, np.float64).reshape(shape),
        np.array(known, np.float64).reshape(shape),
    )
