"""Whether what is given 80 % comes true in 80 % of the cases."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional

import numpy as np

from ..tasks import Task
from ._binned import Reliability
from ._metric import Value
from ._statistic import Statistic
from ._stats import ratio
from ._task_metric import AbstractTaskMetric, Averages, average_of


class CalibrationError(AbstractTaskMetric):
    """Expected calibration error: how far probabilities are from the share that comes true.

    Of a multiclass task the probability of the most probable class, of binary and multi-label
    tasks that of a yes. Each bin holds the probabilities from k / bins up to (k + 1) / bins,
    and the last one 1 as well.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task.
    bins : int, default 15
        Number of equal bins.
    average : {"macro", "micro", "none"}, default "macro"
        Of a multi-label task: mean over labels; all cells together; one value a label.
    name : str, optional
        Name in logs instead of ``<task>/calibration_error``.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ("macro", "micro", "none")}
    higher_is_better = False
    unit = "share"
    formula = "sum over bins of n_b / n |share that is true - mean probability|"
    source = "Naeini et al. 2015; Guo et al. 2017; `torchmetrics` norm='l1'"

    def __init__(
        self,
        task: Task,
        *,
        bins: int = 15,
        average: Optional[str] = None,
        name: Optional[str] = None,
    ) -> None:
        if int(bins) != bins or bins < 1:
            raise ValueError(f"CalibrationError: bins={bins!r} must be a whole number, 1 or more.")
        self.bins = int(bins)
        super().__init__(task, average=average, name=name)

    def statistics(self) -> List[Statistic]:
        return [Reliability(self.task, options=self.bins)]

    def compute(self, *states: Any) -> Value:
        state = states[0].sum(axis=1, keepdims=True) if self.average == "micro" else states[0]
        number, probability, true = state
        error = ratio(np.abs(true - probability).sum(axis=-1), number.sum(axis=-1), np.nan)
        average = "none" if self.average == "none" else "macro"
        return average_of(error, average, number.sum(axis=-1))
