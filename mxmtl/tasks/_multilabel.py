"""Any number of labels out of several: one sigmoid each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Optional, Sequence, Tuple

from ._names import checked_names, per_name
from ._options import check_number
from ._sigmoid import SigmoidTask


@dataclass(frozen=True)
class Multilabel(SigmoidTask):
    """Predict which of several labels hold; each cell may be missing by itself.

    Parameters
    ----------
    name : str
        Name of the task. Its table columns are ``<name>.<label>``.
    labels : sequence of str
        Label names, in any script. A cell holds 0 or 1; the label is float32, (N, num_labels).
    weight : float
        What the loss is multiplied by. The loss of a row is the sum over its labelled cells
        divided by num_labels, as ``LogisticRegressionOutput`` has it.
    pos_weight : float, sequence or mapping, optional
        What the loss of a cell labelled 1 is multiplied by: one number for all labels, one
        each, or {label: number}, the others 1.
    label_smoothing : float
        ``a`` in [0, 1): targets become a / 2 and 1 - a / 2.

    Examples
    --------
    >>> toys = Multilabel("toys", labels=["ball", "rope", "bone"])
    >>> toys.columns
    ('toys.ball', 'toys.rope', 'toys.bone')
    >>> toys.encode({"toys.ball": "1", "toys.rope": "", "toys.bone": "0"})
    array([ 1., -1.,  0.], dtype=float32)
    """

    labels: Sequence[str] = ()
    weight: float = 1.0
    pos_weight: Optional[Sequence[float]] = None
    label_smoothing: float = 0.0

    default_metrics: ClassVar[Tuple[str, ...]] = (
        "num_labels",
        "baseline_accuracy",
        "accuracy",
        "f1",
        "average_precision",
        "task_loss",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        labels = checked_names(self.name, "labels", self.labels, at_least=1)
        object.__setattr__(self, "labels", labels)
        weights = per_name(self.name, "pos_weight", self.pos_weight, labels)
        object.__setattr__(self, "pos_weight", weights)
        check_number(self.name, "label_smoothing", self.label_smoothing, low=0.0, high=0.999)

    @property
    def names(self) -> Tuple[str, ...]:
        return tuple(self.labels)

    @property
    def num_labels(self) -> int:
        """Number of labels."""
        return len(self.labels)

    @property
    def label_width(self) -> int:
        return self.num_labels  # without making the names of the columns

    @property
    def columns(self) -> Tuple[str, ...]:
        return tuple(f"{self.name}.{label}" for label in self.labels)

    def label_shape(self, batch_size: int) -> Tuple[int, ...]:
        return (batch_size, self.num_labels)

    @property
    def pos_weights(self) -> Optional[Tuple[float, ...]]:
        return None if self.pos_weight is None else tuple(self.pos_weight)
