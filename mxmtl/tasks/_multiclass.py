"""One class out of several: `Multiclass`, and what all tasks of classes share."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .._options import one_of
from ..losses import log_softmax, shifted
from ._checks import (
    check_number,
    checked_names,
    checked_offsets,
    is_missing_cell,
    per_name,
    spellings,
    word_value,
)
from ._kind import CLASS, Kind, log
from ._task import Answer, LabelError, Levels, Task

PLACE = "{class}"  # in a pattern of columns: where the name of the class stands


@dataclass(frozen=True)
class ClassTask(Task, abc.ABC):
    """Abstract: one of several classes, whatever its loss and the width of its head.

    What is derived from it gives `cell_loss`, from logits, and `cell_loss_of_prediction`, the
    same from class probabilities. The head has one logit a class and a softmax, unless
    ``num_logits`` and ``activate`` say otherwise: whatever they are, a prediction is the
    probability of each class.

    Parameters
    ----------
    name : str
        Name of the task and of its table column.
    classes : sequence of str
        Class names, two or more, in any script. A cell holds one of them; the label is its
        position, float32, shape (N,).
    weight : float
        What the loss is multiplied by.

    Examples
    --------
    A cross-entropy that is bounded, as a type of its own; the gradient follows from it:

    >>> @dataclass(frozen=True)
    ... class Bounded(ClassTask):
    ...     def cell_loss(self, F, logits, label):
    ...         return 1 - F.pick(F.softmax(logits, axis=1), label, axis=1, keepdims=True)
    ...     def cell_loss_of_prediction(self, label, prediction):
    ...         return 1 - np.take_along_axis(prediction, label.astype(int), axis=1)
    >>> size = Bounded("size", classes=["S", "M", "L"])
    >>> size.prediction_loss(np.array([2, -1]), np.array([[0, 0.25, 0.75], [1, 0, 0]]))
    array([[0.25],
           [0.  ]])
    """

    classes: Sequence[str] = ()
    weight: float = 1.0

    kind: ClassVar[Kind] = CLASS
    default_metrics: ClassVar[tuple[str, ...]] = (
        "num_labels",
        "baseline_accuracy",
        "accuracy",
        "balanced_accuracy",
        "f1",
        "task_loss",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        classes = checked_names(self.name, "classes", self.classes, at_least=2)
        object.__setattr__(self, "classes", classes)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.classes)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.classes)}

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def num_outputs(self) -> int:
        return self.num_classes

    @property
    def sources(self) -> tuple[str, ...]:
        if self.column is None or PLACE not in self.column:
            return super().sources
        return tuple(self.column.replace(PLACE, name) for name in self.classes)

    def encode_cells(self, cells: Sequence[Any]) -> tuple[float, ...]:
        if len(cells) == 1:
            return super().encode_cells(cells)
        said = [None if is_missing_cell(cell) else word_value(cell) for cell in cells]
        for cell, value, column in zip(cells, said, self.sources):
            if value is None and not is_missing_cell(cell):
                raise self._refuse(cell, column, "0 or 1 (or no / yes, false / true)")
        held = [index for index, value in enumerate(said) if value]
        if len(held) > 1:
            both = " and ".join(repr(self.classes[index]) for index in held[:2])
            raise LabelError(f"task {self.name!r}: {both} hold; expected one class.")
        return (float(held[0]) if held else self.missing,)

    def encode_cell(self, cell: Any, column: str) -> float:
        for text in spellings(cell):
            if text in self._positions:
                return float(self._positions[text])
        raise self._refuse(cell, column, one_of(str(cell), self.names))

    def decode_cell(self, value: float) -> str:
        return self.names[int(value)]

    def cells(self, F: Any, label: Any) -> Any:
        return label

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        return F.softmax(logits, axis=1, **name)

    def answer(self, prediction: np.ndarray, threshold: Levels = None) -> Answer:
        (place,) = self.chosen(prediction[np.newaxis])
        return Answer(self.names[place], dict(zip(self.names, prediction.tolist())))

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> dict[str, np.ndarray]:
        places = self.chosen(prediction)
        return {
            self.name: np.asarray(self.names, dtype=object)[places],
            f"{self.name}.probability": np.take_along_axis(
                prediction, places[:, np.newaxis], axis=1
            )[:, 0],
        }


@dataclass(frozen=True)
class Multiclass(ClassTask):
    """Predict one of several exclusive classes.

    Parameters
    ----------
    name : str
        Name of the task and of its table column.
    classes : sequence of str
        Class names, two or more, in any script. A cell holds one of them; the label is its
        position, float32, shape (N,).
    column : str, optional
        Another column, or a pattern such as ``"{class}"`` where each class has a column of 0 and
        1 (one-hot); a row without a 1 is missing.
    weight : float
        What the loss is multiplied by.
    class_weight : sequence or mapping, optional
        One number for each class (or {class: number}, the others 1): what the loss of a row
        labelled with that class is multiplied by.
    label_smoothing : float
        ``a`` in [0, 1): the target is 1 - a for the class and a / (num_classes - 1) for the
        others, as in MXNet's ``SoftmaxOutput(smooth_alpha=a)``.
    loss : Loss, optional
        One of `mxmtl.losses`, instead of the cross-entropy.
    offsets : sequence of float, optional
        One for each class: what is added to logits to predict; see `adjusted`.

    Examples
    --------
    >>> breed = Multiclass("breed", classes=["beagle", "boxer", "pug"])
    >>> breed.encode({"breed": "pug"})
    array([2.], dtype=float32)
    >>> breed.num_outputs, breed.label_shape(64)
    (3, (64,))
    """

    class_weight: Sequence[float] | None = None
    label_smoothing: float = 0.0
    offsets: Sequence[float] | None = field(default=None, kw_only=True, compare=False)

    loss_form: ClassVar[str] = "classes"

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = per_name(self.name, "class_weight", self.class_weight, self.names)
        object.__setattr__(self, "class_weight", weights)
        offsets = checked_offsets(self.name, self.offsets, self.num_outputs)
        object.__setattr__(self, "offsets", offsets)
        check_number(self.name, "label_smoothing", self.label_smoothing, low=0.0, high=0.999)

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        z = logits if self.offsets is None else shifted(F, logits, self.offsets)
        return super().activate(F, z, **name)

    @property
    def has_output_op(self) -> bool:
        return super().has_output_op and self.offsets is None  # MXNet's operator knows none

    def smoothed(self, share: float) -> Multiclass:
        return replace(self, label_smoothing=self.label_smoothing or share)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        return self._of_costs(F, -log_softmax(F, logits), label)

    def declared_loss(self, F: Any, logits: Any, label: Any) -> Any:
        assert self.loss is not None
        return self._of_costs(F, self.loss.classes(F, logits), label)

    def _of_costs(self, F: Any, costs: Any, label: Any) -> Any:
        """Return the loss (N, 1) of what each class costs (N, num_classes), were it the label."""
        gold, others = self._targets()
        loss = F.pick(costs, label, axis=1, keepdims=True) * (gold - others)
        return loss + others * F.sum(costs, axis=1, keepdims=True) if others else loss

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        gold, others = self._targets()
        chosen = F.one_hot(F.reshape(label, shape=(-1,)), depth=self.num_classes)
        return F.softmax(logits, axis=1) - (gold - others) * chosen - others

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        gold, others = self._targets()
        log_p = log(prediction)
        index = label.astype(np.int64)
        loss = -np.take_along_axis(log_p, index, axis=1) * (gold - others)
        loss -= others * log_p.sum(axis=1, keepdims=True)
        return loss if self.class_weight is None else loss * np.asarray(self.class_weight)[index]

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        return F.SoftmaxOutput(
            logits,
            label,
            use_ignore=True,
            ignore_label=self.missing,
            smooth_alpha=self.label_smoothing,
            **options,
        )

    def cell_weight(self, F: Any, label: Any) -> Any | None:
        if self.class_weight is None:
            return None
        # A sum of comparisons, because a symbol holds no constant tensor to look up in.
        return sum((label == index) * weight for index, weight in enumerate(self.class_weight))

    def softened(self, wanted: np.ndarray) -> np.ndarray:
        gold, others = self._targets()
        return wanted * (gold - others) + others

    def _targets(self) -> tuple[float, float]:
        return 1.0 - self.label_smoothing, self.label_smoothing / (self.num_classes - 1)
