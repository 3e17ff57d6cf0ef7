"""Confidence intervals."""

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

from ._data import batches, sample

TASKS = mxmtl.TaskSet([mxmtl.Multiclass("breed", ["a", "b", "c"]), mxmtl.Regression("age")])


def test_of_a_mean_it_is_the_binomial_interval():
    rng = np.random.RandomState(0)
    label = rng.randint(2, size=400)
    prediction = np.where(rng.uniform(size=400) < 0.8, label, 1 - label)[:, None]
    label[rng.uniform(size=400) < 0.25] = -1
    interval = metrics.Bootstrap(metrics.Accuracy(mxmtl.Binary("t")), repeats=500)
    interval.update(label, prediction.astype(np.float32))
    value, low, high = interval.get()[1]
    sigma = np.sqrt(value * (1 - value) / np.sum(label >= 0))
    assert low == pytest.approx(value - 1.96 * sigma, abs=0.01)
    assert high == pytest.approx(value + 1.96 * sigma, abs=0.01)


def test_equal_to_resampling_by_hand_with_the_same_draws():
    data = [sample(task, "plain", 0.3, rows=50, seed=i) for i, task in enumerate(TASKS)]
    interval = metrics.Bootstrap(TASKS.metrics(), repeats=20, level=0.8, seed=3)
    for parts in zip(*[batches(*pair) for pair in data]):
        interval.update_dict(
            {name: label for name, (label, _) in zip(TASKS.label_names, parts)},
            {name: prediction for name, (_, prediction) in zip(TASKS.output_names, parts)},
        )
    rng, draws = np.random.RandomState(3), []
    for _ in range(20):
        index = rng.randint(50, size=50)
        suite = TASKS.metrics()
        suite.update([label[index] for label, _ in data], [p[index] for _, p in data])
        draws.append([value for _, value in suite.get_name_value()])
    got = dict(interval.get_name_value())
    for name, column in zip(suite.names, np.array(draws).T):
        low, high = np.percentile(column, [10, 90])
        assert got[f"{name}/low"] == pytest.approx(low, rel=1e-12)
        assert got[f"{name}/high"] == pytest.approx(high, rel=1e-12)
    whole = TASKS.metrics()
    whole.update([label for label, _ in data], [p for _, p in data])
    assert {name: got[name] for name in whole.names} == pytest.approx(
        dict(whole.get_name_value()), rel=1e-12
    )


def test_the_same_seed_gives_the_same_interval_and_reset_forgets():
    part = sample(TASKS["breed"], "plain", 0.3)
    interval = metrics.Bootstrap(metrics.F1(TASKS["breed"]), repeats=30)
    assert np.isnan(interval.get()[1]).all()
    interval.update(*part)
    first = interval.get()
    assert interval.get() == first
    interval.update(*part)
    assert interval.get() != first
    interval.reset()
    interval.update(*part)
    assert interval.get() == first
    assert first[0] == ["breed/f1", "breed/f1/low", "breed/f1/high"]


def test_nothing_labelled_is_nan():
    interval = metrics.Bootstrap(TASKS.metrics(), repeats=5)
    data = [sample(task, "plain", 1.0) for task in TASKS]
    interval.update(*zip(*data))
    values = dict(interval.get_name_value())
    assert np.isnan(values.pop("breed/accuracy/low"))
    assert values["breed/num_labels/high"] == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [({"repeats": 1}, "repeats=1 must be"), ({"level": 1.0}, "level=1.0 must be between")],
)
def test_refusals(options, message):
    with pytest.raises(ValueError, match=message):
        metrics.Bootstrap(metrics.F1(TASKS["breed"]), **options)


def test_foreign_metrics_cannot_be_resampled():
    import mxnet as mx

    suite = metrics.Suite(TASKS, [])
    suite.add(mx.metric.MSE())
    with pytest.raises(TypeError, match="can resample the metrics of mxmtl only"):
        metrics.Bootstrap(suite)
