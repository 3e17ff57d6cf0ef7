"""What a missing label is taken for: by hand, in both worlds, and never in what is measured."""

import dataclasses

import mxmtl
from mxmtl import losses
from tests.nets import _run

import mxnet as mx
import numpy as np
import pytest

LABELS = ["a", "b", "c", "d"]
MODES = [
    losses.Negative(),
    losses.Negative(weight=0.3, smoothing=0.2),
    losses.WeakNegative(),
    losses.KnownFraction(),
    losses.MaximumEntropy(),
    losses.Selective(top=1, prior=[0.01, 0.5, 0.01, 0.01]),
    losses.LargeLoss(step=0.1),
    losses.LargeLoss(step=0.1, correct=True),
    losses.SelfPaced(),
]
Z = (np.random.RandomState(2).normal(size=(6, 4)) * 2).astype(np.float32)
Y = np.random.RandomState(4).choice([-1.0, -1.0, 0.0, 1.0], size=(6, 4)).astype(np.float32)
Y[3] = -1
P = 1 / (1 + np.exp(-Z.astype(np.float64)))


def gradient(task, epoch=0, label=Y):
    """Of the sum over rows of the loss, times the number of labels."""
    z, rows = mx.nd.array(Z), mx.nd.array(label).reshape(task.label_shape(len(label)))
    z = z if task.num_logits == 4 else z[:, :1]
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, rows, epoch=mx.nd.full((1,), epoch))
    loss.backward()
    assert np.isfinite(loss.asnumpy()).all()
    return z.grad.asnumpy() * task.num_logits


def toys(mode, **options):
    return mxmtl.Multilabel("toys", LABELS, missing_as=mode, **options)


def expected(filled, known=P - Y):
    """Put together what known cells have and what missing ones are given, in rows looked at."""
    looked = (Y >= 0).any(axis=1, keepdims=True)
    return np.where(Y >= 0, known, np.where(looked, filled, 0))


def close(ours, theirs):
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_negatives_of_all_sorts():
    close(gradient(toys(losses.Negative())), expected(P))
    close(gradient(toys(losses.Negative(0.3, 0.2))), expected(0.3 * (P - 0.1)))
    close(gradient(toys(losses.WeakNegative())), expected(P / 3))
    close(gradient(toys(losses.MaximumEntropy(0.5))), expected(0.5 * Z * P * (1 - P)))


def test_the_tasks_own_loss_is_that_of_a_no():
    task = toys(losses.Negative(), loss=losses.Hill(gamma=0, margin=0))
    no = 3 * P**2 * (1 - P) ** 2
    close(gradient(task), expected(no, np.where(Y == 1, P - 1, no)))


def test_rows_of_which_little_is_known_weigh_more():
    share = np.maximum((Y >= 0).mean(axis=1, keepdims=True), 1e-6)
    close(gradient(toys(losses.KnownFraction())), expected(0, (5.45 - 4.45 * share) * (P - Y)))
    ones = np.ones_like(Y)
    close(gradient(toys(losses.KnownFraction()), label=ones), P - 1)


def test_the_likely_ones_stay_missing():
    missing = (Y < 0) & (Y >= 0).any(axis=1, keepdims=True)
    order = np.sort(np.where(missing, P, -1).ravel())[::-1]
    no = P**2 * (P - 2 * (1 - P) * np.log(1 - P))
    filled = np.where(order[6] >= P, no, 0)  # one a row, and there are six
    close(gradient(toys(losses.Selective(top=1, gamma=2))), expected(filled))
    filled[:, 1] = 0
    prior = losses.Selective(top=1, gamma=2, prior={"b": 0.5, "a": 0.0, "c": 0.05, "d": 0.01})
    close(gradient(toys(prior)), expected(filled))


@pytest.mark.parametrize("epoch", [0, 1, 2, 30])
def test_more_large_losses_each_epoch_and_never_a_known_label(epoch):
    missing = (Y < 0) & (Y >= 0).any(axis=1, keepdims=True)
    number = min(int(0.1 * epoch * Y.size + 1e-9), missing.sum())
    least = np.append(np.inf, np.sort(P[missing])[::-1])[number]
    reject = gradient(toys(losses.LargeLoss(step=0.1)), epoch)
    close(reject, expected(np.where(least <= P, 0, P)))
    correct = gradient(toys(losses.LargeLoss(step=0.1, correct=True)), epoch)
    close(correct, expected(np.where(least <= P, P - 1, P)))
    close(correct[Y == 1], (P - 1)[Y == 1])


def test_equal_losses_are_counted_one_by_one():
    task, flat = toys(losses.LargeLoss(step=0.25)), np.full((2, 4), -1.0)
    flat[:, 0] = 1
    z = mx.nd.zeros((2, 4))
    z.attach_grad()
    with mx.autograd.record():
        loss = task.row_loss(mx.nd, z, mx.nd.array(flat), epoch=mx.nd.ones((1,)))
    loss.backward()
    assert np.count_nonzero(z.grad.asnumpy() == 0) == 2


def test_sure_ones_become_a_yes_after_the_first_epoch():
    task = toys(losses.SelfPaced())
    close(gradient(task, 0), expected(P))
    close(gradient(task, 1), expected(np.where(P > 0.6, P - 1, P)))


def test_a_yes_that_was_found_is_focal_without_a_margin_as_its_authors_train():
    mode = losses.SelfPaced(gamma=2)
    task = toys(mode, loss=losses.FocalMargin())
    yes = (1 - P) ** 2 * (P - 1 + 2 * P * np.log(P))
    Q = 1 / (1 + np.exp(1 - Z.astype(np.float64)))
    known = np.where(Y == 1, (1 - Q) ** 2 * (Q - 1 + 2 * Q * np.log(Q)), P)
    close(gradient(task, 1), expected(np.where(P > 0.6, yes, P), known))


def test_a_single_cell_is_filled_where_the_row_is_no_padding():
    task = mxmtl.Binary("outdoors", missing_as=losses.Negative())
    label = np.array([1, 0, -1, task.padding, -1, 1])
    wanted = np.array([P[0, 0] - 1, P[1, 0], P[2, 0], 0, P[4, 0], P[5, 0] - 1])
    close(gradient(task, label=label)[:, 0], wanted)
    assert task.valid(label).all()
    assert not mxmtl.Binary("outdoors").valid(label).all()


@pytest.mark.parametrize("mode", MODES, ids=repr)
@pytest.mark.parametrize("normalization", ["batch", "valid"])
def test_symbol_and_gluon_agree_and_unlabelled_rows_learn_nothing(mode, normalization):
    tasks = mxmtl.TaskSet([toys(mode), mxmtl.Binary("x")], normalization=normalization)
    rng = np.random.RandomState(1)
    data = rng.normal(size=(6, 2, 3)).astype(np.float32)
    label = np.concatenate([Y, np.float32([[1], [0], [1], [-1], [0], [0]])], axis=1)
    params = _run.random_params(tasks, 6, rng)
    epoch = {"toys_epoch": np.float32([2])} if mode.by_epoch else {}
    symbol = _run.by_symbol(tasks, {**params, **epoch}, data, label)
    gluon = _run.by_gluon(tasks, params, data, label, hybridize=True, epoch=2)
    for key, gradient in gluon.gradients.items():
        size = max(np.abs(gradient).max(), 1e-3)
        assert np.abs(symbol.gradients[key] - gradient).max() < 1e-5 * size, key
    assert np.all(symbol.gradients["data"][3] == 0)
    if mode.by_epoch:
        assert np.all(symbol.gradients["toys_epoch"] == 0)


@pytest.mark.parametrize("mode", MODES, ids=repr)
@pytest.mark.parametrize("size", [80.0, 1e4])
def test_extreme_logits_stay_finite(mode, size):
    one = dataclasses.replace(mode, **({"prior": None} if hasattr(mode, "prior") else {}))
    for task in (toys(mode, loss=losses.FocalMargin()), mxmtl.Binary("x", missing_as=one)):
        z = mx.nd.array(np.resize([size, -size, 0.0, -size, size], (6, task.num_logits)))
        z.attach_grad()
        rows = mx.nd.array(Y[:, : task.label_width]).reshape(task.label_shape(6))
        with mx.autograd.record():
            loss = task.row_loss(mx.nd, z, rows, epoch=mx.nd.full((1,), 3))
        loss.backward()
        assert np.isfinite(loss.asnumpy()).all()
        assert np.isfinite(z.grad.asnumpy()).all()


def test_two_devices_make_the_step_of_one():
    """Of all modes, each a task of one network; both devices have the same rows to rank."""
    even = {"step": 1 / 12}  # of the cells of a device, and of both, a whole number
    modes = [dataclasses.replace(m, **(even if hasattr(m, "step") else {})) for m in MODES]
    modes = [mxmtl.Multilabel(f"t{n}", LABELS, missing_as=mode) for n, mode in enumerate(modes)]
    tasks, rng = mxmtl.TaskSet(modes), np.random.RandomState(5)
    label = np.tile(np.concatenate([Y] * len(MODES), axis=1), (2, 1))
    data = np.tile(rng.normal(size=(6, 3)).astype(np.float32), (2, 1))
    epochs = {name: mx.nd.array([2]) for name in tasks.epoch_names}
    start, after = None, []
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)]):
        module = mx.mod.Module(
            mxmtl.training_symbol(mx.sym.var("data"), tasks), label_names=tasks.label_names,
            context=contexts, fixed_param_names=tasks.epoch_names,
        )  # fmt: skip
        module.bind([("data", (12, 3))], [(t.label_name, t.label_shape(12)) for t in tasks])
        module.init_params(mx.init.Normal(0.5), arg_params=start, allow_missing=start is None)
        start = start or {k: v.copy() for k, v in module.get_params()[0].items()} | epochs
        module.set_params(start, {})
        module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.5})
        module.forward_backward(
            mx.io.DataBatch([mx.nd.array(data)], tasks.split(mx.nd.array(label)))
        )
        module.update()
        after.append({k: v.asnumpy() for k, v in module.get_params()[0].items()})
    for name, one in after[0].items():
        assert np.abs(one - start[name].asnumpy()).max() > 0 or name in epochs, name
        np.testing.assert_allclose(after[1][name], one, rtol=1e-5, atol=1e-6, err_msg=name)


def test_nothing_of_it_is_measured():
    values = []
    for mode in [None, *MODES]:
        task = toys(mode)
        suite = mxmtl.TaskSet([task]).metrics()
        suite.update([Y], [P.astype(np.float32)])
        values.append(dict(suite.get_name_value()))
    assert all(found == pytest.approx(values[0]) for found in values)
    assert values[0]["toys/num_labels"] == np.count_nonzero(Y >= 0)
