"""Whether a row is right in all of its labels."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Union

import numpy as np

from ..tasks import Task, TaskSet
from ._counted import Threshold, checked_threshold
from ._metric import ALL_TASKS, Metric, Value
from ._statistic import Matched, Statistic
from ._stats import ratio


class ExactMatch(Metric):
    """Share of rows of which every known label was predicted right.

    Parameters
    ----------
    tasks : Task or TaskSet
        One task, or all of a set but its regression tasks, in which nothing matches exactly.
        A row counts if it has a known label in any of them.
    threshold : float, sequence or mapping, optional
        As in `F1`; for several tasks a mapping {task name: threshold}, the others 0.5.
    name : str, optional
        Name in logs instead of ``<task>/exact_match`` or ``all_tasks/exact_match``.
    """

    higher_is_better = True
    unit = "share"
    kinds = ("class", "cells")
    formula = "rows with all known labels right / rows with a known label"
    undefined = "nan"
    source = "`sklearn.metrics.accuracy_score` of multi-label rows"

    def __init__(
        self,
        tasks: Union[Task, TaskSet],
        *,
        threshold: Union[None, Threshold, Mapping[str, Threshold]] = None,
        name: Optional[str] = None,
    ) -> None:
        given: List[Task] = [tasks] if isinstance(tasks, Task) else list(tasks)
        chosen = [task for task in given if task.kind in self.kinds]
        if not chosen:
            raise ValueError(f"ExactMatch: regression has no exact match, in {tasks!r}.")
        if not isinstance(threshold, Mapping):
            threshold = {} if threshold is None else {task.name: threshold for task in chosen}
        unknown = sorted(set(threshold) - {task.name for task in chosen})
        if unknown:
            raise ValueError(f"ExactMatch: threshold names {unknown}, which are no such tasks.")
        self.thresholds = tuple(checked_threshold(t, threshold.get(t.name)) for t in chosen)
        self._alone = isinstance(tasks, Task)
        where = chosen[0].name if self._alone else ALL_TASKS
        super().__init__(chosen, name or f"{where}/exact_match")

    @property
    def of_one_task(self) -> bool:
        return self._alone

    def statistics(self) -> List[Statistic]:
        return [Matched(*self.tasks, options=self.thresholds)]

    def compute(self, *states: Any) -> Value:
        right, rows = states[0]
        return float(ratio(right, rows, np.nan))
