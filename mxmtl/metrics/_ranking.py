"""Metrics of one row's labels against each other, and of one point of a curve.

The labels of a row are ranked among those that are known; a row with none is no row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..tasks import Task
from ._formulas import Curve, ratio
from ._made import DEFAULT
from ._metric import AbstractTaskMetric, Averages, Value
from ._probabilities import AbstractArea
from ._statistic import Statistic

Ranked = Callable[[np.ndarray, np.ndarray], float]


# -- of the labels of a row: scores of those that are known, and whether they hold -----------------
def ranking_average_precision(score: np.ndarray, true: np.ndarray) -> float:
    """Mean over labels that hold of the share that holds among those that score as high."""
    if true.all() or not true.any():
        return 1.0
    held, every = np.sort(score[true]), np.sort(score)
    among_held = len(held) - np.searchsorted(held, held, side="left")
    among_all = len(every) - np.searchsorted(every, held, side="left")
    return float(np.mean(among_held / among_all))


def ranking_loss(score: np.ndarray, true: np.ndarray) -> float:
    """Share of the pairs of a label that holds and one that does not which are in wrong order."""
    if true.all() or not true.any():
        return 0.0
    wrong = np.searchsorted(np.sort(score[true]), score[~true], side="right")
    return float(wrong.sum() / (true.sum() * (~true).sum()))


def coverage(score: np.ndarray, true: np.ndarray) -> float:
    """How many labels, from the highest score down, take in all that hold."""
    return float(np.count_nonzero(score >= score[true].min())) if true.any() else 0.0


class OfRows(Statistic):
    """Sum and number over rows of a function of their known labels: float64 (2,)."""

    options: Ranked

    def zero(self) -> np.ndarray:
        return np.zeros(2)

    def totals(self, *batches: Any) -> np.ndarray:
        (batch,) = batches
        scores, true, known = batch.outcomes()
        rows = zip(scores, true, known)
        values = [self.options(s[k], t[k]) for s, t, k in rows if k.any()]
        return np.array([sum(values), len(values)])


class AbstractRanking(AbstractTaskMetric):
    """Abstract: the mean over rows of a function of their known labels."""

    averages: ClassVar[Averages] = {"cells": ()}
    stat: ClassVar[Ranked]

    def statistics(self) -> list[Statistic]:
        return [OfRows(self.task, options=type(self).stat)]

    def compute(self, *states: Any) -> Value:
        total, rows = states[0]
        return float(ratio(total, rows, np.nan))


class RankingAveragePrecision(AbstractRanking):
    """Mean over rows of the precision at each label that holds, among the row's labels."""

    higher_is_better = True
    unit = "share"
    formula = "mean over rows and labels i that hold of |j holds, p_j >= p_i| / |j, p_j >= p_i|"
    undefined = "1 of a row in which all known labels hold, or none does"
    source = "`sklearn.metrics.label_ranking_average_precision_score`"
    stat = ranking_average_precision


class RankingLoss(AbstractRanking):
    """Mean share of a row's pairs of labels, one that holds and one that does not, in wrong order.

    Equal probabilities are in wrong order.
    """

    higher_is_better = False
    unit = "share"
    formula = "mean over rows of |(i, j): i holds, j does not, p_i <= p_j| / pairs"
    undefined = "0 of a row in which all known labels hold, or none does"
    source = "`sklearn.metrics.label_ranking_loss`"
    stat = ranking_loss


class CoverageError(AbstractRanking):
    """Mean number of labels that must be taken, by probability, to have all that hold."""

    higher_is_better = False
    formula = "mean over rows of |j: p_j >= lowest p of a label that holds|"
    undefined = "0 of a row in which no known label holds"
    source = "`sklearn.metrics.coverage_error`"
    stat = coverage


# -- one point of the curve of all thresholds ------------------------------------------------------
class Rates(NamedTuple):
    """What is reached at each threshold, with none taken at first."""

    recall: np.ndarray
    precision: np.ndarray
    specificity: np.ndarray


def rates(c: Curve) -> Rates:
    """Return the rates of a curve."""
    tp, fp = np.append(0.0, c.tp), np.append(0.0, c.fp)
    return Rates(ratio(tp, tp[-1]), ratio(tp, tp + fp, 1.0), 1.0 - ratio(fp, fp[-1]))


class AbstractPoint(AbstractArea):
    """Abstract: the best of one rate at the thresholds at which another is high enough.

    Parameters
    ----------
    task : Task
        A multiclass, binary or multi-label task; predictions must be probabilities.
    level : float
        In [0, 1]: how high the other one must be.
    bins, average, name
        See `AveragePrecision`.
    """

    higher_is_better = True
    unit = "share"
    undefined = "0 where no threshold is good enough; nan without a positive and a negative label"
    best: ClassVar[str]  # of the rates
    where: ClassVar[str]  # the rate that is to be high enough

    def __init__(
        self,
        task: Task,
        *,
        level: float = 0.9,
        bins: int | None = None,
        average: str = DEFAULT,
        name: str | None = None,
    ) -> None:
        if not 0 <= level <= 1:
            raise ValueError(f"{type(self).__name__}: level={level!r} is not in [0, 1].")
        self.level = float(level)
        super().__init__(task, bins=bins, average=average, name=name)

    def compute(self, *states: Any) -> Value:
        return self._average(self._point, states[0])

    def _point(self, c: Curve) -> float:
        if not c.tp.size or not c.tp[-1] or not c.fp[-1]:
            return np.nan
        seen = rates(c)
        allowed = getattr(seen, self.where) >= self.level
        return float(getattr(seen, self.best)[allowed].max()) if allowed.any() else 0.0

    @property
    def error(self) -> Value:
        """It cannot be told how far a point of a curve in steps is off: nan; 0 without bins."""
        return 0.0 if self.bins is None else np.nan


class PrecisionAtRecall(AbstractPoint):
    """Highest precision at a threshold with at least this recall."""

    formula = "max precision where recall >= level"
    source = "`torchmetrics` precision_at_fixed_recall"
    best, where = "precision", "recall"


class RecallAtPrecision(AbstractPoint):
    """Highest recall at a threshold with at least this precision."""

    formula = "max recall where precision >= level"
    source = "`torchmetrics` recall_at_fixed_precision"
    best, where = "recall", "precision"


class SensitivityAtSpecificity(AbstractPoint):
    """Highest recall at a threshold with at least this specificity."""

    formula = "max recall where specificity >= level"
    source = "`torchmetrics` sensitivity_at_specificity"
    best, where = "recall", "specificity"


class SpecificityAtSensitivity(AbstractPoint):
    """Highest specificity at a threshold with at least this recall."""

    formula = "max specificity where recall >= level"
    source = "`torchmetrics` specificity_at_sensitivity"
    best, where = "specificity", "recall"
