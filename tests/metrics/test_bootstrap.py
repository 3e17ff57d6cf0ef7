"""Confidence intervals."""

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

from ._data import TASKS as ALL
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


@pytest.mark.parametrize("sort", ["plain", "ties", "one_class"])
def test_all_draws_at_once_are_equal_to_each_by_hand(sort):
    """Of every metric, average and kind of task: what is looked up in one order of the rows."""
    tasks = mxmtl.TaskSet(list(ALL.values()))
    rows = 40
    data = [sample(task, sort, 0.4, rows=rows, seed=i) for i, task in enumerate(tasks)]
    made = []
    for task in tasks:
        for name, cls in task.kind.metrics.items():
            averages = cls.averages[task.kind] or (None,)
            for average in averages:
                for options in ({}, {"bins": 7}) if name in ("auroc", "brier_score") else ({},):
                    if options and name != "auroc":
                        continue
                    called = f"{task.name}/{name}-{average}-{options}"
                    given = options if average is None else {**options, "average": average}
                    made.append(cls(task, name=called, **given))
    made.append(metrics.WorstTask([metrics.Accuracy(t) for t in tasks if t.kind != "value"]))
    made.append(metrics.ExactMatch(tasks))
    suite = metrics.Suite(tasks, made)
    interval = metrics.Bootstrap(suite, repeats=12, level=0.8, seed=5)
    interval.update([label for label, _ in data], [p for _, p in data])
    rng, draws = np.random.RandomState(5), []
    for _ in range(12):
        index = rng.randint(rows, size=rows)
        suite = metrics.Suite(tasks, made)
        suite.update([label[index] for label, _ in data], [p[index] for _, p in data])
        draws.append([value for _, value in suite.get_name_value()])
    values = interval.metric_values()
    assert len(values) == len(draws[0]) > 100
    for value, column in zip(values, np.array(draws).T):
        known = column[~np.isnan(column)]
        low, high = np.percentile(known, [10, 90]) if known.size else (np.nan, np.nan)
        if value.value < low or value.value > high:
            moved = value.value - np.median(known)
            low, high = low + moved, high + moved
            low, high = (max(low, 0), max(high, 0)) if known.min() >= 0 else (low, high)
        assert value.interval == pytest.approx((low, high), rel=1e-9, abs=1e-12, nan_ok=True), value
        if not np.isnan(value.value + low):
            assert low - 1e-12 <= value.value <= high + 1e-12


def test_a_value_that_drawing_itself_changes_lies_in_its_interval():
    """Rows that are repeated look less calibrated than they are: all draws are above the value."""
    rng = np.random.RandomState(1)
    p = rng.uniform(0.2, 0.8, size=(600, 1))
    label = (rng.uniform(size=600) < p[:, 0]).astype(float)
    interval = metrics.Bootstrap(metrics.CalibrationError(mxmtl.Binary("t"), bins=100), repeats=100)
    interval.update(label, p)
    value, low, high = interval.get()[1]
    assert 0 <= low <= value <= high


def test_of_many_rows_and_draws_in_parts(monkeypatch):
    """Parts of rows and of draws, and sums beyond 16 bits, change nothing."""
    binary = mxmtl.Binary("t")
    label, prediction = sample(binary, "ties", 0.2, rows=9000)
    made = [metrics.AUROC(binary), metrics.AveragePrecision(binary), metrics.F1(binary)]
    found = []
    for cells in (1 << 18, 100):
        monkeypatch.setattr("mxmtl.metrics._draws.CELLS", cells)
        interval = metrics.Bootstrap(metrics.Suite(mxmtl.TaskSet([binary]), made), repeats=6)
        interval.update([label], [prediction])
        found.append(interval.get()[1])
    assert found[0] == found[1]
    rng, draws = np.random.RandomState(0), []
    for _ in range(6):
        index = rng.randint(9000, size=9000)
        suite = metrics.Suite(mxmtl.TaskSet([binary]), made)
        suite.update([label[index]], [prediction[index]])
        draws.append(suite.get()[1])
    bounds = np.percentile(draws, [2.5, 97.5], axis=0).T
    assert np.reshape(found[0], (3, 3))[:, 1:] == pytest.approx(bounds, rel=1e-9)
