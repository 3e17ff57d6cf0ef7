"""An angle, or an hour of the day: a number that begins again after a full turn.

359 degrees and 1 are near to each other, which no linear head can say: so the head points. It has
two logits, the direction is what is predicted, and how far it points does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ._checks import check_number
from ._regression import ValueTask
from ._task import Task

SHORT = 1e-6  # square of a length that is none: there, no way is better than another


@dataclass(frozen=True)
class Angle(ValueTask):
    """Predict a number that begins again after a ``period``, such as a direction or an hour.

    Predictions are (N, 1), from 0 up to the period. The loss of a row is 1 - cos(error), with the
    period as a full turn; the error that metrics measure (`MAE`, `RMSE`) is the shorter way round,
    half a period at most; correlations are those of the numbers, and say little. Not for angles of
    a small range, which `Regression` knows better.

    Parameters
    ----------
    name : str
        Name of the task and of its table column. A cell holds a finite number, of any turn; the
        label is float32, shape (N,), and NaN where it is missing.
    weight : float
        What the loss is multiplied by.
    period : float
        What a full turn is: 360 by default, 24 of hours, 180 of lines without a direction.

    Examples
    --------
    >>> import mxmtl
    >>> heading = Angle("heading")
    >>> heading.activate(mxmtl.tasks.NumpyOperators(), np.array([[1.0, -1.0]])).round(3)
    array([[315.]])
    >>> heading.prediction_loss(np.array([-5.0]), np.array([[355.0]])).round(6)
    array([[0.]])
    >>> heading.nearest(np.array([[1.0]]), np.array([[359.0]]))
    array([[-1.]])
    """

    period: float = field(default=360.0, kw_only=True)

    default_metrics: ClassVar[tuple[str, ...]] = ("num_labels", "mae", "rmse", "task_loss")
    output_op = Task.output_op

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "period", self.period, low=float(np.finfo(np.float32).tiny))

    @property
    def num_logits(self) -> int:
        return 2

    @property
    def _turn(self) -> float:
        return 2 * math.pi / self.period

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        x, y = (F.slice_axis(logits, axis=1, begin=k, end=k + 1) for k in (0, 1))
        length = F.sqrt(F.square(x) + F.square(y) + 1e-30)
        # MXNet has no arctan2. From the nearer end of the x axis, by half the angle, it is exact.
        bent = 2.0 * F.arctan(F.abs(y) / (length + F.abs(x)))
        behind, below = F.relu(-F.sign(x)), F.relu(-F.sign(y))
        upper = bent + behind * (math.pi - 2.0 * bent)
        return (upper + below * (2 * math.pi - 2.0 * upper)) / self._turn

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return 1.0 - self._along(F, logits, label)[0]

    def _along(self, F: Any, logits: Any, label: Any) -> tuple[Any, Any, Any]:
        """Return the cosine of the error, the label's direction (N, 2) and the length (N, 1)."""
        wanted = F.concat(F.cos(label * self._turn), F.sin(label * self._turn), dim=1)
        length = F.sqrt(F.sum(F.square(logits), axis=1, keepdims=True) + SHORT)
        return F.sum(logits * wanted, axis=1, keepdims=True) / length, wanted, length

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        along, wanted, length = self._along(F, logits, label)
        return F.broadcast_div(
            F.broadcast_mul(F.broadcast_div(logits, length), along) - wanted, length
        )

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return 1.0 - np.cos((prediction - label) * self._turn)

    def nearest(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return prediction + self.period * np.round((label - prediction) / self.period)

    def constant(self, label: np.ndarray) -> np.ndarray:
        values = np.asarray(label, np.float64).ravel() * self._turn
        values = values[~np.isnan(values)]
        if not len(values):
            return np.full(1, np.nan)
        mean = math.atan2(np.sin(values).mean(), np.cos(values).mean())
        return np.array([mean / self._turn % self.period])

    def logits_of(self, prediction: np.ndarray) -> np.ndarray | None:
        angle = prediction[0] * self._turn
        return np.array([math.cos(angle), math.sin(angle)])
