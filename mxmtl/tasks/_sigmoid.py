"""What `Binary` and `Multilabel` share: independent 0/1 cells behind a sigmoid."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Dict, Optional, Tuple

import numpy as np

from ._answer import Answer, Levels
from ._cells import spellings
from ._real import complement, real
from ._task import Task

WORDS = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}


@dataclass(frozen=True)
class SigmoidTask(Task):
    """Abstract: one logit a cell, cross-entropy of each cell by itself."""

    kind: ClassVar[str] = "cells"
    threshold: ClassVar[float] = 0.5  # until others are tuned

    @property
    @abstractmethod
    def pos_weights(self) -> Optional[Tuple[float, ...]]:
        """Weight of a positive cell of each column, or None where all weigh 1."""

    @property
    @abstractmethod
    def label_smoothing(self) -> float:
        """How far targets are drawn from 0 and 1 towards a half."""

    @property
    def num_outputs(self) -> int:
        return self.label_width

    def encode_cell(self, cell: Any, column: str) -> float:
        for text in spellings(cell):
            if text.lower() in WORDS:
                return WORDS[text.lower()]
        raise self._refuse(cell, column, "0 or 1 (or no / yes, false / true)")

    def decode_cell(self, value: float) -> str:
        return str(int(value))

    def valid(self, label: np.ndarray) -> np.ndarray:
        return (label == 0) | (label == 1) | (label == self.missing)

    def smoothed(self, share: float) -> "SigmoidTask":
        return replace(self, label_smoothing=self.label_smoothing or share)  # type: ignore[call-arg]

    def activate(self, F: Any, logits: Any, **name: str) -> Any:
        return F.sigmoid(logits, **name)

    def cell_loss(self, F: Any, logits: Any, label: Any) -> Any:
        # In this form each term is exact at both ends, and the gradient is right at 0 as well
        # (relu(z) - z*l + log(1 + exp(-|z|)) has a kink there in automatic differentiation).
        def softplus(x: Any) -> Any:
            return F.Activation(x, act_type="softrelu")

        target = self._target(label)
        return target * softplus(-logits) + (1.0 - target) * softplus(logits)

    def cell_loss_of_prediction(self, label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        target = self._target(label)
        log_p = np.log(np.maximum(prediction, np.finfo(np.float32).tiny))
        loss = -target * log_p - (1.0 - target) * np.log(complement(prediction))
        weights = self.pos_weights
        return loss if weights is None else loss * (1.0 + label * (np.asarray(weights) - 1.0))

    def output_op(self, F: Any, logits: Any, label: Any, **options: Any) -> Any:
        return F.LogisticRegressionOutput(logits, self._target(label), **options)

    def cell_weight(self, F: Any, label: Any) -> Optional[Any]:
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

    def certain(self, label: np.ndarray) -> np.ndarray:
        cells = label.reshape(-1, self.label_width)
        return np.where(self.labelled(cells), cells, np.nan).astype(np.float64)

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

    def describe(self, prediction: np.ndarray, threshold: Levels = None) -> Dict[str, np.ndarray]:
        table: Dict[str, np.ndarray] = {}
        above = self.above(prediction, threshold)
        for column, holds, probability in zip(self.columns, above.T, prediction.T):
            table[column] = holds.astype(int)
            table[f"{column}.probability"] = probability
        return table

    def _target(self, label: Any) -> Any:
        if not self.label_smoothing:
            return label
        return label * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing
