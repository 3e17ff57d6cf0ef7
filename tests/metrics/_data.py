"""Labels and predictions of one task, of several awkward sorts."""

from __future__ import annotations

from functools import lru_cache

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np

TASKS = {name: _cases.TASKS[name] for name in ("multiclass", "binary", "multilabel", "regression")}
SORTS = ("plain", "ties", "extreme", "one_class", "float16")


@lru_cache(maxsize=256)
def shared(name: str, sort: str, missing: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return the sample of one of `TASKS`, the same arrays each time, which nobody may write."""
    arrays = sample(TASKS[name], sort, missing, seed=seed)
    for array in arrays:
        array.flags.writeable = False
    return arrays


def sample(
    task: mxmtl.Task, sort: str, missing: float, rows: int = 60, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (N,) or (N, num_labels) and predictions (N, num_outputs)."""
    rng = np.random.RandomState(seed)
    label = _cases.random_label(task, rows, missing, rng)
    if task.kind == "class":
        label[label == 1] = 0  # class 1 is never labelled, and sometimes predicted
    if sort == "one_class" and task.kind != "value":
        label[:, 0] = np.where(label[:, 0] >= 0, 0, label[:, 0])
    if sort == "one_class" and task.kind == "value":
        label = np.where(np.isnan(label), label, np.float32(2.7))
    prediction = predictions(task, sort, rows, rng)
    return label.reshape(task.label_shape(rows)), prediction


def predictions(task: mxmtl.Task, sort: str, rows: int, rng: np.random.RandomState) -> np.ndarray:
    shape = (rows, task.num_outputs)
    dtype = np.float16 if sort == "float16" else np.float32
    if task.kind == "value":
        return (rng.normal(size=shape) * (1e4 if sort == "extreme" else 2) + 1).astype(dtype)
    if sort == "ties":
        value = rng.randint(1, 5, size=shape).astype(float)
    elif sort == "extreme":
        value = np.where(rng.uniform(size=shape) < 0.5, 1e-42, 1.0)
    else:
        value = rng.uniform(size=shape)
    if task.kind == "class":
        return (value / value.sum(axis=1, keepdims=True)).astype(dtype)
    return (value / 4 if sort == "ties" else value).astype(dtype)


def batches(
    label: np.ndarray, prediction: np.ndarray, contexts: int = 1, seed: int = 0
) -> list[tuple[mx.nd.NDArray, mx.nd.NDArray]]:
    """Cut into batches of random sizes, as NDArrays, on one or two contexts by turns."""
    rng = np.random.RandomState(seed)
    cuts = np.unique(rng.randint(1, len(label), size=5))
    return [
        (
            mx.nd.array(part, ctx=mx.cpu(i % contexts), dtype=part.dtype),
            mx.nd.array(other, ctx=mx.cpu(i % contexts), dtype=other.dtype),
        )
        for i, (part, other) in enumerate(zip(np.split(label, cuts), np.split(prediction, cuts)))
    ]


def columns(
    task: mxmtl.Task, label: np.ndarray, prediction: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the known labels and their predictions of each column, in float64."""
    label = label.reshape(len(label), -1).astype(np.float64)
    prediction = prediction.astype(np.float64)
    known = ~np.isnan(label) if task.kind == "value" else label >= 0
    return [(label[known[:, i], i], prediction[known[:, i], i]) for i in range(label.shape[1])]
