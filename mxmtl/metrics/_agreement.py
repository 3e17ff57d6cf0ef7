"""Metrics of how many labels were hit."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ._counted import AbstractDecision
from ._metric import Value
from ._stats import Counts, ratio
from ._task_metric import Averages, average_of


class AbstractAgreement(AbstractDecision):
    """Abstract: how many labels were predicted right, of those that there are."""

    averages: ClassVar[Averages] = {
        "class": ("micro", "macro", "none"),
        "cells": ("micro", "macro", "none"),
    }

    def accuracy(self, state: np.ndarray) -> Value:
        """Share of labels that were predicted right, averaged as the metric says."""
        right, labelled = self.kind.agreement(Counts(*state.astype(np.float64)))
        if self.average == "micro":
            return float(ratio(right.sum(), labelled.sum(), np.nan))
        return average_of(ratio(right, labelled, np.nan), self.average, labelled)


class Accuracy(AbstractAgreement):
    """Share of labels that were predicted right.

    Of a class (``"none"``, ``"macro"``) it is the share of that class's rows.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> accuracy = Accuracy(mxmtl.Multiclass("breed", classes=["beagle", "pug"]))
    >>> accuracy.update(np.array([1, -1, 0]), np.array([[0.2, 0.8], [1, 0], [0.1, 0.9]]))
    >>> accuracy.get()
    ('breed/accuracy', 0.5)
    """

    higher_is_better = True
    formula = "right / labelled"
    source = "sklearn.metrics.accuracy_score"

    def compute(self, *states: Any) -> Value:
        return self.accuracy(*states)


class HammingLoss(AbstractAgreement):
    """Share of labels that were predicted wrong: 1 - `Accuracy`."""

    higher_is_better = False
    formula = "wrong / labelled"
    source = "sklearn.metrics.hamming_loss"

    def compute(self, *states: Any) -> Value:
        return 1.0 - self.accuracy(*states)
