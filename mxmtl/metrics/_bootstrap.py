"""How sure a final evaluation can be: confidence intervals by resampling rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import mxnet as mx
import numpy as np

from .._progress import progress
from ..tasks import Task
from ._batch import shaped
from ._draws import Draws
from ._fast import fetch
from ._metric import Metric, as_list, by_name
from ._suite import Suite
from ._value import MetricValue, values_of


class Bootstrap(mx.metric.EvalMetric):
    """Values with their confidence intervals: ``<name>``, ``<name>/low`` and ``<name>/high``.

    Rows are drawn with replacement, the same ones for all tasks, and every metric is computed
    again from them; the interval is that of the percentiles, moved where its value lies outside
    (see `around`). Labels and predictions are kept on the host until `get`: this is for a final
    evaluation, not for training.

    Parameters
    ----------
    metrics : Suite or Metric
        What to measure. It is updated as well, and gives the values.
    repeats : int, default 1000
        How many times rows are drawn; time grows with it.
    level : float, default 0.95
        Share of the repeats that lies within the interval.
    seed : int, default 0
        Of the draws: the same seed gives the same interval.

    Attributes
    ----------
    drawn : ndarray (repeats, values), optional
        The values of each draw, once intervals were asked for. Those of two networks on the same
        rows have the same rows in each draw.

    Examples
    --------
    >>> import mxmtl, numpy as np
    >>> accuracy = mxmtl.metrics.Accuracy(mxmtl.Binary("outdoors"))
    >>> interval = mxmtl.metrics.Bootstrap(accuracy, repeats=200)
    >>> interval.update(np.tile([1, 0, 1, 1], 25), np.tile([[0.9], [0.2], [0.1], [0.7]], (25, 1)))
    >>> interval.get()[0]
    ['outdoors/accuracy', 'outdoors/accuracy/low', 'outdoors/accuracy/high']

    References
    ----------
    Efron 1979, Bootstrap methods: another look at the jackknife.
    """

    def __init__(
        self,
        metrics: Suite | Metric,
        *,
        repeats: int = 1000,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        if int(repeats) != repeats or repeats < 2:
            raise ValueError(f"Bootstrap: repeats={repeats!r} must be a whole number over 1.")
        if not 0 < level < 1:
            raise ValueError(f"Bootstrap: level={level!r} must be between 0 and 1.")
        self.inner, self.repeats, self.level, self.seed = metrics, int(repeats), level, seed
        members = metrics.metrics if isinstance(metrics, Suite) else [metrics]
        strange = [member for member in members if not isinstance(member, Metric)]
        if strange:
            raise TypeError(f"Bootstrap can resample the metrics of mxmtl only, not {strange[0]}.")
        self.members: list[Metric] = members
        self.tasks: list[Task] = list(metrics.tasks)
        super().__init__(metrics.name)

    def reset(self) -> None:
        """Forget everything."""
        self.inner.reset()
        self.drawn: np.ndarray | None = None
        self._rows: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}

    def reset_local(self) -> None:
        """Go on: a final evaluation has no parts."""

    def update(self, labels: Any, preds: Any) -> None:
        """Add a batch: one array a task, in task order."""
        labels, preds = as_list(labels), as_list(preds)
        self.inner.update(labels, preds)
        self._keep(zip(cycle(self.tasks), labels, preds))  # once round for each device

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Add a batch: arrays by name."""
        self.inner.update_dict(label, pred)
        names = {task.name for member in self.members for task in member.tasks}
        self._keep(by_name([task for task in self.tasks if task.name in names], label, pred))

    def _keep(self, entries: Any) -> None:
        for task, label, prediction in entries:
            self._rows.setdefault(task.name, []).append((fetch(label), fetch(prediction)))

    def get(self) -> tuple[list[str], list[float]]:
        """Return names and values: of each, its lower and its upper bound."""
        names, values = (as_list(part) for part in self.inner.get())
        bounds = self._bounds(values)
        out = [
            (f"{name}{end}", float(v))
            for name, value, (low, high) in zip(names, values, bounds)
            for end, v in (("", value), ("/low", low), ("/high", high))
        ]
        return [name for name, _ in out], [value for _, value in out]

    def metric_values(self, since_reset: bool = True) -> list[MetricValue]:
        """Return the values with their intervals: all since `reset`."""
        values = values_of(self.inner)
        bounds = self._bounds([value.value for value in values]).tolist()
        return [replace(v, interval=(low, high)) for v, (low, high) in zip(values, bounds)]

    def _bounds(self, values: Sequence[float]) -> np.ndarray:
        if not self._rows:
            return np.full((len(values), 2), np.nan)
        arrays = {
            name: tuple(map(np.concatenate, zip(*blocks))) for name, blocks in self._rows.items()
        }
        tasks = [task for task in self.tasks if task.name in arrays]
        shaped_ = {t.name: shaped(t, *arrays[t.name]) for t in tasks}
        draws = Draws(shaped_, tasks, self.repeats, self.seed)
        states: dict[Hashable, Any] = {}
        found = []
        for member in progress(self.members, "metrics", what="intervals"):
            statistics = member.statistics()
            for one in statistics:
                if one.key not in states:
                    states[one.key] = draws.states(one)
            found.append(member.compute_draws(*(states[one.key] for one in statistics)))
        self.drawn = np.concatenate(found, axis=1)
        return interval_of(np.asarray(values, np.float64), self.drawn, self.level)


def interval_of(values: np.ndarray, draws: np.ndarray, level: float) -> np.ndarray:
    """Return the bounds (values, 2) of values, from draws (repeats, values); they contain them."""
    return around(values, draws, percentiles(draws, level))


def percentiles(draws: np.ndarray, level: float) -> np.ndarray:
    """Return the bounds (values, 2) of the middle share of draws (repeats, values), nan left out.

    A value that is defined in no draw has no bounds: nan.
    """
    ends = [50 * (1 - level), 50 * (1 + level)]
    defined = ~np.isnan(draws)
    bounds = np.full((draws.shape[1], 2), np.nan)
    whole = defined.all(axis=0)
    if whole.any():
        bounds[whole] = np.percentile(draws[:, whole], ends, axis=0).T
    for column in np.flatnonzero(defined.any(axis=0) & ~whole):
        bounds[column] = np.percentile(draws[defined[:, column], column], ends)
    return bounds


def around(values: np.ndarray, draws: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return bounds that contain their values.

    Some values change by the drawing itself: rows that are repeated look less calibrated, and the
    worst of several tasks looks worse. Where a value lies outside of the bounds of its draws, they
    are moved by the distance of the draws' median from it; what is never below 0 stays so.
    """
    outside = np.flatnonzero((values < bounds[:, 0]) | (values > bounds[:, 1]))
    for one in outside:
        drawn = draws[:, one][~np.isnan(draws[:, one])]
        moved = bounds[one] + (values[one] - np.median(drawn))
        bounds[one] = np.maximum(moved, 0.0) if min(drawn.min(), values[one]) >= 0 else moved
    return bounds
