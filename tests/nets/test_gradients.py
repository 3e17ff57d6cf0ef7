"""Laws 1, 2 and 7: gradients are those of the labelled entries alone, in both worlds."""

import mxmtl
from tests import _cases, _oracles

import mxnet as mx
import numpy as np
import pytest

from . import _run

MISSING = [0.0, 0.5, 1.0]
NORMALIZATIONS = ["batch", "valid"]


def _problem(missing, normalization="batch", rows=7, tasks=None):
    rng = np.random.RandomState(1)
    tasks = tasks or _cases.task_set(normalization)
    data = rng.normal(size=(rows, 2, 3)).astype(np.float32)
    labels = [_cases.random_label(task, rows, missing, rng) for task in tasks]
    return tasks, _run.random_params(tasks, 6, rng), data, np.concatenate(labels, axis=1)


def _relative(a, b):
    return np.abs(a - b).max() / max(np.abs(b).max(), 1e-3)


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
@pytest.mark.parametrize("way", ["symbol", "gluon", "hybridized"])
def test_gradients_are_those_of_the_labelled_entries(way, normalization, missing):
    tasks, params, data, label = _problem(missing, normalization)
    if way == "symbol":
        result = _run.by_symbol(tasks, params, data, label)
    else:
        result = _run.by_gluon(tasks, params, data, label, hybridize=way == "hybridized")
    expected = _run.by_oracle(tasks, params, data, label)
    assert set(result.gradients) == set(expected)
    for name, gradient in expected.items():
        assert _relative(result.gradients[name], gradient) < 1e-5, name


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_symbol_and_gluon_agree(normalization, missing):
    problem = _problem(missing, normalization)
    symbol, gluon = _run.by_symbol(*problem), _run.by_gluon(*problem, hybridize=True)
    for name, gradient in gluon.gradients.items():
        assert _relative(symbol.gradients[name], gradient) < 1e-5, name
    for ours, theirs in zip(symbol.predictions, gluon.predictions):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", _cases.TASKS)
@pytest.mark.parametrize("way", [_run.by_symbol, lambda *p: _run.by_gluon(*p, hybridize=False)])
def test_a_missing_label_has_exactly_no_gradient(way, name):
    tasks = mxmtl.TaskSet([_cases.TASKS[name]])
    tasks, params, data, label = _problem(0.6, "batch", rows=9, tasks=tasks)
    label[4] = tasks.missing_label
    gradients = way(tasks, params, data, label).gradients["data"].reshape(9, -1)
    unlabelled = [all(_oracles.is_missing(tasks[0], v) for v in row) for row in label]
    assert any(unlabelled)
    for row, is_unlabelled in zip(gradients, unlabelled):
        assert np.all(row == 0) == is_unlabelled


@pytest.mark.parametrize("idle", _cases.TASKS)
def test_an_unlabelled_task_learns_nothing_and_changes_nothing(idle):
    tasks, params, data, label = _problem(0.2)
    part = tasks.slices[list(_cases.TASKS).index(idle)]
    unlabelled = label.copy()
    unlabelled[:, part] = _cases.TASKS[idle].missing
    before = _run.by_symbol(tasks, params, data, label).gradients
    after = _run.by_symbol(tasks, params, data, unlabelled).gradients
    name = _cases.TASKS[idle].name
    for gradient in (f"{name}_weight", f"{name}_bias"):
        assert np.any(before[gradient] != 0)
        assert np.all(after[gradient] == 0)
    for gradient in set(before) - {f"{name}_weight", f"{name}_bias", "data"}:
        np.testing.assert_array_equal(before[gradient], after[gradient])


@pytest.mark.parametrize("normalization", NORMALIZATIONS)
def test_gluon_loss_of_each_row(normalization):
    tasks, params, data, label = _problem(0.5, normalization)
    label[3] = tasks.missing_label
    x = data.reshape(len(data), -1)
    logits = [x @ params[f"{t.name}_weight"].T + params[f"{t.name}_bias"] for t in tasks]
    expected = [
        _oracles.loss_and_gradient(task, z, label[:, part], normalization)[0]
        for task, z, part in zip(tasks, logits, tasks.slices)
    ]
    loss = mxmtl.MultiTaskLoss(tasks)
    labels = tasks.split(mx.nd.array(label))
    outputs = [mx.nd.array(z) for z in logits]
    each = [value.asnumpy() for value in loss.per_task(outputs, labels)]
    np.testing.assert_allclose(each, expected, rtol=2e-5, atol=1e-6)
    total = loss(outputs, labels).asnumpy()
    np.testing.assert_allclose(total, np.sum(expected, axis=0), rtol=2e-5, atol=1e-6)
    assert total[3] == 0


def test_extreme_logits_and_zeros_stay_finite_and_right():
    tasks = _cases.task_set()
    values = np.array([-1e4, -60.0, -1e-3, 0.0, 1e-3, 60.0, 1e4], np.float32)
    rng = np.random.RandomState(0)
    for task in tasks:
        logits = rng.permutation(np.resize(values, 7 * task.num_logits)).reshape(7, -1)
        label = _cases.random_label(task, 7, 0.2, rng)
        z = mx.nd.array(logits)
        z.attach_grad()
        with mx.autograd.record():
            loss = task.row_loss(mx.nd, z, mx.nd.array(label).reshape(task.label_shape(7)))
        loss.backward()
        losses, gradient = _oracles.loss_and_gradient(task, logits, label, "batch")
        np.testing.assert_allclose(loss.asnumpy(), losses, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(z.grad.asnumpy(), gradient, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", _cases.TASKS)
def test_loss_of_predictions_is_the_loss_of_logits(name):
    task, rng = _cases.TASKS[name], np.random.RandomState(3)
    logits = rng.normal(size=(20, task.num_logits)).astype(np.float32) * 3
    if task.thresholds_at_start:  # else it is no distribution over classes
        logits = -np.sort(-logits, axis=1)
    label = _cases.random_label(task, 20, 0.4, rng)
    losses, _ = _oracles.loss_and_gradient(task, logits, label, "batch")
    prediction = task.activate(mx.nd, mx.nd.array(logits)).asnumpy()
    cells = task.prediction_loss(label, prediction)
    assert cells.dtype == np.float64
    assert cells.shape == (20, task.label_width)
    np.testing.assert_allclose(cells.mean(axis=1) * task.weight, losses, rtol=1e-4, atol=1e-6)
    for value, cell in zip(label.ravel(), cells.ravel()):
        assert (cell == 0) == _oracles.is_missing(task, value) or task.kind == "value"


def test_many_heads_get_right_gradients():
    # MXNet 1.9.1 adds up eight or more loss gradients on one tensor wrongly; a head stands between.
    tasks = mxmtl.TaskSet([mxmtl.Binary(f"t{i}") for i in range(20)])
    tasks, params, data, label = _problem(0.3, tasks=tasks)
    expected = _run.by_oracle(tasks, params, data, label)
    for name, gradient in _run.by_symbol(tasks, params, data, label).gradients.items():
        assert _relative(gradient, expected[name]) < 1e-5, name
