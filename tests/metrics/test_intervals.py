"""Values with an interval, and counts: heads, losses and metrics by hand and by the laws."""

import mxmtl
from mxmtl import metrics

import mxnet as mx
import numpy as np
import pytest
from scipy import stats

TASKS = {
    "quantile": mxmtl.Interval("age", center=40.0, scale=10.0, coverage=0.8, weight=0.5),
    "gaussian": mxmtl.Interval("age", center=40.0, scale=10.0, method="gaussian"),
    "count": mxmtl.Count("people", mean=4.0),
}
LABEL = np.float32([31, 60, np.nan, 44, 12, 40])
COUNTS = np.float32([3, 0, np.nan, 9, 1, 4])


def costs(name, logits, label):
    """Loss of rows in float64, written out."""
    if name == "count":
        p = 4 * np.exp(logits[:, 0])
        log_of = np.where(label > 0, np.log(np.where(label > 0, label, 1) / p), 0)
        return label * log_of - label + p
    y = (label - 40) / 10
    if name == "gaussian":
        return -stats.norm.logpdf(y, logits[:, 0], np.exp(logits[:, 1] / 2)) - np.log(2 * np.pi) / 2
    below, above = (np.logaddexp(0, logits[:, k]) for k in (1, 2))
    total = 0.0
    for level, q in ((0.5, 0 * below), (0.1, -below), (0.9, above)):
        q = logits[:, 0] + q
        total = total + np.where(y > q, level * (y - q), (1 - level) * (q - y))
    return 0.5 * total


@pytest.mark.parametrize("name", TASKS)
def test_loss_gradient_and_measured_loss(name):
    task, label = TASKS[name], COUNTS if name == "count" else LABEL
    rng, known = np.random.RandomState(0), ~np.isnan(label)
    z = mx.nd.array(rng.normal(size=(6, task.num_logits)))
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(label))
    loss.backward()
    exact = z.asnumpy().astype(np.float64)
    expected = costs(name, exact, label.astype(np.float64))
    np.testing.assert_allclose(loss.asnumpy()[known], expected[known], rtol=1e-4, atol=1e-5)
    assert loss.asnumpy()[2] == 0
    assert np.all(z.grad.asnumpy()[2] == 0)
    for column in range(task.num_logits):
        step = np.zeros_like(exact)
        step[:, column] = 1e-6
        up, down = (costs(name, exact + sign * step, label.astype(float)) for sign in (1, -1))
        slope = (up - down)[known] / 2e-6
        np.testing.assert_allclose(z.grad.asnumpy()[known, column], slope, rtol=1e-3, atol=1e-4)
    prediction = task.activate(mx.nd, z).asnumpy()
    measured = task.prediction_loss(label, prediction)[:, 0] * task.weight
    np.testing.assert_allclose(measured[known], expected[known], rtol=1e-4, atol=1e-4)
    assert mxmtl.Task.from_dict(task.to_dict()) == task


@pytest.mark.parametrize("name", TASKS)
def test_module_fit_learns_it_and_extremes_stay_finite(name):
    task, rng = TASKS[name], np.random.RandomState(1)
    x = rng.normal(size=(600, 2)).astype(np.float32)
    if name == "count":
        label = rng.poisson(np.exp(1 + 0.5 * x[:, 0]))
    else:
        label = 50 + 8 * x[:, 0] + 3 * rng.normal(size=600)
    tasks = mxmtl.TaskSet([task])
    module = mx.mod.Module(
        mxmtl.training_symbol(mx.sym.var("data"), tasks), label_names=tasks.label_names
    )
    batches = mx.io.NDArrayIter(x, {task.label_name: label.astype(np.float32)}, batch_size=100)
    mx.random.seed(0)
    module.fit(
        batches, num_epoch=60, eval_metric=tasks.metrics(), optimizer="adam",
        optimizer_params={"learning_rate": 0.1}, initializer=mx.init.Xavier(),
    )  # fmt: skip
    suite = tasks.metrics()
    module.score(batches, suite)
    values = dict(suite.get_name_value())
    if name == "count":
        assert values["people/rmse"] < 0.8 * values["people/baseline_rmse"]
    else:
        assert values["age/interval_coverage"] == pytest.approx(task.coverage, abs=0.05)
        assert values["age/rmse"] < 3.3
    z = mx.nd.array(np.resize([80.0, -80, 1e4, 0], (6, task.num_logits)))
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(COUNTS))
    loss.backward()
    assert np.isfinite(z.grad.asnumpy()).all()
    assert np.isfinite(task.activate(mx.nd, z).asnumpy()).all()


def test_what_lies_inside():
    task = TASKS["quantile"]
    prediction = np.float32([[40, 30, 50], [40, 35, 45], [1, 2, 3], [40, 44, 60]])
    label = np.float32([30, 46, np.nan, 41])
    values = {}
    for kind in (metrics.IntervalCoverage, metrics.IntervalWidth, metrics.MAE, metrics.NumLabels):
        metric = kind(task)
        metric.update(label, prediction)
        values[kind.__name__] = metric.get()[1]
    assert values == {
        "IntervalCoverage": pytest.approx(1 / 3), "IntervalWidth": pytest.approx(46 / 3),
        "MAE": pytest.approx(17 / 3), "NumLabels": 3.0,
    }  # fmt: skip
    words = task.describe(prediction)
    assert list(words) == ["age", "age.low", "age.high"]
    assert task.answer(prediction[0]).to_dict() == {"answer": 40.0, "interval": [30.0, 50.0]}


def test_a_count_is_a_whole_number():
    people = mxmtl.Count("people")
    for cell in ("-1", "2.5", "many"):
        with pytest.raises(mxmtl.LabelError):
            people.encode({"people": cell})
    assert people.learned({"mean": 3.5}).mean == 3.5
    assert not people.valid(np.array([-2.0])).any()
