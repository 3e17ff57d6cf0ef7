"""Temperature scaling: one number a task that makes its probabilities honest."""

from __future__ import annotations

from typing import Optional

import numpy as np

from ..tasks import NumpyOperators, Task

COLDEST, HOTTEST = 1e-3, 1e3
STEP = 1e-4  # of 1 / temperature, as a share of it
MILD = 5.0  # logits up to here leave no probability at 0
STEPS = 60  # each halves the interval: more than float64 can tell apart


def fit_temperature(task: Task, label: np.ndarray, logits: np.ndarray) -> Optional[float]:
    """Return what to divide logits by, so that known labels become most likely.

    The negative log-likelihood of a softmax or sigmoid is convex in 1 / temperature, and its slope
    is the sum over known labels of (probability - label) * logit; so the zero of the slope is
    looked for, by halving. Of other activations the slope is that of a small step.

    Parameters
    ----------
    task : Task
        Whose kind has probabilities.
    label : ndarray, `Task.label_shape`
        Missing ones do not count.
    logits : ndarray (N, num_logits)
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
    wanted, z = task.as_prediction(label), logits.astype(np.float64)
    F, known = NumpyOperators(), ~np.isnan(wanted)

    def of_residuals(inverse: float) -> float:
        p = task.activate(F, z * inverse)
        return float(np.sum(np.where(known, (p - wanted) * z, 0.0)))

    def of_a_step(inverse: float) -> float:
        ends = (inverse * (1 - STEP), inverse * (1 + STEP))
        low, high = (task.kind.log_likelihood(wanted, task.activate(F, z * end)) for end in ends)
        return (low - high) / (ends[1] - ends[0])

    slope, mild = of_a_step, 1 / max(1.0, np.abs(z).max(initial=0.0) / MILD)
    if z.shape == wanted.shape and np.isclose(of_residuals(mild), of_a_step(mild), rtol=0.01):
        slope = of_residuals  # exact, where the step shows that it is the right one
    low, high = np.log(1 / HOTTEST), np.log(1 / COLDEST)
    if not slope(np.exp(low)) < 0 < slope(np.exp(high)):
        return None
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(np.exp(middle)) < 0 else (low, middle)
    return float(np.exp(-(low + high) / 2))
