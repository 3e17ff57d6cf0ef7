"""How sure a final evaluation can be: confidence intervals by resampling rows."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import cycle
from typing import Any

import mxnet as mx
import numpy as np

from .._progress import progress
from ..tasks import Task
from ._batch import shaped
from ._config import config_of
from ._draws import Draws
from ._fast import fetch
from ._made import arrays_in, as_list, by_name
from ._metric import Metric
from ._suite import Suite
from ._value import MetricValue, changed, values_of


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
        alone = len(self.tasks) == 1
        labels, preds = arrays_in(labels, alone), arrays_in(preds, alone)
        self.inner.update(labels, preds)
        self._keep(zip(cycle(self.tasks), labels, preds))  # once round for each device

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Add a batch: arrays by name."""
        self.inner.update_dict(label, pred)
        names = {task.name for member in self.members for task in member.tasks}
        chosen = [task for task in self.tasks if task.name in names]
        self._keep(by_name(chosen, label, pred, getattr(self.inner, "called", {})))

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

    def get_config(self) -> dict[str, Any]:
        """Return what ``mx.metric.create(**config)`` makes its like of, without what it has seen.

        It holds objects, so it is no JSON; `pickle` and `copy.deepcopy` keep what was seen.
        """
        return config_of(self)

    def metric_values(self, since_reset: bool = True) -> list[MetricValue]:
        """Return the values with their intervals: all since `reset`."""
        values = values_of(self.inner)
        bounds = self._bounds([value.value for value in values]).tolist()
        return [changed(v, interval=(low, high)) for v, (low, high) in zip(values, bounds)]

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
    """Return the bounds (values, 2) of values, from draws (repeats, values); they contain them.

    They are those of the middle share of the draws, nan left out: a value that is defined in no
    draw has none, nan. Some values change by the drawing itself: rows that are repeated look less
    calibrated, and the worst of several tasks looks worse. Where a value lies outside of the bounds
    of its draws, they are moved by the distance of the draws' median from it; what is never below 0
    stays so.

    >>> interval_of(np.array([2.0, 9.0]), np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), 0.5)
    array([[1.5, 2.5],
           [8.5, 9.5]])
    """
    ordered = np.sort(draws.T, axis=1)  # nan is last
    last = (ordered.shape[1] - 1 - np.isnan(ordered).sum(axis=1)).clip(0)
    low, median, high = (percentile(ordered, last, 50 + side * level) for side in (-50, 0, 50))
    outside = (values < low) | (values > high)
    moved = np.where(outside, values - median, 0.0)
    bounds = np.stack([low + moved, high + moved], axis=1)
    positive = outside & (np.minimum(ordered[:, 0], values) >= 0)
    return np.where(positive[:, np.newaxis], np.maximum(bounds, 0.0), bounds)


def percentile(ordered: np.ndarray, last: np.ndarray, percent: float) -> np.ndarray:
    """Return the percentile of each row of ordered values, up to its last one, as NumPy has it."""
    place = percent / 100 * last
    below = np.floor(place).astype(np.intp)
    rows = np.arange(len(ordered))
    one, next_ = ordered[rows, below], ordered[rows, np.minimum(below + 1, last)]
    return one + (next_ - one) * (place - below)  # type: ignore[no-any-return]
