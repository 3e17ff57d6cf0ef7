"""What losses and gradients must be: float64 NumPy, entry by entry, over labelled entries only.

Written plainly and apart from the implementation: no masks, no broadcasting over missing cells,
only a loop that never looks at an entry whose label is missing.
"""

from __future__ import annotations

import mxmtl

import numpy as np

from ._outside import CumulativeOrdinal, SoftOrdinal


def is_missing(task: mxmtl.Task, value: float) -> bool:
    """Missing is NaN for values and -1 for all others (DESIGN)."""
    return bool(np.isnan(value)) if task.kind == "value" else value == -1


def _entry(
    task: mxmtl.Task, logits: np.ndarray, column: int, value: float
) -> tuple[float, np.ndarray]:
    """Loss of one labelled entry, and its gradient by the row's logits."""
    gradient = np.zeros_like(logits)
    if isinstance(task, SoftOrdinal):
        target = np.exp(-np.abs(np.arange(len(logits)) - value) / task.spread)
        log_p = logits - np.logaddexp.reduce(logits)
        target /= target.sum()
        return -float(target @ log_p), np.exp(log_p) - target
    if isinstance(task, mxmtl.Ordinal) and task.method == "coral":
        wanted = (value > np.arange(len(logits))).astype(float)
        loss = np.sum(np.logaddexp(0, logits) - wanted * logits)
        return loss, np.exp(-np.logaddexp(0, -logits)) - wanted
    if isinstance(task, CumulativeOrdinal | mxmtl.Ordinal):
        # Cell k of class y is 1 below it, 0 at it, and missing above.
        loss = 0.0
        for k in range(min(int(value) + 1, len(logits))):
            wanted = 1.0 if k < value else 0.0
            loss += np.logaddexp(0, logits[k]) - wanted * logits[k]
            gradient[k] = np.exp(-np.logaddexp(0, -logits[k])) - wanted
        return loss, gradient
    if task.kind == "class":
        a, gold, classes = task.label_smoothing, int(value), task.num_outputs
        target = np.full(classes, a / (classes - 1))
        target[gold] = 1 - a
        weight = 1.0 if task.class_weight is None else task.class_weight[gold]
        log_p = logits - np.logaddexp.reduce(logits)
        return -weight * float(target @ log_p), weight * (np.exp(log_p) - target)
    z = logits[column]
    if task.kind == "value":
        standard = (value - (task.center or 0.0)) / (task.scale or 1.0)
        gradient[column] = z - standard
        return 0.5 * (z - standard) ** 2, gradient
    a = task.label_smoothing
    target = {0.0: a / 2, 1.0: 1 - a / 2}[float(value)]
    pos = task.pos_weight
    weight = 1.0
    if pos is not None and value == 1:
        weight = pos[column] if np.ndim(pos) else pos
    loss = target * np.logaddexp(0, -z) + (1 - target) * np.logaddexp(0, z)
    gradient[column] = weight * (np.exp(-np.logaddexp(0, -z)) - target)
    return weight * loss, gradient


def loss_and_gradient(
    task: mxmtl.Task, logits: np.ndarray, label: np.ndarray, normalization: str
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted loss of each row (N,), and the gradient of their sum by the logits (N, outputs)."""
    logits = np.asarray(logits, np.float64)
    label = np.asarray(label, np.float64).reshape(len(logits), -1)
    losses, gradients = np.zeros(len(logits)), np.zeros_like(logits)
    count = 0
    for row, column in np.ndindex(*label.shape):
        if is_missing(task, label[row, column]):
            continue
        loss, gradient = _entry(task, logits[row], column, label[row, column])
        losses[row] += loss
        gradients[row] += gradient
        count += 1
    # batch: a row's loss is the mean over its label_width cells. valid: the mean over the batch
    # of the rows' losses is the mean over labelled cells.
    divisor = label.shape[1] if normalization == "batch" else max(count, 1) / len(label)
    return task.weight * losses / divisor, task.weight * gradients / divisor
