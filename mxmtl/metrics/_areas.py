"""Metrics of how well scores rank: areas under curves over all thresholds."""

from __future__ import annotations

from typing import Any, Callable, ClassVar, List, Optional, Tuple

import numpy as np

from ..tasks import Task
from . import _curves as curves
from ._binned import Histogram
from ._curves import Curve
from ._metric import Value
from ._statistic import Statistic
from ._task_metric import AbstractTaskMetric, Averages, average_of

Blocks = List[Tuple[np.ndarray, np.ndarray]]


class Scored(Statistic):
    """The scores and labels themselves, a block a batch: 4 bytes a score, and a label 1 or 4."""

    def zero(self) -> Blocks:
        return []

    def totals(self, *batches: Any) -> Blocks:
        return [batches[0].scores()]

    def add(self, totals: Blocks) -> None:
        self.local += totals  # in place: merging would copy the list each time

    def to_arrays(self, state: Blocks) -> List[np.ndarray]:
        return [np.concatenate(parts) for parts in zip(*state)]

    def from_arrays(self, arrays: List[np.ndarray]) -> Blocks:
        return [(arrays[0], arrays[1])] if arrays else []


class AbstractArea(AbstractTaskMetric):
    """Abstract: a function of the curve of each class (against the rest) or label.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task; predictions must be probabilities.
    bins : int, optional
        Put scores into so many equal bins, in which they count as equal: memory stays the same
        however many rows come, and `error` says how far the value may be off. Without it
        all scores are kept (5 bytes a cell, 4 for each class and row) and the value is exact.
    average : {"macro", "micro", "weighted", "none"}, default "macro"
        Mean over classes or labels for which it is defined; all cells as one ranking; mean
        weighted by the number of positive labels; one value each.
    name : str, optional
        Name in logs instead of ``<task>/<metric>``.
    """

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none"),
    }
    higher_is_better = True
    unit = "share"
    stat: ClassVar[Callable[[Curve], float]]
    stat_error: ClassVar[Callable[[Curve], float]]

    def __init__(
        self,
        task: Task,
        *,
        bins: Optional[int] = None,
        average: Optional[str] = None,
        name: Optional[str] = None,
    ) -> None:
        if bins is not None and (int(bins) != bins or bins < 2):
            raise ValueError(f"{type(self).__name__}: bins={bins!r} must be a whole number over 1.")
        self.bins = bins
        super().__init__(task, average=average, name=name)

    def statistics(self) -> List[Statistic]:
        if self.bins is None:
            return [Scored(self.task)]
        return [Histogram(self.task, options=int(self.bins))]

    def compute(self, *states: Any) -> Value:
        return self._average(type(self).stat, states[0])

    @property
    def error(self) -> Value:
        """How far the value since `reset` may be from the exact one: 0 without ``bins``."""
        self._feed.settle()
        if self.bins is None:
            return 0.0
        return self._average(type(self).stat_error, self._statistics[0].state(whole=True))

    def _average(self, stat: Callable[[Curve], float], state: Any) -> Value:
        found = self._curves(state)
        weight = np.array([c.tp[-1] if c.tp.size else 0.0 for c in found])
        average = "macro" if self.average == "micro" else self.average
        return average_of(np.array([stat(c) for c in found]), average, weight)

    def _curves(self, state: Any) -> List[Curve]:
        units = range(self.task.num_outputs)
        if self.bins is not None:
            state = state.sum(axis=1, keepdims=True) if self.average == "micro" else state
            return [curves.curve_of_histogram(*state[:, i]) for i in range(state.shape[1])]
        if not state:
            return [Curve(np.zeros(0), np.zeros(0)) for _ in units]
        scores, labels = map(np.concatenate, zip(*state))
        pairs = [self.kind.unit(scores, labels, i) for i in units]
        if self.average == "micro":
            pairs = [tuple(map(np.concatenate, zip(*pairs)))]
        return [curves.curve_of_scores(*pair) for pair in pairs]


class AUROC(AbstractArea):
    """Chance that a positive row scores higher than a negative one (equal scores: half).

    The parameters are those of `AveragePrecision`.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> auroc = mxmtl.metrics.AUROC(mxmtl.Binary("outdoors"))
    >>> auroc.update(np.array([1, 0, 0, -1]), np.array([[0.6], [0.7], [0.2], [0.9]]))
    >>> auroc.get()
    ('outdoors/auroc', 0.5)
    """

    formula = "area under tp / positives against fp / negatives"
    undefined = "nan without both a positive and a negative label; left out of the mean"
    source = "`sklearn.metrics.roc_auc_score`"
    stat = curves.area_under_roc
    stat_error = curves.area_under_roc_error


class AveragePrecision(AbstractArea):
    """Mean over the positive rows of the precision at their score.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task; predictions must be probabilities.
    bins : int, optional
        Put scores into so many equal bins, in which they count as equal: memory stays the same
        however many rows come, and `error` says how far the value may be off. Without it
        all scores are kept (5 bytes a cell, 4 for each class and row) and the value is exact.
    average : {"macro", "micro", "weighted", "none"}, default "macro"
        As in `F1`; ``"micro"`` ranks all cells together.
    name : str, optional
        Name in logs instead of ``<task>/average_precision``.
    """

    formula = "sum over thresholds of (recall_i - recall_(i-1)) precision_i"
    undefined = "0 without a positive label"
    source = "`sklearn.metrics.average_precision_score`"
    stat = curves.average_precision
    stat_error = curves.average_precision_error
