"""A real number: a linear head."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ._checks import HELD, altered
from ._kind import VALUE, Kind
from ._task import Answer, LabelError, Levels, Task


@dataclass(frozen=True)
class Regression(Task):
    """Predict a real number. A missing label is NaN, because -1 may be a value.

    Parameters
    ----------
    name : str
        Name of the task and of its table column. A cell holds a finite number; the label is
        float32, shape (N,). Decimals are rounded to it; a whole number that it does not hold
        (from 2**24 on) is refused, and so is one so small that it would become 0.
    weight : float
        What the loss is multiplied by. The loss of a row is (prediction - label)^2 / 2, as
        ``LinearRegressionOutput`` has it; large units want a small weight.

    Examples
    --------
    >>> age = Regression("age", weight=0.1)
    >>> age.encode({"age": "3.5"}), age.encode({"age": None})
    (array([3.5], dtype=float32), array([nan], dtype=float32))
    """

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
            raise self._refuse(cell, column, "a finite number")
        trouble = altered(cell, value)
        if trouble:
            raise LabelError(f"task {self.name!r}: {trouble}")
        return value

    def decode_cell(self, value: float) -> str:
        # The shortest text that reads back as the same float32: bit for bit. Of a large whole
        # number that would be another one (123456790.0 for 123456792), so it is told in full.
        return str(np.float32(value)) if abs(value) < HELD else repr(value)

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        return F.identity(logits, **name)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return 0.5 * F.square(logits - label)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        return 0.5 * np.square(prediction - label)

    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        return Answer(float(prediction[0]))

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        return {self.name: prediction[:, 0]}

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        return F.LinearRegressionOutput(logits, label, **options)
