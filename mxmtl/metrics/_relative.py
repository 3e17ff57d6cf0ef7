"""Losses without units: beside that of the best constant answer, so that tasks can be compared.

A mean over tasks of losses in nats and in squared grams says nothing, and picks checkpoints by the
task with the largest numbers. Divided by what a network costs that has learned nothing, 1 is no
better than that for every task, and 0 is perfect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from ..tasks import Task, TaskSet
from ._batch import Batch
from ._formulas import ratio
from ._metric import AbstractTaskMetric, Averages, Metric, Value
from ._statistic import Statistic, Summed
from ._suite import MeanOverTasks
from ._value import ALL_TASKS

LEAST = 0.01  # nats: where there is one answer alone a network need not be perfect
RELATIVE = f"{ALL_TASKS}/relative_loss"


class Labels(Statistic):
    """The labels of labelled rows, a block a batch: float64 (n, label_width), 8 bytes a cell."""

    def zero(self) -> list[np.ndarray]:
        return []

    def totals(self, *batches: Batch) -> list[np.ndarray]:
        (task,) = self.tasks
        labels = np.asarray(batches[0].label, np.float64).reshape(-1, task.label_width)
        return [labels[np.asarray(task.labelled(labels)).any(axis=1)]]

    def to_arrays(self, state: list[np.ndarray]) -> list[np.ndarray]:
        return state

    def from_arrays(self, arrays: list[np.ndarray]) -> list[np.ndarray]:
        return arrays


class RelativeLoss(AbstractTaskMetric):
    """`TaskLoss` beside that of the best constant answer for the training labels: 1 is no better.

    Parameters
    ----------
    task : Task
        Any.
    constant : sequence of float, optional
        The answer (num_outputs,) to compare with: that of the training labels, as
        `Task.constant` finds it. Without it, the best one for the labels that are measured; they
        are kept, 8 bytes each. The loss of a regression is then 1 - R2.
    name : str, optional
        Name in logs instead of ``<task>/relative_loss``.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> age = mxmtl.Regression("age")
    >>> relative = mxmtl.metrics.RelativeLoss(age, constant=[2.0])
    >>> relative.update(np.array([1.0, np.nan, 3.0]), np.array([[1.5], [9.0], [2.5]]))
    >>> relative.get()
    ('age/relative_loss', 0.25)
    """

    averages: ClassVar[Averages] = {"class": (), "cells": (), "value": ()}
    higher_is_better = False
    formula = "loss / loss of the best constant answer; of probabilities at least 0.01 a label"
    undefined = "nan, also where the constant answer of a regression is never wrong"
    source = "`sklearn.metrics.d2_log_loss_score`, `r2_score`: 1 - theirs"

    def __init__(
        self, task: Task, *, constant: Sequence[float] | None = None, name: str | None = None
    ) -> None:
        self.constant = None if constant is None else tuple(float(value) for value in constant)
        super().__init__(task, name=name)

    def statistics(self) -> list[Statistic]:
        own = Summed(self.task, options=(Batch.task_losses,))
        if self.constant is None:
            return [own, Labels(self.task)]
        return [own, Summed(self.task, options=(Batch.constant_losses, self.constant))]

    def compute(self, *states: Any) -> Value:
        (losses, known), other = states
        if self.constant is None:
            labels = np.concatenate([np.empty((0, self.task.label_width)), *other])
            answer = np.broadcast_to(
                self.task.constant(labels), (len(labels), self.task.num_outputs)
            )
            constant = self.task.prediction_loss(labels, answer).sum()
        else:
            constant = other[0].sum()
        least = LEAST * known.sum() if self.task.kind.probabilities else 0.0
        return float(ratio(losses.sum(), max(constant, least), np.nan))


def relative_losses(
    tasks: TaskSet, constants: Mapping[str, Sequence[float]], by: str = "weight"
) -> list[Metric]:
    """Make the relative loss of each task with a constant answer, and their mean, in this order.

    Tasks of weight 0, which are not trained, do not count for the mean, unless it is ``by="task"``.
    """
    parts = [RelativeLoss(t, constant=constants[t.name]) for t in tasks if t.name in constants]
    counting = [part for part in parts if part.task.weight > 0 or by == "task"] or parts
    return [*parts, MeanOverTasks(counting, name=RELATIVE)] if parts else []
