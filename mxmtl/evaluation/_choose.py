"""The numbers that tuning chooses: a temperature a task, and a threshold a label.

A temperature divides the logits of a task so that its probabilities become honest; it changes no
ranking, and is fitted as if logits were not adjusted: labels are as frequent as they are, not
balanced, so that fitted through an adjustment it would undo it. A threshold says from which
probability on a label holds; of all that there are the one is taken that serves an objective best.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..metrics import curve_of_scores
from ..tasks import NumpyOperators, Task

REACH = 1e3  # as far beyond 1, and beyond the largest logit, temperatures are looked for
STEP = 1e-4  # of 1 / temperature, as a share of it
MILD = 5.0  # logits up to here leave no probability at 0
STEPS = 60  # each halves the interval: more than float64 can tell apart
TRIED = 10  # temperatures in each power of ten
EVEN = 1e-12  # log-likelihood of a label: less is rounding
GOLDEN = (5**0.5 - 1) / 2
RIGHT = "the lower the better, all logits point the right way"
CHANCE = "the higher the better, the logits tell no more than chance"
PLAIN = ("f1", "youden")
BOUND = ("precision@recall", "recall@precision")
HALF = 0.5
DRAWS, UNSURE = 1000, 0.025  # as in the lower half of a 95 % interval
EXPECTED = "f1, youden, precision@recall=R or recall@precision=P, with R and P in (0, 1]"


def fit_temperature(task: Task, label: np.ndarray, logits: np.ndarray) -> float | None:
    """Return what to divide logits by, so that known labels become most likely.

    Parameters
    ----------
    task : Task
        Whose kind has probabilities.
    label : ndarray, `Task.label_shape`
        Missing ones do not count.
    logits : ndarray (N, num_logits)
        Of the network.

    Returns
    -------
    float or None
        None where there is no minimum: if all logits point the right way the likelihood grows
        without end as the temperature falls, and if they are worse than chance as it rises.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger 2017, On calibration of modern neural networks.
    """
    return search_temperature(task, label, logits)[0]


def search_temperature(
    task: Task, label: np.ndarray, logits: np.ndarray
) -> tuple[float | None, str]:
    """Return the temperature of `fit_temperature`, and why there is none.

    The negative log-likelihood of a softmax or sigmoid is convex in 1 / temperature, and its slope
    is the sum over known labels of (probability - label) * logit; so the zero of the slope is
    looked for, by halving. Of other activations the likelihood itself is tried: it is flat where a
    wrong answer's probability has come down to 0, so that no slope there says where to go.
    """
    wanted, z = task.as_prediction(label), logits.astype(np.float64)
    F, known = NumpyOperators(), ~np.isnan(wanted)
    task = task.adjusted({}, 0.0)

    def likelihood(inverse: float) -> float:
        return task.kind.log_likelihood(wanted, task.activate(F, z * inverse))

    def slope(inverse: float) -> float:
        p = task.activate(F, z * inverse)
        return float(np.sum(np.where(known, (p - wanted) * z, 0.0)))

    largest = float(np.abs(z).max(initial=0.0))
    if not largest:
        return None, CHANCE
    low, high = np.log(1 / max(1.0, largest) / REACH), np.log(REACH / min(1.0, largest))
    mild = 1 / max(1.0, largest / MILD)
    ends = (mild * (1 - STEP), mild * (1 + STEP))
    step = (likelihood(ends[0]) - likelihood(ends[1])) / (ends[1] - ends[0])
    if z.shape != wanted.shape or not np.isclose(slope(mild), step, rtol=0.01):
        return by_trying(likelihood, low, high, EVEN * int(known.sum()))
    if slope(np.exp(high)) <= 0:
        return None, RIGHT
    if slope(np.exp(low)) >= 0:
        return None, CHANCE
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2)), ""


def by_trying(
    likelihood: Callable[[float], float], low: float, high: float, even: float
) -> tuple[float | None, str]:
    """Find the temperature between two logarithms of its inverse; or say why there is none.

    The best of some is taken, then the best between its neighbours, by the golden section.
    ``even`` is how much likelihoods differ by rounding.
    """
    tried = np.linspace(low, high, 1 + round(TRIED * (high - low) / np.log(10)))
    found = np.array([likelihood(np.exp(each)) for each in tried])
    enough = np.max(found) - even
    if found[0] >= enough:
        return None, CHANCE
    if found[-1] >= enough:
        return None, RIGHT
    best = int(np.argmax(found))
    low, high = tried[best - 1], tried[best + 1]
    while high - low > STEP**2:
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        less = likelihood(np.exp(left)) < likelihood(np.exp(right))
        low, high = (left, high) if less else (low, right)
    return float(np.exp(-(low + high) / 2)), ""


@dataclass(frozen=True)
class Objective:
    """What a threshold is chosen for.

    Attributes
    ----------
    name : {"f1", "youden", "precision@recall", "recall@precision"}
        The highest F1; the highest recall + specificity - 1 (Youden 1950); the highest precision
        at a recall of at least ``level``; or the highest recall at such a precision.
    level : float
        Of the last two.

    Examples
    --------
    >>> Objective.parse("precision@recall=0.9")
    Objective(name='precision@recall', level=0.9)
    """

    name: str
    level: float = 0.0

    def __str__(self) -> str:
        return f"{self.name}={self.level:g}" if self.name in BOUND else self.name

    @staticmethod
    def parse(text: str) -> Objective:
        """Read ``f1``, ``precision@recall=0.9``...; `ValueError` for anything else."""
        match = re.fullmatch(r"([a-z0-9@]+)(?:=([0-9.]+))?", text)
        name, level = match.groups() if match else ("", None)
        try:
            value = 0.0 if level is None else float(level)
        except ValueError:
            value = -1.0
        bound = name in BOUND and 0 < value <= 1
        if not bound and not (name in PLAIN and level is None):
            raise ValueError(f"objective {text!r} is none of {EXPECTED}.")
        return Objective(name, value)

    def score(
        self, tp: np.ndarray, fp: np.ndarray, positives: Any, negatives: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is to be made high, and what decides between equals; nan out of bounds.

        Counts are whole numbers, so that what is equal comes out equal.
        """
        if self.name == "f1":
            return 2 * tp / (tp + fp + positives), np.zeros(len(tp))
        if self.name == "youden":
            scaled = tp * negatives - fp * positives
            return scaled / (positives * negatives), np.zeros(len(tp))
        recall = tp / positives
        precision = np.divide(tp, tp + fp, out=np.zeros(len(tp)), where=tp + fp > 0)
        value, bound = (precision, recall) if self.name == BOUND[0] else (recall, precision)
        return np.where(bound >= self.level, value, np.nan), bound


class Choice(NamedTuple):
    """A threshold, what it scores, and what 0.5 scores; nan where the bound is not kept."""

    threshold: float
    score: float
    score_at_half: float


def best_threshold(
    probability: np.ndarray, positive: np.ndarray, objective: Objective
) -> Choice | None:
    """Return the best threshold; None if none keeps the objective's bound.

    A cell holds where its probability is above the threshold, so there is one to try between any
    two neighbouring probabilities; it is put in the middle of them. Of equally good ones the
    nearest to 0.5 is taken.

    Parameters
    ----------
    probability : ndarray of float32 (n,)
        In [0, 1].
    positive : ndarray of bool (n,)
        Both must occur.
    objective : Objective
        What is wanted.
    """
    curve, seen = curve_of_scores(probability, positive), np.unique(probability)[::-1]
    cuts = between(np.append(seen, np.float32(0)), np.append(np.float32(1), seen))
    tp, fp = np.append(0.0, curve.tp), np.append(0.0, curve.fp)
    if seen[-1] == 0:  # nothing in [0, 1] lies below it
        cuts, tp, fp = cuts[:-1], tp[:-1], fp[:-1]
    above = probability > np.float32(HALF)
    cuts = np.append(cuts, np.float32(HALF))
    tp = np.append(tp, np.count_nonzero(above & positive))
    fp = np.append(fp, np.count_nonzero(above & ~positive))
    positives = int(np.count_nonzero(positive))
    score, second = objective.score(tp, fp, positives, len(positive) - positives)
    if np.isnan(score).all():
        return None
    comparable = np.where(np.isnan(score), -np.inf, score)
    best = np.lexsort((-np.abs(cuts - HALF), second, comparable))[-1]
    return Choice(float(cuts[best]), float(score[best]), float(score[-1]))


def clearly_better(
    probability: np.ndarray, positive: np.ndarray, threshold: float, objective: Objective
) -> bool:
    """Tell whether a threshold is better than 0.5 in nearly all draws of the rows.

    Rows are drawn with replacement. Of each draw only numbers count: how many rows it has of each
    of eight kinds, by label and by the decision of either threshold.

    >>> probability, positive = np.float32([0.1, 0.3, 0.4, 0.9] * 50), np.array([0, 0, 1, 1] * 50)
    >>> clearly_better(probability, positive, 0.35, Objective("f1"))
    True
    >>> clearly_better(probability[:8], positive[:8], 0.95, Objective("f1"))
    False
    """
    new, half = (probability > np.float32(level) for level in (threshold, HALF))
    kinds = 4 * positive.astype(np.intp) + 2 * new + half
    shares = np.bincount(kinds, minlength=8) / len(kinds)
    drawn = np.random.RandomState(0).multinomial(len(kinds), shares, DRAWS).T
    positives = drawn[4:].sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a draw may have no yes at all
        before, after = (
            objective.score(tp, fp, positives, len(kinds) - positives)[0]
            for tp, fp in ((drawn[[5, 7]].sum(0), drawn[[1, 3]].sum(0)),
                           (drawn[[6, 7]].sum(0), drawn[[2, 3]].sum(0)))
        )  # fmt: skip
    worse = ~(after > before)  # what is not defined is no gain
    return bool(np.mean(worse) < UNSURE)


def between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return float32 numbers in [low, high), in the middle if there is one."""
    middle = (low.astype(np.float64) / 2 + high.astype(np.float64) / 2).astype(np.float32)
    return np.where(middle < high, middle, low)
