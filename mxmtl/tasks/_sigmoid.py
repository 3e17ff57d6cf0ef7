"""Independent 0/1 cells, one sigmoid each: `Binary`, `Multilabel`, and what they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from ..losses import MissingAs, cross_entropy, shifted
from ._checks import check_number, checked_names, checked_offsets, per_name, word_value
from ._kind import CELLS, Kind, log
from ._operators import complement, real
from ._task import Answer, Levels, Task

PADDING = -2.0  # in rows that only fill a batch, where a missing label is taken for something
PLACE = "{label}"  # in the pattern of columns: where the label's name stands


@dataclass(frozen=True)
class SigmoidTask(Task, ABC):
    """Abstract: one logit a cell, cross-entropy of each cell by itself."""

    missing_as: MissingAs | None = field(default=None, kw_only=True)
    offsets: Sequence[float] | None = field(default=None, kw_only=True, compare=False)

    kind: ClassVar[Kind] = CELLS
    loss_form: ClassVar[str] = "cells"
    threshold: ClassVar[float] = 0.5  # until others are tuned

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.missing_as is not None:
            where = f"task {self.name!r}"
            object.__setattr__(self, "missing_as", MissingAs.of(self.missing_as, where))

    def check(self) -> None:
        offsets = checked_offsets(self.name, self.offsets, self.num_outputs)
        object.__setattr__(self, "offsets", offsets)
        super().check()
        if self.missing_as is not None:
            names, where = self.names or self.columns, f"task {self.name!r}"
            object.__setattr__(self, "missing_as", self.missing_as.named(names, where))

    @property
    @abstractmethod
    def pos_weights(self) -> tuple[float, ...] | None:
        """Weight of a positive cell of each column, or None where all weigh 1."""

    @property
    @abstractmethod
    def label_smoothing(self) -> float:
        """How far targets are drawn from 0 and 1 towards a half."""

    @property
    def num_outputs(self) -> int:
        return self.label_width

    def encode_cell(self, cell: Any, column: str) -> float:
        value = word_value(cell)
        if value is not None:
            return value
        raise self._refuse(cell, column, "0 or 1 (or no / yes, false / true)")

    def decode_cell(self, value: float) -> str:
        return str(int(value))

    def smoothed(self, share: float) -> SigmoidTask:
        return replace(self, label_smoothing=self.label_smoothing or share)  # type: ignore[call-arg]

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        z = logits if self.offsets is None else shifted(F, logits, self.offsets)
        return F.sigmoid(z, **name)

    @property
    def has_output_op(self) -> bool:
        return super().has_output_op and self.offsets is None  # MXNet's operator knows none

    @property
    def masks_missing(self) -> bool:
        return self.missing_as is None

    @property
    def has_negative_loss(self) -> bool:
        return self.missing_as is not None and self.missing_as.is_negative

    @property
    def trains_by_op(self) -> bool:
        return super().trains_by_op and self.masks_missing

    @property
    def epoch_name(self) -> str | None:
        by_epoch = self.missing_as is not None and self.missing_as.by_epoch
        return f"{self.name}_epoch" if by_epoch else None

    @property
    def padding(self) -> float:
        # A row that only fills a batch is told from one of which nothing is known.
        fills = self.missing_as is not None and self.missing_as.fills
        return PADDING if fills else self.missing

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return self._of_costs(cross_entropy(F, logits), label)

    def declared_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return self._of_costs(self._costs(F, logits), label)

    def _costs(self, F: Any, logits: Any) -> tuple[Any, Any]:
        """Return what a yes costs, and a no, by the loss that is trained."""
        return cross_entropy(F, logits) if self.loss is None else self.loss.cells(F, logits)

    def _of_costs(self, costs: tuple[Any, Any], label: Any) -> Any:
        target = self._target(label)
        return target * costs[0] + (1.0 - target) * costs[1]

    def training_cells(
        self, F: Any, logits: Any, label: Any, known: Any, epoch: Any = None
    ) -> tuple[Any, Any]:
        mode = self.missing_as
        if mode is None:
            return super().training_cells(F, logits, label, known, epoch)
        costs = self._costs(F, logits)
        loss = self._of_costs(costs, F.where(known, label, F.zeros_like(label)))
        weight = mode.row_weight(F, known)
        loss = loss if weight is None else F.broadcast_mul(loss, weight)
        if not mode.fills:
            return loss, known
        missing = self.fillable(F, label, known)
        number = None if epoch is None else F.reshape(F.BlockGrad(epoch), shape=(1, 1))
        filled = mode.cost(F, logits, missing, costs, number)
        return F.where(known, loss, filled), known + missing

    def fillable(self, F: Any, label: Any, known: Any) -> Any:
        """Tell which missing cells ``missing_as`` is for: those of rows that were looked at.

        Of a task with one cell these are all but padding; of several, those of rows of which
        something is known.
        """
        missing = label == self.missing
        if self.label_width == 1:
            return missing
        return F.broadcast_mul(missing, F.max(known, axis=1, keepdims=True))

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        return F.sigmoid(logits) - self._target(label)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        target = self._target(label)
        loss = -target * log(prediction) - (1.0 - target) * np.log(complement(prediction))
        weights = self.pos_weights
        return loss if weights is None else loss * (1.0 + label * (np.asarray(weights) - 1.0))

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        return F.LogisticRegressionOutput(logits, self._target(label), **options)

    def cell_weight(self, F: Any, label: Any) -> Any | None:
        weights = self.pos_weights
        if weights is None:
            return None
        if len(set(weights)) == 1:  # one operation, not one a label
            return 1.0 + label * (weights[0] - 1.0)
        columns = [
            1.0 + F.slice_axis(label, axis=1, begin=i, end=i + 1) * (weight - 1.0)
            for i, weight in enumerate(weights)
        ]
        return F.concat(*columns, dim=1)

    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        names = self.names or (self.name,)
        above = self.above(prediction, threshold)
        levels = [self.threshold] * len(names) if threshold is None else threshold
        return Answer(
            tuple(name for name, holds in zip(names, above) if holds)
            if self.names
            else bool(above[0]),
            dict(zip(names, prediction.tolist())),
            dict(zip(names, map(float, levels))),
        )

    def above(self, prediction: np.ndarray, threshold: Levels = None) -> np.ndarray:
        """Tell which cells hold, (..., num_outputs): those above their threshold, as metrics do."""
        level = self.threshold if threshold is None else threshold
        numbers = real(prediction)
        holds: np.ndarray = numbers > np.asarray(level, numbers.dtype)
        return holds

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        table: dict[str, np.ndarray] = {}
        above = self.above(prediction, threshold)
        for column, holds, probability in zip(self.columns, above.T, prediction.T):
            table[column] = holds.astype(int)
            beside = f"{column}.probability"
            while beside in self.columns:  # a label is called so
                beside += "_"
            table[beside] = probability
        return table

    def softened(self, wanted: np.ndarray) -> np.ndarray:
        softened: np.ndarray = self._target(wanted)
        return softened

    def _target(self, label: Any) -> Any:
        if not self.label_smoothing:
            return label
        return label * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing


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
    label_smoothing, loss, missing_as, offsets
        As those of `Multilabel`.

    Examples
    --------
    >>> outdoors = Binary("outdoors")
    >>> outdoors.encode({"outdoors": "yes"}), outdoors.encode({"outdoors": ""})
    (array([1.], dtype=float32), array([-1.], dtype=float32))
    """

    weight: float = 1.0
    pos_weight: float | None = None
    label_smoothing: float = 0.0

    default_metrics: ClassVar[tuple[str, ...]] = (
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
    def pos_weights(self) -> tuple[float, ...] | None:
        return None if self.pos_weight is None else (self.pos_weight,)


@dataclass(frozen=True)
class Multilabel(SigmoidTask):
    """Predict which of several labels hold; each cell may be missing by itself.

    Parameters
    ----------
    name : str
        Name of the task. Its table columns are ``<name>.<label>``.
    column : str, optional
        The columns by another pattern, such as ``"{label}"`` where headers are the labels, or
        the column that lists the labels which hold.
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
    loss : Loss, optional
        One of `mxmtl.losses`, instead of the cross-entropy.
    missing_as : MissingAs, optional
        What a missing label is taken for in training, one of `mxmtl.losses`; by default it is
        left out.
    offsets : sequence of float, optional
        One for each cell: what is added to logits to predict; see `adjusted`.

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
    pos_weight: Sequence[float] | None = None
    label_smoothing: float = 0.0

    default_metrics: ClassVar[tuple[str, ...]] = (
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
    def names(self) -> tuple[str, ...]:
        return tuple(self.labels)

    @property
    def num_labels(self) -> int:
        """Number of labels."""
        return len(self.labels)

    @property
    def label_width(self) -> int:
        return self.num_labels  # without making the names of the columns

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(f"{self.name}.{label}" for label in self.labels)

    @property
    def sources(self) -> tuple[str, ...]:
        pattern = self.column or self.name
        pattern = pattern if PLACE in pattern else f"{pattern}.{PLACE}"
        return tuple(pattern.replace(PLACE, label) for label in self.labels)

    def label_shape(self, batch_size: int) -> tuple[int, ...]:
        return (batch_size, self.num_labels)

    @property
    def pos_weights(self) -> tuple[float, ...] | None:
        return None if self.pos_weight is None else tuple(self.pos_weight)
