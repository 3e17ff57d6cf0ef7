"""Laws 1, 2 and 8 for every loss: that of the formula, in both worlds, of labelled cells alone."""

import dataclasses

import mxmtl
from mxmtl import losses
from tests import _cases, _oracles
from tests.nets import _run

import mxnet as mx
import numpy as np
import pytest

from . import _formulas
from ._steps import assert_same_step

STEP = 1e-5
COUNTS = [(90, 10), (50, 50), (3, 1)]
MORE = {  # of which the formula is elsewhere: a detached factor, one inside another, one cell
    "more_asymmetric": losses.Asymmetric(),
    "more_asymmetric_both": losses.Asymmetric(gamma_neg=2, gamma_pos=1, margin=0.1),
    "more_balanced_focal": losses.ClassBalanced(counts=COUNTS, loss=losses.Focal(gamma=1)),
}
TASKS = {
    **{
        f"cells_{name}": mxmtl.Multilabel(
            "toys", labels=["ball", "rope", "bone"], loss=loss, pos_weight=[1, 2, 0.5],
            label_smoothing=0.1, weight=0.5,
        )
        for name, (loss, _) in _formulas.CELLS.items()
    },
    **{
        f"class_{name}": mxmtl.Multiclass(
            "breed", ["a", "b", "c", "d"], loss=loss, class_weight=[1, 2, 0.5, 1],
            label_smoothing=0.2, weight=2.0,
        )
        for name, (loss, _) in _formulas.CLASSES.items()
    },
    **{
        f"binary_{name}": mxmtl.Binary(
            "outdoors", loss=loss, pos_weight=3.0, label_smoothing=0.1, weight=0.5
        )
        for name, (loss, _) in _formulas.CELLS.items()
        if not isinstance(loss, losses.CountedLoss)
    },
    **{
        f"value_{name}": mxmtl.Regression("age", loss=loss, weight=0.3)
        for name, (loss, _) in _formulas.VALUES.items()
    },
}  # fmt: skip
ALL = {
    **TASKS,
    **{
        name: mxmtl.Multilabel("toys", ["ball", "rope", "bone"], loss=loss, pos_weight=[1, 2, 0.5])
        for name, loss in MORE.items()
    },
}


def row_losses(name, task, logits, label):
    """Losses (N,) of rows by the formulas, from labelled cells alone."""
    form, short = name.split("_", 1)
    total = np.zeros(len(logits))
    for row, column in np.ndindex(*label.shape):
        value = label[row, column]
        if _oracles.is_missing(task, value):
            continue
        if form in ("cells", "binary"):
            yes, no = (cost(logits[row, column]) for cost in _formulas.CELLS[short][1][column])
            target = 0.9 * value + 0.05
            cost = (target * yes + (1 - target) * no) * (task.pos_weights[column] if value else 1)
        elif form == "class":
            gold, costs = int(value), _formulas.CLASSES[short][1](logits[row])
            target = np.full(4, 0.2 / 3)
            target[gold] = 0.8
            cost = task.class_weight[gold] * (target @ costs)
        else:
            cost = _formulas.VALUES[short][1](logits[row, column], value)
        total[row] += cost / label.shape[1]
    return task.weight * total


def gradient_of(function, logits):
    """Central differences of the sum of a function of (N, K)."""
    result = np.zeros(logits.shape)
    for place in np.ndindex(*logits.shape):
        step = np.zeros(logits.shape)
        step[place] = STEP
        result[place] = (function(logits + step) - function(logits - step)).sum() / (2 * STEP)
    return result


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("missing", [0.5, 1.0])
def test_what_is_missing_costs_exactly_nothing(name, missing):
    task, rng = ALL[name], np.random.RandomState(3)
    label = _cases.random_label(task, 6, missing, rng)
    found = gradient(task, rng.normal(size=(6, 3)) * 2, label)
    assert np.all(found[label < 0] == 0)
    assert np.all(found[label == 1] != 0)


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_loss_and_gradient_are_those_of_the_formula(name, missing):
    task, rng = TASKS[name], np.random.RandomState(3)
    logits = rng.normal(size=(6, task.num_logits)) * 2
    label = _cases.random_label(task, 6, missing, rng)
    known = ~np.array([[_oracles.is_missing(task, v) for v in row] for row in label])
    z, y = mx.nd.array(logits), mx.nd.array(label).reshape(task.label_shape(6))
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, y)
    loss.backward()
    exact = z.asnumpy().astype(np.float64)
    np.testing.assert_allclose(
        loss.asnumpy(), row_losses(name, task, exact, label), rtol=2e-5, atol=1e-6
    )
    expected = gradient_of(lambda at: row_losses(name, task, at, label), exact)
    np.testing.assert_allclose(z.grad.asnumpy(), expected, rtol=1e-4, atol=2e-6)
    gone = ~known if task.kind == "cells" else ~known.any(axis=1)
    assert np.all(z.grad.asnumpy()[gone] == 0)
    assert np.all(loss.asnumpy()[~known.any(axis=1)] == 0)


@pytest.mark.parametrize("normalization", ["batch", "valid"])
@pytest.mark.parametrize("name", ALL)
def test_symbol_and_gluon_agree_and_predictions_are_the_plain_ones(name, normalization):
    tasks = mxmtl.TaskSet([ALL[name], mxmtl.Binary("other")], normalization=normalization)
    rng = np.random.RandomState(1)
    data = rng.normal(size=(7, 2, 3)).astype(np.float32)
    label = np.concatenate([_cases.random_label(t, 7, 0.4, rng) for t in tasks], axis=1)
    label[2] = tasks.missing_label
    params = _run.random_params(tasks, 6, rng)
    symbol = _run.by_symbol(tasks, params, data, label)
    gluon = _run.by_gluon(tasks, params, data, label, hybridize=True)
    for key, gradient in gluon.gradients.items():
        size = max(np.abs(gradient).max(), 1e-3)
        assert np.abs(symbol.gradients[key] - gradient).max() < 1e-5 * size, key
    assert np.all(symbol.gradients["data"][2] == 0)
    plain = mxmtl.TaskSet([dataclasses.replace(ALL[name], loss=None), tasks[1]])
    other = _run.by_symbol(plain, params, data, label)
    for ours, theirs in zip(symbol.predictions, other.predictions):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-7)
    trunk = mx.sym.Flatten(mx.sym.var("data"))
    with mx.name.NameManager():
        made = mxmtl.prediction_symbol(trunk, tasks).tojson()
    with mx.name.NameManager():
        assert mxmtl.prediction_symbol(trunk, plain).tojson() == made


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("size", [80.0, 1e4])
def test_extreme_logits_stay_finite(name, size):
    task = ALL[name]
    z = mx.nd.array(np.resize([size, -size, 0.0], (6, task.num_logits)))
    label = _cases.random_label(task, 6, 0.3, np.random.RandomState(0))
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(label).reshape(task.label_shape(6)))
    loss.backward()
    assert np.isfinite(loss.asnumpy()).all()
    assert np.isfinite(z.grad.asnumpy()).all()


@pytest.mark.parametrize("name", ALL)
def test_what_is_measured_is_the_plain_loss(name):
    """So that runs with different losses compare."""
    task, rng = ALL[name], np.random.RandomState(4)
    label = _cases.random_label(task, 6, 0.3, rng)
    prediction = task.activate(mxmtl.tasks.NumpyOperators(), rng.normal(size=(6, task.num_logits)))
    plain = dataclasses.replace(task, loss=None)
    np.testing.assert_array_equal(
        task.prediction_loss(label, prediction), plain.prediction_loss(label, prediction)
    )
    np.testing.assert_array_equal(task.constant(label), plain.constant(label))


# -- equalities ------------------------------------------------------------------------------------
def gradient(task, logits, label):
    z = mx.nd.array(logits)
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(label).reshape(task.label_shape(len(logits))))
    loss.backward()
    return z.grad.asnumpy()


LABELS = ["a", "b", "c"]
Z = np.random.RandomState(2).normal(size=(8, 3)).astype(np.float32) * 3
Y = np.random.RandomState(4).choice([-1.0, 0.0, 1.0], size=(8, 3)).astype(np.float32)


@pytest.mark.parametrize(
    "loss",
    [
        losses.Focal(gamma=0),
        losses.Asymmetric(gamma_neg=0, margin=0),
        losses.FocalMargin(gamma=0, margin=0),
        losses.ProperAsymmetric(k_neg=1, b_neg=0, zeta_neg=1),
        losses.LogitAdjusted(tau=0, counts=[(3, 1)] * 3),
        losses.ClassBalanced(beta=0, counts=[(3, 1)] * 3),
    ],
    ids=lambda loss: type(loss).__name__,
)
def test_the_neutral_options_are_cross_entropy(loss):
    plain, other = mxmtl.Multilabel("t", LABELS), mxmtl.Multilabel("t", LABELS, loss=loss)
    np.testing.assert_allclose(gradient(other, Z, Y), gradient(plain, Z, Y), rtol=1e-5, atol=1e-7)


def test_the_gradient_of_the_detached_factor_is_the_authors():
    p = 1 / (1 + np.exp(-Z.astype(np.float64)))
    q = np.maximum(p - 0.05, 0)
    no = p * (1 - p) * q**4 / (1 - q)
    expected = np.where(Y == 1, p - 1, np.where(Y == 0, no, 0)) / 3
    task = mxmtl.Multilabel("t", LABELS, loss=losses.Asymmetric())
    np.testing.assert_allclose(gradient(task, Z, Y), expected, rtol=1e-4, atol=1e-7)


def test_weights_by_count_are_class_weights():
    counts, rows = [900, 90, 10], np.arange(8) % 4 - 1.0
    weights = losses.effective_weights(counts, 0.999)
    plain = mxmtl.Multiclass("t", LABELS, class_weight=weights.tolist())
    other = mxmtl.Multiclass("t", LABELS, loss=losses.ClassBalanced(counts=counts, beta=0.999))
    np.testing.assert_allclose(
        gradient(other, Z, rows), gradient(plain, Z, rows), rtol=1e-5, atol=1e-7
    )
    assert weights.sum() == pytest.approx(3)


def test_the_link_of_the_proper_loss_has_its_least_cost_there():
    loss = losses.ProperAsymmetric()
    F, grid = mxmtl.tasks.NumpyOperators(), np.linspace(-4, 4, 4001)
    yes, no = loss.cells(F, grid)
    link = loss.calibrated(F, grid)
    for share in (0.1, 0.5, 0.8):
        best = np.argmin(share * yes + (1 - share) * no)
        assert link[best] == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize("normalization", ["batch", "valid"])
def test_two_devices_make_the_step_of_one(normalization):
    """Of all losses, each a task of one network; the rows of both halves are labelled alike."""
    renamed = [dataclasses.replace(task, name=name) for name, task in ALL.items()]
    tasks, rng = mxmtl.TaskSet(renamed, normalization=normalization), np.random.RandomState(5)
    half = np.concatenate([_cases.random_label(t, 4, 0.4, rng) for t in tasks], axis=1)
    half[:2] = np.concatenate([_cases.random_label(t, 2, 0.0, rng) for t in tasks], axis=1)
    label = np.concatenate([half, half[rng.permutation(4)]])  # as "valid" counts on each device
    data = rng.normal(size=(8, 3)).astype(np.float32)
    assert_same_step(tasks, data, label, rate=0.5)
