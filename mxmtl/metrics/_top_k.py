"""Whether the label is among the best guesses."""

from __future__ import annotations

from typing import Any, ClassVar, List, Optional

import numpy as np

from ..tasks import Task
from ._metric import Value
from ._statistic import Statistic, Summed
from ._stats import ratio
from ._task_metric import AbstractTaskMetric, Averages


class TopKAccuracy(AbstractTaskMetric):
    """Share of rows whose class is among the ``k`` most probable ones.

    Of equal predictions the class that comes first ranks higher, as in `Accuracy`.

    Parameters
    ----------
    task : Task
        A multiclass task.
    k : int, default 5
        1 or more; more than there are classes counts as all of them.
    average : None
        There is none to choose.
    name : str, optional
        Name in logs instead of ``<task>/top_k_accuracy``.
    """

    averages: ClassVar[Averages] = {"class": ()}
    higher_is_better = True
    unit = "share"
    formula = "rows whose class is among the k highest / labelled rows"
    source = "`sklearn.metrics.top_k_accuracy_score` (which ranks the last of equals higher)"

    def __init__(
        self, task: Task, *, k: int = 5, average: Optional[str] = None, name: Optional[str] = None
    ) -> None:
        if int(k) != k or k < 1:
            raise ValueError(f"TopKAccuracy: k={k!r} must be a whole number, 1 or more.")
        self.k = min(int(k), getattr(task, "num_outputs", int(k)))
        super().__init__(task, average=average, name=name)

    def statistics(self) -> List[Statistic]:
        return [Summed(self.task, options=("top", self.k))]

    def compute(self, *states: Any) -> Value:
        ((right, rows),) = states[0].T
        return float(ratio(right, rows, np.nan))
