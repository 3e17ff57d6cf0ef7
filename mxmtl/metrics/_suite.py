"""All metrics of all tasks, updated at once; values over tasks."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import mxnet as mx
import numpy as np

from ..tasks import Task, TaskSet
from ._config import config_of
from ._fast import asked_by_score
from ._formulas import ratio
from ._made import as_list, by_name, called_by
from ._metric import AbstractTaskMetric, Metric, Value, snake_case
from ._statistic import Feed, Known, Statistic
from ._value import ALL_TASKS, MetricValue, values_of, with_num_labels


class Suite(mx.metric.CompositeEvalMetric):
    """Metrics of a set of tasks, each statistic of a batch computed once for all of them.

    Works wherever MXNet takes an ``eval_metric``. A member can be used by itself as well; it
    then goes on alone from where it stands. In a loop over several devices, `update` is called
    once for each.

    Parameters
    ----------
    tasks : TaskSet
        All tasks of the network, in its order (for `update`, which knows no names).
    metrics : iterable of Metric
        What to measure. Names must differ; ``name=`` renames a metric.
    name : str
        Of the suite itself, for MXNet.
    output_names, label_names : sequence of str or mapping of str to str, optional
        What the network and the iterator call them where that is not ``<task>_output`` and
        ``<task>_label``: one a task in order, or those of some tasks by the tasks' names.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> suite = mxmtl.metrics.Suite(
    ...     tasks, [mxmtl.metrics.F1(tasks["outdoors"]), mxmtl.metrics.MAE(tasks["age"])])
    >>> labels = [np.array([1, 0, -1]), np.array([2.0, np.nan, 4.0])]
    >>> suite.update(labels, [np.array([[0.9], [0.8], [0.1]]), np.array([[1.0], [2.0], [3.0]])])
    >>> suite.get_name_value()
    [('outdoors/f1', 0.666...), ('age/mae', 1.0)]
    """

    def __init__(
        self,
        tasks: TaskSet,
        metrics: Iterable[Metric],
        name: str = "mxmtl",
        *,
        output_names: Sequence[str] | Mapping[str, str] | None = None,
        label_names: Sequence[str] | Mapping[str, str] | None = None,
    ) -> None:
        self.tasks = tasks
        self.called = called_by(tasks, label_names, output_names)
        self._foreign: list[Any] = []
        super().__init__(name=name)
        for metric in metrics:
            self.add(metric)
        self.reset()

    def add(self, metric: Any) -> None:
        """Add a metric, as it stands; it shares statistics with the others from `reset` on."""
        metric = mx.metric.create(metric)
        taken = set(self.names)
        new = names_of(metric)
        twice = sorted(taken.intersection(new))
        if twice:
            raise ValueError(
                f"two metrics are named {twice[0]!r}; give one of them another name=..."
            )
        self.metrics.append(metric)
        if isinstance(metric, Metric):
            self._feeds.append(metric.stand_alone())
        else:
            self._foreign.append(metric)

    @property
    def feeds(self) -> list[Feed]:
        """What feeds its metrics; `TypeError` if one of them is not of mxmtl."""
        if self._foreign:
            raise TypeError(
                f"what {names_of(self._foreign[0])} has seen cannot be merged with that of other "
                "processes; use a metric of mxmtl.metrics."
            )
        return self._feeds

    @property
    def names(self) -> list[str]:
        """Names of all values, in order."""
        return [name for metric in self.metrics for name in names_of(metric)]

    def reset(self) -> None:
        """Forget everything, and share statistics among all members."""
        self._feeds = [Feed()]  # one for all; a member that is used by itself adds its own
        for metric in getattr(self, "metrics", ()):  # MXNet's constructor resets first
            if isinstance(metric, Metric):
                metric.join(self._feeds)
            else:
                metric.reset()

    def reset_local(self) -> None:
        """Begin a new local part of every metric."""
        for feed in self._feeds:
            feed.reset_local()
        for metric in self._foreign:
            metric.reset_local()

    def update(self, labels: Any, preds: Any) -> None:
        """Add a batch: one array a task, of all tasks and in their order."""
        labels, preds = as_list(labels), as_list(preds)
        if not len(labels) == len(preds) == len(self.tasks):
            raise ValueError(
                f"{len(labels)} labels and {len(preds)} predictions for the {len(self.tasks)} "
                f"tasks {self.tasks.names}; expected one array a task, in this order."
            )
        own = dict(zip(self.tasks.label_names, labels)), dict(zip(self.tasks.output_names, preds))
        for feed in self._feeds:
            feed.push(by_name(feed.tasks, *own))
        names = [self.called[task.name] for task in self.tasks]
        for metric in self._foreign:
            metric.update_dict(
                {label: array for (label, _), array in zip(names, labels)},
                {output: array for (_, output), array in zip(names, preds)},
            )

    def update_dict(self, labels: Mapping[str, Any], preds: Mapping[str, Any]) -> None:
        """Add a batch: arrays by name, of which those of the measured tasks are taken."""
        for feed in self._feeds:
            feed.push(by_name(feed.tasks, labels, preds, self.called))
        for metric in self._foreign:
            metric.update_dict(labels, preds)

    def get_config(self) -> dict[str, Any]:
        """Return what ``mx.metric.create(**config)`` makes its like of, without what it has seen.

        It holds objects, so it is no JSON; `pickle` and `copy.deepcopy` keep what was seen.
        """
        return config_of(self)

    def metric_values(self, since_reset: bool = True) -> list[MetricValue]:
        """Return all values with what they are of, since `reset` or since `reset_local`."""
        return with_num_labels(
            value for metric in self.metrics for value in values_of(metric, since_reset)
        )

    def get_name_value(self) -> list[tuple[str, float]]:
        """Return (name, value) pairs since `reset_local`; for ``Module.score`` since `reset`."""
        if asked_by_score():
            return list(self.get_global_name_value())
        return list(super().get_name_value())


def default_metrics(tasks: TaskSet) -> Suite:
    """Make the suite of each task's ``default_metrics``."""
    return Suite(tasks, [metric_named(name, t) for t in tasks for name in t.default_metrics])


def metric_named(name: str, task: Task, **options: Any) -> Metric:
    """Make a metric of a task by its name in logs; `ValueError` where there is no such metric.

    >>> import mxmtl
    >>> metric_named("f1", mxmtl.Binary("outdoors"), average="micro").name
    'outdoors/f1'
    """
    if name not in task.kind.metrics:
        raise ValueError(
            f"task {task.name!r}: {name!r} is no metric for {type(task).__name__}; there are "
            f"{', '.join(sorted(task.kind.metrics))}."
        )
    made: Metric = task.kind.metrics[name](task, **options)
    return made


def names_of(metric: Any) -> list[str]:
    """Return the names of a metric's values; MXNet's own tell them together with the values."""
    return metric.names if isinstance(metric, Metric) else as_list(metric.get()[0])


# -- values over several tasks, composed of a metric of each ---------------------------------------
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

    def __init__(self, metrics: Sequence[Metric], *, name: str | None = None) -> None:
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

    def statistics(self) -> list[Statistic]:
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
        self, metrics: Sequence[Metric], *, by: str = "task", name: str | None = None
    ) -> None:
        if by not in ("task", "weight", "num_labels"):
            raise ValueError(f"MeanOverTasks: by={by!r} is not 'task', 'weight' or 'num_labels'.")
        self.by = by
        super().__init__(metrics, name=name)
        self.higher_is_better = self._one_direction()

    def statistics(self) -> list[Statistic]:
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

    def __init__(self, metrics: Sequence[Metric], *, name: str | None = None) -> None:
        super().__init__(metrics, name=name)
        self.higher_is_better = self._one_direction()

    def combine(self, values: np.ndarray, *rest: Any) -> float:
        index = self._index(values)
        return np.nan if index is None else float(values[index])

    def _index(self, values: np.ndarray) -> int | None:
        if np.isnan(values).all():
            return None
        return int(np.nanargmin(values) if self.higher_is_better else np.nanargmax(values))

    @property
    def worst(self) -> Task | None:
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
        name: str | None = None,
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
