"""Curves over all thresholds, and the areas under them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


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
