"""A suite of every mergeable kind of metric, and a batch for it."""

from __future__ import annotations

from typing import Any

import mxmtl
from mxmtl import metrics
from mxmtl.metrics import Metric
from tests import _cases

import numpy as np

KINDS = ("multiclass", "binary", "multilabel", "regression")


def tasks() -> mxmtl.TaskSet:
    return mxmtl.TaskSet([_cases.TASKS[kind] for kind in KINDS])


def suite() -> metrics.Suite:
    """All metrics that can be made from a task alone, of all tasks."""
    made = []
    for task in tasks():
        for kind in Metric.types.values():
            try:
                made.append(kind(task))
            except (TypeError, ValueError):
                continue
    some = tasks()["toys"]
    made.append(metrics.AUROC(some, bins=50, name="toys/binned"))
    made.append(metrics.F1(some, average="samples", name="toys/by_row"))
    made.append(metrics.MeanOverTasks([metrics.TaskLoss(task) for task in tasks()]))
    return metrics.Suite(tasks(), made)


def batch(rows: int) -> tuple[list[Any], list[Any]]:
    """Labels, half of them missing, and predictions."""
    rng = np.random.RandomState(3)
    label = np.concatenate([_cases.random_label(t, rows, 0.5, rng) for t in tasks()], axis=1)
    labels = [np.asarray(part) for part in tasks().split(label)]
    predictions = []
    for task in tasks():
        p = rng.rand(rows, task.num_outputs).astype(np.float32)
        predictions.append(p / p.sum(axis=1, keepdims=True) if task.kind == "class" else p)
    return labels, predictions
