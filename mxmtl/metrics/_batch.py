"""One task's labels and predictions of one batch: checked once, and looked at in many ways."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Dict, Tuple, Type

import numpy as np

from ..tasks import LabelError, Task, real

NEAR_ONE = 0.01  # how far a row of float16 probabilities may be from adding up to 1


class Batch(abc.ABC):
    """Abstract: the labelled part of a batch, for one kind of task.

    Parameters
    ----------
    task : Task
        Whose labels and predictions these are.
    label : ndarray, shape (N, label_width)
        Legal values or missing; cells may be soft, between 0 and 1.
    prediction : ndarray, shape (N, num_outputs)
        Finite, and where probabilities are asked for in [0, 1], wherever the label is known.

    Attributes
    ----------
    rows : ndarray of bool, shape (N,)
        Rows with a known label.
    """

    kinds: ClassVar[Dict[str, Type["Batch"]]] = {}
    rows: np.ndarray
    label: np.ndarray
    prediction: np.ndarray

    def __init_subclass__(cls, kind: str, **options: Any) -> None:
        super().__init_subclass__(**options)
        Batch.kinds[kind] = cls

    def __init__(self, task: Task, label: np.ndarray, prediction: np.ndarray) -> None:
        self.task = task
        legal = task.valid(label)
        if np.count_nonzero(legal) < legal.size:  # half the time of all()
            legal = task.kind.valid_or_soft(task, label)
            if not legal.all():
                raise self._illegal(label, legal)
        self._take(label, real(prediction))

    @abc.abstractmethod
    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        """Keep what is labelled of (N, label_width) labels and (N, num_outputs) predictions."""

    # -- what statistics ask for ---------------------------------------------------------------
    @property
    @abc.abstractmethod
    def known(self) -> np.ndarray:
        """Number of known labels of each unit: int64, (num_units,)."""

    @property
    def number(self) -> np.ndarray:
        """Number of known labels of each stored column: int64, (label_width,)."""
        return self.known

    def task_losses(self) -> np.ndarray:
        """Loss of each cell as the task declares it: float64 (n, label_width), 0 where missing."""
        return self.task.prediction_loss(self.label, self.prediction)

    @staticmethod
    def table_names(task: Task) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
        """Return names of the confusion tables, none for a single one, and of their classes."""
        raise NotImplementedError(f"{task!r} has no classes.")

    # -- what is refused -------------------------------------------------------------------------
    def _illegal(self, label: np.ndarray, legal: np.ndarray) -> LabelError:
        bad = np.argwhere(~legal)
        first = tuple(bad[0])
        return LabelError(
            f"task {self.task.name!r}: {len(bad)} of {label.size} labels are neither legal nor "
            f"missing ({self.task.missing}); the first is {label[first]} in row {first[0]} of the "
            "batch. Do the records belong to these tasks?"
        )

    def _not_finite(self) -> ValueError:
        return ValueError(
            f"task {self.task.name!r}: predictions are NaN or infinite. Has training diverged? "
            "A lower learning rate or a smaller task weight may help."
        )

    def _no_probabilities(self, what: str) -> ValueError:
        return ValueError(
            f"task {self.task.name!r}: predictions are no probabilities ({what}). Are they logits? "
            "Pass tasks.predict(outputs), or use the training symbol's outputs."
        )


def make_batch(task: Task, label: np.ndarray, prediction: np.ndarray) -> Batch:
    """Return the batch of the task's kind."""
    return Batch.kinds[task.kind](task, label, prediction)


def shaped(task: Task, label: np.ndarray, prediction: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return labels (N, label_width) and predictions (N, num_outputs), or raise `ValueError`.

    Labels come as ``task.label_shape(N)`` or as a column, predictions as (N, num_outputs), or
    (N,) if that is one.
    """
    count, width = len(prediction) if prediction.ndim else 0, task.num_outputs
    columns, shape = (count, task.label_width), task.label_shape(count)
    if label.shape != shape and label.shape != columns:
        raise ValueError(
            f"task {task.name!r}: labels have shape {label.shape} and predictions "
            f"{prediction.shape}; expected labels {shape} for that many predictions."
        )
    if prediction.shape != (count, width) and (prediction.shape != (count,) or width != 1):
        raise ValueError(
            f"task {task.name!r}: predictions have shape {prediction.shape}; expected "
            f"{(count, width)}."
        )
    return label.reshape(columns), prediction.reshape(count, width)
