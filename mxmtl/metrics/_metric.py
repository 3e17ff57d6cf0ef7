"""What every metric does: names, masking, sharing, local and global values."""

from __future__ import annotations

import abc
import copy
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import (
    Any,
    ClassVar,
)

import mxnet as mx
import numpy as np

from ..tasks import Kind, Task
from ._batch import Batch
from ._config import config_of
from ._fast import asked_by_score
from ._formulas import ratio
from ._made import DEFAULT, MetricType, arrays_in, as_list, by_name
from ._statistic import Feed, Statistic, Summed
from ._value import ALL_TASKS, METRICS, MetricValue, whole

Value = float | np.ndarray
Averages = Mapping[str, tuple[str, ...]]  # kind of task -> averages, the default first


class Metric(mx.metric.EvalMetric, metaclass=MetricType):  # type: ignore[misc]
    """Abstract: a value computed from statistics of one or more tasks.

    A concrete metric says which statistics it needs and how their states become a value.
    Labels and predictions are found by name (``<task>_label``, ``<task>_output``), missing
    labels are left out, and where nothing is labelled the value is nan.

    Attributes
    ----------
    higher_is_better : bool or None
        Which way is up; None where neither is (`NumLabels`, `ConfusionMatrix`).
    unit : str
        ``"share"``, ``"label"``, ``"count"`` or ``""``; see `MetricValue`.
    of_labels : bool
        Whether it depends on the labels alone, as counts and baselines do.
    at_once : bool
        Said by a class whose `compute` takes states with more axes in front, those of many draws,
        and keeps them; it holds for the `compute` of that class alone.
    types : dict
        Every concrete metric by the name that it has in logs (its class name in snake case).
    """

    higher_is_better: bool | None
    unit: str = ""
    of_labels: ClassVar[bool] = False
    at_once: ClassVar[bool] = False
    types: ClassVar[dict[str, Any]] = METRICS

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if not cls.__name__.startswith("Abstract"):
            name = snake_case(cls.__name__)
            Metric.types[name] = cls
            for kind in getattr(cls, "averages", ()):
                Kind.named(kind, cls.__name__).metrics[name] = cls

    def __init__(self, tasks: Sequence[Task], name: str) -> None:
        self.tasks = tuple(tasks)
        self._feed = Feed()
        self._suite_feeds: list[Feed] | None = None
        super().__init__(
            name,
            output_names=[task.output_name for task in self.tasks],
            label_names=[task.label_name for task in self.tasks],
            has_global_stats=True,
        )  # calls reset, which makes the statistics

    @abc.abstractmethod
    def statistics(self) -> list[Statistic]:
        """Make the statistics that `compute` needs, empty."""

    @abc.abstractmethod
    def compute(self, *states: Any) -> Value:
        """Turn the states of the statistics into a number, or one for each of `names`."""

    def compute_draws(self, *states: Sequence[Any]) -> np.ndarray:
        """Return what `compute` makes of the states of each draw: float64 (draws, values)."""
        made = next(vars(cls) for cls in type(self).__mro__ if "compute" in vars(cls))
        if made.get("at_once") and all(isinstance(state, np.ndarray) for state in states):
            return np.asarray(self.compute(*states)).reshape(len(states[0]), -1)
        return np.stack([np.ravel(self.compute(*parts)) for parts in zip(*states)])

    @property
    def classes(self) -> Sequence[str | None]:
        """Of which class or label each value is; None for a value of all."""
        return [None]

    @property
    def names(self) -> list[str]:
        """Names of the values, as they stand in logs and reports."""
        return [self.name if part is None else f"{self.name}/{part}" for part in self.classes]

    def metric_values(self, since_reset: bool = True) -> list[MetricValue]:
        """Return its values with what they are of, since `reset` or since `reset_local`."""
        owner = self.tasks[0].name if self.of_one_task else ALL_TASKS
        start = f"{owner}/"
        metric = self.name[len(start) :] if self.name.startswith(start) else self.name
        numbers = as_list(self._value(whole=since_reset)[1])
        return [
            MetricValue(
                name, owner, metric, part, whole(number, self.unit), self.unit,
                higher_is_better=self.higher_is_better, of_labels=self.of_labels,
            )
            for name, part, number in zip(self.names, self.classes, numbers)
        ]  # fmt: skip

    @property
    def of_one_task(self) -> bool:
        """Whether it is told under the name of one task, and not under ``all_tasks``."""
        return False

    # -- taking part in a suite ------------------------------------------------------------------
    def join(self, feeds: list[Feed]) -> None:
        """Begin anew with the statistics of a suite's first feed; a member that leaves adds one."""
        self._feed, self._suite_feeds = feeds[0], feeds
        self._statistics = [self._feed.share(statistic) for statistic in self.statistics()]

    def stand_alone(self) -> Feed:
        """Go on with a feed of its own, from a copy of where the shared statistics stand.

        What a member of a suite does when it is used by itself: the others must not notice.
        """
        if self._suite_feeds is not None:
            self._feed.settle()
            own, self._feed = copy.deepcopy(self._statistics), Feed()
            self._suite_feeds.append(self._feed)
            self._suite_feeds = None
            self._statistics = [self._feed.share(statistic) for statistic in own]
        return self._feed

    def __copy__(self) -> Metric:
        """Copy what was seen as well: a copy that is updated leaves the other as it is."""
        return copy.deepcopy(self)

    # -- mx.metric.EvalMetric --------------------------------------------------------------------
    def get_config(self) -> dict[str, Any]:
        """Return what ``mx.metric.create(**config)`` makes its like of, without what it has seen.

        It holds objects, so it is no JSON; `pickle` and `copy.deepcopy` keep what was seen.
        """
        return config_of(self)

    def reset(self) -> None:
        """Forget everything."""
        self.stand_alone()
        self._feed.clear()
        self._statistics = [self._feed.share(statistic) for statistic in self.statistics()]

    def reset_local(self) -> None:
        """Begin a new local part (`get`); `get_global` goes on."""
        self.stand_alone()
        self._feed.reset_local()

    def update(self, labels: Any, preds: Any) -> None:
        """Add a batch: one array a task in task order, or for a single task one a device.

        Parameters
        ----------
        labels, preds : (list of) NDArray or ndarray
            Labels (N,) or (N, num_labels), predictions (N, num_outputs): probabilities, or
            values for regression. A metric of one task takes lists of numbers, too.
        """
        self.stand_alone()
        alone = len(self.tasks) == 1
        labels, preds = arrays_in(labels, alone), arrays_in(preds, alone)
        if len(labels) != len(preds) or len(labels) % len(self.tasks):
            raise ValueError(
                f"{self.name}: {len(labels)} labels and {len(preds)} predictions for tasks "
                f"{[task.name for task in self.tasks]}; expected one of each."
            )
        for start in range(0, len(labels), len(self.tasks)):
            part = slice(start, start + len(self.tasks))
            self._feed.push(zip(self.tasks, labels[part], preds[part]))

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Add a batch: arrays by name, of which those of this metric's tasks are taken."""
        self.stand_alone()
        self._feed.push(by_name(self.tasks, label, pred))

    def get(self) -> tuple[Any, Any]:
        """Return name(s) and value(s) since `reset_local`; for ``Module.score`` since `reset`."""
        return self._value(whole=asked_by_score())

    def get_global(self) -> tuple[Any, Any]:
        """Return the name(s) and value(s) since `reset`."""
        return self._value(whole=True)

    def _value(self, whole: bool) -> tuple[Any, Any]:
        self._feed.settle()
        value = self.compute(*(statistic.state(whole) for statistic in self._statistics))
        if np.ndim(value):
            return self.names, [float(v) for v in np.asarray(value)]
        return self.name, float(value)


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
        value each, named ``<task>/<metric>/<class>``; scikit-learn's None). By default the first
        of ``averages``.
    name : str, optional
        Name in logs instead of ``<task>/<metric>``.

    Attributes
    ----------
    averages : dict of str to tuple of str
        For each kind of task that the metric is for, the averages that it has.
    formula, undefined, source : str
        What docs/metrics.md says of it.
    """

    averages: ClassVar[Averages]
    formula: ClassVar[str]
    undefined: ClassVar[str] = "nan"
    source: ClassVar[str] = ""

    def __init__(self, task: Task, *, average: str = DEFAULT, name: str | None = None) -> None:
        if not isinstance(task, Task):
            raise TypeError(f"{type(self).__name__} needs a task first, got {task!r}.")
        if task.kind not in self.averages:
            raise ValueError(
                f"task {task.name!r}: {type(self).__name__} is no metric for "
                f"{type(task).__name__}; it is for {', '.join(task_types(self.averages))}."
            )
        allowed = self.averages[task.kind]
        if average is None and allowed:
            raise ValueError(
                f"task {task.name!r}: {type(self).__name__} has no average=None. Did you mean "
                "average='none', one value for each class or label? The default is "
                f"{allowed[0]!r}."
            )
        if average not in (None, DEFAULT, *allowed):
            raise ValueError(
                f"task {task.name!r}: {type(self).__name__} has no average={average!r} for "
                f"{type(task).__name__}; it has {', '.join(allowed) or 'none to choose'}."
            )
        self.task = task
        first = allowed[0] if allowed else "micro"
        self.average = first if average in (None, DEFAULT) else average
        self.batch: type[Batch] = Batch.kinds[task.kind]
        super().__init__([task], name or f"{task.name}/{snake_case(type(self).__name__)}")

    @property
    def classes(self) -> Sequence[str | None]:
        return self.task.names if self.average == "none" and self.task.names else [None]

    @property
    def of_one_task(self) -> bool:
        return True


def task_types(kinds: Iterable[str]) -> list[str]:
    """Return the names of the task types of these kinds."""
    return sorted(name for name, cls in Task.types.items() if cls.kind in kinds)


def average_of(values: np.ndarray, average: str, weight: np.ndarray) -> Value:
    """Average the values of units (..., units), of which those that are nan do not count.

    With ``"weighted"``, 0 if the weights are all 0 (no positive label), as scikit-learn has it.
    """
    if average == "none":
        return values
    defined = ~np.isnan(values)
    weight = np.where(defined, 1.0 if average == "macro" else weight, 0.0)
    total = np.sum(np.where(defined, values, 0.0) * weight, axis=-1)
    return np.where(defined.any(axis=-1), ratio(total, weight.sum(axis=-1)), np.nan)[()]


class AbstractMean(AbstractTaskMetric):
    """Abstract: the mean over known cells of what a method of a batch gives, ``values``."""

    higher_is_better = False
    values: ClassVar[Callable[..., np.ndarray]]
    at_once = True

    def statistics(self) -> list[Statistic]:
        return [Summed(self.task, options=(type(self).values,))]

    def compute(self, *states: Any) -> Value:
        return share(states[0][..., 0, :], states[0][..., 1, :], self.average)


def share(part: np.ndarray, whole: np.ndarray, average: str) -> Value:
    """Return part / whole of each unit (..., units) or of all, nan where the whole is 0."""
    if average == "micro":
        return ratio(part.sum(axis=-1), whole.sum(axis=-1), np.nan)
    return average_of(ratio(part, whole, np.nan), average, whole)


def snake_case(name: str) -> str:
    """Return the name of a class as it stands in logs: ``R2Score`` -> ``r2_score``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
