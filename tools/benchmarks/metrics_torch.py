"""torchmetrics' half of `metrics.py`, run by an interpreter that has it."""

from __future__ import annotations

import json
import sys
from typing import Any, Callable, Dict, Tuple

import numpy as np
import torch
import torchmetrics.classification as tm
from _metrics_data import CLASSES, LABELS, TASKS, arrays, seconds
from torchmetrics import MetricCollection


def run_of(rows: int, validate: bool) -> Callable[[], Tuple[float, Any]]:
    labels, predictions = arrays(rows)
    labels_t = [torch.from_numpy(y.astype(np.int64)) for y in labels]
    predictions_t = [torch.from_numpy(p) for p in predictions]
    options: Dict[str, Any] = {
        "num_classes": CLASSES,
        "ignore_index": -1,
        "validate_args": validate,
    }
    sigmoid: Dict[str, Any] = {"num_labels": LABELS, "ignore_index": -1, "validate_args": validate}
    suites = [
        MetricCollection(
            {
                "accuracy": tm.MulticlassAccuracy(average="micro", **options),
                "precision": tm.MulticlassPrecision(average="macro", **options),
                "recall": tm.MulticlassRecall(average="macro", **options),
                "f1": tm.MulticlassF1Score(average="macro", **options),
            }
        )
        for _ in range(TASKS)
    ]
    suites.append(
        MetricCollection(
            {
                "precision": tm.MultilabelPrecision(average="macro", **sigmoid),
                "recall": tm.MultilabelRecall(average="macro", **sigmoid),
                "f1": tm.MultilabelF1Score(average="macro", **sigmoid),
            }
        )
    )
    names = [f"t{i}" for i in range(TASKS)] + ["m"]

    def update() -> None:
        for suite, label, prediction in zip(suites, labels_t, predictions_t):
            suite.update(prediction, label)

    def get() -> Dict[str, float]:
        return {
            f"{name}/{key}": float(value)
            for name, suite in zip(names, suites)
            for key, value in suite.compute().items()
        }

    update()  # compute groups are found at the first update

    def run() -> Tuple[float, Any]:
        for suite in suites:
            suite.reset()
        return seconds(update, get)

    return run


def main() -> None:
    """Answer each (rows, validate) on standard input with the time and the values."""
    runs: Dict[Tuple[int, bool], Callable[[], Tuple[float, Any]]] = {}
    for line in sys.stdin:
        rows, validate = json.loads(line)
        if (rows, validate) not in runs:
            runs[rows, validate] = run_of(rows, validate)
        print(json.dumps(runs[rows, validate]()), flush=True)


if __name__ == "__main__":
    main()
