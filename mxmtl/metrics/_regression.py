"""Metrics of real values: how far predictions are off, and how they follow the labels."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from ._batch import Batch
from ._formulas import absolute_error, ratio, squared_error
from ._metric import AbstractMean, AbstractTaskMetric, Averages, Value, average_of
from ._statistic import Spread, Statistic, moments_of


class ValueBatch(Batch, kind="value"):
    """Rows with a known value, in float64; each column is a unit."""

    def _take(self, label: np.ndarray, prediction: np.ndarray) -> None:
        self.mask = self.task.labelled(label)
        self.rows = self.mask.any(axis=1)
        self.mask = self.mask[self.rows]
        self.label = label[self.rows].astype(np.float64)
        # Where a cell is missing the prediction may be anything, and counts as 0.
        each = prediction.shape[1] // label.shape[1]
        shape = (len(self.label), each, label.shape[1])
        parts = prediction[self.rows].astype(np.float64).reshape(shape)
        self.parts = np.where(self.mask[:, None], parts, 0.0)  # values, and the ends of intervals
        self.prediction = self.task.nearest(np.where(self.mask, self.label, 0.0), self.parts[:, 0])
        if not np.isfinite(self.parts).all():
            raise self._not_finite()

    def task_losses(self) -> np.ndarray:
        whole = self.parts.reshape(len(self.label), self.task.num_outputs)
        return self.task.prediction_loss(self.label, whole)

    @cached_property
    def known(self) -> np.ndarray:  # type: ignore[override]
        return np.count_nonzero(self.mask, axis=0)

    def absolute_errors(self) -> np.ndarray:
        return np.where(self.mask, absolute_error(self.label, self.prediction), 0.0)

    def squared_errors(self) -> np.ndarray:
        return np.where(self.mask, squared_error(self.label, self.prediction), 0.0)


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


# -- of values that come with an interval ----------------------------------------------------------
class Inside(Statistic):
    """Cells inside their interval, sum of its widths, and known cells: float64 (3, columns)."""

    def zero(self) -> np.ndarray:
        return np.zeros((3, self.tasks[0].label_width))

    def totals(self, *batches: Any) -> np.ndarray:
        (batch,) = batches
        if batch.parts.shape[1] < 3:
            return np.full_like(self.zero(), np.nan)
        low, high = batch.parts[:, 1], batch.parts[:, 2]
        inside = (low <= batch.label) & (batch.label <= high) & batch.mask
        return np.stack([inside.sum(axis=0), (high - low).sum(axis=0), batch.number])


class IntervalCoverage(AbstractTaskMetric):
    """Share of labels inside the interval: to be compared with the coverage that was asked for."""

    averages: ClassVar[Averages] = {"value": ()}
    higher_is_better = None
    unit = "share"
    formula = "labels with low <= label <= high / labels"
    undefined = "nan of a task without intervals"
    source = "-"

    def statistics(self) -> list[Statistic]:
        return [Inside(self.task)]

    def compute(self, *states: Any) -> Value:
        inside, _, number = states[0]
        return average_of(ratio(inside, number, np.nan), "macro", number)


class IntervalWidth(AbstractTaskMetric):
    """Mean width of the intervals of labelled rows: of those that cover as much, less is better."""

    averages: ClassVar[Averages] = {"value": ()}
    higher_is_better = None
    unit = "label"
    formula = "mean of high - low"
    undefined = "nan of a task without intervals"
    source = "-"

    def statistics(self) -> list[Statistic]:
        return [Inside(self.task)]

    def compute(self, *states: Any) -> Value:
        _, width, number = states[0]
        return average_of(ratio(width, number, np.nan), "macro", number)
