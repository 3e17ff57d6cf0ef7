"""Metrics of right and wrong decisions, one class or label against the rest."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, List, Optional, Sequence, Union

import numpy as np

from ..tasks import Task
from . import _stats as stats
from ._metric import Value
from ._statistic import Counted, Statistic
from ._stats import Counts
from ._task_metric import AbstractTaskMetric, Averages, average_of

Threshold = Union[float, Sequence[float]]


class AbstractDecision(AbstractTaskMetric):
    """Abstract: a metric of decisions: the most probable class, or cells above a threshold.

    Parameters
    ----------
    task : Task
        What is measured.
    average : str, optional
        See `AbstractTaskMetric`.
    threshold : float or sequence of float
        Of a binary or multi-label task: a cell is predicted positive if its probability is
        above this; one number, or one a label. Compared in the precision of the prediction.
    name : str, optional
        Name in logs instead of ``<task>/<metric>``.
    """

    def __init__(
        self,
        task: Task,
        *,
        average: Optional[str] = None,
        threshold: Optional[Threshold] = None,
        name: Optional[str] = None,
    ) -> None:
        self.threshold = checked_threshold(task, threshold)
        super().__init__(task, average=average, name=name)

    def statistics(self) -> List[Statistic]:
        return [Counted(self.task, options=self.threshold)]


class AbstractRate(AbstractDecision):
    """Abstract: a function of the counts of each class or label."""

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none"),
    }
    undefined = "0; a class that is neither labelled nor predicted: nan, left out of the mean"
    higher_is_better = True

    @abc.abstractmethod
    def stat(self, c: Counts) -> np.ndarray:
        """Turn counts into values, of the same shape."""

    def compute(self, *states: Any) -> Value:
        c = Counts(*states[0].astype(np.float64))
        seen = self.kind.seen(c)
        if self.average == "micro":
            c, seen = Counts(*(part.sum(keepdims=True) for part in c)), seen.any(keepdims=True)
        values = np.where(seen, self.stat(c), np.nan)
        return (
            values[0] if self.average == "micro" else average_of(values, self.average, c.positive)
        )


class Precision(AbstractRate):
    """Share of what was predicted positive that is."""

    formula = "tp / (tp + fp)"
    source = "sklearn.metrics.precision_score"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.precision(c)


class Recall(AbstractRate):
    """Share of what is positive that was predicted so."""

    formula = "tp / (tp + fn)"
    source = "sklearn.metrics.recall_score"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.recall(c)


class Specificity(AbstractRate):
    """Share of what is negative that was predicted so: the recall of the negatives."""

    formula = "tn / (tn + fp)"
    source = "sklearn.metrics.recall_score of the negatives"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.specificity(c)


class F1(AbstractRate):
    """Harmonic mean of precision and recall.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> toys = mxmtl.Multilabel("toys", labels=["ball", "rope"])
    >>> f1 = F1(toys, average="none")
    >>> f1.update(np.array([[1, 0], [1, -1]]), np.array([[0.9, 0.6], [0.2, 0.7]]))
    >>> f1.get_name_value()
    [('toys/f1/ball', 0.666...), ('toys/f1/rope', 0.0)]
    """

    formula = "2 tp / (2 tp + fp + fn)"
    source = "sklearn.metrics.f1_score"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.f_beta(c, 1.0)


def checked_threshold(task: Task, threshold: Optional[Threshold]) -> Any:
    """Return a float or a tuple with one float a label; `ValueError` naming the task if neither."""
    if threshold is None:
        return 0.5
    if getattr(task, "kind", "cells") != "cells":
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}, but {type(task).__name__} chooses the "
            "most probable class and has no threshold."
        )
    values = np.asarray(threshold, np.float64)
    if values.shape not in ((), (task.num_outputs,)) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}; expected a number in [0, 1], or "
            f"{task.num_outputs} of them, one a label."
        )
    return float(values) if values.ndim == 0 else tuple(values.tolist())
