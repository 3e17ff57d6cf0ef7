"""Metrics of how predicted values follow the labels: they need the spread of both."""

from __future__ import annotations

from typing import Any, ClassVar, List, NamedTuple

import numpy as np

from ._metric import Value
from ._statistic import Statistic
from ._stats import ratio
from ._task_metric import AbstractTaskMetric, Averages, average_of


class Moments(NamedTuple):
    """Means and centred sums of products of labels y and predictions p: float64, (columns,)."""

    n: np.ndarray
    y: np.ndarray
    p: np.ndarray
    yy: np.ndarray
    pp: np.ndarray
    yp: np.ndarray
    error: np.ndarray


class Spread(Statistic):
    """`Moments`, array (7, label_width). Centred, so that large values lose no digits."""

    def zero(self) -> np.ndarray:
        return np.zeros((7, self.tasks[0].label_width))

    def totals(self, *batches: Any) -> np.ndarray:
        (batch,) = batches
        n = batch.number.astype(np.float64)
        label = np.where(batch.mask, batch.label, 0.0)
        y, p = ratio(label.sum(axis=0), n), ratio(batch.prediction.sum(axis=0), n)
        dy, dp = (label - y) * batch.mask, (batch.prediction - p) * batch.mask
        squares = [(a * b).sum(axis=0) for a, b in ((dy, dy), (dp, dp), (dy, dp))]
        return np.stack([n, y, p, *squares, batch.squared_errors().sum(axis=0)])

    def merge(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # Chan, Golub and LeVeque 1983: the sums about the common mean.
        a_, b_ = Moments(*a), Moments(*b)
        n = a_.n + b_.n
        share, dy, dp = ratio(b_.n, n), b_.y - a_.y, b_.p - a_.p
        between = a_.n * share
        yy, pp, yp = between * dy * dy, between * dp * dp, between * dy * dp
        means = [a_.y + share * dy, a_.p + share * dp]
        sums = [a_.yy + b_.yy + yy, a_.pp + b_.pp + pp, a_.yp + b_.yp + yp]
        return np.stack([n, *means, *sums, a_.error + b_.error])


class AbstractFit(AbstractTaskMetric):
    """Abstract: a metric of `Moments`."""

    averages: ClassVar[Averages] = {"value": ()}
    higher_is_better = True

    def statistics(self) -> List[Statistic]:
        return [Spread(self.task)]


class R2Score(AbstractFit):
    """Share of the labels' variance that the predictions explain."""

    formula = "1 - sum (p - y)^2 / sum (y - mean y)^2"
    undefined = "constant labels: 1 if all are predicted exactly, else 0; under two labels: nan"
    source = "`sklearn.metrics.r2_score`"

    def compute(self, *states: Any) -> Value:
        m = Moments(*states[0])
        constant = np.where(m.error == 0, 1.0, 0.0)
        value = np.where(m.yy == 0, constant, 1.0 - ratio(m.error, m.yy))
        return average_of(np.where(m.n < 2, np.nan, value), "macro", m.n)


class PearsonCorrCoef(AbstractFit):
    """Linear correlation of labels and predictions."""

    formula = "cov(y, p) / (sd(y) sd(p))"
    undefined = "nan where labels or predictions are constant"
    source = "`scipy.stats.pearsonr`"

    def compute(self, *states: Any) -> Value:
        m = Moments(*states[0])
        value = ratio(m.yp, np.sqrt(m.yy) * np.sqrt(m.pp), np.nan)
        return average_of(np.clip(value, -1.0, 1.0), "macro", m.n)


class BaselineRMSE(AbstractFit):
    """What `RMSE` would be if the answer were always the mean of the labels."""

    higher_is_better = False
    unit = "label"
    of_labels = True
    formula = "sqrt(mean of (label - mean label)^2)"
    source = "`sklearn.dummy.DummyRegressor` on the labels themselves"

    def compute(self, *states: Any) -> Value:
        m = Moments(*states[0])
        return average_of(np.sqrt(ratio(m.yy, m.n, np.nan)), "macro", m.n)
