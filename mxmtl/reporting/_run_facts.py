"""What one run was told, how it went, and how well it does on records: JSON-able.

Of each task beyond its metrics: what is taken for what, curves, thresholds, errors.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data.records import LabelCounts, Prefixes, listed
from ..evaluation import Evaluation, Predictions, differences, measure
from ..metrics import (
    F1,
    Accuracy,
    CalibrationError,
    Curve,
    Precision,
    Recall,
    Reliability,
    area_under_roc,
    average_precision,
    curve_of_scores,
)
from ..model import ModelFile
from ..tasks import Task, TaskSet
from ..training import Run, history_alike
from ._network import network_facts
from ._pictures import RecordPictures
from ._task_predictions import TaskPredictions, describe_record

PICTURES = 240  # of one run, of all tasks together
POINTS = 120  # of a curve, at most: a line in a picture is no wider
CURVES = 6  # of one task, beside that of all its labels together
DOTS = 400  # of a scatter plot
BINS = 15  # of a reliability diagram, as many as CalibrationError has
SWEEP = np.linspace(0.05, 0.95, 29)  # thresholds, as in the fastai article
SWEPT = {"accuracy": Accuracy, "precision": Precision, "recall": Recall, "f1": F1}

Facts = dict[str, Any]


def run_facts(
    run: Run,
    model: ModelFile,
    predictions: Predictions,
    which: str,
    mistakes: int,
    bootstrap: int,
    notes: Sequence[str] = (),
    alike: bool = False,
) -> tuple[dict[str, Any], Evaluation]:
    """Return all that a report says about one run, and its evaluation.

    ``model`` has what it was predicted with; ``alike`` has each task count alike in means over
    tasks, as they are compared with those of runs with other weights.
    """
    checkpoint, settings = run.checkpoint(which), run.settings
    train, _ = run.records
    evaluation = measure(
        predictions, thresholds=model.thresholds, constants=model.constants, bootstrap=bootstrap,
        notes=notes, by="task" if alike else "weight",
    )  # fmt: skip
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
        "history": history_alike(run) if alike else run.history,
        "train": {"prefix": listed(train), **counts_in(train, model.tasks)},
        "evaluated": counts_of(predictions),
        "skipped": predictions.skipped,
        "notes": list(notes),
        "metrics": evaluation.values,
        "intervals": {name: list(pair) for name, pair in evaluation.intervals.items()},
        "level": evaluation.level,
        "tasks": {task.name: facts_of_task(task, predictions, model, each) for task in model.tasks},
        "network": network_facts(
            run.load(which)[0], model.tasks, tuple(model.preprocessing.data_shape)
        ),
    }
    return facts, evaluation


def compared(facts: Sequence[dict[str, Any]], evaluations: Sequence[Evaluation]) -> None:
    """Add to each run's facts its differences from the first, and where it is clearly the best.

    Clearly better is what is better than each other run by more than the interval allows.
    """
    clear: list[set[str]] = []
    for one in evaluations:
        higher = {v.name: v.higher_is_better for v in one.metrics if not v.of_labels}
        beaten = [
            {
                name
                for name, apart in differences(other, one).items()
                if apart.clear and higher.get(name) is (apart.value > 0)
            }
            for other in evaluations
            if other is not one
        ]
        clear.append(set.intersection(*beaten))
    for run, one, best in zip(facts, evaluations, clear):
        apart = differences(evaluations[0], one) if one is not evaluations[0] else {}
        run["differences"] = {name: list(each) for name, each in apart.items()}
        run["best_at"] = sorted(best)


def facts_of_task(
    task: Task, predictions: Predictions, model: ModelFile, mistakes: int
) -> dict[str, Any]:
    """Return what a report says about one task."""
    predicted = TaskPredictions.of(predictions, task, model.thresholds.get(task.name))
    return {
        "type": type(task).__name__,
        "names": list(task.names),
        "default_metrics": list(task.default_metrics),
        **task_facts(predicted),
        "mistakes": worst_mistakes(predicted, predictions, mistakes),
    }


# -- the records of highest loss -------------------------------------------------------------------
def worst_mistakes(
    predicted: TaskPredictions, predictions: Predictions, count: int
) -> list[dict[str, Any]]:
    """Return the labelled rows with the highest loss, highest first, JSON-able."""
    return [
        {
            "row": int(row),
            "record": int(predictions.index[row]),
            "name": predictions.name(row),
            **row_facts(predicted, row),
        }
        for row in predicted.worst(count)
    ]


def row_facts(predicted: TaskPredictions, row: int) -> dict[str, Any]:
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
def counts_of(predictions: Predictions) -> dict[str, Any]:
    """Count the labels that a network was evaluated on."""
    count = len(predictions)
    blocks = [
        predictions.labels[task.name].reshape(count, task.label_width) for task in predictions.tasks
    ]
    return counted(predictions.tasks, np.concatenate(blocks, axis=1))


def counts_in(records: Prefixes, tasks: TaskSet) -> dict[str, Any]:
    """Count the labels of records; ``error`` says why if they cannot be read any more."""
    try:
        with RecordPictures(records) as opened:
            labels = opened.labels(tasks)
    except (OSError, ValueError) as error:
        return {"error": str(error)}  # a run outlives its training records
    return counted(tasks, labels)


def counted(tasks: TaskSet, labels: np.ndarray) -> dict[str, Any]:
    """Count labels (N, label_width): the number of records, and `LabelCounts.summary`."""
    counts = LabelCounts(tasks)
    counts.add_block(labels)
    return {"records": len(labels), "tasks": counts.summary()}


# -- about one task --------------------------------------------------------------------------------
def task_facts(predicted: TaskPredictions) -> Facts:
    """Return what the kind of task has, JSON-able; where nothing is labelled, only that."""
    facts: Facts = {"labelled": int(predicted.labelled.sum()), "records": len(predicted.label)}
    if facts["labelled"]:
        kind = predicted.task.kind
        sections = [*(PROBABLE if kind.probabilities else VALUED)]
        sections += [sweep] if kind.thresholds else []
        facts.update((function.__name__, function(predicted)) for function in sections)
    return facts


def confusion(predicted: TaskPredictions) -> Facts:
    """Count rows by label (i) and answer (j): ``cells`` are [i, j, rows], empty ones left out.

    Of a task of cells there is a table of ``[[tn, fp], [fn, tp]]`` a label instead.
    """
    tables = predicted.batch.confusion(predicted.threshold)
    named, classes = predicted.batch.table_names(predicted.task)
    if named or classes != predicted.task.names:
        return {"tables": dict(zip(predicted.units, tables.tolist()))}
    rows, columns = np.nonzero(tables[0])
    cells = np.stack([rows, columns, tables[0][rows, columns]], axis=1)
    return {"classes": list(predicted.units), "cells": cells.tolist()}


def ranking(predicted: TaskPredictions) -> Facts:
    """Return curves of the labels that rank worst, and of all together, with their areas."""
    scores, labels = predicted.batch.scores()
    pairs = [predicted.batch.unit(scores, labels, i) for i in range(len(predicted.units))]
    found = [(name, curve_of_scores(*pair)) for name, pair in zip(predicted.units, pairs)]
    lines = [curve_facts(name, curve) for name, curve in found if has_both(curve)]
    lines.sort(key=lambda line: float(line["average_precision"]))
    shown = lines[:CURVES]
    if len(found) > 1 and lines:
        together = tuple(map(np.concatenate, zip(*pairs)))
        shown.append(curve_facts("", curve_of_scores(*together)))
    return {"curves": shown, "left_out": len(lines[CURVES:]), "undefined": len(found) - len(lines)}


def has_both(curve: Curve) -> bool:
    """Tell whether there are positives and negatives, so that both areas are defined."""
    return bool(curve.tp.size and curve.tp[-1] and curve.fp[-1])


def curve_facts(name: str, curve: Curve) -> Facts:
    """Return areas, and points (false positive rate, recall) and (recall, precision)."""
    tp, fp = curve.tp, curve.fp
    kept = thinned(len(tp))
    recall = tp / tp[-1]
    roc = np.stack([np.append(0.0, fp / fp[-1]), np.append(0.0, recall)], axis=1)
    return {
        "name": name,
        "positive": int(tp[-1]),
        "labelled": int(tp[-1] + fp[-1]),
        "auroc": area_under_roc(curve),
        "average_precision": average_precision(curve),
        "roc": rounded(roc[np.append(0, kept + 1)]),
        "pr": rounded(np.stack([recall, tp / (tp + fp)], axis=1)[kept]),
    }


def calibration(predicted: TaskPredictions) -> Facts:
    """Return bins of probability that hold anything: how many, their mean, and the share true."""
    state = Reliability(predicted.task, options=BINS).totals(predicted.batch).sum(axis=1)
    averages = CalibrationError.averages[predicted.task.kind]
    options = {"average": "micro"} if "micro" in averages else {}
    metric = CalibrationError(predicted.task, bins=BINS, **options)
    number, probability, true = state
    bins = [
        {"number": int(n), "probability": float(p / n), "true": float(t / n)}
        for n, p, t in zip(number, probability, true)
        if n
    ]
    return {"error": float(metric.compute(state[:, np.newaxis])), "bins": bins}


def sweep(predicted: TaskPredictions) -> Facts:
    """Return metrics at each of many thresholds, at those in use, and where each is best."""
    metrics = {name: metric(predicted.task) for name, metric in SWEPT.items()}

    def at(threshold: Any) -> Facts:
        state = predicted.batch.counts(threshold)
        return {name: float(metric.compute(state)) for name, metric in metrics.items()}

    rows = [{"threshold": round(float(t), 6), **at(float(t))} for t in SWEEP]
    best = {name: max(rows, key=lambda row: row[name])["threshold"] for name in SWEPT}
    chosen = np.atleast_1d(predicted.threshold).astype(float).tolist()
    used = dict(zip(predicted.units, chosen if len(chosen) > 1 else chosen * len(predicted.units)))
    return {
        "rows": rows,
        "best": best,
        "tuned": predicted.tuned is not None,
        "thresholds": used,
        "chosen": at(predicted.threshold),
    }


def errors(predicted: TaskPredictions) -> Facts:
    """Return pairs (label, prediction), evenly taken out of all in the order of the labels."""
    rows = predicted.labelled
    label, prediction = predicted.label[rows, 0], predicted.prediction[rows, 0]
    order = np.argsort(label, kind="stable")
    kept = order[thinned(len(order), DOTS)]
    pairs = np.stack([label[kept], prediction[kept]], axis=1).astype(np.float64)
    return {"pairs": rounded(pairs), "left_out": len(order) - len(kept)}


def thinned(count: int, limit: int = POINTS) -> np.ndarray:
    """Return indices, first and last among them, evenly spread: at most ``limit``."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(np.int64))


def rounded(points: np.ndarray) -> list[list[float]]:
    """Return points with the seven digits that float32 has."""
    return [[float(f"{value:.7g}") for value in point] for point in points.tolist()]


PROBABLE = (confusion, ranking, calibration)
VALUED = (errors,)
