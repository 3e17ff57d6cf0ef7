"""A real number: a linear head, whose labels are standardised inside.

A squared error is measured in squared units: a price of 3 to 61 weighs a thousand times as much as
one of 0 to 1, takes the trunk from the other tasks, and tells nobody. So the head learns standard
units, (label - center) / scale, in which a constant answer costs a half; what it predicts is turned
back, in the same graph, so that whoever reads predictions never sees them.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ._checks import HELD, altered, check_number
from ._kind import VALUE, Kind
from ._task import Answer, LabelError, Levels, Task


@dataclass(frozen=True)
class ValueTask(Task, ABC):
    """Abstract: a real number, in one column. A missing label is NaN, because -1 may be a value."""

    weight: float = 1.0

    kind: ClassVar[Kind] = VALUE
    missing: ClassVar[float] = math.nan
    default_metrics: ClassVar[tuple[str, ...]] = (
        "num_labels",
        "baseline_rmse",
        "mae",
        "rmse",
        "r2_score",
        "task_loss",
    )

    @property
    def num_outputs(self) -> int:
        return 1

    def encode_cell(self, cell: Any, column: str) -> float:
        try:
            with np.errstate(over="ignore"):  # becomes infinity, which is refused below
                value = float(np.float32(cell))
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            as_people_write_it = math.isnan(value) and any(map(str.isdigit, str(cell)))
            hint = " (as 1200, 3.5 or 45, not 1,200 or 3,5 or 45%)" if as_people_write_it else ""
            raise self._refuse(cell, column, "a finite number" + hint)
        trouble = altered(cell, value)
        if trouble:
            raise LabelError(f"task {self.name!r}: {trouble}")
        return value

    def decode_cell(self, value: float) -> str:
        # The shortest text that reads back as the same float32: bit for bit. Of a large whole
        # number that would be another one (123456790.0 for 123456792), so it is told in full.
        return str(np.float32(value)) if abs(value) < HELD else repr(value)

    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        return Answer(float(prediction[0]))

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        return {self.name: prediction[:, 0]}


@dataclass(frozen=True)
class Regression(ValueTask):
    """Predict a real number. A missing label is NaN, because -1 may be a value.

    Parameters
    ----------
    name : str
        Name of the task and of its table column. A cell holds a finite number; the label is
        float32, shape (N,). Decimals are rounded to it; a whole number that it does not hold
        (from 2**24 on) is refused, and so is one so small that it would become 0.
    weight : float
        What the loss is multiplied by. The loss of a row is ((prediction - label) / scale)^2 / 2,
        whatever the unit of the labels.
    center, scale : float, optional
        Predictions are center + scale * logits. What is None is taken from the training labels,
        their mean and standard deviation, where records are written or training begins
        (`learned`); while nothing is known, center is 0 and scale 1. Two tasks that differ in
        these alone are equal, because their labels mean the same.
    loss : Loss, optional
        One of `mxmtl.losses`, instead of the squared error; it sees standard units.

    Examples
    --------
    >>> age = Regression("age")
    >>> age.encode({"age": "3.5"}), age.encode({"age": None})
    (array([3.5], dtype=float32), array([nan], dtype=float32))
    >>> given = Regression("age", center=40, scale=10)
    >>> given.prediction_loss(np.array([60.0]), np.array([[40.0]]))  # two standard units off
    array([[2.]])
    """

    center: float | None = field(default=None, compare=False)
    scale: float | None = field(default=None, compare=False)

    loss_form: ClassVar[str] = "values"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.center is not None:
            check_number(self.name, "center", self.center, low=-math.inf)
        if self.scale is not None:
            check_number(self.name, "scale", self.scale, low=float(np.finfo(np.float32).tiny))

    @property
    def units(self) -> tuple[float, float]:
        """Center and scale as they are used: 0 and 1 where they are not known."""
        center = 0.0 if self.center is None else float(self.center)
        return center, 1.0 if self.scale is None else float(self.scale)

    def standard(self, label: Any) -> Any:
        """Return labels (NDArray, Symbol or ndarray) in standard units."""
        center, scale = self.units
        return label if (center, scale) == (0.0, 1.0) else (label - center) / scale

    def learned(self, counts: Mapping[str, Any]) -> Regression:
        """Return the task with the mean and the standard deviation of these labels.

        Labels that are all the same have no spread, and take their own size for it.

        >>> Regression("age").learned({"min": 3.0, "max": 5.0, "mean": 4.0, "std": 1.0}).units
        (4.0, 1.0)
        """
        if "mean" not in counts or None not in (self.center, self.scale):
            return self
        center = self.center if self.center is not None else in_float32(counts["mean"])
        spread = in_float32(counts["std"]) if counts["min"] < counts["max"] else 0.0
        scale = self.scale if self.scale is not None else spread or abs(center) or 1.0
        return replace(self, center=center, scale=scale)

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        center, scale = self.units
        values = logits if (center, scale) == (0.0, 1.0) else logits * scale + center
        return F.identity(values, **name)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return 0.5 * F.square(logits - self.standard(label))

    def declared_loss(self, F: Any, logits: Any, label: Any) -> Any:
        assert self.loss is not None
        return self.loss.values(F, logits, self.standard(label))

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return logits - self.standard(label)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return 0.5 * np.square((prediction - label) / self.units[1])

    @property
    def has_output_op(self) -> bool:
        # MXNet's operator knows one unit, that of the labels.
        return super().has_output_op and self.units == (0.0, 1.0)

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        return F.LinearRegressionOutput(logits, label, **options)


def in_float32(value: float) -> float:
    """Return the shortest decimal that float32 stores as it stores the value, in its range."""
    limits = np.finfo(np.float32)
    magnitude = min(max(abs(float(value)), float(limits.tiny)), float(limits.max))
    return math.copysign(float(str(np.float32(magnitude))), value) if value else 0.0
