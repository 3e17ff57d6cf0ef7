"""Two types of task as somebody outside the package writes them: sizes that have an order."""

from __future__ import annotations

from dataclasses import dataclass

import mxmtl

import numpy as np


@dataclass(frozen=True)
class SoftOrdinal(mxmtl.tasks.ClassTask):
    """Soft labels over K classes (Diaz and Marathe 2019): near classes are less wrong."""

    spread: float = 0.5

    def _target(self, F, label):
        steps = [F.abs(label - k) for k in range(self.num_classes)]
        return F.softmax(-F.concat(*steps, dim=1) / self.spread, axis=1)

    def cell_loss(self, F, logits, label):
        log_p = F.log_softmax(logits, axis=1)
        return -F.sum(self._target(F, label) * log_p, axis=1, keepdims=True)

    def cell_loss_of_prediction(self, label, prediction):
        distance = np.abs(label - np.arange(self.num_classes))
        target = np.exp(-distance / self.spread)
        target /= target.sum(axis=1, keepdims=True)
        return -np.sum(target * np.log(np.maximum(prediction, 1e-38)), axis=1, keepdims=True)


@dataclass(frozen=True)
class CumulativeOrdinal(mxmtl.tasks.ClassTask):
    """K-1 logits, each of being above a class given that it is reached (Shi et al. 2021)."""

    @property
    def num_logits(self):
        return self.num_classes - 1

    def activate(self, F, logits):
        beyond = F.sigmoid(logits)
        reached, columns = None, []
        for k in range(self.num_logits):
            here = F.slice_axis(beyond, axis=1, begin=k, end=k + 1)
            columns.append(1 - here if reached is None else reached * (1 - here))
            reached = here if reached is None else reached * here
        return F.concat(*columns, reached, dim=1)

    def cell_loss(self, F, logits, label):
        losses = 0.0
        for k in range(self.num_logits):
            z = F.slice_axis(logits, axis=1, begin=k, end=k + 1)
            above, here = label > k, label == k
            losses = losses + above * softplus(F, -z) + here * softplus(F, z)
        return losses

    def cell_loss_of_prediction(self, label, prediction):
        chosen = np.take_along_axis(prediction, label.astype(int), axis=1)
        return -np.log(np.maximum(chosen, 1e-38))


def softplus(F, x):
    """log(1 + exp(x)), without overflow."""
    return F.Activation(x, act_type="softrelu")
