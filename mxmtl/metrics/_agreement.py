"""Metrics of how many labels were hit."""

from __future__ import annotations

from typing import Any, ClassVar, List

import numpy as np

from ._counted import AbstractDecision
from ._metric import Value
from ._statistic import Counted, Statistic
from ._stats import Counts, ratio
from ._task_metric import AbstractTaskMetric, Averages, average_of


class AbstractAgreement(AbstractDecision):
    """Abstract: how many labels were predicted right, of those that there are."""

    unit = "share"
    averages: ClassVar[Averages] = {
        "class": ("micro", "macro", "none"),
        "cells": ("micro", "macro", "none"),
    }

    def accuracy(self, state: np.ndarray) -> Value:
        """Return the share that was right, averaged as the metric says."""
        right, labelled = self.kind.agreement(Counts(*state.astype(np.float64)))
        return share(right, labelled, self.average)


class Accuracy(AbstractAgreement):
    """Share of labels that were predicted right; of a class, of the rows labelled with it.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> accuracy = mxmtl.metrics.Accuracy(mxmtl.Multiclass("breed", classes=["beagle", "pug"]))
    >>> accuracy.update(np.array([1, -1, 0]), np.array([[0.2, 0.8], [1, 0], [0.1, 0.9]]))
    >>> accuracy.get()
    ('breed/accuracy', 0.5)
    """

    higher_is_better = True
    formula = "right / labelled"
    source = "`sklearn.metrics.accuracy_score`"

    def compute(self, *states: Any) -> Value:
        return self.accuracy(*states)


class HammingLoss(AbstractAgreement):
    """Share of labels that were predicted wrong: 1 - `Accuracy`."""

    higher_is_better = False
    formula = "wrong / labelled"
    source = "`sklearn.metrics.hamming_loss`"

    def compute(self, *states: Any) -> Value:
        return 1.0 - self.accuracy(*states)


class BaselineAccuracy(AbstractTaskMetric):
    """What `Accuracy` would be if the answer were always the most frequent one (of each label)."""

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    higher_is_better = True
    unit = "share"
    of_labels = True
    formula = "rows labelled with the most frequent class / labelled rows"
    source = "`sklearn.dummy.DummyClassifier` on the labels themselves"

    def statistics(self) -> List[Statistic]:
        return [Counted(self.task, options=0.5)]  # as the others have by default, to share it

    def compute(self, *states: Any) -> Value:
        positive = self.kind.tables(Counts(*states[0].astype(np.float64))).positive
        return share(positive.max(axis=-1), positive.sum(axis=-1), self.average)


def share(part: np.ndarray, whole: np.ndarray, average: str) -> Value:
    """Return part / whole of each unit or of all, nan where the whole is 0."""
    if average == "micro":
        return float(ratio(part.sum(), whole.sum(), np.nan))
    return average_of(ratio(part, whole, np.nan), average, whole)
