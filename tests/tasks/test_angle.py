"""Angles: near is near across the end of a turn, in the loss, the answer and the metrics."""

import mxmtl
from mxmtl import metrics

import mxnet as mx
import numpy as np
import pytest

HOUR = mxmtl.Angle("hour", period=24, weight=0.5)
LABEL = np.float32([1, 23.5, np.nan, -3, 50, 12])
Z = np.random.RandomState(0).normal(size=(6, 2)).astype(np.float32)


def error(prediction, label):
    """The shorter way round, by complex numbers."""
    turns = np.exp(2j * np.pi * (np.asarray(prediction, float) - label) / 24)
    return np.angle(turns) / (2 * np.pi) * 24


def costs(logits):
    direction = np.arctan2(logits[:, 1], logits[:, 0]) / (2 * np.pi) * 24
    return 1 - np.cos(2 * np.pi * (direction - LABEL.astype(float)) / 24)


def test_loss_gradient_and_measured_loss():
    z, y, known = mx.nd.array(Z), mx.nd.array(LABEL), ~np.isnan(LABEL)
    z.attach_grad()
    with mx.autograd.record():
        loss = HOUR.row_loss(mx.nd, z, y)
    loss.backward()
    exact = Z.astype(np.float64)
    np.testing.assert_allclose(loss.asnumpy()[known], 0.5 * costs(exact)[known], atol=1e-5)
    assert loss.asnumpy()[2] == 0
    assert np.all(z.grad.asnumpy()[2] == 0)
    for column in range(2):
        step = np.eye(2)[column] * 1e-6
        slope = (costs(exact + step) - costs(exact - step)) / 2e-6
        np.testing.assert_allclose(z.grad.asnumpy()[known, column], 0.5 * slope[known], atol=1e-4)
    found = HOUR.logit_gradient(mx.nd, z, y).asnumpy()
    np.testing.assert_allclose(found, z.grad.asnumpy() * 6 / 5, atol=1e-6)  # "valid"
    prediction = HOUR.activate(mx.nd, z).asnumpy()
    np.testing.assert_allclose(
        HOUR.prediction_loss(LABEL, prediction)[known, 0], costs(exact)[known], atol=1e-5
    )
    assert mxmtl.Task.from_dict(HOUR.to_dict()) == HOUR


def test_the_answer_is_the_direction_everywhere():
    turn = np.linspace(0, 2 * np.pi, 49)[:-1]
    for size in (1e-4, 1.0, 80.0, 1e4):
        z = mx.nd.array(size * np.stack([np.cos(turn), np.sin(turn)], axis=1))
        found = HOUR.activate(mx.nd, z).asnumpy()[:, 0]
        assert np.all((found >= 0) & (found <= 24))
        assert np.abs(error(found, turn / (2 * np.pi) * 24)).max() < 2e-5
    z = mx.nd.array([[80.0, -80], [1e4, 0], [0, 0], [-1e4, -0.0], [0, 1e4], [-80, 1e-30]])
    z.attach_grad()
    with mx.autograd.record():
        loss = HOUR.row_loss(mx.nd, z, mx.nd.array(LABEL))
    loss.backward()
    assert np.isfinite(loss.asnumpy()).all()
    assert np.isfinite(z.grad.asnumpy()).all()
    assert np.isfinite(HOUR.activate(mx.nd, z).asnumpy()).all()


def test_errors_are_measured_the_shorter_way():
    rng = np.random.RandomState(1)
    prediction = rng.uniform(0, 24, size=(6, 1)).astype(np.float32)
    off = np.abs(error(prediction[:, 0], LABEL))[~np.isnan(LABEL)]
    for kind, expected in ((metrics.MAE, off.mean()), (metrics.RMSE, np.sqrt((off**2).mean()))):
        metric = kind(HOUR)
        metric.update(LABEL, prediction)
        assert metric.get()[1] == pytest.approx(expected, rel=1e-5)


def test_the_constant_answer_is_the_mean_direction():
    label = np.float32([23, 1, 2, np.nan])
    best = HOUR.constant(label)
    grid = np.linspace(0, 24, 2401)
    cost = [HOUR.prediction_loss(label, np.full((4, 1), at)).sum() for at in grid]
    assert abs(error(best[0], grid[int(np.argmin(cost))])) < 0.01
    logits = HOUR.logits_of(best)
    assert HOUR.activate(mxmtl.tasks.NumpyOperators(), logits[None])[0, 0] == pytest.approx(best[0])
    assert np.isnan(HOUR.constant(np.float32([np.nan]))).all()
    with pytest.raises(ValueError, match="period"):
        mxmtl.Angle("a", period=0)


def test_module_fit_learns_it_across_the_end_of_a_turn():
    rng = np.random.RandomState(2)
    x = rng.normal(size=(400, 2)).astype(np.float32)
    hour = np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi) * 24
    known = np.where(np.arange(400) % 4, hour % 24, np.nan).astype(np.float32)
    tasks = mxmtl.TaskSet([HOUR, mxmtl.Binary("other")])
    symbol = mxmtl.training_symbol(mx.sym.var("data"), tasks, balance="imtl_g")
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    label = {"hour_label": known, "other_label": (x[:, 0] > 0).astype(np.float32)}
    batches = mx.io.NDArrayIter(x, label, batch_size=100)
    mx.random.seed(0)
    module.fit(
        batches, num_epoch=30, eval_metric=tasks.metrics(), optimizer="adam",
        optimizer_params={"learning_rate": 0.1}, initializer=mx.init.Xavier(),
    )  # fmt: skip
    made = mxmtl.prediction_symbol(symbol, tasks)["hour_output"]
    predicting = mx.mod.Module(made, label_names=None)
    predicting.bind([("data", (400, 2))], for_training=False)
    predicting.set_params(*module.get_params(), allow_extra=True)
    predicting.forward(mx.io.DataBatch([mx.nd.array(x)]), is_train=False)
    assert np.abs(error(predicting.get_outputs()[0].asnumpy()[:, 0], hour)).mean() < 0.5
