"""Metrics that are the mean over known cells of a function of label and prediction."""

from __future__ import annotations

from typing import Any, ClassVar, List

import numpy as np

from ._agreement import share
from ._metric import Value
from ._statistic import Statistic, Summed
from ._task_metric import AbstractTaskMetric, Averages


class AbstractMean(AbstractTaskMetric):
    """Abstract: the mean over known cells of what the batch method named ``values`` gives."""

    higher_is_better = False
    values: ClassVar[str]

    def statistics(self) -> List[Statistic]:
        return [Summed(self.task, options=(self.values,))]

    def compute(self, *states: Any) -> Value:
        return share(states[0][0], states[0][1], self.average)


class CrossEntropy(AbstractMean):
    """Mean negative log-probability of what was labelled, unweighted and unsmoothed."""

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    formula = "mean of -log max(p(label), 1.2e-38); 1 - p of a cell is 2^-25 where p is 1"
    source = "`sklearn.metrics.log_loss`"
    values = "log_losses"


class BrierScore(AbstractMean):
    """Mean squared distance of the probabilities from the labelled outcome.

    Of a multiclass task in its original form, a sum over the classes, from 0 to 2; of binary
    and multi-label tasks the squared error of each cell, from 0 to 1.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    formula = "mean of sum_k (p_k - [label = k])^2; of a cell (p - label)^2"
    source = "Brier 1950; `sklearn.metrics.brier_score_loss`"
    values = "brier_scores"


class TaskLoss(AbstractMean):
    """Mean loss of the labelled cells, as the task declares it.

    With its class or positive weights and label smoothing, without the task's own weight.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": (), "value": ()}
    formula = "mean of task.prediction_loss over labelled cells"
    source = "the loss that is trained (MXNet's output operators)"
    values = "task_losses"


class MAE(AbstractMean):
    """Mean absolute error."""

    unit = "label"
    averages: ClassVar[Averages] = {"value": ()}
    formula = "mean of |prediction - label|"
    source = "`sklearn.metrics.mean_absolute_error`"
    values = "absolute_errors"


class MSE(AbstractMean):
    """Mean squared error."""

    averages: ClassVar[Averages] = {"value": ()}
    formula = "mean of (prediction - label)^2"
    source = "`sklearn.metrics.mean_squared_error`"
    values = "squared_errors"


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
    values = "squared_errors"

    def compute(self, *states: Any) -> Value:
        return np.sqrt(super().compute(*states))
