"""The loss of all tasks together, for Gluon."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence

import mxnet as mx
import numpy as np

from ..tasks import NORMALIZATIONS, TaskSet


class MultiTaskLoss(mx.gluon.HybridBlock):
    """Weighted sum of the tasks' losses: (logits, labels) -> (N,), 0 where nothing is labelled.

    Both arguments are lists in task order, as `MultiTaskNet` and `TaskSet.split` give them; it
    computes in float32, whatever their types.
    ``trainer.step(batch_size)`` then makes the same step as ``Module.fit`` with
    `training_symbol`. See `Task.loss` for the formula of a row.

    Parameters
    ----------
    tasks : TaskSet
        Whose losses; each is multiplied by its ``weight``.
    normalization : {"batch", "valid"}, optional
        Overrides ``tasks.normalization``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> labels = tasks.split(mx.nd.array([[1, float("nan")], [-1, 3], [-1, float("nan")]]))
    >>> loss = mxmtl.MultiTaskLoss(tasks)
    >>> loss([mx.nd.zeros((3, 1)), mx.nd.zeros((3, 1))], labels).asnumpy().round(4)
    array([0.6931, 4.5   , 0.    ], dtype=float32)
    """

    def __init__(self, tasks: TaskSet, *, normalization: Optional[str] = None) -> None:
        super().__init__(prefix="")
        self.tasks = tasks
        self.normalization = chosen_normalization(tasks, normalization)

    def forward(self, outputs: Sequence[Any], labels: Sequence[Any]) -> Any:
        """Check that labels fit the tasks, then compute."""
        self.tasks.check_count("logits", outputs)
        self.tasks.check_count("labels", labels)
        for task, logits, label in zip(self.tasks, outputs, labels):
            if isinstance(label, mx.nd.NDArray):
                task.check_shape(label.shape)
            if isinstance(logits, mx.nd.NDArray):
                task.check_logits(logits.shape)
        return super().forward(list(map(in_float32, outputs)), list(map(in_float32, labels)))

    def hybrid_forward(self, F: Any, outputs: List[Any], labels: List[Any]) -> Any:
        return F.add_n(*self._each(F, outputs, labels))

    def per_task(self, outputs: Sequence[Any], labels: Sequence[Any]) -> List[Any]:
        """Return the weighted loss of each task by itself, in task order: NDArrays (N,)."""
        return self._each(mx.nd, outputs, labels)

    def _each(self, F: Any, outputs: Sequence[Any], labels: Sequence[Any]) -> List[Any]:
        return [
            task.loss(F, logits, label, self.normalization)
            for task, logits, label in zip(self.tasks, outputs, labels)
        ]


def in_float32(array: Any) -> Any:
    """Return an NDArray in the type that losses are computed in; a Symbol as it is."""
    wanted = isinstance(array, mx.nd.NDArray) and array.dtype != np.float32
    return array.astype("float32") if wanted else array


def chosen_normalization(tasks: TaskSet, normalization: Optional[str]) -> str:
    """Return the given normalization, or the tasks' own where it is None."""
    if normalization is None:
        return tasks.normalization
    if normalization not in NORMALIZATIONS:
        raise ValueError(f"normalization={normalization!r} is not one of {NORMALIZATIONS}.")
    return normalization
