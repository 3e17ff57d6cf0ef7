"""Figures of one task beyond its metrics: what is taken for what, curves, thresholds, errors."""

from __future__ import annotations

from typing import Any, Dict, List

import numpy as np

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
from ._measured import Measured

POINTS = 120  # of a curve, at most: a line in a picture is no wider
CURVES = 6  # of one task, beside that of all its labels together
DOTS = 400  # of a scatter plot
BINS = 15  # of a reliability diagram, as many as CalibrationError has
SWEEP = np.linspace(0.05, 0.95, 29)  # thresholds, as in the fastai article
SWEPT = {"accuracy": Accuracy, "precision": Precision, "recall": Recall, "f1": F1}

Facts = Dict[str, Any]


def task_facts(measured: Measured) -> Facts:
    """Return what the kind of task has, JSON-able; where nothing is labelled, only that."""
    facts: Facts = {"labelled": int(measured.labelled.sum()), "records": len(measured.label)}
    if facts["labelled"]:
        kind = measured.task.kind
        sections = [*(PROBABLE if kind.probabilities else VALUED)]
        sections += [sweep] if kind.thresholds else []
        facts.update((function.__name__, function(measured)) for function in sections)
    return facts


def confusion(measured: Measured) -> Facts:
    """Count rows by label (i) and answer (j): ``cells`` are [i, j, rows], empty ones left out.

    Of a task of cells there is a table of ``[[tn, fp], [fn, tp]]`` a label instead.
    """
    tables = measured.batch.confusion(measured.threshold)
    named, classes = measured.batch.table_names(measured.task)
    if named or classes != measured.task.names:
        return {"tables": dict(zip(measured.units, tables.tolist()))}
    rows, columns = np.nonzero(tables[0])
    cells = np.stack([rows, columns, tables[0][rows, columns]], axis=1)
    return {"classes": list(measured.units), "cells": cells.tolist()}


def ranking(measured: Measured) -> Facts:
    """Return curves of the labels that rank worst, and of all together, with their areas."""
    scores, labels = measured.batch.scores()
    pairs = [measured.batch.unit(scores, labels, i) for i in range(len(measured.units))]
    found = [(name, curve_of_scores(*pair)) for name, pair in zip(measured.units, pairs)]
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


def calibration(measured: Measured) -> Facts:
    """Return bins of probability that hold anything: how many, their mean, and the share true."""
    state = Reliability(measured.task, options=BINS).totals(measured.batch).sum(axis=1)
    averages = CalibrationError.averages[measured.task.kind]
    average = "micro" if "micro" in averages else None
    metric = CalibrationError(measured.task, bins=BINS, average=average)
    number, probability, true = state
    bins = [
        {"number": int(n), "probability": float(p / n), "true": float(t / n)}
        for n, p, t in zip(number, probability, true)
        if n
    ]
    return {"error": metric.compute(state[:, np.newaxis]), "bins": bins}


def sweep(measured: Measured) -> Facts:
    """Return metrics at each of many thresholds, at those in use, and where each is best."""
    metrics = {name: metric(measured.task) for name, metric in SWEPT.items()}

    def at(threshold: Any) -> Facts:
        state = measured.batch.counts(threshold)
        return {name: float(metric.compute(state)) for name, metric in metrics.items()}

    rows = [{"threshold": round(float(t), 6), **at(float(t))} for t in SWEEP]
    best = {name: max(rows, key=lambda row: row[name])["threshold"] for name in SWEPT}
    chosen = np.atleast_1d(measured.threshold).astype(float).tolist()
    used = dict(zip(measured.units, chosen if len(chosen) > 1 else chosen * len(measured.units)))
    return {
        "rows": rows,
        "best": best,
        "tuned": measured.tuned is not None,
        "thresholds": used,
        "chosen": at(measured.threshold),
    }


def errors(measured: Measured) -> Facts:
    """Return pairs (label, prediction), evenly taken out of all in the order of the labels."""
    rows = measured.labelled
    label, prediction = measured.label[rows, 0], measured.prediction[rows, 0]
    order = np.argsort(label, kind="stable")
    kept = order[thinned(len(order), DOTS)]
    pairs = np.stack([label[kept], prediction[kept]], axis=1).astype(np.float64)
    return {"pairs": rounded(pairs), "left_out": len(order) - len(kept)}


def thinned(count: int, limit: int = POINTS) -> np.ndarray:
    """Return indices, first and last among them, evenly spread: at most ``limit``."""
    return np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(np.int64))


def rounded(points: np.ndarray) -> List[List[float]]:
    """Return points with the seven digits that float32 has."""
    return [[float(f"{value:.7g}") for value in point] for point in points.tolist()]


PROBABLE = (confusion, ranking, calibration)
VALUED = (errors,)
