"""What is in the records of a report: labels and classes, counted."""

from __future__ import annotations

from typing import Any, Dict

import numpy as np

from ..data.records import LabelCounts, Prefixes, RecordReader, record_files
from ..evaluation import Predictions
from ..tasks import TaskSet


def counts_of(predictions: Predictions) -> Dict[str, Any]:
    """Count the labels that a network was evaluated on."""
    count = len(predictions)
    blocks = [
        predictions.labels[task.name].reshape(count, task.label_width) for task in predictions.tasks
    ]
    return counted(predictions.tasks, np.concatenate(blocks, axis=1))


def counts_in(records: Prefixes, tasks: TaskSet) -> Dict[str, Any]:
    """Count the labels of records; ``error`` says why if they cannot be read any more."""
    try:
        reader = RecordReader(record_files(records))
        try:
            reader.check_width(tasks)
            labels = reader.labels(tasks.label_width)
        finally:
            reader.close()
    except (OSError, ValueError) as error:
        return {"error": str(error)}  # a run outlives its training records
    return counted(tasks, labels)


def counted(tasks: TaskSet, labels: np.ndarray) -> Dict[str, Any]:
    """Count labels (N, label_width): the number of records, and `LabelCounts.summary`."""
    counts = LabelCounts(tasks)
    counts.add_block(labels)
    return {"records": len(labels), "tasks": counts.summary()}
