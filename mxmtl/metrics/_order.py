"""Metrics of classes that have an order: how far off an answer is, and not only whether.

They are for every task of classes; that these stand in order is for who asks to know. The answer
is the task's, as in all metrics of decisions: the likeliest class, or the median of CORAL.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ._formulas import ratio
from ._metric import AbstractTaskMetric, Averages, Value, share
from ._statistic import Crossed, Statistic


class AbstractDistance(AbstractTaskMetric):
    """Abstract: a function of the table of labelled and predicted classes, (K, K)."""

    averages: ClassVar[Averages] = {"class": ()}

    def statistics(self) -> list[Statistic]:
        return [Crossed(self.task, options=0.5)]

    def distances(self) -> np.ndarray:
        """How many classes lie between label and prediction: (K, K)."""
        places = np.arange(self.task.num_outputs)
        return np.abs(places[:, None] - places)


class QuadraticKappa(AbstractDistance):
    """Agreement beyond chance, where an answer is wrong by the square of its distance.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> kappa = mxmtl.metrics.QuadraticKappa(mxmtl.Ordinal("size", classes=["S", "M", "L"]))
    >>> kappa.update(np.array([0, 1, 2, -1]), np.eye(3)[[0, 1, 1, 0]])
    >>> kappa.get()
    ('size/quadratic_kappa', 0.666...)
    """

    higher_is_better = True
    formula = "1 - sum w n / sum w e, w = (i - j)^2, e the rows that chance would put there"
    undefined = "nan where all labels and predictions are one class"
    source = "`sklearn.metrics.cohen_kappa_score(weights='quadratic')`; Cohen 1968"

    def compute(self, *states: Any) -> Value:
        (table,) = states[0].astype(np.float64)
        weights = np.square(self.distances())
        chance = ratio(np.outer(table.sum(axis=1), table.sum(axis=0)), table.sum())
        return float(1.0 - ratio((weights * table).sum(), (weights * chance).sum(), np.nan))


class ClassMAE(AbstractDistance):
    """Mean absolute error in classes: how many the answer is off."""

    averages: ClassVar[Averages] = {"class": ("micro", "macro", "none")}
    higher_is_better = False
    formula = "mean of |predicted - labelled position|"
    source = "`sklearn.metrics.mean_absolute_error` of positions; macro: AMAE, Baccianella 2009"

    def compute(self, *states: Any) -> Value:
        (table,) = states[0].astype(np.float64)
        return share((self.distances() * table).sum(axis=1), table.sum(axis=1), self.average)


class AccuracyWithinOne(AbstractDistance):
    """Share of labels that were predicted right, or as the class next to it."""

    averages: ClassVar[Averages] = {"class": ("micro", "macro", "none")}
    higher_is_better = True
    unit = "share"
    formula = "rows with |predicted - labelled position| <= 1 / labelled rows"
    source = "`dlordinal.metrics.accuracy_off1`"

    def compute(self, *states: Any) -> Value:
        (table,) = states[0].astype(np.float64)
        near = (self.distances() <= 1) * table
        return share(near.sum(axis=1), table.sum(axis=1), self.average)


class CumulatedErrors(Statistic):
    """Sum over rows of the squared distance of cumulated probabilities, and rows: float64 (2,)."""

    def zero(self) -> np.ndarray:
        return np.zeros(2)

    def totals(self, *batches: Any) -> np.ndarray:
        (batch,) = batches
        steps = batch.probability.shape[1] - 1
        up_to = np.cumsum(batch.probability[:, :steps], axis=1, dtype=np.float64)
        wanted = batch.label[:, None] <= np.arange(steps)
        return np.array([np.square(up_to - wanted).sum() / steps, len(up_to)])


class RankedProbabilityScore(AbstractTaskMetric):
    """Mean squared distance of the cumulated probabilities from those of the label, 0 to 1."""

    averages: ClassVar[Averages] = {"class": ()}
    higher_is_better = False
    formula = "mean of sum_k (P(y <= k) - [label <= k])^2 / (K - 1)"
    source = "Epstein 1969"

    def statistics(self) -> list[Statistic]:
        return [CumulatedErrors(self.task)]

    def compute(self, *states: Any) -> Value:
        total, rows = states[0]
        return float(ratio(total, rows, np.nan))
