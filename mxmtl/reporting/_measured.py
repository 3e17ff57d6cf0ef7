"""What a network said about one task, as a report looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Optional, Tuple

import numpy as np

from ..evaluation import Predictions
from ..metrics import Batch, make_batch, shaped
from ..tasks import Task

HALF = 0.5  # the threshold where none was tuned


@dataclass(frozen=True)
class Measured:
    """Labels and predictions of one task on all records.

    Attributes
    ----------
    task : Task
        Which one.
    label : ndarray of float32 (N, label_width)
        Marked where missing.
    prediction : ndarray of float32 (N, num_outputs)
        Probabilities or values.
    tuned : sequence of float, optional
        Thresholds, one a column, that were chosen on other records; None where there are none.
    """

    task: Task
    label: np.ndarray
    prediction: np.ndarray
    tuned: Optional[Any] = None

    @staticmethod
    def of(predictions: Predictions, task: Task, tuned: Optional[Any] = None) -> "Measured":
        """Take one task out of predictions of all."""
        label, prediction = shaped(
            task, predictions.labels[task.name], predictions.prediction(task)
        )
        return Measured(task, label, prediction, tuned)

    @property
    def threshold(self) -> Any:
        """What a probability must exceed to count as a yes: one number, or one a column."""
        return HALF if self.tuned is None else tuple(self.tuned)

    @cached_property
    def batch(self) -> Batch:
        """The labelled part, as metrics see it."""
        return make_batch(self.task, self.label, self.prediction)

    @cached_property
    def labelled(self) -> np.ndarray:
        """Rows with a known label: bool (N,)."""
        known: np.ndarray = self.task.labelled(self.label).any(axis=1)
        return known

    @property
    def units(self) -> Tuple[str, ...]:
        """Names of classes or labels; a task without names stands for itself."""
        return self.task.names or (self.task.name,)

    @cached_property
    def losses(self) -> np.ndarray:
        """Loss of each row as it is trained, without the task's weight: float64 (N,)."""
        losses: np.ndarray = self.task.prediction_loss(self.label, self.prediction).mean(axis=1)
        return losses

    def worst(self, count: int) -> np.ndarray:
        """Return the labelled rows with the highest loss, highest first."""
        rows = np.flatnonzero(self.labelled)
        worst: np.ndarray = rows[np.argsort(-self.losses[rows], kind="stable")][:count]
        return worst
