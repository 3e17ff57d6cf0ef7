"""Classes with an order: CORN is a masked multi-label head, and all methods learn an order."""

import mxmtl
from mxmtl import metrics

import mxnet as mx
import numpy as np
import pytest

CLASSES = ["a", "b", "c", "d", "e"]


def gradient(task, logits, label):
    z = mx.nd.array(logits)
    z.attach_grad()
    with mx.autograd.record():
        task.row_loss(mx.nd, z, mx.nd.array(label)).backward()
    return z.grad.asnumpy()


def test_corn_is_a_masked_multilabel_head():
    rng = np.random.RandomState(0)
    label, logits = rng.randint(-1, 5, 40), rng.normal(size=(40, 4)) * 4
    k, y = np.arange(4), label[:, None]
    cells = np.where((y < 0) | (k > y), -1.0, k < y)
    other = gradient(mxmtl.Multilabel("t", CLASSES[:4]), logits, cells)
    ours = gradient(mxmtl.Ordinal("t", CLASSES), logits, label)
    np.testing.assert_allclose(ours, 4 * other, rtol=1e-5, atol=1e-6)


def test_soft_labels_become_hard_ones():
    rng = np.random.RandomState(0)
    label, logits = rng.randint(-1, 5, 40), rng.normal(size=(40, 5))
    plain = gradient(mxmtl.Multiclass("t", CLASSES), logits, label)
    sharp = gradient(mxmtl.Ordinal("t", CLASSES, method="soft", sharpness=50), logits, label)
    np.testing.assert_allclose(sharp, plain, rtol=1e-5, atol=1e-6)
    distance = np.abs(np.arange(5) - label[:, None])
    wanted = np.exp(-distance) / np.exp(-distance).sum(axis=1, keepdims=True)
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    soft = gradient(mxmtl.Ordinal("t", CLASSES, method="soft", sharpness=1), logits, label)
    expected = np.where(label[:, None] >= 0, p - wanted, 0)
    np.testing.assert_allclose(soft, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("method", ["corn", "coral", "soft"])
def test_extreme_logits_stay_finite_and_distributions(method):
    task = mxmtl.Ordinal("t", CLASSES, method=method)
    logits = np.resize([80.0, -80, 0, 80, 1e4, -1e4, 30], (7, task.num_logits))
    if method == "coral":
        logits = -np.sort(-logits, axis=1)
    assert np.isfinite(gradient(task, logits, [0, 1, 2, 3, 4, -1, 2])).all()
    p = task.activate(mx.nd, mx.nd.array(logits)).asnumpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert p.min() >= 0


ORDERED = [mxmtl.Ordinal(method, CLASSES, method=method) for method in ("corn", "coral", "soft")]
OTHERS = [
    mxmtl.Interval("quantile", center=1.5, scale=2, coverage=0.8),
    mxmtl.Interval("gaussian", center=1.5, scale=2, method="gaussian"),
    mxmtl.Count("count", mean=2.5),
]


@pytest.mark.parametrize("task", [*ORDERED, *OTHERS], ids=lambda task: task.name)
def test_the_gradient_that_balancing_takes_is_that_of_the_loss(task):
    rng = np.random.RandomState(2)
    label = np.where(np.arange(40) % 4, rng.randint(0, 5, 40), task.missing)
    logits = rng.normal(size=(40, task.num_logits)) * 4
    logits[:4] *= 10  # past where variances and counts are cut
    found = task.logit_gradient(mx.nd, mx.nd.array(logits), mx.nd.array(label)).asnumpy()
    expected = gradient(task, logits, label) * 4 / 3  # "valid" normalization
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_all_targets_can_be_balanced_by_gradients():
    """The Gramian is that of separate backward passes; CORAL's head is no dense layer."""
    tasks = mxmtl.TaskSet([*ORDERED, *OTHERS])
    module = mx.mod.Module(
        mxmtl.training_symbol(mx.sym.var("data"), tasks, balance="gradnorm"),
        label_names=tasks.label_names,
    )
    module.bind([("data", (8, 3))], [(task.label_name, (8,)) for task in tasks])
    mx.random.seed(0)
    module.init_params(mx.init.Xavier())
    rng = np.random.RandomState(0)
    x = mx.nd.array(rng.normal(size=(8, 3)))
    labels = [mx.nd.array(rng.randint(0, 5, 8)) for _ in tasks]
    module.forward(mx.io.DataBatch([x], labels), is_train=True)
    found = module.get_outputs()[-1].asnumpy()[:, -len(tasks) :]
    net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    net.initialize()
    net(x)
    for name, parameter in net.collect_params().items():
        parameter.set_data(module.get_params()[0][name])
    rows = []
    for index, task in enumerate(tasks):
        x.attach_grad()
        with mx.autograd.record():
            task.row_loss(mx.nd, net(x)[index], labels[index]).backward()
        rows.append(x.grad.asnumpy().ravel() / 8)
    np.testing.assert_allclose(found, np.array(rows) @ np.array(rows).T, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("method", ["corn", "coral", "soft"])
def test_module_fit_learns_an_order(method):
    rng = np.random.RandomState(1)
    x = rng.normal(size=(400, 3)).astype(np.float32)
    label = np.digitize(x @ [1.0, -1.0, 0.5], [-1.5, -0.5, 0.5, 1.5]).astype(np.float32)
    known = np.where(np.arange(400) % 3 == 0, -1, label)
    tasks = mxmtl.TaskSet([mxmtl.Ordinal("size", CLASSES, method=method)])
    symbol = mxmtl.training_symbol(mx.sym.var("data"), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    batches = mx.io.NDArrayIter(x, {"size_label": known}, batch_size=50)
    mx.random.seed(1)
    module.fit(
        batches, num_epoch=40, eval_metric=tasks.metrics(), optimizer="adam",
        optimizer_params={"learning_rate": 0.1}, initializer=mx.init.Xavier(),
    )  # fmt: skip
    suite = metrics.Suite(tasks, [metrics.ClassMAE(tasks[0]), metrics.QuadraticKappa(tasks[0])])
    module.score(mx.io.NDArrayIter(x, {"size_label": label}, batch_size=50), suite)
    values = dict(suite.get_name_value())
    assert values["size/class_mae"] < 0.2
    assert values["size/quadratic_kappa"] > 0.9
    net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    net.initialize()
    net(mx.nd.array(x[:2]))
    for name, value in module.get_params()[0].items():
        net.collect_params()[name].set_data(value)
    ours, theirs = net(mx.nd.array(x))[0].asnumpy(), module.predict(batches).asnumpy()
    np.testing.assert_allclose(tasks.predict([ours])[0], theirs, rtol=1e-4, atol=1e-6)


def test_coral_begins_with_thresholds_in_order():
    tasks = mxmtl.TaskSet([mxmtl.Ordinal("size", CLASSES, method="coral")])
    module = mx.mod.Module(
        mxmtl.training_symbol(mx.sym.var("data"), tasks), label_names=tasks.label_names
    )
    module.bind([("data", (2, 3))], [("size_label", (2,))])
    module.init_params(mx.init.Xavier())
    args = module.get_params()[0]
    np.testing.assert_allclose(args["size_bias"].asnumpy(), [1, 0.75, 0.5, 0.25])
    assert args["size_weight"].shape == (1, 3)


def test_what_is_no_method_is_said():
    with pytest.raises(ValueError, match=r"task 't': method='corm' is not one of \[corn, coral"):
        mxmtl.Ordinal("t", CLASSES, method="corm")
    with pytest.raises(ValueError, match="task 't': Ordinal has a loss of its own"):
        mxmtl.Ordinal("t", CLASSES, loss=mxmtl.losses.Focal())


def test_coral_answers_with_the_rank_of_its_authors_and_others_with_the_likeliest():
    rng = np.random.RandomState(0)
    logits = -np.sort(-rng.normal(size=(300, 4)) * 2, axis=1)
    label = rng.randint(0, 5, 300)
    rank = (1 / (1 + np.exp(-logits)) > 0.5).sum(axis=1)
    for method in ("coral", "corn"):
        task = mxmtl.Ordinal("size", CLASSES, method=method)
        p = task.activate(mx.nd, mx.nd.array(logits)).asnumpy()
        wanted = rank if method == "coral" else p.argmax(axis=1)
        assert (rank != p.argmax(axis=1)).any()
        assert [task.answer(row).answer for row in p] == [CLASSES[k] for k in wanted]
        assert list(task.describe(p)["size"]) == [CLASSES[k] for k in wanted]
        mae = metrics.ClassMAE(task)
        mae.update(label, p)
        assert mae.get()[1] == pytest.approx(np.abs(wanted - label).mean())
        sure = metrics.CalibrationError(task)
        sure.update(label, p)  # of the class that is answered
        assert 0 <= sure.get()[1] <= 1
