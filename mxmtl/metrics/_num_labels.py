"""How many labels there are behind the other metrics."""

from __future__ import annotations

from typing import Any, ClassVar, List

from ._metric import Value
from ._statistic import Counted, Known, Statistic
from ._stats import Counts
from ._task_metric import AbstractTaskMetric, Averages


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
    formula = "number of labelled cells"
    undefined = "0"
    source = "-"

    def statistics(self) -> List[Statistic]:
        return [Known(self.task)]

    def compute(self, *states: Any) -> Value:
        return states[0] if self.average == "none" else float(states[0].sum())


class NumPositive(AbstractTaskMetric):
    """Number of known labels that are a yes; of a soft label, that are nearer to it."""

    averages: ClassVar[Averages] = {"cells": ("micro", "none")}
    higher_is_better = None
    unit = "count"
    of_labels = True
    formula = "tp + fn"
    undefined = "0"
    source = "-"

    def statistics(self) -> List[Statistic]:
        return [Counted(self.task, options=0.5)]  # as others have by default, to share it

    def compute(self, *states: Any) -> Value:
        positive = Counts(*states[0]).positive
        return positive if self.average == "none" else float(positive.sum())
