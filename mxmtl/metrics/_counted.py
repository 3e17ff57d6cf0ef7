"""Metrics of right and wrong decisions, one class or label against the rest."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, List, Optional, Sequence, Tuple, Union

import numpy as np

from ..tasks import Task
from . import _stats as stats
from ._metric import Value
from ._statistic import Counted, RowRates, Statistic
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
    threshold : float or sequence of float, default 0.5
        Of a binary or multi-label task: a cell is predicted positive if its probability is
        above this; one number, or one a label. Compared in the precision of the prediction, in
        float32 if that is less.
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
    """Abstract: a function of the counts of each class, label or (``"samples"``) row.

    Attributes
    ----------
    stat : function
        Turns `Counts` and ``parameters`` into values of the same shape.
    """

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none", "samples"),
    }
    undefined = "0; a class that is neither labelled nor predicted: nan, left out of the mean"
    higher_is_better = True
    unit = "share"
    stat: ClassVar[Callable[..., np.ndarray]]
    parameters: Tuple[float, ...] = ()

    def statistics(self) -> List[Statistic]:
        if self.average == "samples":
            options = (self.threshold, type(self).stat, self.parameters)
            return [RowRates(self.task, options=options)]
        return super().statistics()

    def compute(self, *states: Any) -> Value:
        if self.average == "samples":
            total, rows = states[0]
            return float(stats.ratio(total, rows, np.nan))
        c = Counts(*states[0].astype(np.float64))
        seen = self.kind.seen(c)
        if self.average == "micro":
            c, seen = Counts(*(part.sum(keepdims=True) for part in c)), seen.any(keepdims=True)
        values = np.where(seen, type(self).stat(c, *self.parameters), np.nan)
        return average_of(values, "macro" if self.average == "micro" else self.average, c.positive)


class Precision(AbstractRate):
    """Share of what was predicted positive that is."""

    formula = "tp / (tp + fp)"
    source = "`sklearn.metrics.precision_score`"
    stat = stats.precision


class Recall(AbstractRate):
    """Share of what is positive that was predicted so."""

    formula = "tp / (tp + fn)"
    source = "`sklearn.metrics.recall_score`"
    stat = stats.recall


class Specificity(AbstractRate):
    """Share of what is negative that was predicted so: the recall of the negatives."""

    formula = "tn / (tn + fp)"
    source = "`sklearn.metrics.recall_score` of the negatives"
    stat = stats.specificity


class FBeta(AbstractRate):
    """Harmonic mean of precision and recall, of which recall counts ``beta`` times as much.

    Parameters
    ----------
    task, average, threshold, name
        See `F1`.
    beta : float, default 1.0
        Above 0.
    """

    formula = "(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)"
    source = "`sklearn.metrics.fbeta_score`"
    stat = stats.f_beta

    def __init__(
        self,
        task: Task,
        *,
        beta: float = 1.0,
        average: Optional[str] = None,
        threshold: Optional[Threshold] = None,
        name: Optional[str] = None,
    ) -> None:
        if not 0 < beta < np.inf:
            raise ValueError(f"FBeta: beta={beta!r} must be finite and above 0.")
        self.parameters = (float(beta),)
        super().__init__(task, average=average, threshold=threshold, name=name)


class F1(AbstractRate):
    """Harmonic mean of precision and recall.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task.
    average : {"macro", "micro", "weighted", "none", "samples"}, default "macro"
        Mean over classes or labels; over all cells at once; mean weighted by the number of
        positive labels; one value each; mean over rows (of a multi-label task).
    threshold : float or sequence of float, default 0.5
        Of a binary or multi-label task: what is predicted positive has a higher probability.
    name : str, optional
        Name in logs instead of ``<task>/f1``.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> toys = mxmtl.Multilabel("toys", labels=["ball", "rope"])
    >>> f1 = mxmtl.metrics.F1(toys, average="none")
    >>> f1.update(np.array([[1, 0], [1, -1]]), np.array([[0.9, 0.6], [0.2, 0.7]]))
    >>> f1.get_name_value()
    [('toys/f1/ball', 0.666...), ('toys/f1/rope', 0.0)]
    """

    formula = "2 tp / (2 tp + fp + fn)"
    source = "`sklearn.metrics.f1_score`"
    stat = stats.f_beta
    parameters = (1.0,)


def checked_threshold(task: Task, threshold: Optional[Threshold]) -> Any:
    """Return a float or a tuple with one float a label; `ValueError` naming the task if neither."""
    if threshold is None:
        return 0.5
    if isinstance(task, Task) and not task.kind.thresholds:
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}, but {type(task).__name__} has none "
            "to choose; it is for binary and multi-label tasks."
        )
    try:
        values = np.asarray(threshold, np.float64)
    except (TypeError, ValueError):  # {label: number}, words
        values = np.full(1, np.nan)
    if values.shape not in ((), (task.num_outputs,)) or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(
            f"task {task.name!r}: threshold={threshold!r}; expected a number in [0, 1], or "
            f"{task.num_outputs} of them, one a label."
        )
    return float(values) if values.ndim == 0 else tuple(values.tolist())
