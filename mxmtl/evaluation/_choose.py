"""The numbers that tuning chooses: a temperature a task, and a threshold a label.

A temperature divides the logits of a task so that its probabilities become honest; it changes no
ranking. A threshold says from which probability on a label holds; of all that there are the one
is taken that serves an objective best.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..metrics import curve_of_scores
from ..tasks import NumpyOperators, Task

COLDEST, HOTTEST = 1e-3, 1e3
STEP = 1e-4  # of 1 / temperature, as a share of it
MILD = 5.0  # logits up to here leave no probability at 0
STEPS = 60  # each halves the interval: more than float64 can tell apart
PLAIN = ("f1", "youden")
BOUND = ("precision@recall", "recall@precision")
HALF = 0.5
EXPECTED = "f1, youden, precision@recall=R or recall@precision=P, with R and P in (0, 1]"


def fit_temperature(task: Task, label: np.ndarray, logits: np.ndarray) -> float | None:
    """Return what to divide logits by, so that known labels become most likely.

    The negative log-likelihood of a softmax or sigmoid is convex in 1 / temperature, and its slope
    is the sum over known labels of (probability - label) * logit; so the zero of the slope is
    looked for, by halving. Of other activations the slope is that of a small step.

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
        None where there is no minimum: if every label is predicted right the likelihood grows
        without end as the temperature falls, and if they are worse than chance as it rises.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger 2017, On calibration of modern neural networks.
    """
    wanted, z = task.as_prediction(label), logits.astype(np.float64)
    F, known = NumpyOperators(), ~np.isnan(wanted)

    def of_residuals(inverse: float) -> float:
        p = task.activate(F, z * inverse)
        return float(np.sum(np.where(known, (p - wanted) * z, 0.0)))

    def of_a_step(inverse: float) -> float:
        ends = (inverse * (1 - STEP), inverse * (1 + STEP))
        low, high = (task.kind.log_likelihood(wanted, task.activate(F, z * end)) for end in ends)
        return (low - high) / (ends[1] - ends[0])

    slope, mild = of_a_step, 1 / max(1.0, np.abs(z).max(initial=0.0) / MILD)
    if z.shape == wanted.shape and np.isclose(of_residuals(mild), of_a_step(mild), rtol=0.01):
        slope = of_residuals  # exact, where the step shows that it is the right one
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    if not slope(np.exp(low)) < 0 < slope(np.exp(high)):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))


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
        self, tp: np.ndarray, fp: np.ndarray, positives: int, negatives: int
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


def between(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return float32 numbers in [low, high), in the middle if there is one."""
    middle = (low.astype(np.float64) / 2 + high.astype(np.float64) / 2).astype(np.float32)
    return np.where(middle < high, middle, low)
