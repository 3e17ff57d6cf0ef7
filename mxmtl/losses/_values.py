"""Losses of real values: what an error costs that is far off, or on the wrong side.

They see errors in the scale of training. Where a task standardizes its labels that is one standard
deviation, so that a loss is the same in metres and in feet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ._loss import Loss


@dataclass(frozen=True)
class Huber(Loss):
    """Half the squared error, and from ``delta`` on a straight line: outliers pull no harder.

    For labels with gross errors. Not where large errors are what matters.

    Parameters
    ----------
    delta : float
        Where the line begins, in the scale of training (see the module): 1, as PyTorch has it,
        is one standard deviation of the labels.

    Notes
    -----
    The gradient by the prediction is the error, cut at -delta and delta.

    References
    ----------
    Huber 1964, Robust estimation of a location parameter.
    """

    delta: float = 1.0

    def __post_init__(self) -> None:
        self._check("delta", 1e-6)

    def values(self, F: Any, prediction: Any, label: Any) -> Any:
        error = prediction - label
        inner = F.clip(error, a_min=-self.delta, a_max=self.delta)
        return inner * (error - 0.5 * inner)


@dataclass(frozen=True)
class Pinball(Loss):
    """Level times what a prediction is too low by, 1 - level times what it is too high by.

    What is predicted then is a quantile: the value that this share of the labels lies below.
    With 0.5 half the absolute error, and the median. Not where the mean is asked for: of skewed
    labels the median is another number. For an interval around a value take `mxmtl.Interval`.

    Parameters
    ----------
    level : float
        In (0, 1); 0.5 is the median.

    Notes
    -----
    The gradient by the prediction is 1 - level above the label and -level below.

    References
    ----------
    Koenker and Bassett 1978, Regression quantiles.
    """

    level: float = 0.5

    def __post_init__(self) -> None:
        self._check("level", 1e-6, 1 - 1e-6)

    def values(self, F: Any, prediction: Any, label: Any) -> Any:
        error = prediction - label
        return (1 - self.level) * F.relu(error) + self.level * F.relu(-error)
