"""Metrics of how well scores rank: areas under curves over all thresholds."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, List, Tuple

import numpy as np

from ._metric import Value
from ._statistic import Statistic
from ._task_metric import AbstractTaskMetric, Averages, average_of

Blocks = List[Tuple[np.ndarray, np.ndarray]]


class Scored(Statistic):
    """The scores and labels themselves, in blocks of a batch: 4 bytes a score, 1 to 4 a label."""

    def zero(self) -> Blocks:
        return []

    def totals(self, *batches: Any) -> Blocks:
        return [batches[0].scores()]


def curve(score: np.ndarray, positive: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return true and false positives at each distinct threshold, from the highest down."""
    order = np.argsort(-score, kind="stable")
    score, hits = score[order], np.cumsum(positive[order], dtype=np.float64)
    last = np.append(np.flatnonzero(np.diff(score)), len(score) - 1)  # of each group of ties
    return hits[last], last + 1.0 - hits[last]


def area_under_roc(tp: np.ndarray, fp: np.ndarray) -> float:
    """Area under true against false positives by trapezoids; nan without both classes."""
    if not tp.size or tp[-1] == 0 or fp[-1] == 0:
        return np.nan
    rise, run = tp + np.append(0.0, tp[:-1]), np.diff(fp, prepend=0.0)
    return float(rise @ run / (2 * tp[-1] * fp[-1]))


def average_precision(tp: np.ndarray, fp: np.ndarray) -> float:
    """Mean over positives of the precision at their threshold; 0 without one."""
    if not tp.size:
        return np.nan
    return float(np.diff(tp, prepend=0.0) @ (tp / (tp + fp)) / tp[-1]) if tp[-1] else 0.0


class AbstractArea(AbstractTaskMetric):
    """Abstract: a function of the curve of each class (against the rest) or label."""

    averages: ClassVar[Averages] = {
        "class": ("macro", "micro", "weighted", "none"),
        "cells": ("macro", "micro", "weighted", "none"),
    }
    higher_is_better = True

    @abc.abstractmethod
    def stat(self, tp: np.ndarray, fp: np.ndarray) -> float:
        """Turn a curve into a value."""

    def statistics(self) -> List[Statistic]:
        return [Scored(self.task)]

    def compute(self, *states: Any) -> Value:
        if not states[0]:
            return np.full(self.task.num_outputs, np.nan) if self.average == "none" else np.nan
        scores, labels = (np.concatenate(part) for part in zip(*states[0]))
        units = [self.kind.unit(scores, labels, i) for i in range(self.task.num_outputs)]
        if self.average == "micro":
            units = [tuple(map(np.concatenate, zip(*units)))]
        values = np.array([self.stat(*curve(*unit)) for unit in units])
        weight = np.array([float(np.count_nonzero(positive)) for _, positive in units])
        return average_of(values, "macro" if self.average == "micro" else self.average, weight)


class AUROC(AbstractArea):
    """Chance that a positive row scores higher than a negative one (ties count half)."""

    formula = "area under tp / positives against fp / negatives"
    undefined = "nan without both a positive and a negative label; left out of the mean"
    source = "sklearn.metrics.roc_auc_score"

    def stat(self, tp: np.ndarray, fp: np.ndarray) -> float:
        return area_under_roc(tp, fp)


class AveragePrecision(AbstractArea):
    """Mean over the positive rows of the precision at their score."""

    formula = "sum over thresholds of (recall_i - recall_(i-1)) precision_i"
    undefined = "0 without a positive label"
    source = "sklearn.metrics.average_precision_score"

    def stat(self, tp: np.ndarray, fp: np.ndarray) -> float:
        return average_precision(tp, fp)
