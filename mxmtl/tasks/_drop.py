"""Labels that are dropped on purpose, from data of which all are known: for experiments.

What a method for missing labels is worth can be told only where the labels that are missing are
known after all. Why labels go missing decides which method is right, so there are three ways.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .._options import Options, option, read_call
from ._task import Task
from ._taskset import TaskSet


@dataclass(frozen=True)
class Dropping(Options):
    """Which labels are dropped; see `drop_labels`.

    >>> Dropping.read("random(share=0.8)").share
    0.8
    """

    way: str = option("random", "how they are chosen", choices=("random", "balanced", "single"))
    share: float = option(0.5, "chance of each label, where random", low=0, high=1)
    number: int = option(100, "rows that are kept of each value, where balanced", low=0)
    seed: int = option(0, "the same seed drops the same labels", low=0)

    @classmethod
    def read(cls, text: str) -> Dropping:
        """Make it of a way, with its options in brackets."""
        way, options = read_call(text, "drop_labels", "random(share=0.8)")
        return cls.of({"way": way, **options})

    def __call__(self, labels: Any, tasks: TaskSet) -> np.ndarray:
        """Return `drop_labels` of them."""
        return drop_labels(labels, tasks, **asdict(self))


def drop_labels(
    labels: Any,
    tasks: TaskSet,
    way: str = "random",
    *,
    share: float = 0.5,
    number: int = 100,
    seed: int = 0,
) -> np.ndarray:
    """Return a copy of labels of which some are missing: float32, (N, tasks.label_width).

    Parameters
    ----------
    labels : array_like
        Labels as ``tasks.encode`` makes them, (N, tasks.label_width). What is missing stays so.
    tasks : TaskSet
        What the columns mean.
    way : {"random", "balanced", "single"}
        ``"random"``: each label is dropped with the chance ``share``. ``"balanced"``: of each
        label ``number`` yes and as many no are kept, of each class ``number`` rows, of real
        values as many in each quarter; all where there are fewer. ``"single"``: each row of a
        multi-label task keeps one label that holds, drawn from those, and nothing else; other
        tasks keep all.
    share : float
        Of ``"random"``, in [0, 1].
    number : int
        Of ``"balanced"``, 0 or more.
    seed : int
        The same seed drops the same labels.

    Raises
    ------
    ValueError
        If an argument is none of these, or the labels have another shape.

    References
    ----------
    Single positives: Cole, Mac Aodha et al. 2021. As many yes as no a class: Ben-Baruch, Ridnik
    et al. 2022.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"])])
    >>> labels = np.array([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    >>> drop_labels(labels, tasks, "single")
    array([[-1., -1.,  1.],
           [-1.,  1., -1.],
           [-1., -1., -1.]], dtype=float32)
    >>> drop_labels(labels, tasks, "balanced", number=1)
    array([[ 1.,  0.,  1.],
           [-1.,  1.,  0.],
           [ 0., -1., -1.]], dtype=float32)
    """
    array = np.array(labels, np.float32)
    if array.ndim != 2 or array.shape[1] != tasks.label_width:
        raise ValueError(
            f"labels have the shape {array.shape}; expected (rows, {tasks.label_width}), as "
            "tasks.encode makes them."
        )
    Dropping(way, share, number, seed)  # checks them
    rng = np.random.RandomState(seed)
    for task, place in zip(tasks, tasks.slices):
        part = array[:, place]
        known = np.asarray(task.labelled(part))
        kept = known
        if way == "random":
            kept = rng.random_sample(part.shape) >= share
        elif way == "balanced":
            kept = _same_number(task, part, known, number, rng)
        elif task.kind.thresholds and task.label_width > 1:
            kept = _one_positive(part, rng)
        part[~kept] = task.missing
    return array


def _same_number(task: Task, part: np.ndarray, known: np.ndarray, number: int, rng: Any) -> Any:
    """Choose so many cells of each value in each column."""
    kept = np.zeros(part.shape, bool)
    for cells, mask, chosen in zip(part.T, known.T, kept.T):
        strata = task.kind.strata(cells, mask)
        for stratum in np.unique(strata[mask]):
            rows = np.flatnonzero(mask & (strata == stratum))
            chosen[rng.permutation(rows)[:number]] = True
    return kept


def _one_positive(part: np.ndarray, rng: Any) -> np.ndarray:
    """Choose one cell that holds of each row that has one."""
    chance = np.where(part == 1, rng.random_sample(part.shape), -1.0)
    first = np.zeros(part.shape, bool)
    first[np.arange(len(part)), chance.argmax(axis=1)] = True
    return first & (part == 1)
