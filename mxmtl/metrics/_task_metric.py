"""Metrics of one task: which kinds it may be of, and how units are averaged."""

from __future__ import annotations

from typing import Any, ClassVar, Iterable, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ..tasks import Task
from ._batch import Batch
from ._metric import Metric, Value, snake_case
from ._stats import ratio

Averages = Mapping[str, Tuple[str, ...]]  # kind of task -> averages, the default first


class AbstractTaskMetric(Metric):
    """Abstract: a metric of one task.

    Parameters
    ----------
    task : Task
        What is measured; its kind must be one of those in ``averages``.
    average : str, optional
        How the values of classes, labels or columns become one: ``"micro"`` (all cells
        together), ``"macro"`` (mean of those that are defined), ``"weighted"`` (mean weighted
        by the number of positive labels), ``"samples"`` (mean over rows) or ``"none"`` (one
        value each, named ``<task>/<metric>/<class>``). The first of ``averages`` by default.
    name : str, optional
        Name in logs instead of ``<task>/<metric>``.

    Attributes
    ----------
    averages : dict of str to tuple of str
        For each kind of task that the metric is for, the averages that it has.
    formula, undefined, source : str
        A row of the README's table of metrics.
    """

    averages: ClassVar[Averages]
    formula: ClassVar[str]
    undefined: ClassVar[str] = "nan"
    source: ClassVar[str] = ""

    def __init__(
        self, task: Task, *, average: Optional[str] = None, name: Optional[str] = None
    ) -> None:
        if not isinstance(task, Task):
            raise TypeError(f"{type(self).__name__} needs a task first, got {task!r}.")
        if task.kind not in self.averages:
            raise ValueError(
                f"task {task.name!r}: {type(self).__name__} is no metric for "
                f"{type(task).__name__}; it is for {', '.join(task_types(self.averages))}."
            )
        allowed = self.averages[task.kind]
        if average is not None and average not in allowed:
            raise ValueError(
                f"task {task.name!r}: {type(self).__name__} has no average={average!r} for "
                f"{type(task).__name__}; it has {', '.join(allowed) or 'none to choose'}."
            )
        self.task = task
        self.average = average or (allowed[0] if allowed else "micro")
        self.kind: Any = Batch.kinds[task.kind]
        super().__init__([task], name or f"{task.name}/{snake_case(type(self).__name__)}")

    @property
    def classes(self) -> Sequence[Optional[str]]:
        return self.task.names if self.average == "none" and self.task.names else [None]

    @property
    def of_one_task(self) -> bool:
        return True


def task_types(kinds: Iterable[str]) -> List[str]:
    """Return the names of the task types of these kinds."""
    return sorted(name for name, cls in Task.types.items() if cls.kind in kinds)


def average_of(values: np.ndarray, average: str, weight: np.ndarray) -> Value:
    """Average the values of units, of which those that are nan do not count.

    With ``"weighted"``, 0 if the weights are all 0 (no positive label), as scikit-learn has it.
    """
    if average == "none":
        return values
    defined = ~np.isnan(values)
    if not defined.any():
        return np.nan
    if average == "macro":
        return float(values[defined].mean())
    weight = weight[defined]
    return float(ratio(values[defined] @ weight, weight.sum()))
