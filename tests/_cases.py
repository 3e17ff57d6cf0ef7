"""One row a task type: a new type is tested by all laws as soon as it stands here."""

from __future__ import annotations

import mxmtl

import numpy as np

from ._outside import CumulativeOrdinal, SoftOrdinal

OWN: dict[str, mxmtl.Task] = {
    "multiclass": mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug", "犬"]),
    "multiclass_weighted": mxmtl.Multiclass(
        "shape", classes=["a", "b", "c"], class_weight=[0.5, 2.0, 1.5], label_smoothing=0.1
    ),
    "binary": mxmtl.Binary("outdoors"),
    "binary_weighted": mxmtl.Binary("indoors", pos_weight=3.0, label_smoothing=0.2, weight=0.5),
    "multilabel": mxmtl.Multilabel("toys", labels=["ball", "rope", "骨头"]),
    "multilabel_weighted": mxmtl.Multilabel(
        "tags", labels=["x", "y", "z", "w"], pos_weight=[1.0, 2.0, 0.5, 4.0], weight=2.0
    ),
    "regression": mxmtl.Regression("age", weight=0.1),
    "regression_in_units": mxmtl.Regression("height", center=1.5, scale=2.5),
    "ordinal": mxmtl.Ordinal("grade", classes=["low", "mid", "high", "top"], weight=1.5),
    "ordinal_coral": mxmtl.Ordinal("rank", classes=["A", "B", "C"], method="coral"),
}
TASKS: dict[str, mxmtl.Task] = {
    **OWN,
    "soft_ordinal": SoftOrdinal("size", classes=["S", "M", "L", "XL"], weight=0.5),
    "cumulative_ordinal": CumulativeOrdinal("stage", classes=["0", "I", "II", "III", "IV"]),
}


def task_set(normalization: str = "batch") -> mxmtl.TaskSet:
    """All of them together."""
    return mxmtl.TaskSet(list(TASKS.values()), normalization=normalization)


def random_label(
    task: mxmtl.Task, rows: int, missing: float, rng: np.random.RandomState
) -> np.ndarray:
    """Legal labels, (rows, label_width) float32, each cell missing with the given probability."""
    columns: list[np.ndarray] = []
    for _ in range(task.label_width):
        if task.kind == "class":
            column = rng.randint(task.num_outputs, size=rows)
        elif task.kind == "cells":
            column = rng.randint(2, size=rows)
        else:
            column = rng.normal(size=rows) * 3
        columns.append(np.where(rng.uniform(size=rows) < missing, task.missing, column))
    return np.stack(columns, axis=1).astype(np.float32)
