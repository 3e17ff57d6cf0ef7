"""Values over several tasks, composed of a metric of each."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, List, Mapping, Optional, Sequence

import numpy as np

from ..tasks import Task
from ._formulas import ratio
from ._metric import AbstractTaskMetric, Metric, Value, snake_case
from ._statistic import Known, Statistic
from ._value import ALL_TASKS


class AbstractAcross(Metric):
    """Abstract: a function of one value a task.

    Parameters
    ----------
    metrics : sequence of Metric
        One or more, each with a single value. They only say what to compute; they are not
        updated themselves, and share statistics with the other members of a suite.
    name : str, optional
        Name in logs instead of ``all_tasks/<metric>``.
    """

    formula: ClassVar[str]
    undefined: ClassVar[str] = "nan if all values are; a value that is nan is left out"
    source: ClassVar[str] = "-"

    def __init__(self, metrics: Sequence[Metric], *, name: Optional[str] = None) -> None:
        self.metrics = list(metrics)
        kind = type(self).__name__
        if not self.metrics:
            raise ValueError(f"{kind} needs at least one metric.")
        for metric in self.metrics:
            if not isinstance(metric, AbstractTaskMetric) or metric.names != [metric.name]:
                raise ValueError(f"{kind}: {metric} has not one value of one task.")
        tasks = {metric.task.name: metric.task for metric in self.metrics}
        units = {metric.unit for metric in self.metrics}
        self.unit = units.pop() if len(units) == 1 else ""
        super().__init__(list(tasks.values()), name or f"{ALL_TASKS}/{snake_case(kind)}")

    def statistics(self) -> List[Statistic]:
        return [statistic for metric in self.metrics for statistic in metric.statistics()]

    def compute(self, *states: Any) -> Value:
        rest = iter(states)
        values = [m.compute(*(next(rest) for _ in m.statistics())) for m in self.metrics]
        return self.combine(np.array(values, np.float64), *rest)

    @abc.abstractmethod
    def combine(self, values: np.ndarray, *rest: Any) -> float:
        """Turn one value a metric, nan where undefined, into one; ``rest`` are other states."""

    def _one_direction(self) -> bool:
        ways = {metric.higher_is_better for metric in self.metrics}
        if len(ways) != 1 or None in ways:
            raise ValueError(
                f"{type(self).__name__}: of {[m.name for m in self.metrics]} some are better when "
                "higher and some are not; only DeltaM can mix them."
            )
        return bool(ways.pop())


class MeanOverTasks(AbstractAcross):
    """Mean of one metric of each task.

    Parameters
    ----------
    metrics : sequence of Metric
        One for each task, all better in the same direction.
    by : {"task", "weight", "num_labels"}, default "task"
        What a task counts: 1, its loss weight, or the number of its known labels.
    name : str, optional
        Name in logs instead of ``all_tasks/mean_over_tasks``.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("a"), mxmtl.Binary("b")])
    >>> mean = mxmtl.metrics.MeanOverTasks([mxmtl.metrics.Accuracy(task) for task in tasks])
    >>> mean.get()
    ('all_tasks/mean_over_tasks', nan)
    """

    formula = "sum_t w_t M_t / sum_t w_t"

    def __init__(
        self, metrics: Sequence[Metric], *, by: str = "task", name: Optional[str] = None
    ) -> None:
        if by not in ("task", "weight", "num_labels"):
            raise ValueError(f"MeanOverTasks: by={by!r} is not 'task', 'weight' or 'num_labels'.")
        self.by = by
        super().__init__(metrics, name=name)
        self.higher_is_better = self._one_direction()

    def statistics(self) -> List[Statistic]:
        known = [Known(metric.task) for metric in self.metrics] if self.by == "num_labels" else []
        return [*super().statistics(), *known]

    def combine(self, values: np.ndarray, *rest: Any) -> float:
        weights = np.ones(len(values))
        if self.by == "weight":
            weights = np.array([metric.task.weight for metric in self.metrics])
        elif self.by == "num_labels":
            weights = np.array([float(state.sum()) for state in rest])
        defined = ~np.isnan(values)
        weights = weights[defined]
        return float(ratio(values[defined] @ weights, weights.sum(), np.nan))


class WorstTask(AbstractAcross):
    """The worst value of one metric over the tasks; `worst` says whose it is.

    Parameters
    ----------
    metrics : sequence of Metric
        One for each task, all better in the same direction.
    name : str, optional
        Name in logs instead of ``all_tasks/worst_task``.
    """

    formula = "min_t M_t, or max_t where lower is better"

    def __init__(self, metrics: Sequence[Metric], *, name: Optional[str] = None) -> None:
        super().__init__(metrics, name=name)
        self.higher_is_better = self._one_direction()

    def combine(self, values: np.ndarray, *rest: Any) -> float:
        index = self._index(values)
        return np.nan if index is None else float(values[index])

    def _index(self, values: np.ndarray) -> Optional[int]:
        if np.isnan(values).all():
            return None
        return int(np.nanargmin(values) if self.higher_is_better else np.nanargmax(values))

    @property
    def worst(self) -> Optional[Task]:
        """The task with the worst value since `reset`; None if none has a value."""
        self._feed.settle()
        rest = iter(statistic.state(whole=True) for statistic in self._statistics)
        values = [m.compute(*(next(rest) for _ in m.statistics())) for m in self.metrics]
        index = self._index(np.array(values, np.float64))
        return None if index is None else self.metrics[index].task


class DeltaM(AbstractAcross):
    """Mean relative gain over single-task results: above 0, multi-task learning paid.

    Parameters
    ----------
    metrics : sequence of Metric
        One or more for each task; those that are better when lower count the other way round.
    single : mapping of str to float
        For the name of each metric, the value that a network for that task alone reached.
    name : str, optional
        Name in logs instead of ``all_tasks/delta_m``.
    """

    higher_is_better = True
    formula = "mean_t (-1)^(lower is better) (M_t - S_t) / S_t"
    source = "Maninis et al. 2019"

    def __init__(
        self,
        metrics: Sequence[Metric],
        *,
        single: Mapping[str, float],
        name: Optional[str] = None,
    ) -> None:
        super().__init__(metrics, name=name)
        for metric in self.metrics:
            if not np.isfinite(single.get(metric.name, np.nan)) or not single[metric.name]:
                raise ValueError(
                    f"task {metric.task.name!r}: DeltaM needs a single-task value for "
                    f"{metric.name!r}, finite and not 0; got {single.get(metric.name)!r}."
                )
            if metric.higher_is_better is None:
                raise ValueError(f"DeltaM: {metric.name} is neither better higher nor lower.")
        self.unit = "share"
        self.single = np.array([single[metric.name] for metric in self.metrics], np.float64)
        self.signs = np.array([1.0 if m.higher_is_better else -1.0 for m in self.metrics])

    def combine(self, values: np.ndarray, *rest: Any) -> float:
        gains = self.signs * (values - self.single) / self.single
        defined = ~np.isnan(gains)
        return float(gains[defined].mean()) if defined.any() else np.nan
