"""What is trained: masking, weighting, activation, loss and gradient, the same for all tasks.

A missing label must cost exactly nothing, whatever stands behind it: so labels that are missing
are replaced before any formula, and what the formula makes of them is selected away, never
multiplied by 0. Where MXNet has an output operator with the gradient of the loss, that is taken;
for every other loss the prediction is passed on with a gradient of the loss's own beside it. Both
ways a stock ``Module.fit`` trains it, and predictions do not depend on how they were trained.
"""

from __future__ import annotations

import abc
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..losses import Loss, counted, log_odds
from ._kind import Kind
from ._operators import NumpyOperators, gate, scale_gradient

GRADIENTS = ("cell_loss", "cell_gradient")  # the second is that of the first


class Objective(abc.ABC):
    """Abstract: the part of `Task` that turns logits and labels into predictions and losses."""

    kind: ClassVar[Kind]
    missing: ClassVar[float]

    if TYPE_CHECKING:  # what a task has

        @property
        def name(self) -> str: ...
        @property
        def loss(self) -> Loss | None: ...
        @property
        def epoch_name(self) -> str | None: ...
        @property
        def weight(self) -> float: ...
        @property
        def label_width(self) -> int: ...
        @property
        def num_outputs(self) -> int: ...
        @property
        def num_logits(self) -> int: ...
        def label_shape(self, batch_size: int) -> tuple[int, ...]: ...

    def labelled(self, label: Any) -> Any:
        """Tell which entries of a label are known (NDArray, Symbol or ndarray; same shape)."""
        return label == label if math.isnan(self.missing) else label >= 0

    @abc.abstractmethod
    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        """Turn logits (N, num_logits) into predictions (N, num_outputs).

        ``F`` is ``mx.sym``, ``mx.nd`` or `NumpyOperators`, which has the same names.
        """

    @abc.abstractmethod
    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        """Loss of each cell, from known labels: shape (N, label_width). No mask, no weight."""

    @abc.abstractmethod
    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """`cell_loss` times `cell_weight` in NumPy, from predictions instead of logits.

        Label (N, label_width) and prediction (N, num_outputs) are float64, and so is the
        result, (N, label_width).
        """

    @property
    def has_output_op(self) -> bool:
        """Whether `output_op` has the gradient of `cell_loss`, as this task is declared."""
        return type(self).output_op is not Objective.output_op

    @property
    def trains_by_op(self) -> bool:
        """Whether training takes the gradient of `output_op`: no other loss was declared."""
        return self.has_output_op and self.loss is None

    @property
    def masks_missing(self) -> bool:
        """Whether a missing label costs nothing in training, as without ``missing_as``."""
        return True

    @property
    def has_negative_loss(self) -> bool:
        """Whether what it costs can be below 0, which some ways of balancing cannot weigh."""
        return False

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        """Apply the MXNet output operator whose gradient is that of `cell_loss`, if there is one.

        Where there is none (`has_output_op`), `training_output` takes the gradient from
        `cell_loss` itself.
        """
        return None

    def cell_weight(self, F: Any, label: Any) -> Any | None:
        """Weight of each cell, (N, label_width), or None where every cell weighs 1."""
        return None

    def learned(self, counts: Mapping[str, Any]) -> Any:
        """Return the task with what it left open and takes from the training labels.

        ``counts`` are those of the kind's `Kind.counter`, as manifests have them. Most tasks leave
        nothing open, and return themselves; a loss may leave open how often each class holds.
        """
        loss = counted(self.loss, list(self.kind.frequencies(counts).values()))
        return self if loss is self.loss else replace(self, loss=loss)  # type: ignore[type-var]

    def adjusted(self, counts: Mapping[str, Any], tau: float) -> Any:
        """Return the task whose predictions are those of balanced data: logit adjustment.

        ``counts`` are how often each class holds in training, or (no, yes) of each label, by
        name; tau times its log-share is taken off a class's logit, tau times the log of yes / no
        off a label's. Tau 0 is none. A task that has no ``offsets`` returns itself.
        """
        if not hasattr(self, "offsets"):
            return self
        offsets = -tau * log_odds(list(counts.values())) if tau else None
        return replace(self, offsets=offsets)  # type: ignore[type-var]

    def smoothed(self, share: float) -> Any:
        """Return the task with this ``label_smoothing``; itself if it has one, or can have none."""
        return self

    def cells(self, F: Any, label: Any) -> Any:
        """Give a label of `label_shape` the shape of the logits, which output operators want."""
        return label if len(self.label_shape(0)) == 2 else F.reshape(label, shape=(-1, 1))

    def declared_loss(self, F: Any, logits: Any, label: Any) -> Any:
        """`cell_loss` by the `Loss` that was declared: shape (N, label_width)."""
        raise NotImplementedError(f"{type(self).__name__} has no loss_form.")

    def training_cells(
        self, F: Any, logits: Any, label: Any, known: Any, epoch: Any = None
    ) -> tuple[Any, Any]:
        """Return what cells cost in training, and which of them count: twice (N, label_width).

        ``label`` is 0 where ``known`` is. The loss where a cell does not count is left out.
        """
        clean = F.where(known, label, F.zeros_like(label))
        loss = self.cell_loss if self.loss is None else self.declared_loss
        return loss(F, logits, clean), known

    def row_loss(
        self, F: Any, logits: Any, label: Any, normalization: str = "batch", epoch: Any = None
    ) -> Any:
        """Weighted loss of each row, shape (N,): 0 where nothing is labelled.

        A row's loss is the sum over its labelled cells divided by ``label_width``. With
        ``normalization="valid"`` it is divided by the labelled share of the batch as well, so
        that the mean over the batch is the mean over labelled cells. ``epoch``, shape (1,), is
        the number of finished epochs, where there is an `epoch_name`.
        """
        label = F.reshape(label, shape=(-1, self.label_width))
        known = self.labelled(label)
        # Unknown labels are replaced before the formula: 0 * NaN would poison the gradient.
        loss, counted = self.training_cells(F, logits, label, known, epoch)
        clean = F.where(known, label, F.zeros_like(label))
        scale = self._scale(F, clean, counted, normalization)
        loss = loss if scale is None else F.broadcast_mul(loss, scale)
        loss = F.where(counted, loss, F.zeros_like(loss))
        return F.mean(loss, axis=1) * self.weight

    def training_output(
        self,
        F: Any,
        logits: Any,
        label: Any,
        normalization: str = "batch",
        epoch: Any = None,
        **name: str,
    ) -> Any:
        """Predictions (N, num_outputs) whose gradient is that of the sum of `row_loss`.

        With an `output_op` it is MXNet's own operator; labels that are missing are gated off
        before it, weights are applied to the gradient alone, and the forward pass is untouched.
        Without one, and with a declared loss, the prediction is passed on as it is and the
        gradient is that of `row_loss`, which must then be finite.
        """
        if not self.trains_by_op:
            loss = self.row_loss(F, logits, label, normalization, epoch)
            loss = F.reshape(loss, shape=(-1, 1))
            # The bracket is a - a, so exactly 0, and each column gives its part of the gradient.
            nothing = (loss - F.BlockGrad(loss)) / self.num_outputs
            prediction = F.BlockGrad(self.activate(F, logits))
            return F.MakeLoss(_in_rows(F, F.broadcast_add(prediction, nothing)), **name)
        label = self.cells(F, label)
        known = self.labelled(label)
        scale = self._scale(F, label, known, normalization)
        if scale is not None:
            logits = scale_gradient(F, logits, scale)
        return self.output_op(F, gate(F, logits, known), label, grad_scale=self.weight, **name)

    def prediction_output(self, F: Any, logits: Any, **name: str) -> Any:
        """Predictions (N, num_outputs): what `training_output` gives, without a label."""
        if not self.has_output_op:
            return _in_rows(F, self.activate(F, logits), **name)
        return self.activate(F, logits, **name)

    def prediction_loss(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Loss of each cell from predictions: float64 (N, label_width), 0 where missing.

        For measuring (`mxmtl.metrics.TaskLoss`), where only predictions are at hand. The task
        weight is left out: it says how much a task counts, not how well it does.
        """
        label = np.asarray(label, dtype=np.float64).reshape(-1, self.label_width)
        prediction = np.asarray(prediction, dtype=np.float64).reshape(-1, self.num_outputs)
        known = self.labelled(label)
        loss = self.cell_loss_of_prediction(np.where(known, label, 0.0), prediction)
        return np.where(known, loss, 0.0)

    def cell_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        """Gradient of `cell_loss` at the logits, from known labels: (N, num_logits).

        For balancing by gradients (`mxmtl.balance`), which needs it as an expression. Whoever
        writes another `cell_loss` writes this as well, or its tasks cannot be balanced so.
        """
        raise NotImplementedError

    def logit_gradient(self, F: Any, logits: Any, label: Any) -> Any:
        """Gradient of the sum of `row_loss`, with "valid" normalization, at the logits.

        Shape (N, num_logits); exactly 0 where nothing is labelled. Raises `TypeError` if the task
        does not say what the gradient of its loss is.
        """
        order = type(self).__mro__
        loss, gradient = (next(i for i, c in enumerate(order) if n in vars(c)) for n in GRADIENTS)
        declared = self.loss is not None or self.epoch_name or not self.masks_missing
        if order[gradient] is Objective or loss < gradient or declared:
            raise TypeError(
                f"task {self.name!r}: what the gradient of its loss is stands nowhere, which "
                "balancing by gradients needs. A plain loss has it, and so has a task that says "
                "(cell_gradient); methods that use losses alone need none, such as 'uncertainty'."
            )
        label = F.reshape(label, shape=(-1, self.label_width))
        known = self.labelled(label)
        label = F.where(known, label, F.zeros_like(label))
        found = self.cell_gradient(F, logits, label) * (self.weight / self.label_width)
        found = F.broadcast_mul(found, self._scale(F, label, known, "valid"))
        return F.where(F.broadcast_mul(known, F.ones_like(found)), found, F.zeros_like(found))

    def constant(self, label: np.ndarray) -> np.ndarray:
        """Return the prediction (num_outputs,) that, given to all rows, costs these labels least.

        It is what a network that has learned nothing can say: the shares of the classes, of a yes,
        or the mean, weighted as the loss is. nan where no label is known.
        """
        label = np.asarray(label, dtype=np.float64).reshape(-1, self.label_width)
        rows: Any = 1.0
        if self.label_width == 1:  # not a row of all classes for each picture
            label, rows = np.unique(label[self.labelled(label)], return_counts=True)
            label, rows = label[:, np.newaxis], rows[:, np.newaxis]
        weight = self.cell_weight(NumpyOperators(), label)
        wanted = self.softened(self.kind.as_prediction(self, label))
        return self.kind.constant(wanted, 1.0 if weight is None else weight, rows)

    def logits_of(self, prediction: np.ndarray) -> np.ndarray | None:
        """Return logits (num_logits,) that become this prediction (num_outputs,), where known.

        What turns a softmax, a sigmoid or a linear answer back is tried on the task itself.
        """
        F, width = NumpyOperators(), self.num_logits
        if width != self.num_outputs or not np.isfinite(prediction).all():
            return None
        zero, one = (np.ravel(self.activate(F, np.full((1, width), x))) for x in (0.0, 1.0))
        with np.errstate(all="ignore"):
            logs = np.log(prediction)
            odds, line = logs - np.log(1 - prediction), (prediction - zero) / (one - zero)
            for logits in (logs - logs.mean(), odds, line):
                back = np.ravel(self.activate(F, logits[np.newaxis]))
                if np.allclose(back, prediction, rtol=1e-5, atol=1e-8):
                    return logits
        return None

    def softened(self, wanted: np.ndarray) -> np.ndarray:
        """Return what labels want predicted, with label smoothing."""
        return wanted

    def _scale(self, F: Any, label: Any, known: Any, normalization: str) -> Any | None:
        # (N, label_width) or (1, 1): what multiplies the loss of a cell, beside the task weight.
        scale = self.cell_weight(F, F.reshape(label, shape=(-1, self.label_width)))
        if normalization == "batch":
            return scale
        share = F.mean(known)
        per_label = F.reshape(1.0 / F.maximum(share, 1e-12), shape=(1, 1))
        return per_label if scale is None else F.broadcast_mul(scale, per_label)


def _in_rows(F: Any, array: Any, **name: str) -> Any:
    # oneDNN may leave what it makes (a concat, a sum) in a layout of its own, and MXNet then fails
    # to cut rows off it, as Module.predict does. This operator, which oneDNN has not, copies.
    return F.slice_axis(array, axis=1, begin=0, end=None, **name)
