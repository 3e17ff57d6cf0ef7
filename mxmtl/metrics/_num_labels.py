"""How many labels there are behind the other metrics."""

from __future__ import annotations

from typing import Any, ClassVar, List

from ._metric import Value
from ._statistic import Known, Statistic
from ._task_metric import AbstractTaskMetric, Averages


class NumLabels(AbstractTaskMetric):
    """Number of labels that are known: labelled rows, or cells of a multi-label task."""

    averages: ClassVar[Averages] = {
        "class": ("micro", "none"),
        "cells": ("micro", "none"),
        "value": (),
    }
    higher_is_better = None
    formula = "number of labelled cells"
    undefined = "0"
    source = "-"

    def statistics(self) -> List[Statistic]:
        return [Known(self.task)]

    def compute(self, *states: Any) -> Value:
        return states[0] if self.average == "none" else float(states[0].sum())
