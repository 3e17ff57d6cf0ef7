"""What one run was told, how it went, and how well it does on records: JSON-able."""

from __future__ import annotations

import os
from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from ..data.records import LabelCounts, Prefixes
from ..evaluation import Predictions, measure
from ..metrics import MetricValue
from ..model import ModelFile
from ..tasks import Task, TaskSet
from ..training import Run
from ._network import network_facts
from ._pictures import RecordPictures
from ._task_facts import task_facts
from ._task_predictions import TaskPredictions, describe_record

PICTURES = 240  # of one run, of all tasks together


def run_facts(
    run: Run,
    model: ModelFile,
    predictions: Predictions,
    which: str,
    mistakes: int,
    bootstrap: int,
) -> Tuple[Dict[str, Any], Sequence[MetricValue]]:
    """Return all that a report says about one run, and its values of metrics.

    ``model`` has what it was predicted with.
    """
    checkpoint, settings = run.checkpoint(which), run.settings
    train, _ = run.records
    evaluation = measure(predictions, thresholds=model.thresholds, bootstrap=bootstrap)
    each = min(mistakes, max(1, PICTURES // len(model.tasks)))
    facts = {
        "name": run.folder.resolve().name,
        "folder": os.fspath(run.folder),
        "checkpoint": checkpoint.stem,
        "which": which,
        "epoch": checkpoint.epoch,
        "monitor": settings.monitor,
        "settings": settings.to_dict(),
        "thresholds": model.thresholds,
        "temperature": model.temperature,
        "history": run.history,
        "train": {"prefix": listed(train), **counts_in(train, model.tasks)},
        "evaluated": counts_of(predictions),
        "skipped": predictions.skipped,
        "metrics": evaluation.values,
        "intervals": {name: list(pair) for name, pair in evaluation.intervals.items()},
        "level": evaluation.level,
        "tasks": {task.name: facts_of_task(task, predictions, model, each) for task in model.tasks},
        "network": network_facts(
            run.load(which)[0], model.tasks, tuple(model.preprocessing.data_shape)
        ),
    }
    return facts, evaluation.metrics


def facts_of_task(
    task: Task, predictions: Predictions, model: ModelFile, mistakes: int
) -> Dict[str, Any]:
    """Return what a report says about one task."""
    predicted = TaskPredictions.of(predictions, task, model.thresholds.get(task.name))
    return {
        "type": type(task).__name__,
        "names": list(task.names),
        "default_metrics": list(task.default_metrics),
        **task_facts(predicted),
        "mistakes": worst_mistakes(predicted, predictions.index, mistakes),
    }


def listed(prefixes: Any) -> Any:
    """Return prefixes as a list of texts."""
    one = isinstance(prefixes, (str, os.PathLike))
    return [os.fspath(prefix) for prefix in ([prefixes] if one else prefixes)]


# -- the records of highest loss -------------------------------------------------------------------
def worst_mistakes(
    predicted: TaskPredictions, index: np.ndarray, count: int
) -> List[Dict[str, Any]]:
    """Return the labelled rows with the highest loss, highest first, JSON-able.

    ``index`` are the record ids of all rows.
    """
    return [
        {"row": int(row), "record": int(index[row]), **row_facts(predicted, row)}
        for row in predicted.worst(count)
    ]


def row_facts(predicted: TaskPredictions, row: int) -> Dict[str, Any]:
    """Return what the label of a row is, and what was predicted."""
    label, prediction = predicted.label[row], predicted.prediction[row]
    words = describe_record(predicted.task, label, prediction, predicted.tuned)
    return {
        "loss": float(predicted.losses[row]),
        "label": words.label,
        "prediction": words.answer,
        "right": words.right,
        "probabilities": words.probabilities,
    }


# -- labels, counted -------------------------------------------------------------------------------
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
        with RecordPictures(records) as opened:
            labels = opened.labels(tasks)
    except (OSError, ValueError) as error:
        return {"error": str(error)}  # a run outlives its training records
    return counted(tasks, labels)


def counted(tasks: TaskSet, labels: np.ndarray) -> Dict[str, Any]:
    """Count labels (N, label_width): the number of records, and `LabelCounts.summary`."""
    counts = LabelCounts(tasks)
    counts.add_block(labels)
    return {"records": len(labels), "tasks": counts.summary()}
