"""Metrics of probabilities: how well they rank, what they cost, and whether they come true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from ..tasks import Task
from . import _formulas as curves
from ._batch import Batch
from ._draws import DrawnScores
from ._formulas import Curve, ratio
from ._made import DEFAULT
from ._metric import AbstractMean, AbstractTaskMetric, Averages, Value, average_of
from ._statistic import Histogram, Reliability, Scored, Statistic


class AbstractArea(AbstractTaskMetric):
    """Abstract: a function of the curve of each class (against the rest) or label.

    The parameters are those of `AveragePrecision`.
    """

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none"),
    }
    higher_is_better = True
    unit = "share"
    stat: ClassVar[Callable[[Curve], float]]
    stat_error: ClassVar[Callable[[Curve], float]]
    drawn: ClassVar[int | None] = None  # its place among `DrawnScores.areas`, if it is there

    def __init__(
        self,
        task: Task,
        *,
        bins: int | None = None,
        average: str = DEFAULT,
        name: str | None = None,
    ) -> None:
        if bins is not None and (int(bins) != bins or bins < 2):
            raise ValueError(f"{type(self).__name__}: bins={bins!r} must be a whole number over 1.")
        self.bins = bins
        super().__init__(task, average=average, name=name)

    def statistics(self) -> list[Statistic]:
        if self.bins is None:
            return [Scored(self.task)]
        return [Histogram(self.task, options=int(self.bins))]

    def compute(self, *states: Any) -> Value:
        return self._average(type(self).stat, states[0])

    def compute_draws(self, *states: Any) -> np.ndarray:
        if self.drawn is None or not isinstance(states[0], DrawnScores):
            return super().compute_draws(*states)
        scores = states[0]
        areas = scores.areas_together if self.average == "micro" else scores.areas
        average = "macro" if self.average == "micro" else self.average
        pairs = zip(areas[self.drawn], areas[2])
        return np.stack([np.ravel(average_of(values, average, n)) for values, n in pairs])

    @property
    def error(self) -> Value:
        """How far the value since `reset` may be from the exact one: 0 without ``bins``."""
        self._feed.settle()
        if self.bins is None:
            return 0.0
        return self._average(type(self).stat_error, self._statistics[0].state(whole=True))

    @property
    def curves(self) -> dict[str, Curve]:
        """True and false positives at each threshold since `reset`, by class or label.

        Recall is ``tp / tp[-1]``, precision ``tp / (tp + fp)``, and the false positive rate
        ``fp / fp[-1]``: both the ROC and the precision-recall curve.
        """
        self._feed.settle()
        names = ("all",) if self.average == "micro" else self.task.names or (self.task.name,)
        return dict(zip(names, self._curves(self._statistics[0].state(whole=True))))

    def _average(self, stat: Callable[[Curve], float], state: Any) -> Value:
        found = self._curves(state)
        weight = np.array([c.tp[-1] if c.tp.size else 0.0 for c in found])
        average = "macro" if self.average == "micro" else self.average
        return average_of(np.array([stat(c) for c in found]), average, weight)

    def _curves(self, state: Any) -> list[Curve]:
        units = range(self.task.num_outputs)
        if self.bins is not None:
            state = state.sum(axis=1, keepdims=True) if self.average == "micro" else state
            return [curves.curve_of_histogram(*state[:, i]) for i in range(state.shape[1])]
        if not state:
            return [Curve(np.zeros(0), np.zeros(0)) for _ in units]
        scores, labels = map(np.concatenate, zip(*state))
        pairs = [self.batch.unit(scores, labels, i) for i in units]
        if self.average == "micro":
            together = [np.concatenate(parts) for parts in zip(*pairs)]
            pairs = [(together[0], together[1])]
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
    drawn = 0


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
        As in `F1`. A class or label without a positive one counts 0 in the mean, as in
        scikit-learn; one of which nothing is known is left out. ``"micro"`` ranks all cells
        together.
    name : str, optional
        Name in logs instead of ``<task>/average_precision``.
    """

    formula = "sum over thresholds of (recall_i - recall_(i-1)) precision_i"
    undefined = "0 without a positive label, counted in the mean; nan, left out, without any"
    source = "`sklearn.metrics.average_precision_score`"
    stat = curves.average_precision
    stat_error = curves.average_precision_error
    drawn = 1


class CrossEntropy(AbstractMean):
    """Mean negative log-probability of what was labelled, unweighted and unsmoothed."""

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    formula = "mean of -log max(p(label), 1.2e-38); 1 - p of a cell is 2^-25 where p is 1"
    source = "`sklearn.metrics.log_loss`"
    values = Batch.log_losses


class BrierScore(AbstractMean):
    """Mean squared distance of the probabilities from the labelled outcome.

    Of a multiclass task in its original form, a sum over the classes, from 0 to 2; of binary
    and multi-label tasks the squared error of each cell, from 0 to 1.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    formula = "mean of sum_k (p_k - [label = k])^2; of a cell (p - label)^2"
    source = "Brier 1950; `sklearn.metrics.brier_score_loss`"
    values = Batch.brier_scores


class Hinge(AbstractMean):
    """Mean distance of probabilities from a lead of 1: of the class, of a yes, or of a no.

    It is that of probabilities, as `torchmetrics` takes them, and not of logits.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    formula = "mean of 1 - (p(label) - highest p of another class); of a cell 1 - p, or 1 + p"
    source = "Crammer and Singer 2001; `torchmetrics` hinge_loss"
    values = Batch.hinges


class TaskLoss(AbstractMean):
    """Mean loss of the labelled cells, as the task declares it.

    With its class or positive weights and label smoothing, without the task's own weight.
    """

    averages: ClassVar[Averages] = {"class": (), "cells": (), "value": ()}
    formula = "mean of task.prediction_loss over labelled cells"
    source = "the loss that is trained (MXNet's output operators)"
    values = Batch.task_losses


class AbstractCalibration(AbstractTaskMetric):
    """Abstract: how far probabilities are from the share that comes true, over bins of them.

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
    stat: ClassVar[Callable[[np.ndarray, np.ndarray], np.ndarray]]
    at_once = True

    def __init__(
        self,
        task: Task,
        *,
        bins: int = 15,
        average: str = DEFAULT,
        name: str | None = None,
    ) -> None:
        if int(bins) != bins or bins < 1:
            raise ValueError(
                f"{type(self).__name__}: bins={bins!r} must be a whole number, 1 or more."
            )
        self.bins = int(bins)
        super().__init__(task, average=average, name=name)

    def statistics(self) -> list[Statistic]:
        return [Reliability(self.task, options=self.bins)]

    def compute(self, *states: Any) -> Value:
        state = states[0].sum(axis=-2, keepdims=True) if self.average == "micro" else states[0]
        number, probability, true = np.moveaxis(state, -3, 0)
        gap = ratio(np.abs(true - probability), number)  # of an empty bin 0
        known = number.sum(axis=-1) > 0
        error = np.where(known, type(self).stat(gap, number), np.nan)
        average = "none" if self.average == "none" else "macro"
        return average_of(error, average, number.sum(axis=-1))


def expected_gap(gap: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Weigh the gap of each bin by the rows in it."""
    return ratio((gap * number).sum(axis=-1), number.sum(axis=-1))


def mean_gap(gap: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Take the mean gap of the bins that hold a row."""
    return ratio(gap.sum(axis=-1), np.count_nonzero(number, axis=-1))


def largest_gap(gap: np.ndarray, number: np.ndarray) -> np.ndarray:
    """Take the largest gap of a bin."""
    return gap.max(axis=-1)


class CalibrationError(AbstractCalibration):
    """Expected calibration error: how far probabilities are from the share that comes true."""

    formula = "sum over bins of n_b / n |share that is true - mean probability|"
    source = "Naeini et al. 2015; Guo et al. 2017; `torchmetrics` norm='l1'"
    stat = expected_gap


class AverageCalibrationError(AbstractCalibration):
    """As `CalibrationError`, with every bin that is not empty counting the same."""

    formula = "mean over bins of |share that is true - mean probability|"
    source = "Neumann, Zisserman, Vedaldi 2018"
    stat = mean_gap


class MaxCalibrationError(AbstractCalibration):
    """As `CalibrationError`, of the worst bin."""

    formula = "max over bins of |share that is true - mean probability|"
    source = "Naeini et al. 2015; `torchmetrics` norm='max'"
    stat = largest_gap
