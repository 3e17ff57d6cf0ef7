"""Unknown labels that a network is sure of become labels: pseudo-labels, round by round.

The other way round from `drop_labels`. After a round of training the most certain of the unknown
cells are taken for known, and the next round is trained with them: what is easy first. Labels that
somebody gave are never changed, and no pseudo-label outlives its round unless it is found again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ._taskset import TaskSet


def fill_labels(
    labels: Any,
    tasks: TaskSet,
    predictions: Mapping[str, Any],
    *,
    share: float = 0.2,
    certainty: float = 0.5,
) -> np.ndarray:
    """Return a copy of labels in which the most certain unknown ones are what is predicted.

    Give it the labels as they were at first, and a larger share each round:

        for share in (0.2, 0.4, 0.6, 0.8):
            module = train(images, mxmtl.fill_labels(labels, tasks, predictions, share=share))
            predictions = predict(module, images)

    Parameters
    ----------
    labels : array_like
        Labels as ``tasks.encode`` makes them, (N, tasks.label_width).
    tasks : TaskSet
        What the columns mean. Tasks of real values stay as they are.
    predictions : mapping
        Probabilities (N, num_outputs) of tasks, by name; the others stay as they are.
    share : float
        How many of the unknown labels of each task are filled at most, in [0, 1].
    certainty : float
        In [0.5, 1): a probability up to it fills nothing; of a cell that of what is likelier.

    Raises
    ------
    ValueError
        If a number is out of its range, or an array has another shape.

    References
    ----------
    Durand, Mehrasa, Mori 2019, Learning a deep ConvNet for multi-label classification with
    partial labels (curriculum labeling).

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Multilabel("toys", labels=["ball", "rope"])])
    >>> labels = np.array([[1, -1], [-1, -1], [0, -1]])
    >>> p = np.array([[0.2, 0.9], [0.6, 0.01], [0.9, 0.5]])
    >>> fill_labels(labels, tasks, {"toys": p}, share=0.5)
    array([[ 1.,  1.],
           [-1.,  0.],
           [ 0., -1.]], dtype=float32)
    """
    array = np.array(labels, np.float32)
    if array.ndim != 2 or array.shape[1] != tasks.label_width:
        raise ValueError(
            f"labels have the shape {array.shape}; expected (rows, {tasks.label_width}), as "
            "tasks.encode makes them."
        )
    if not 0 <= share <= 1:
        raise ValueError(f"share={share!r}; expected a number from 0 to 1.")
    if not 0.5 <= certainty < 1:
        raise ValueError(f"certainty={certainty!r}; expected a number from 0.5 to below 1.")
    for task, place in zip(tasks, tasks.slices):
        if task.name not in predictions or not task.kind.probabilities:
            continue
        p = np.asarray(predictions[task.name], np.float64)
        if p.shape != (len(array), task.num_outputs):
            raise ValueError(
                f"task {task.name!r}: predictions have the shape {p.shape}; expected "
                f"{(len(array), task.num_outputs)}."
            )
        part = array[:, place]
        found, sure = (p.argmax(axis=1)[:, np.newaxis], p.max(axis=1)[:, np.newaxis])
        if not task.kind.exclusive:
            found, sure = p > 0.5, np.maximum(p, 1 - p)
        unknown = ~np.asarray(task.labelled(part))
        rank = np.where(unknown & (sure > certainty), sure, -1.0).ravel()
        number = min(int(share * unknown.sum()), int((rank > 0).sum()))
        chosen = np.argsort(-rank, kind="stable")[:number]
        rows, columns = np.unravel_index(chosen, part.shape)
        part[rows, columns] = found[rows, columns]
    return array
