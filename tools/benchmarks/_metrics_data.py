"""What the contenders of `metrics.py` share: the numbers, and how they are timed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

TASKS, CLASSES, LABELS, MISSING, UPDATES = 8, 10, 40, 0.3, 100
Arrays = tuple[list[np.ndarray], list[np.ndarray]]


def arrays(rows: int) -> Arrays:
    """Labels and predictions of each task: the same in every process."""
    rng = np.random.RandomState(rows)
    labels = [rng.randint(CLASSES, size=rows) for _ in range(TASKS)]
    labels.append(rng.randint(2, size=(rows, LABELS)))
    labels = [np.where(rng.uniform(size=y.shape) < MISSING, -1, y) for y in labels]
    logits = [rng.normal(size=(rows, CLASSES)) for _ in range(TASKS)]
    predictions = [np.exp(z) / np.exp(z).sum(axis=1, keepdims=True) for z in logits]
    predictions.append(rng.uniform(size=(rows, LABELS)))
    return [y.astype(np.float32) for y in labels], [p.astype(np.float32) for p in predictions]


def seconds(update: Callable[[], Any], get: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    for _ in range(UPDATES):
        update()
    value = get()
    return time.perf_counter() - start, value
