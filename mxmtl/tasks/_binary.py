"""Yes or no: one sigmoid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional, Tuple

from ._options import check_number
from ._sigmoid import SigmoidTask


@dataclass(frozen=True)
class Binary(SigmoidTask):
    """Predict whether something holds.

    Parameters
    ----------
    name : str
        Name of the task and of its table column. A cell holds 0 or 1 (or no / yes,
        false / true); the label is float32, shape (N,).
    weight : float
        What the loss is multiplied by.
    pos_weight : float, optional
        What the loss of a row labelled 1 is multiplied by.
    label_smoothing : float
        ``a`` in [0, 1): targets become a / 2 and 1 - a / 2.

    Examples
    --------
    >>> outdoors = Binary("outdoors")
    >>> outdoors.encode({"outdoors": "yes"}), outdoors.encode({"outdoors": ""})
    (array([1.], dtype=float32), array([-1.], dtype=float32))
    """

    weight: float = 1.0
    pos_weight: Optional[float] = None
    label_smoothing: float = 0.0

    default_metrics: ClassVar[Tuple[str, ...]] = (
        "num_labels",
        "baseline_accuracy",
        "accuracy",
        "f1",
        "auroc",
        "task_loss",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_number(self.name, "label_smoothing", self.label_smoothing, low=0.0, high=0.999)
        if self.pos_weight is not None:
            check_number(self.name, "pos_weight", self.pos_weight, low=0.0)

    @property
    def pos_weights(self) -> Optional[Tuple[float, ...]]:
        return None if self.pos_weight is None else (self.pos_weight,)
