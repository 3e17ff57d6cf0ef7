"""Metrics of real values: how far predictions are off, and how they follow the labels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ._batch import Batch
from ._formulas import ratio
from ._metric import AbstractMean, AbstractTaskMetric, Averages, Value, average_of
from ._statistic import Spread, Statistic, moments_of


class MAE(AbstractMean):
    """Mean absolute error."""

    unit = "label"
    averages: ClassVar[Averages] = {"value": ()}
    formula = "mean of |prediction - label|"
    source = "`sklearn.metrics.mean_absolute_error`"
    values = Batch.absolute_errors


class MSE(AbstractMean):
    """Mean squared error."""

    averages: ClassVar[Averages] = {"value": ()}
    formula = "mean of (prediction - label)^2"
    source = "`sklearn.metrics.mean_squared_error`"
    values = Batch.squared_errors


class RMSE(AbstractMean):
    """Square root of the mean squared error, in the units of the label.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> rmse = mxmtl.metrics.RMSE(mxmtl.Regression("age"))
    >>> rmse.update(np.array([1.0, np.nan, 3.0]), np.array([[1.0], [9.0], [5.0]]))
    >>> rmse.get()
    ('age/rmse', 1.414...)
    """

    unit = "label"
    averages: ClassVar[Averages] = {"value": ()}
    formula = "sqrt(MSE)"
    source = "`sklearn.metrics.mean_squared_error(squared=False)`"
    values = Batch.squared_errors
    at_once = True

    def compute(self, *states: Any) -> Value:
        return np.sqrt(super().compute(*states))


class AbstractFit(AbstractTaskMetric):
    """Abstract: a metric of `Moments`."""

    averages: ClassVar[Averages] = {"value": ()}
    higher_is_better = True

    def statistics(self) -> list[Statistic]:
        return [Spread(self.task)]


class R2Score(AbstractFit):
    """Share of the labels' variance that the predictions explain."""

    formula = "1 - sum (p - y)^2 / sum (y - mean y)^2"
    undefined = "constant labels: 1 if all are predicted exactly, else 0; under two labels: nan"
    source = "`sklearn.metrics.r2_score`"
    at_once = True

    def compute(self, *states: Any) -> Value:
        m = moments_of(states[0])
        constant = np.where(m.error == 0, 1.0, 0.0)
        value = np.where(m.yy == 0, constant, 1.0 - ratio(m.error, m.yy))
        return average_of(np.where(m.n < 2, np.nan, value), "macro", m.n)


class PearsonCorrCoef(AbstractFit):
    """Linear correlation of labels and predictions."""

    formula = "cov(y, p) / (sd(y) sd(p))"
    undefined = "nan where labels or predictions are constant"
    source = "`scipy.stats.pearsonr`"
    at_once = True

    def compute(self, *states: Any) -> Value:
        m = moments_of(states[0])
        value = ratio(m.yp, np.sqrt(m.yy) * np.sqrt(m.pp), np.nan)
        return average_of(np.clip(value, -1.0, 1.0), "macro", m.n)
