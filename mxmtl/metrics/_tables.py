"""Metrics of a whole table of classes: of one multiclass task, or of each label's yes and no."""

from __future__ import annotations

import abc
from typing import Any, ClassVar

import numpy as np

from . import _stats as stats
from ._counted import AbstractDecision
from ._metric import Value
from ._stats import Counts
from ._task_metric import Averages, average_of


class AbstractTable(AbstractDecision):
    """Abstract: a function of a table of classes."""

    averages: ClassVar[Averages] = {"class": (), "cells": ("macro", "micro", "none")}
    higher_is_better = True

    @abc.abstractmethod
    def stat(self, c: Counts) -> np.ndarray:
        """Turn tables (num_tables, num_classes) into values (num_tables,)."""

    def compute(self, *states: Any) -> Value:
        tables = self.kind.tables(Counts(*states[0].astype(np.float64)))
        if self.average == "micro":
            tables = Counts(*(part.sum(axis=0, keepdims=True) for part in tables))
        rows = tables.positive.sum(axis=-1)
        values = np.where(rows > 0, self.stat(tables), np.nan)
        return average_of(values, "none" if self.average == "none" else "macro", rows)


class BalancedAccuracy(AbstractTable):
    """Mean recall of the classes that are labelled; of a label, of its yes and its no."""

    unit = "share"
    formula = "mean over labelled classes of tp / (tp + fn)"
    undefined = "a class without a label is left out"
    source = "`sklearn.metrics.balanced_accuracy_score`"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.balanced_accuracy(c)


class MatthewsCorrCoef(AbstractTable):
    """Correlation between labelled and predicted class (phi, R_K for more than two)."""

    formula = "(c s - sum p_k t_k) / sqrt((s^2 - sum p_k^2) (s^2 - sum t_k^2))"
    undefined = "0 where labels or predictions are all of one class"
    source = "`sklearn.metrics.matthews_corrcoef`; Gorodkin 2004"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.matthews(c)


class CohenKappa(AbstractTable):
    """Agreement beyond chance."""

    formula = "(p_o - p_e) / (1 - p_e)"
    undefined = "nan where all labels and predictions are one class"
    source = "`sklearn.metrics.cohen_kappa_score`; Cohen 1960"

    def stat(self, c: Counts) -> np.ndarray:
        return stats.kappa(c)
