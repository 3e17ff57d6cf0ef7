"""What metrics compute: pure functions of counts, tables, pairs and curves. No state, no mask.

A count `Counts` holds one entry a unit (a class, seen one against the rest, or a label). A ratio
whose denominator is 0 is 0, as scikit-learn has it, unless a function says otherwise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class NotFiniteError(ValueError):
    """Predictions of a task, named ``task``, that are NaN or infinite."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(
            f"task {task!r}: predictions are NaN or infinite. Has training diverged? "
            "A lower learning rate or a smaller task weight may help."
        )


class Counts(NamedTuple):
    """Rows of each unit, arrays of one shape: what was right, predicted, positive, known."""

    tp: np.ndarray
    predicted: np.ndarray
    positive: np.ndarray
    known: np.ndarray

    @property
    def fp(self) -> np.ndarray:
        """Predicted, but not labelled so."""
        return self.predicted - self.tp

    @property
    def fn(self) -> np.ndarray:
        """Labelled so, but not predicted."""
        return self.positive - self.tp

    @property
    def tn(self) -> np.ndarray:
        """Neither."""
        return self.known - self.predicted - self.positive + self.tp


def counts_of(state: np.ndarray) -> Counts:
    """Return the counts (..., units) that a state (..., 4, units) holds, as float64."""
    return Counts(*np.moveaxis(state.astype(np.float64), -2, 0))


def ratio(part: Any, whole: Any, undefined: float = 0.0) -> np.ndarray:
    """Divide, with ``undefined`` where the denominator is 0."""
    part, whole = np.broadcast_arrays(np.asarray(part, np.float64), np.asarray(whole, np.float64))
    divided = np.divide(part, whole, out=np.full(part.shape, undefined), where=whole != 0)
    return divided[()]  # a number where both are: JSON takes no array


# -- one unit against the rest ---------------------------------------------------------------------
def precision(c: Counts) -> np.ndarray:
    """Return tp / (tp + fp)."""
    return ratio(c.tp, c.predicted)


def recall(c: Counts) -> np.ndarray:
    """Return tp / (tp + fn)."""
    return ratio(c.tp, c.positive)


def specificity(c: Counts) -> np.ndarray:
    """Return tn / (tn + fp)."""
    return ratio(c.tn, c.known - c.positive)


def f_beta(c: Counts, beta: float) -> np.ndarray:
    """(1 + b^2) tp / ((1 + b^2) tp + b^2 fn + fp)."""
    return ratio((1 + beta**2) * c.tp, beta**2 * c.positive + c.predicted)


def jaccard(c: Counts) -> np.ndarray:
    """Return tp / (tp + fp + fn)."""
    return ratio(c.tp, c.predicted + c.positive - c.tp)


# -- a table of classes: counts of the classes along the last axis ---------------------------------
def balanced_accuracy(c: Counts) -> np.ndarray:
    """Mean recall of the classes that are labelled."""
    seen = c.positive > 0
    return ratio(np.sum(recall(c), axis=-1), np.sum(seen, axis=-1), np.nan)


def matthews(c: Counts) -> np.ndarray:
    """Correlation between predicted and labelled class; 0 where either never changes."""
    n, tp = np.sum(c.positive, axis=-1), np.sum(c.tp, axis=-1)
    expected = np.sum(c.predicted * c.positive, axis=-1)
    spread = (n**2 - np.sum(c.predicted**2, axis=-1)) * (n**2 - np.sum(c.positive**2, axis=-1))
    return ratio(tp * n - expected, np.sqrt(spread))


def kappa(c: Counts) -> np.ndarray:
    """(agreement - chance) / (1 - chance); nan where chance alone agrees always."""
    n, tp = np.sum(c.positive, axis=-1), np.sum(c.tp, axis=-1)
    chance = np.sum(c.predicted * c.positive, axis=-1)
    return ratio(tp * n - chance, n**2 - chance, np.nan)


# -- one cell: label and prediction of the same shape, float64 -------------------------------------
def absolute_error(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """|prediction - label|."""
    return np.abs(prediction - label)


def squared_error(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """(prediction - label)^2."""
    return np.square(prediction - label)


def log_loss(probability: np.ndarray) -> np.ndarray:
    """-log of the probability given to what was labelled, which counts as 1.2e-38 or more."""
    return -np.log(np.maximum(probability, np.finfo(np.float32).tiny))


# -- curves over all thresholds, and the areas under them ------------------------------------------
class Curve(NamedTuple):
    """True and false positives at each threshold, from the highest down: float64 (steps,)."""

    tp: np.ndarray
    fp: np.ndarray


def curve_of_scores(score: np.ndarray, positive: np.ndarray) -> Curve:
    """Return the exact curve, with one step for each distinct score."""
    if not score.size:
        return Curve(np.zeros(0), np.zeros(0))
    order = np.argsort(score)[::-1]
    score, hits = score[order], np.cumsum(positive[order], dtype=np.float64)
    last = np.append(np.flatnonzero(score[1:] != score[:-1]), len(score) - 1)  # of equal scores
    return Curve(hits[last], last + 1.0 - hits[last])


def curve_of_histogram(negatives: np.ndarray, positives: np.ndarray) -> Curve:
    """Return the curve with one step for each bin that holds anything, (bins,) lowest first."""
    filled = (negatives + positives)[::-1] > 0
    tp, fp = (np.cumsum(n[::-1], dtype=np.float64)[filled] for n in (positives, negatives))
    return Curve(tp, fp)


def area_under_roc(c: Curve) -> float:
    """Area under tp against fp by trapezoids; nan without both classes."""
    if not c.tp.size or c.tp[-1] == 0 or c.fp[-1] == 0:
        return np.nan
    return float((c.tp + before(c.tp)) @ (c.fp - before(c.fp)) / (2 * c.tp[-1] * c.fp[-1]))


def average_precision(c: Curve) -> float:
    """Mean over the positives of the precision at their threshold; 0 without one."""
    if not c.tp.size:
        return np.nan
    if c.tp[-1] == 0:
        return 0.0
    return float((c.tp - before(c.tp)) @ (c.tp / (c.tp + c.fp)) / c.tp[-1])


def area_under_roc_error(c: Curve) -> float:
    """How far the area may be from that of the curve before its scores were put into steps."""
    # Within a step, any share of its pairs may be in the right order; half of them was assumed.
    if not c.tp.size or c.tp[-1] == 0 or c.fp[-1] == 0:
        return np.nan
    return float((c.tp - before(c.tp)) @ (c.fp - before(c.fp)) / (2 * c.tp[-1] * c.fp[-1]))


def average_precision_error(c: Curve) -> float:
    """How far the mean precision may be from that before the scores were put into steps."""
    if not c.tp.size:
        return np.nan
    if c.tp[-1] == 0:
        return 0.0
    # Precision at a positive of the step: best with the step's positives first, at most
    # tp / (tp + fp before), worst with its negatives first, at least (tp before + 1) / (.. + fp).
    best = c.tp / np.maximum(c.tp + before(c.fp), 1)
    worst = (before(c.tp) + 1) / (before(c.tp) + 1 + c.fp)
    at = c.tp / (c.tp + c.fp)
    return float((c.tp - before(c.tp)) @ np.maximum(best - at, at - worst) / c.tp[-1])


def before(total: np.ndarray) -> np.ndarray:
    """Return the totals one step earlier, 0 at first."""
    return np.append(0.0, total[:-1])
