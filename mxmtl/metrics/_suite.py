"""All metrics of all tasks, updated at once, and merged over processes."""

from __future__ import annotations

from typing import Any, Dict, Iterable, List, Mapping, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from ..tasks import Task, TaskSet
from ._fast import asked_by_score
from ._metric import Metric, as_list, by_name
from ._statistic import Feed, Statistic
from ._value import MetricValue, values_of, with_num_labels


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

    def __init__(self, tasks: TaskSet, metrics: Iterable[Metric], name: str = "mxmtl") -> None:
        self.tasks = tasks
        self._foreign: List[Any] = []
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
    def feeds(self) -> List[Feed]:
        """What feeds its metrics; `TypeError` if one of them is not of mxmtl."""
        if self._foreign:
            raise TypeError(
                f"what {names_of(self._foreign[0])} has seen cannot be merged with that of other "
                "processes; use a metric of mxmtl.metrics."
            )
        return self._feeds

    @property
    def names(self) -> List[str]:
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
        self.update_dict(
            dict(zip(self.tasks.label_names, labels)), dict(zip(self.tasks.output_names, preds))
        )

    def update_dict(self, labels: Mapping[str, Any], preds: Mapping[str, Any]) -> None:
        """Add a batch: arrays by name, of which those of the measured tasks are taken."""
        for feed in self._feeds:
            feed.push(by_name(feed.tasks, labels, preds))
        for metric in self._foreign:
            metric.update_dict(labels, preds)

    def metric_values(self, since_reset: bool = True) -> List[MetricValue]:
        """Return all values with what they are of, since `reset` or since `reset_local`."""
        return with_num_labels(
            value for metric in self.metrics for value in values_of(metric, since_reset)
        )

    def get_name_value(self) -> List[Tuple[str, float]]:
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


def names_of(metric: Any) -> List[str]:
    """Return the names of a metric's values; MXNet's own tell them together with the values."""
    return metric.names if isinstance(metric, Metric) else as_list(metric.get()[0])


# -- several processes -----------------------------------------------------------------------------
def arrays_of(metric: Union[Suite, Metric]) -> Dict[str, np.ndarray]:
    """Return what a metric has seen since `reset`, as named arrays for `merge_arrays`.

    Raises `TypeError` for a suite with metrics that are not of mxmtl: theirs cannot be merged.
    """
    return {
        f"{place}.{part}": array
        for place, statistic in enumerate(_statistics(metric))
        for part, array in enumerate(statistic.to_arrays(statistic.state(whole=True)))
    }


def merge_arrays(metric: Union[Suite, Metric], parts: Sequence[Mapping[str, np.ndarray]]) -> None:
    """Let a metric have seen what others have, given what `arrays_of` returned of each.

    What it has seen itself is forgotten: its own arrays are among the parts. The order of the
    parts does not matter but for rounding, and `get_global` gives the value over all.
    """
    for place, statistic in enumerate(_statistics(metric)):
        whole = statistic.zero()
        for part in parts:
            arrays: List[np.ndarray] = []
            while f"{place}.{len(arrays)}" in part:
                arrays.append(part[f"{place}.{len(arrays)}"])
            whole = statistic.merge(whole, statistic.from_arrays(arrays))
        statistic.before, statistic.local = statistic.zero(), whole


def _statistics(metric: Union[Suite, Metric]) -> List[Statistic]:
    feeds: List[Feed] = metric.feeds if isinstance(metric, Suite) else [metric.stand_alone()]
    for feed in feeds:
        feed.settle()
    return [statistic for feed in feeds for statistic in feed.statistics]
