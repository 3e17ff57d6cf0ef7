"""What labels tell by themselves: how many there are, and what a constant answer would reach."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ._formulas import counts_of, ratio
from ._metric import AbstractTaskMetric, Averages, Value, average_of, share
from ._statistic import Counted, Known, Spread, Statistic, moments_of


class NumLabels(AbstractTaskMetric):
    """Number of labels that are known: labelled rows, or cells of a multi-label task."""

    averages: ClassVar[Averages] = {
        "class": ("micro", "none"),
        "cells": ("micro", "none"),
        "value": (),
    }
    higher_is_better = None
    unit = "count"
    of_labels = True
    at_once = True
    formula = "number of labelled cells"
    undefined = "0"
    source = "-"

    def statistics(self) -> list[Statistic]:
        return [Known(self.task)]

    def compute(self, *states: Any) -> Value:
        return states[0] if self.average == "none" else states[0].sum(axis=-1)


class NumPositive(AbstractTaskMetric):
    """Number of known labels that are a yes; of soft labels, those above 0.5."""

    averages: ClassVar[Averages] = {"cells": ("micro", "none")}
    higher_is_better = None
    unit = "count"
    of_labels = True
    at_once = True
    formula = "tp + fn"
    undefined = "0"
    source = "-"

    def statistics(self) -> list[Statistic]:
        return [Counted(self.task, options=0.5)]  # as others have by default, to share it

    def compute(self, *states: Any) -> Value:
        positive = counts_of(states[0]).positive
        return positive if self.average == "none" else positive.sum(axis=-1)


class BaselineAccuracy(AbstractTaskMetric):
    """What `Accuracy` would be if the answer were always the most frequent one (of each label)."""

    averages: ClassVar[Averages] = {"class": (), "cells": ("micro", "macro", "none")}
    higher_is_better = True
    unit = "share"
    of_labels = True
    at_once = True
    formula = "rows labelled with the most frequent class / labelled rows"
    source = "`sklearn.dummy.DummyClassifier` on the labels themselves"

    def statistics(self) -> list[Statistic]:
        return [Counted(self.task, options=0.5)]  # as the others have by default, to share it

    def compute(self, *states: Any) -> Value:
        positive = self.batch.tables(counts_of(states[0])).positive
        return share(positive.max(axis=-1), positive.sum(axis=-1), self.average)


class BaselineRMSE(AbstractTaskMetric):
    """What `RMSE` would be if the answer were always the mean of these labels."""

    averages: ClassVar[Averages] = {"value": ()}
    higher_is_better = False
    unit = "label"
    of_labels = True
    at_once = True
    formula = "sqrt(mean of (label - mean label)^2)"
    source = "`sklearn.dummy.DummyRegressor` on the labels themselves"

    def statistics(self) -> list[Statistic]:
        return [Spread(self.task)]

    def compute(self, *states: Any) -> Value:
        m = moments_of(states[0])
        return average_of(np.sqrt(ratio(m.yy, m.n, np.nan)), "macro", m.n)
