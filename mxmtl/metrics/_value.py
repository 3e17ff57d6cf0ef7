"""One value of a metric, and what it is a value of: nobody takes a name apart to learn that."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..tasks import Task

ALL_TASKS = "all_tasks"  # what stands for the task where a value is of several
METRICS: dict[str, Any] = {}  # every concrete metric by the name that it has in logs
SHARE, LABEL, COUNT = "share", "label", "count"  # units

Interval = tuple[float, float]


@dataclass(frozen=True)
class MetricValue:
    """A metric's value, of one task and perhaps of one of its classes or labels.

    Attributes
    ----------
    name : str
        As it stands in logs: ``<task>/<metric>`` or ``<task>/<metric>/<class>``.
    task : str or None
        Name of the task; ``"all_tasks"`` where it is of several, None of what no task is known.
    metric : str
        ``"f1"``, ``"num_labels"``, ...
    of_class : str or None
        Name of the class or label; None where the value is of all of them.
    value : float or int
        nan where it is undefined; a count is an int.
    unit : str
        ``"share"`` (of 1), ``"label"`` (as the labels are measured), ``"count"`` (a whole
        number), or ``""`` for what has none or several.
    num_labels : int or None
        How many known labels stand behind it, where that was counted.
    interval : pair of float or None
        Its confidence interval.
    higher_is_better : bool or None
        Which way is up; None where neither is.
    of_labels : bool
        Whether it depends on the labels alone (counts, baselines), so that no network is better
        at it than another.

    Examples
    --------
    >>> value = MetricValue("breed/f1/pug", "breed", "f1", "pug", 0.5, "share", num_labels=12)
    >>> value.task, value.metric, value.of_class, value.text()
    ('breed', 'f1', 'pug', '0.5000')
    >>> MetricValue("breed/num_labels", "breed", "num_labels", None, 12, "count").text()
    '12'
    """

    name: str
    task: str | None
    metric: str
    of_class: str | None
    value: float | int
    unit: str = ""
    num_labels: int | None = None
    interval: Interval | None = None
    higher_is_better: bool | None = None
    of_labels: bool = False

    def text(self, digits: int = 4, missing: str = "") -> str:
        """Write the value: a count as a whole number, ``missing`` where it is undefined."""
        if not math.isfinite(self.value):
            return missing if math.isnan(self.value) else str(self.value)
        return f"{self.value:.0f}" if self.unit == COUNT else f"{self.value:.{digits}f}"


def whole(value: float, unit: str) -> float | int:
    """Return a count as an int, and all else as a float."""
    return int(round(value)) if unit == COUNT and math.isfinite(value) else float(value)


def values_of(metric: Any, since_reset: bool = True) -> list[MetricValue]:
    """Return the values of a metric, a suite or any ``mx.metric.CompositeEvalMetric``, in order.

    Parameters
    ----------
    metric : mx.metric.EvalMetric
        A `Suite`, a `Metric`, a `Bootstrap`, or MXNet's own, of which no task is known.
    since_reset : bool
        The values since `reset`, or else since `reset_local`.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    >>> suite = mxmtl.metrics.Suite(tasks, [mxmtl.metrics.NumLabels(tasks["outdoors"])])
    >>> suite.update([np.array([1, 0, -1])], [np.array([[0.9], [0.2], [0.1]])])
    >>> [(v.task, v.metric, v.value, v.unit) for v in mxmtl.metrics.values_of(suite)]
    [('outdoors', 'num_labels', 2, 'count')]
    """
    if hasattr(metric, "metric_values"):  # of mxmtl
        return list(metric.metric_values(since_reset))
    if hasattr(metric, "metrics"):  # a composite of MXNet's
        return with_num_labels(v for part in metric.metrics for v in values_of(part, since_reset))
    pairs = metric.get_global_name_value() if since_reset else metric.get_name_value()
    return [MetricValue(name, None, name, None, float(value)) for name, value in pairs]


def read_values(
    values: Mapping[str, float],
    tasks: Iterable[Task],
    intervals: Mapping[str, Interval] = {},
) -> list[MetricValue]:
    """Return the values that logs and files hold by name alone.

    Parameters
    ----------
    values : mapping of str to float
        By name, as ``get_name_value()`` has them.
    tasks : TaskSet or iterable of Task
        Whose names are known. A name that begins with none of them has ``task=None``, and is
        all ``metric``.
    intervals : mapping of str to (float, float)
        By the same names.

    Examples
    --------
    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Multiclass("breed", classes=["pug", "lab/mix"])])
    >>> values = {"breed/num_labels": 3.0, "breed/recall/lab/mix": 0.5, "lr": 0.1}
    >>> for v in mxmtl.metrics.read_values(values, tasks):
    ...     print(v.task, v.metric, v.of_class, v.value, v.num_labels)
    breed num_labels None 3 3
    breed recall lab/mix 0.5 None
    None lr None 0.1 None
    """
    names = {ALL_TASKS, *(task.name for task in tasks)}
    found = []
    for name, value in values.items():
        # Neither a task's nor a metric's name has a slash in it, and a class may have several.
        first, *rest = name.split("/", 2)
        known = bool(rest) and first in names
        owner, metric = (first, rest[0]) if known else (None, name)
        of_class = rest[1] if known and len(rest) > 1 else None
        cls = metric_type(metric)
        unit = getattr(cls, "unit", "")
        found.append(
            MetricValue(
                name, owner, metric, of_class, whole(value, unit), unit, None,
                intervals.get(name), getattr(cls, "higher_is_better", None),
                getattr(cls, "of_labels", False),
            )
        )  # fmt: skip
    return with_num_labels(found)


def metric_type(metric: str) -> Any:
    """Return the class of a metric by its name in logs; None if it is of none.

    A value over tasks is of the metric that it is the worst or the mean of.

    >>> import mxmtl
    >>> metric_type("worst_f1").__name__, metric_type("accuracy_by_num_labels").__name__
    ('F1', 'Accuracy')
    >>> metric_type("top_5_accuracy").__name__
    'TopKAccuracy'
    """
    if metric in METRICS:
        return METRICS[metric]
    metric = re.sub(r"^top_\d+_accuracy$", "top_k_accuracy", metric)
    of_one = metric[len("worst_") :] if metric.startswith("worst_") else metric
    if of_one.endswith("_by_num_labels"):
        of_one = of_one[: -len("_by_num_labels")]
    return METRICS.get(of_one)


def meaning(metric: str) -> str:
    """Return in a line what a metric means, as its class's docstring begins; "" where none does.

    >>> meaning("f1"), meaning("loss_of_sleep")
    ('Harmonic mean of precision and recall.', '')
    """
    made = metric_type(metric)
    first = (getattr(made, "__doc__", None) or "").strip().partition("\n")[0].replace("``", "")
    called = {each.__name__: name.replace("_", " ") for name, each in METRICS.items()}
    return re.sub(r"`(\w+)`", lambda m: called.get(m[1], m[1]), first)


def main_metric(names: Sequence[str]) -> str:
    """Return which of a task's metrics stands for it; "" if none can.

    The one that has a baseline beside it, or the first of which more or less is better.

    >>> import mxmtl
    >>> main_metric(mxmtl.Multiclass("breed", ["beagle", "pug"]).default_metrics)
    'accuracy'
    >>> main_metric(mxmtl.Regression("age").default_metrics)
    'rmse'
    """
    better = [
        name for name in names
        if getattr(metric_type(name), "higher_is_better", None) is not None
    ]  # fmt: skip
    first = next(iter(better), "")
    return next((name for name in better if f"baseline_{name}" in names), first)


def with_num_labels(values: Iterable[MetricValue]) -> list[MetricValue]:
    """Give each value the number of labels that the same list tells of its task and class."""
    found = list(values)
    numbers = {(v.task, v.of_class): v.value for v in found if v.metric == "num_labels"}
    for place, value in enumerate(found):
        number = numbers.get((value.task, value.of_class), math.nan)
        if value.num_labels is None and math.isfinite(number):
            found[place] = changed(value, num_labels=int(number))
    return found


def changed(value: MetricValue, **changes: Any) -> MetricValue:
    """Return a value with other fields: `dataclasses.replace` takes seconds for many labels.

    >>> changed(MetricValue("a/f1", "a", "f1", None, 0.5), num_labels=3).num_labels
    3
    """
    made = object.__new__(MetricValue)
    vars(made).update(vars(value), **changes)
    return made
