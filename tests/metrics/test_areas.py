"""Areas in bins: within the stated error, in flat memory."""

from mxmtl import metrics

import numpy as np
import pytest

from ._data import TASKS, sample


@pytest.mark.parametrize("name", ["auroc", "average_precision"])
@pytest.mark.parametrize("task", ["multiclass", "binary", "multilabel"])
@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
@pytest.mark.parametrize("bins", [2, 10, 200])
def test_binned_values_are_within_their_error(name, task, average, bins):
    cls = metrics.Metric.types[name]
    exact, binned = cls(TASKS[task], average=average), cls(TASKS[task], average=average, bins=bins)
    for seed in range(5):
        for metric in (exact, binned):
            metric.update(*sample(TASKS[task], "plain", 0.3, rows=40, seed=seed))
    assert exact.error == 0.0
    assert abs(exact.get()[1] - binned.get()[1]) <= binned.error + 1e-12
    assert binned.error < 2 / bins + 1e-12 or name == "average_precision"


@pytest.mark.parametrize("stat", [metrics.area_under_roc, metrics.average_precision])
def test_the_error_is_as_large_as_the_worst_order_within_a_bin(stat):
    error = {
        metrics.area_under_roc: metrics.area_under_roc_error,
        metrics.average_precision: metrics.average_precision_error,
    }[stat]
    rng = np.random.RandomState(0)
    for _ in range(50):
        positive = rng.uniform(size=12) < 0.5
        step = np.sort(rng.randint(3, size=12))
        binned = metrics.curve_of_scores(step, positive)
        inside = np.lexsort((rng.uniform(size=12), step))  # any order within a step
        best = np.lexsort((positive, step))
        worst = np.lexsort((~positive, step))
        for order in (inside, best, worst):
            score = np.empty(12)
            score[order] = np.arange(12)
            exact = stat(metrics.curve_of_scores(score, positive))
            if np.isfinite(exact):
                assert abs(exact - stat(binned)) <= error(binned) + 1e-12


def test_values_that_bins_can_tell_apart_are_exact():
    label, prediction = sample(TASKS["multilabel"], "ties", 0.3)
    for name in ("auroc", "average_precision"):
        cls = metrics.Metric.types[name]
        exact, binned = cls(TASKS["multilabel"]), cls(TASKS["multilabel"], bins=16)
        exact.update(label, prediction)
        binned.update(label, prediction)
        assert binned.get()[1] == pytest.approx(exact.get()[1], rel=1e-12)


def test_memory_of_bins_does_not_grow():
    metric = metrics.AUROC(TASKS["binary"], bins=100)
    for seed in range(3):
        metric.update(*sample(TASKS["binary"], "plain", 0.0, seed=seed))
        assert metric._statistics[0].local.shape == (2, 1, 100)


def test_area_and_precision_share_the_scores():
    task = TASKS["binary"]
    members = [metrics.AUROC(task), metrics.AveragePrecision(task)]
    import mxmtl

    suite = metrics.Suite(mxmtl.TaskSet([task]), members)
    label, prediction = sample(task, "plain", 0.5)
    suite.update([label], [prediction])
    assert members[0]._statistics[0] is members[1]._statistics[0]
    ((scores, labels),) = members[0]._statistics[0].local
    assert (scores.dtype, labels.dtype) == (np.float32, np.int8)
    assert len(scores) == np.sum(label >= 0)
