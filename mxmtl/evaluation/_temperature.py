"""Temperature scaling: one number a task that makes its probabilities honest."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..tasks import NumpyOperators, Task

COLDEST, HOTTEST = 1e-3, 1e3
STEPS = 60  # each halves the interval: more than float64 can tell apart


def fit_temperature(task: Task, label: np.ndarray, logits: np.ndarray) -> Optional[float]:
    """Return what to divide logits by, so that known labels become most likely.

    The negative log-likelihood is convex in 1 / temperature, and its slope is the sum over known
    labels of (probability - label) * logit; so the zero of the slope is looked for, by halving.

    Parameters
    ----------
    task : Task
        With probabilities: multiclass, binary or multi-label.
    label : ndarray, `Task.label_shape`
        Missing ones do not count.
    logits : ndarray (N, num_outputs)
        Of the network.

    Returns
    -------
    float or None
        None where there is no minimum: if every label is predicted right the likelihood grows
        without end as the temperature falls, and if they are worse than chance as it rises.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger 2017, On calibration of modern neural networks.
    """
    wanted, z = task.certain(label), logits.astype(np.float64)
    known = ~np.isnan(wanted)

    def slope(inverse: float) -> float:
        p = task.activate(NumpyOperators, z * inverse)
        return float(np.sum(np.where(known, (p - wanted) * z, 0.0)))

    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    if not slope(np.exp(low)) < 0 < slope(np.exp(high)):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))
