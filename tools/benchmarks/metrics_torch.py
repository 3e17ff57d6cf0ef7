"""torchmetrics' half of `metrics.py`, run by an interpreter that has it."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torchmetrics.classification as tm
from _metrics_data import CLASSES, LABELS, TASKS, arrays, seconds
from torchmetrics import MetricCollection


def collections(validate: bool) -> list[MetricCollection]:
    """Make the metrics of each task."""
    common: dict[str, Any] = {"average": "macro", "ignore_index": -1, "validate_args": validate}
    of_class: dict[str, Any] = {**common, "num_classes": CLASSES}
    of_label: dict[str, Any] = {**common, "num_labels": LABELS}
    suites = [
        MetricCollection(
            {
                "accuracy": tm.MulticlassAccuracy(**{**of_class, "average": "micro"}),
                "precision": tm.MulticlassPrecision(**of_class),
                "recall": tm.MulticlassRecall(**of_class),
                "f1": tm.MulticlassF1Score(**of_class),
            }
        )
        for _ in range(TASKS)
    ]
    labels = {
        "precision": tm.MultilabelPrecision(**of_label),
        "recall": tm.MultilabelRecall(**of_label),
        "f1": tm.MultilabelF1Score(**of_label),
    }
    return [*suites, MetricCollection(labels)]


def run_of(rows: int, validate: bool) -> Callable[[], tuple[float, Any]]:
    labels, predictions = arrays(rows)
    labels_t = [torch.from_numpy(y.astype(np.int64)) for y in labels]
    predictions_t = [torch.from_numpy(p) for p in predictions]
    suites = collections(validate)
    names = [f"t{i}" for i in range(TASKS)] + ["m"]

    def update() -> None:
        for suite, label, prediction in zip(suites, labels_t, predictions_t):
            suite.update(prediction, label)

    def get() -> dict[str, float]:
        return {
            f"{name}/{key}": float(value)
            for name, suite in zip(names, suites)
            for key, value in suite.compute().items()
        }

    update()  # compute groups are found at the first update

    def run() -> tuple[float, Any]:
        for suite in suites:
            suite.reset()
        return seconds(update, get)

    return run


def main() -> None:
    """Answer each (rows, validate) on standard input with the time and the values."""
    runs: dict[tuple[int, bool], Callable[[], tuple[float, Any]]] = {}
    for line in sys.stdin:
        rows, validate = json.loads(line)
        if (rows, validate) not in runs:
            runs[rows, validate] = run_of(rows, validate)
        print(json.dumps(runs[rows, validate]()), flush=True)


if __name__ == "__main__":
    main()
