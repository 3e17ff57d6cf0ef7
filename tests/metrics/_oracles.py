"""What each metric must be, from scikit-learn or written out, on the known labels alone.

An oracle takes (task, average, label, prediction) and returns one value or one for each name.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import mxmtl

import numpy as np
import sklearn.metrics as sk

from ._data import columns

TINY = np.finfo(np.float32).tiny
Pair = tuple[np.ndarray, np.ndarray]
Oracle = Callable[..., Any]


def nan_mean(values: list[float], weights: Any = None) -> float:
    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    defined = ~np.isnan(values)
    if not defined.any():
        return np.nan
    total = weights[defined].sum()
    return float((values[defined] * weights[defined]).sum() / total) if total else 0.0


def averaged(pairs: list[Pair], average: str, function: Callable[..., float]) -> Any:
    """Apply a function of (label, prediction) to each pair and average as asked."""
    if average == "micro":
        pairs = [tuple(np.concatenate(part) for part in zip(*pairs))]
    values = [function(y, p) if len(y) else np.nan for y, p in pairs]
    if average == "none":
        return values
    weights = [np.sum(y) for y, _ in pairs] if average == "weighted" else None
    return nan_mean(values, weights)


def class_rows(task: mxmtl.Task, label: np.ndarray, prediction: np.ndarray) -> Pair:
    label = label.reshape(-1)
    return label[label >= 0].astype(int), prediction[label >= 0].astype(np.float64)


def decided(label: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    return (prediction > 0.5).astype(float)


def one_vs_rest(task: mxmtl.Task, label: np.ndarray, prediction: np.ndarray) -> list[Pair]:
    """Return for each class or label: is it so (0/1), and was it decided so."""
    if task.kind == "cells":
        return [(y, decided(y, p)) for y, p in columns(task, label, prediction)]
    y, p = class_rows(task, label, prediction)
    choice = p.argmax(axis=1)
    return [((y == k).astype(float), (choice == k).astype(float)) for k in range(task.num_outputs)]


# -- decisions -------------------------------------------------------------------------------------
def of_counts(function: Callable[..., float]) -> Callable[..., float]:
    """Ask a function of 0/1 labels and answers once for each table of the four counts.

    Its rows may come in any order, and scikit-learn takes a millisecond for each row of three.
    """

    @cache
    def asked(tp: int, fp: int, fn: int, tn: int) -> float:
        label, answer = np.array([[1.0, 0, 1, 0], [1, 1, 0, 0]]).repeat([tp, fp, fn, tn], axis=1)
        return function(label, answer)

    def counted(y: np.ndarray, p: np.ndarray) -> float:
        y, p = y == 1, p == 1
        return asked(*(int(np.sum(cells)) for cells in (y & p, ~y & p, y & ~p, ~y & ~p)))

    return counted


def rate(function: Callable[..., float]) -> Oracle:
    function = of_counts(function)

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        if average == "samples":
            pairs = (
                [
                    (y[y >= 0], decided(y, p.astype(np.float64))[y >= 0])
                    for y, p in zip(label, prediction)
                    if (y >= 0).any()
                ]
                if label.ndim > 1
                else [(np.array([y]), decided(y, p)) for y, p in zip(label, prediction) if y >= 0]
            )
            return nan_mean([function(y, p) for y, p in pairs])
        pairs = one_vs_rest(task, label, prediction)
        if task.kind == "cells" or average == "micro":
            return averaged(pairs, average, function)
        # As in scikit-learn, a class that is neither labelled nor predicted is not there.
        seen = [(y, p) if y.any() or p.any() else (y[:0], p[:0]) for y, p in pairs]
        return averaged(seen, average, function)

    return oracle


def sklearn_rate(name: str, **options: Any) -> Oracle:
    """Hold the one-against-the-rest oracle to scikit-learn's own averages where it has them."""
    function = getattr(sk, name)
    ours = rate(lambda y, p: function(y, p, zero_division=0, **options))

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        value = ours(task, average, label, prediction)
        if task.kind == "class" and average != "none":
            y, p = class_rows(task, label, prediction)
            if len(y):
                theirs = function(y, p.argmax(1), average=average, zero_division=0, **options)
                np.testing.assert_allclose(value, theirs, atol=1e-12)
        elif task.label_width > 1 and (label >= 0).all() and average != "none":
            theirs = function(
                label, decided(label, prediction), average=average, zero_division=0, **options
            )
            np.testing.assert_allclose(value, theirs, atol=1e-12)
        return value

    return oracle


def specificity(y: np.ndarray, p: np.ndarray) -> float:
    return sk.recall_score(1 - y, 1 - p, zero_division=0)


def accuracy(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    if task.kind == "cells":
        return averaged(one_vs_rest(task, label, prediction), average, sk.accuracy_score)
    y, p = class_rows(task, label, prediction)
    choice = p.argmax(axis=1)
    if average == "micro":
        return sk.accuracy_score(y, choice) if len(y) else np.nan
    values = [
        np.mean(choice[y == k] == k) if (y == k).any() else np.nan for k in range(task.num_outputs)
    ]
    return values if average == "none" else nan_mean(values)


def baseline_accuracy(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    if task.kind == "class":
        y, _ = class_rows(task, label, prediction)
        return np.bincount(y).max() / len(y) if len(y) else np.nan
    pairs = columns(task, label, prediction)
    best = [max(y.sum(), (1 - y).sum()) for y, _ in pairs]
    if average == "micro":
        rows = sum(len(y) for y, _ in pairs)
        return sum(best) / rows if rows else np.nan
    values = [b / len(y) if len(y) else np.nan for b, (y, _) in zip(best, pairs)]
    return values if average == "none" else nan_mean(values)


def table(function: Callable[..., float]) -> Oracle:
    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        if task.kind == "cells":
            return averaged(one_vs_rest(task, label, prediction), average, function)
        y, p = class_rows(task, label, prediction)
        return function(y, p.argmax(axis=1)) if len(y) else np.nan

    return oracle


def confusion(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    if task.kind == "class":
        y, p = class_rows(task, label, prediction)
        pairs, labels = [(y, p.argmax(axis=1))], range(task.num_outputs)
    else:
        pairs, labels = one_vs_rest(task, label, prediction), range(2)
    empty = np.zeros((len(labels), len(labels)))
    return np.ravel(
        [sk.confusion_matrix(y, p, labels=labels) if len(y) else empty for y, p in pairs]
    )


def exact_match(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    if task.kind == "class":
        return accuracy(task, "micro", label, prediction)
    label = label.reshape(len(label), -1)
    right = [
        all(y == (p > 0.5) for y, p in zip(ys, ps) if y >= 0)
        for ys, ps in zip(label, prediction)
        if (ys >= 0).any()
    ]
    return np.mean(right) if right else np.nan


def top_k(task: Any, average: str, label: np.ndarray, prediction: np.ndarray, k: int = 2) -> Any:
    y, p = class_rows(task, label, prediction)
    best = [sorted(range(len(row)), key=lambda i, row=row: (-row[i], i))[:k] for row in p]
    return np.mean([label in top for label, top in zip(y, best)]) if len(y) else np.nan


def of_positions(function: Callable[..., float]) -> Oracle:
    """Apply a function of labelled and answered position."""

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        y, p = class_rows(task, label, prediction)
        choice = p.argmax(axis=1)
        if average in (None, "micro"):
            return function(y, choice) if len(y) else np.nan
        each = [
            function(y[y == k], choice[y == k]) if (y == k).any() else np.nan
            for k in range(task.num_outputs)
        ]
        return each if average == "none" else nan_mean(each)

    return oracle


def quadratic_kappa(y: np.ndarray, choice: np.ndarray) -> float:
    return sk.cohen_kappa_score(y, choice, weights="quadratic")


def ranked_probability(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    y, p = class_rows(task, label, prediction)
    steps = p.shape[1] - 1
    rows = [
        sum((row[: k + 1].sum() - (value <= k)) ** 2 for k in range(steps)) / steps
        for value, row in zip(y, p)
    ]
    return np.mean(rows) if rows else np.nan


# -- probabilities ---------------------------------------------------------------------------------
def area(function: Callable[..., float]) -> Oracle:
    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        if task.kind == "cells":
            return averaged(columns(task, label, prediction), average, function)
        y, p = class_rows(task, label, prediction)
        pairs = [((y == k).astype(float), p[:, k]) for k in range(task.num_outputs)]
        return averaged(pairs, average, function)

    return oracle


def auroc(y: np.ndarray, p: np.ndarray) -> float:
    return sk.roc_auc_score(y, p) if 0 < y.sum() < len(y) else np.nan


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    return sk.average_precision_score(y, p) if y.any() else 0.0


def of_cells(function: Callable[..., np.ndarray], of_classes: Any = None) -> Oracle:
    """Mean over cells of a function of label and probability."""

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        if task.kind == "class":
            y, p = class_rows(task, label, prediction)
            return of_classes(y, p).mean() if len(y) else np.nan
        pairs = columns(task, label, prediction)
        return averaged(pairs, average or "micro", lambda y, p: function(y, p).mean())

    return oracle


def log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    # What float32 rounds to 1 is at most half a step away from it.
    return -np.log(np.where(y > 0, np.maximum(p, TINY), np.where(p == 1, 2.0**-25, 1 - p)))


def log_loss_of_classes(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return -np.log(np.maximum(p[np.arange(len(y)), y], TINY))


def brier_of_classes(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    return ((p - np.eye(p.shape[1])[y]) ** 2).sum(axis=1)


def hinge_of_classes(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    others = np.where(np.eye(p.shape[1])[y] > 0, -np.inf, p).max(axis=1)
    return np.maximum(1 - (p[np.arange(len(y)), y] - others), 0)


def calibration(together: Callable[..., float]) -> Oracle:
    """Apply a function of the shares of rows in each bin, and of how far it is off."""

    def error(true: np.ndarray, p: np.ndarray, bins: int = 15) -> float:
        shares, gaps = [], []
        for b in range(bins):
            inside = (p >= b / bins) & ((p < (b + 1) / bins) | (b == bins - 1))
            if inside.any():
                shares.append(inside.mean())
                gaps.append(abs(true[inside].mean() - p[inside].mean()))
        return together(shares, gaps)

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        if task.kind == "cells":
            return averaged(columns(task, label, prediction), average, error)
        y, p = class_rows(task, label, prediction)
        return error(p.argmax(axis=1) == y, p.max(axis=1, initial=0)) if len(y) else np.nan

    return oracle


def of_rows(function: Callable[..., float]) -> Oracle:
    """Mean over rows of a function of whether each known label holds, and its score."""

    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        rows = zip(label.reshape(prediction.shape), prediction.astype(np.float64))
        values = [function(y[y >= 0] > 0, p[y >= 0]) for y, p in rows if (y >= 0).any()]
        return np.mean(values) if values else np.nan

    return oracle


def pairs_in_wrong_order(y: np.ndarray, p: np.ndarray) -> float:
    pairs = [(a, b) for a in p[y] for b in p[~y]]
    return np.mean([a <= b for a, b in pairs]) if pairs else 0.0


def precision_within_row(y: np.ndarray, p: np.ndarray) -> float:
    if y.all() or not y.any():
        return 1.0
    return np.mean([np.sum(y & (p >= s)) / np.sum(p >= s) for s in p[y]])


def point(function: Callable[..., float]) -> Oracle:
    """Best over all thresholds of a function of (tp, fp, fn, tn), None where it is not allowed."""

    def of_pair(y: np.ndarray, p: np.ndarray) -> float:
        if not 0 < y.sum() < len(y):
            return np.nan
        found = [0.0]
        for threshold in [*np.unique(p), np.inf]:
            above = p >= threshold
            yes = y > 0
            counts = [np.sum(a & b) for a, b in ((above, yes), (above, ~yes), (~above, yes))]
            value = function(*counts, np.sum(~above & ~yes))
            found += [] if value is None else [value]
        return max(found)

    return area(of_pair)


# -- values ----------------------------------------------------------------------------------------
def of_values(function: Callable[..., float]) -> Oracle:
    def oracle(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
        ((y, p),) = columns(task, label, prediction)
        return function(y, p) if len(y) else np.nan

    return oracle


def r2(y: np.ndarray, p: np.ndarray) -> float:
    return sk.r2_score(y, p) if len(y) > 1 else np.nan


def pearson(y: np.ndarray, p: np.ndarray) -> float:
    return np.corrcoef(y, p)[0, 1] if len(y) > 1 and y.std() and p.std() else np.nan


def task_loss(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    """Written out for tasks without weights and smoothing; the task's own tests do the rest."""
    if task.kind == "value":
        return 0.5 * np.asarray(ORACLES["mse"](task, average, label, prediction))
    return ORACLES["cross_entropy"](task, "micro", label, prediction)


def relative_loss(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    """Beside the best constant answer to these labels: shares, never 0 or 1, or a mean."""
    pairs = columns(task, label, np.zeros((len(label), task.label_width)))
    known = sum(len(y) for y, _ in pairs)
    if not known:
        return np.nan
    if task.kind == "value":
        constant = 0.5 * np.var(pairs[0][0])
    elif task.kind == "class":
        y = pairs[0][0].astype(int)
        rare = 0.5 / (known + 1)
        share = np.clip(np.bincount(y, minlength=task.num_outputs) / known, rare, 1 - rare)
        constant = -np.log(share / share.sum())[y].mean()
    else:
        losses = []
        for y, _ in pairs:
            rare = 0.5 / (len(y) + 1)
            share = np.clip(y.mean(), rare, 1 - rare) if len(y) else 0.5
            losses.append(-y * np.log(share) - (1 - y) * np.log(1 - share))
        constant = np.concatenate(losses).mean()
    least = constant if task.kind == "value" else max(constant, 0.01)
    return task_loss(task, average, label, prediction) / least if least else np.nan


def num_labels(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    if average == "none" and task.kind == "class":
        return [np.sum(label == k) for k in range(task.num_outputs)]
    counts = [len(y) for y, _ in columns(task, label, np.zeros((len(label), task.label_width)))]
    return counts if average == "none" else sum(counts)


def num_positive(task: Any, average: str, label: np.ndarray, prediction: np.ndarray) -> Any:
    counts = [np.sum(y == 1) for y, _ in columns(task, label, prediction)]
    return counts if average == "none" else sum(counts)


ORACLES: dict[str, Callable[..., Any]] = {
    "accuracy": accuracy,
    "accuracy_within_one": of_positions(lambda y, c: np.mean(np.abs(y - c) <= 1)),
    "auroc": area(auroc),
    "average_precision": area(average_precision),
    "balanced_accuracy": table(sk.balanced_accuracy_score),
    "baseline_accuracy": baseline_accuracy,
    "baseline_rmse": of_values(lambda y, p: np.std(y)),
    "brier_score": of_cells(lambda y, p: (y - p) ** 2, brier_of_classes),
    "average_calibration_error": calibration(lambda shares, gaps: np.mean(gaps)),
    "calibration_error": calibration(np.dot),
    "coverage_error": of_rows(lambda y, p: np.sum(p >= p[y].min()) if y.any() else 0.0),
    "hinge": of_cells(lambda y, p: np.maximum(1 - (2 * y - 1) * p, 0), hinge_of_classes),
    "interval_coverage": of_values(lambda y, p: np.nan),  # of tasks without; see test_intervals.py
    "interval_width": of_values(lambda y, p: np.nan),
    "jaccard": sklearn_rate("jaccard_score"),
    "max_calibration_error": calibration(lambda shares, gaps: max(gaps)),
    "precision_at_recall": point(
        lambda tp, fp, fn, tn: (tp / (tp + fp) if tp + fp else 1.0)
        if tp / (tp + fn) >= 0.6
        else None
    ),
    "ranking_average_precision": of_rows(precision_within_row),
    "ranking_loss": of_rows(pairs_in_wrong_order),
    "recall_at_precision": point(
        lambda tp, fp, fn, tn: tp / (tp + fn) if (tp / (tp + fp) if tp + fp else 1) >= 0.6 else None
    ),
    "sensitivity_at_specificity": point(
        lambda tp, fp, fn, tn: tp / (tp + fn) if tn / (tn + fp) >= 0.6 else None
    ),
    "specificity_at_sensitivity": point(
        lambda tp, fp, fn, tn: tn / (tn + fp) if tp / (tp + fn) >= 0.6 else None
    ),
    "class_mae": of_positions(sk.mean_absolute_error),
    "cohen_kappa": table(sk.cohen_kappa_score),
    "confusion_matrix": confusion,
    "cross_entropy": of_cells(log_loss, log_loss_of_classes),
    "exact_match": exact_match,
    "f1": sklearn_rate("f1_score"),
    "f_beta": sklearn_rate("fbeta_score", beta=2.0),
    "hamming_loss": lambda *sample: 1 - np.asarray(accuracy(*sample)),
    "mae": of_values(sk.mean_absolute_error),
    "matthews_corr_coef": table(sk.matthews_corrcoef),
    "mse": of_values(sk.mean_squared_error),
    "num_labels": num_labels,
    "num_positive": num_positive,
    "pearson_corr_coef": of_values(pearson),
    "precision": sklearn_rate("precision_score"),
    "quadratic_kappa": of_positions(quadratic_kappa),
    "r2_score": of_values(r2),
    "ranked_probability_score": ranked_probability,
    "recall": sklearn_rate("recall_score"),
    "relative_loss": relative_loss,
    "rmse": of_values(lambda y, p: np.sqrt(sk.mean_squared_error(y, p))),
    "specificity": rate(specificity),
    "task_loss": task_loss,
    "top_k_accuracy": top_k,
}
OPTIONS: dict[str, dict[str, Any]] = {
    **{name: {"level": 0.6} for name in ORACLES if "_at_" in name},
    "f_beta": {"beta": 2.0},
    "top_k_accuracy": {"k": 2},
}
ACROSS = ("mean_over_tasks", "worst_task", "delta_m")  # of other metrics: test_across.py
