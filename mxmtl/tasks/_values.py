"""Other targets that are numbers: a value with an interval around it, and a count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from .._options import one_of
from ._checks import check_number
from ._regression import Regression, ValueTask, in_float32
from ._task import Answer, Levels, Task

METHODS = ("quantile", "gaussian")
WIDEST = 10.0  # of the logarithm of a variance, in standard units: outliers would let it run away
LARGEST = 20.0  # of the logarithm of a count over the mean count


@dataclass(frozen=True)
class Interval(Regression):
    """Predict a real number, and an interval that holds it as often as is asked for.

    Predictions are (N, 3): the value, and the lower and the upper end. Metrics of values take the
    first; `IntervalCoverage` and `IntervalWidth` the others.

    Parameters
    ----------
    name : str
        Name of the task and of its table column; cells and labels as those of `Regression`.
    weight, center, scale
        As those of `Regression`.
    coverage : float
        Share of labels that are to lie inside, in (0, 1).
    method : {"quantile", "gaussian"}
        ``"quantile"``: the median and two quantiles, by the pinball loss of each; their distances
        are softplus, so that they never cross. For labels of any distribution. ``"gaussian"``: a
        mean and a variance of its own for each picture, by maximum likelihood; the ends follow.
        Its loss can be negative. Not for heavy tails: an outlier widens what is around it.

    References
    ----------
    Koenker and Bassett 1978, Regression quantiles. Nix and Weigend 1994, Estimating the mean and
    variance of the target probability distribution.

    Examples
    --------
    >>> age = Interval("age", coverage=0.8)
    >>> age.num_outputs, age.label_width
    (3, 1)
    >>> print(age.answer(np.array([40.0, 35.0, 48.0])))
    40 (35 to 48)
    """

    coverage: float = field(default=0.9, kw_only=True)
    method: str = field(default="quantile", kw_only=True)

    loss_form: ClassVar[str] = ""
    output_op = Task.output_op
    default_metrics: ClassVar[tuple[str, ...]] = (
        "num_labels",
        "baseline_rmse",
        "mae",
        "rmse",
        "interval_coverage",
        "interval_width",
        "task_loss",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "coverage", self.coverage, low=1e-3, high=1 - 1e-3)
        if self.method not in METHODS:
            found = one_of(str(self.method), METHODS)
            raise ValueError(f"task {self.name!r}: method={self.method!r} is not {found}.")

    @property
    def num_outputs(self) -> int:
        return 3

    @property
    def num_logits(self) -> int:
        return 3 if self.method == "quantile" else 2

    @property
    def has_negative_loss(self) -> bool:
        return self.method == "gaussian"

    @property
    def _reach(self) -> float:
        """How many standard deviations the ends of an interval are away."""
        return NormalDist().inv_cdf(0.5 + self.coverage / 2)

    def _ends(self, F: Any, logits: Any) -> tuple[Any, Any, Any]:
        """Return value and ends (N, 1) in standard units."""
        middle, *rest = (
            F.slice_axis(logits, axis=1, begin=k, end=k + 1) for k in range(self.num_logits)
        )
        if self.method == "quantile":
            below, above = (F.Activation(part, act_type="softrelu") for part in rest)
        else:
            below = above = F.exp(0.5 * F.clip(rest[0], -WIDEST, WIDEST)) * self._reach
        return middle, middle - below, middle + above

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        center, scale = self.units
        return F.concat(*self._ends(F, logits), dim=1, **name) * scale + center

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        y = self.standard(label)
        if self.method == "quantile":
            tail, total = (1 - self.coverage) / 2, 0.0
            for level, end in zip((0.5, tail, 1 - tail), self._ends(F, logits)):
                total = total + (1 - level) * F.relu(end - y) + level * F.relu(y - end)
            return total
        s = F.clip(F.slice_axis(logits, axis=1, begin=1, end=2), -WIDEST, WIDEST)
        error = F.slice_axis(logits, axis=1, begin=0, end=1) - y
        return 0.5 * (F.exp(-s) * F.square(error) + s)

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        y, ends = self.standard(label), self._ends(F, logits)
        if self.method == "quantile":
            tail = (1 - self.coverage) / 2
            middle, low, high = (
                (1 - level) * (end > y) - level * (end < y)
                for level, end in zip((0.5, tail, 1 - tail), ends)
            )
            _, *rest = (F.slice_axis(logits, axis=1, begin=k, end=k + 1) for k in range(3))
            below, above = map(F.sigmoid, rest)
            return F.concat(middle + low + high, -low * below, high * above, dim=1)
        raw = F.slice_axis(logits, axis=1, begin=1, end=2)
        s, error = F.clip(raw, -WIDEST, WIDEST), ends[0] - y
        spread = 0.5 * (1.0 - F.exp(-s) * F.square(error)) * (F.abs(raw) <= WIDEST)
        return F.concat(F.exp(-s) * error, spread, dim=1)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        scale = self.units[1]
        over = (prediction - label) / scale
        if self.method == "quantile":
            tail = (1 - self.coverage) / 2
            levels = np.array([0.5, tail, 1 - tail])
            cost = (1 - levels) * np.maximum(over, 0) + levels * np.maximum(-over, 0)
            return cost.sum(axis=1, keepdims=True)
        spread = (prediction[:, 2:] - prediction[:, 1:2]) / (2 * scale * self._reach)
        error = over[:, :1] / np.maximum(spread, 1e-30)
        return 0.5 * np.square(error) + np.log(np.maximum(spread, 1e-30))

    def constant(self, label: np.ndarray) -> np.ndarray:
        values = np.asarray(label, np.float64).ravel()
        values = values[~np.isnan(values)]
        if not len(values):
            return np.full(3, np.nan)
        if self.method == "gaussian":
            mean, reach = float(values.mean()), float(values.std()) * self._reach
            return np.array([mean, mean - reach, mean + reach])
        tail = (1 - self.coverage) / 2
        found: np.ndarray = np.quantile(values, (0.5, tail, 1 - tail))
        return found

    def logits_of(self, prediction: np.ndarray) -> np.ndarray | None:
        return None

    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        value, low, high = map(float, prediction)
        return Answer(value, interval=(low, high))

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        names = (self.name, f"{self.name}.low", f"{self.name}.high")
        return dict(zip(names, prediction.T))


@dataclass(frozen=True)
class Count(ValueTask):
    """Predict a count: how many there are.

    Predictions are (N, 1), above 0: the expected count, exp(logit) times the mean count of
    training. The loss is half the Poisson deviance, y log(y / p) - y + p; its gradient by the
    logit is p - y. For counts whose variance grows with their mean; not for ratings, which are
    `Ordinal`.

    Parameters
    ----------
    name : str
        Name of the task and of its table column. A cell holds a whole number, 0 or more; the
        label is float32, shape (N,), and NaN where it is missing.
    weight : float
        What the loss is multiplied by.
    mean : float, optional
        What predictions begin at; by default the mean of the training labels.

    Examples
    --------
    >>> people = Count("people", mean=4.0)
    >>> people.encode({"people": "3"}), people.activate(np, np.zeros((1, 1)))
    (array([3.], dtype=float32), array([[4.]]))
    """

    mean: float | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mean is not None:
            check_number(self.name, "mean", self.mean, low=float(np.finfo(np.float32).tiny))

    @property
    def units(self) -> tuple[float, float]:
        return 0.0, self.mean or 1.0

    def learned(self, counts: Mapping[str, Any]) -> Count:
        if self.mean is not None or not counts.get("mean"):
            return self
        return replace(self, mean=in_float32(counts["mean"]))

    def encode_cell(self, cell: Any, column: str) -> float:
        value = super().encode_cell(cell, column)
        if value < 0 or value != math.floor(value):
            raise self._refuse(cell, column, "a whole number, 0 or more")
        return value

    def valid(self, label: np.ndarray) -> np.ndarray:
        legal: np.ndarray = super().valid(label) & ~(label < 0)
        return legal

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        return F.exp(F.clip(logits, -LARGEST, LARGEST), **name) * (self.mean or 1.0)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        z = F.clip(logits, -LARGEST, LARGEST) + math.log(self.mean or 1.0)
        return F.exp(z) - label * z + label * F.log(F.maximum(label, 1.0)) - label

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return (self.activate(F, logits) - label) * (F.abs(logits) <= LARGEST)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        p = np.maximum(prediction, np.finfo(np.float32).tiny)
        return p - label * np.log(p) + label * np.log(np.maximum(label, 1.0)) - label
