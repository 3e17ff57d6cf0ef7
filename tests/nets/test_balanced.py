"""Balanced tasks in a network: the Gramian, gradients against separate passes, Symbol and Gluon."""

import importlib

import mxmtl
from mxmtl import balance

import mxnet as mx
import numpy as np
import pytest

from .._outside import SoftOrdinal

N, WIDTH = 12, 10
TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("a", classes=list("xyzw"), label_smoothing=0.1, class_weight=[1, 2, 1, 1]),
        mxmtl.Multilabel("b", labels=list("pqr"), pos_weight=[1, 3, 1]),
        mxmtl.Regression("c", weight=0.3),
        mxmtl.Binary("d"),  # has no label in this batch
    ]
)
METHODS = [name for name in balance.method_names() if name != "equal"]
SHAPES = {"data": (N, 7), **{t.label_name: t.label_shape(N) for t in TASKS}}


def values():
    rng = np.random.RandomState(0)
    found = {
        "data": rng.normal(size=(N, 7)),
        "trunk_weight": rng.normal(size=(WIDTH, 7)),
        "trunk_bias": rng.normal(size=WIDTH),
        "a_label": rng.randint(-1, 4, N),
        "b_label": rng.randint(-1, 2, (N, 3)),
        "c_label": np.where(np.arange(N) % 2, rng.normal(size=N), np.nan),
        "d_label": np.full(N, -1.0),
    }
    for task in TASKS:
        found[f"{task.name}_weight"] = rng.normal(size=(task.num_logits, WIDTH))
        found[f"{task.name}_bias"] = rng.normal(size=task.num_logits)
    return found


def trunk():
    return mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=WIDTH, name="trunk")


def run(symbol, **shapes):
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **{**SHAPES, **shapes})
    known = values()
    for name, array in executor.arg_dict.items():
        array[:] = known.get(name, 0)
    mx.random.seed(5)
    executor.forward(is_train=True)
    executor.backward()
    return executor


def gradients_by_themselves(normalization):
    """Return the gradient that each task alone sends to the features: (T, N * F)."""
    rows = []
    for task in TASKS:
        alone = mxmtl.TaskSet([task])
        symbol = mxmtl.training_symbol(mx.sym.var("data"), alone, normalization=normalization)
        known = values()
        features = known["data"] @ known["trunk_weight"].T + known["trunk_bias"]
        executor = symbol.simple_bind(
            mx.cpu(), grad_req="write", data=(N, WIDTH), **{task.label_name: task.label_shape(N)}
        )
        for name, array in executor.arg_dict.items():
            array[:] = features if name == "data" else known[name]
        executor.forward(is_train=True)
        executor.backward()
        rows.append(executor.grad_dict["data"].asnumpy().ravel())
    return np.float64(rows)


@pytest.mark.parametrize("normalization", ["batch", "valid"])
def test_the_gramian_is_that_of_separate_backward_passes(normalization):
    output = run(
        mxmtl.training_symbol(trunk(), TASKS, normalization=normalization, balance="imtl_g")
    ).outputs[-1].asnumpy()  # fmt: skip
    rows = gradients_by_themselves("valid") / N
    np.testing.assert_allclose(output[:, 2:], rows @ rows.T, rtol=1e-5, atol=1e-7)
    there = np.array([True, True, True, False])
    expected = balance.weights("imtl_g", rows @ rows.T, present=there, rescale=True)
    np.testing.assert_allclose(output[:, 0], expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("normalization", ["batch", "valid"])
def test_the_trunk_follows_the_weights_and_nothing_changes_forward(name, normalization):
    plain = run(mxmtl.training_symbol(trunk(), TASKS, normalization=normalization))
    executor = run(mxmtl.training_symbol(trunk(), TASKS, normalization=normalization, balance=name))
    for mine, theirs in zip(executor.outputs, plain.outputs):
        np.testing.assert_allclose(mine.asnumpy(), theirs.asnumpy(), rtol=1e-6, atol=1e-7)
    weights = executor.outputs[-1].asnumpy()[:, 0]
    assert weights[3] == 0  # no label, no part in it
    np.testing.assert_allclose(weights.sum(), 3, rtol=1e-5)
    mixed = (weights @ gradients_by_themselves(normalization)).reshape(N, WIDTH)
    expected = mixed.T @ values()["data"]
    found = executor.grad_dict["trunk_weight"].asnumpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    for task, weight in zip(TASKS, weights):
        own = plain.grad_dict[f"{task.name}_weight"].asnumpy()
        if balance.Balance.types[name].weighs_losses:
            own = own * weight
        found = executor.grad_dict[f"{task.name}_weight"].asnumpy()
        np.testing.assert_allclose(found, own, rtol=1e-5, atol=1e-5)
    assert not executor.grad_dict["d_weight"].asnumpy().any()


@pytest.mark.parametrize(
    ("name", "normalization"),
    [
        ("uncertainty", "batch"), ("uncertainty", "valid"), ("geometric", "valid"),
        ("gradnorm", "batch"), ("mgda", "valid"), ("upgrad", "batch"),
    ],
)  # fmt: skip
def test_two_devices_of_the_same_rows_make_the_step_of_one(name, normalization):
    """Each weighs its own rows, so that where these are alike nothing may differ."""
    symbol = mxmtl.training_symbol(trunk(), TASKS, normalization=normalization, balance=name)
    known, after = values(), []
    twice = {key: np.concatenate([known[key]] * 2) for key in SHAPES}
    names = [task.label_name for task in TASKS]
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)]):
        module = mx.mod.Module(symbol, label_names=names, context=contexts)
        module.bind([("data", (2 * N, 7))], [(key, twice[key].shape) for key in names])
        params = {key: mx.nd.array(known[key]) for key in known if key not in SHAPES}
        module.init_params(mx.init.Zero(), arg_params=params, allow_missing=True)
        module.init_optimizer(optimizer="sgd", optimizer_params={"learning_rate": 0.1})
        labels = [mx.nd.array(twice[key]) for key in names]
        module.forward_backward(mx.io.DataBatch([mx.nd.array(twice["data"])], labels))
        module.update()
        after.append({k: v.asnumpy() for k, v in module.get_params()[0].items()})
    assert np.abs(after[0]["trunk_weight"] - known["trunk_weight"]).max() > 1e-4
    for key, one in after[0].items():
        np.testing.assert_allclose(after[1][key], one, rtol=1e-4, atol=1e-5, err_msg=key)


def test_equal_gives_the_symbol_of_today():
    with mx.name.NameManager():
        plain = mxmtl.training_symbol(trunk(), TASKS).tojson()
    with mx.name.NameManager():
        assert mxmtl.training_symbol(trunk(), TASKS, balance="equal").tojson() == plain


@pytest.mark.parametrize("name", ["imtl_g", "uncertainty"])
def test_predicting_knows_nothing_of_it(name):
    balanced = mxmtl.training_symbol(trunk(), TASKS, balance=name)
    plain = mxmtl.training_symbol(trunk(), TASKS)
    for symbol in (mxmtl.prediction_symbol, mxmtl.nets.logits_symbol):
        mine, theirs = symbol(balanced, TASKS), symbol(plain, TASKS)
        assert mine.list_inputs() == theirs.list_inputs()
        assert mine.list_outputs() == theirs.list_outputs()
    again = mxmtl.training_symbol(balanced, TASKS, balance=name)  # of a checkpoint, say
    assert again.list_arguments() == balanced.list_arguments()


def test_uncertainty_settles_at_twice_the_mean_loss_of_labelled_rows():
    rng = np.random.RandomState(1)
    tasks = mxmtl.TaskSet([mxmtl.Regression("a"), mxmtl.Regression("b")])
    data = np.zeros((200, 2), np.float32)
    labels = {"a_label": rng.normal(size=200) * 3, "b_label": rng.normal(size=200) * 0.5}
    labels["a_label"][rng.uniform(size=200) < 0.7] = np.nan  # the share does not matter
    symbol = mxmtl.training_symbol(
        mx.sym.var("data"), tasks, balance=balance.Uncertainty(rescale=False)
    )
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    batch = mx.io.DataBatch([mx.nd.array(data)], list(map(mx.nd.array, labels.values())))
    module.bind([("data", data.shape)], [(name, (200,)) for name in labels])
    module.init_params(mx.init.Zero())
    module.init_optimizer(optimizer="adam", optimizer_params={"learning_rate": 0.05})
    for _ in range(200):
        module.forward_backward(batch)
        module.update()
    state = module.get_params()[0]["balance_state"].asnumpy()[:, 0]
    variances = [np.nanvar(labels["a_label"]), np.var(labels["b_label"])]
    np.testing.assert_allclose(np.exp(state), variances, rtol=0.02)  # loss is (z - y)^2 / 2


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("name", ["imtl_g", "uncertainty", "gradnorm", "log"])
def test_gluon_makes_the_same_step(name, hybrid):
    net = mxmtl.MultiTaskNet(mx.gluon.nn.Dense(WIDTH, in_units=7, prefix="trunk_"), TASKS)
    net.initialize()
    known = values()
    data = mx.nd.array(known["data"])
    net(data)
    for key, parameter in net.collect_params().items():
        parameter.set_data(mx.nd.array(known[key]))
    labels = [mx.nd.array(known[task.label_name]) for task in TASKS]
    method = balance.Balance.types[name]
    heads = net.heads if method.uses_gradients else None
    loss = mxmtl.MultiTaskLoss(TASKS, balance=name, heads=heads)
    loss.collect_params("balance_state").initialize()
    if hybrid:
        loss.hybridize()
    with mx.autograd.record():
        found = loss(net.trunk(data) if heads is not None else net(data), labels)
    found.backward()
    plain = mxmtl.MultiTaskLoss(TASKS)(net(data), labels)
    np.testing.assert_allclose(found.asnumpy(), plain.asnumpy(), rtol=1e-5, atol=1e-6)
    executor = run(mxmtl.training_symbol(trunk(), TASKS, balance=name))
    for key, parameter in net.collect_params().items():
        np.testing.assert_allclose(
            parameter.grad().asnumpy(), executor.grad_dict[key].asnumpy(), rtol=1e-5, atol=1e-5
        )
    if method.trained:
        np.testing.assert_allclose(
            loss.balance_state.grad().asnumpy(),
            executor.grad_dict["balance_state"].asnumpy(), rtol=1e-5,
        )  # fmt: skip
    loss.remember()
    if name == "gradnorm":
        assert loss.balance_state.data().asnumpy()[:3, 1].all()  # labels that were counted


def test_what_cannot_be_balanced_is_refused():
    with pytest.raises(ValueError, match="heads=net.heads"):
        mxmtl.MultiTaskLoss(TASKS, balance="mgda")
    with pytest.raises(ValueError, match="did you mean 'upgrad'"):
        mxmtl.training_symbol(trunk(), TASKS, balance="upgrade")
    named = mxmtl.TaskSet([mxmtl.Binary("balance"), mxmtl.Binary("a")])
    with pytest.raises(ValueError, match="Give the task another name"):
        mxmtl.training_symbol(trunk(), named, balance="log")
    outside = mxmtl.TaskSet([SoftOrdinal("size", classes=list("sml")), mxmtl.Binary("a")])
    with pytest.raises(
        TypeError, match="task 'size': what the gradient of its loss is stands nowhere"
    ):
        mxmtl.training_symbol(trunk(), outside, balance="mgda")
    mxmtl.training_symbol(trunk(), outside, balance="uncertainty")  # asks for losses alone


# -- heads with layers of their own ----------------------------------------------------------------
HEADS = {"a": mxmtl.nets.Hidden((6, 5)), "b": "hidden(units=4)"}


def hidden_values():
    rng = np.random.RandomState(3)
    shapes = {"a_hidden0": (6, WIDTH), "a_hidden1": (5, 6), "a": (4, 5), "b_hidden0": (4, WIDTH)}
    shapes["b"] = (3, 4)
    found = values()
    for name, shape in shapes.items():
        found[f"{name}_weight"] = rng.normal(size=shape)
        found[f"{name}_bias"] = rng.normal(size=shape[0])
    return found


def bound(symbol, **shapes):
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **{**SHAPES, **shapes})
    for name, array in executor.arg_dict.items():
        array[:] = hidden_values().get(name, 0)
    executor.forward(is_train=True)
    executor.backward()
    return executor


NEGATIVE = [
    mxmtl.Interval("age", method="gaussian"),
    mxmtl.Multilabel("toys", ["a", "b"], missing_as=mxmtl.losses.MaximumEntropy()),
]


@pytest.mark.parametrize("task", NEGATIVE, ids=lambda task: task.name)
def test_what_weighs_by_the_size_of_losses_takes_none_that_can_be_negative(task):
    tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), task])
    for name in METHODS:
        method = mxmtl.balance.balance_of(name)
        if method.needs_positive:
            message = f"task '{task.name}': its loss can be below 0, and {method.name} weighs"
            with pytest.raises(ValueError, match=message):
                mxmtl.training_symbol(S.var("data"), tasks, balance=name)
    mxmtl.training_symbol(S.var("data"), tasks, balance="random")
    with pytest.raises(ValueError, match="and mgda weighs"):
        mxmtl.training_symbol(S.var("data"), tasks, balance="mgda(normalize='loss+')")
    assert sum(mxmtl.balance.balance_of(name).needs_positive for name in METHODS) == 5


def test_gradients_come_back_through_hidden_layers():
    executor = bound(mxmtl.training_symbol(trunk(), TASKS, heads=HEADS, balance="upgrad"))
    gramian = executor.outputs[-1].asnumpy()[:, 2:]
    rows = []
    for task in TASKS:
        alone = mxmtl.TaskSet([task])
        own = {name: head for name, head in HEADS.items() if name == task.name}
        symbol = mxmtl.training_symbol(trunk(), alone, normalization="valid", heads=own)
        features = symbol.get_internals()["trunk_output"]
        assert features.list_arguments() == ["data", "trunk_weight", "trunk_bias"]
        inputs = {"data": (N, WIDTH), task.label_name: task.label_shape(N)}
        on_features = mxmtl.training_symbol(
            mxmtl.nets.heads_alone(symbol, alone), alone, normalization="valid"
        )
        part = on_features.simple_bind(mx.cpu(), grad_req="write", **inputs)
        known = hidden_values()
        known["data"] = known["data"] @ known["trunk_weight"].T + known["trunk_bias"]
        for name, array in part.arg_dict.items():
            array[:] = known[name]
        part.forward(is_train=True)
        part.backward()
        rows.append(part.grad_dict["data"].asnumpy().ravel() / N)
    np.testing.assert_allclose(gramian, np.float64(rows) @ np.float64(rows).T, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("balance_", [None, "imtl_g", "log"])
def test_hidden_layers_are_the_same_in_gluon_and_after_balancing(balance_):
    net = mxmtl.MultiTaskNet(
        mx.gluon.nn.Dense(WIDTH, in_units=7, prefix="trunk_"), TASKS, heads=HEADS
    )
    net.initialize()
    data = mx.nd.array(values()["data"])
    net(data)
    for key, parameter in net.collect_params().items():
        parameter.set_data(mx.nd.array(hidden_values()[key]))
    expected = [array.asnumpy() for array in TASKS.predict(net(data))]
    symbol = mxmtl.training_symbol(net, TASKS, balance=balance_)
    for found, wanted in zip(bound(symbol).outputs, expected):
        np.testing.assert_allclose(found.asnumpy(), wanted, rtol=1e-5, atol=1e-6)
    predicting = mxmtl.prediction_symbol(symbol, TASKS)
    assert sorted(predicting.list_inputs()) == sorted(["data", *net.collect_params()])
    args = {**mxmtl.module_params(net)[0], "data": data}
    for found, wanted in zip(predicting.eval(**args), expected):
        np.testing.assert_allclose(found.asnumpy(), wanted, rtol=1e-5, atol=1e-6)


def test_one_dropout_for_the_gramian_and_for_the_step():
    heads = mxmtl.nets.Hidden(50, dropout=0.5)
    symbol = mxmtl.training_symbol(trunk(), TASKS, heads=heads, balance="imtl_g")
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **SHAPES)
    rng = np.random.RandomState(0)
    for name, array in executor.arg_dict.items():
        array[:] = values()[name] if name.endswith("label") else rng.normal(size=array.shape)
    executor.forward(is_train=True)
    first = [output.asnumpy() for output in executor.outputs]
    logits = first[2] - 0  # of the regression: what was seen and what is trained are one
    assert first[-1][2, 1] == pytest.approx(
        0.3 * np.nanmean(0.5 * (logits[:, 0] - values()["c_label"]) ** 2), rel=1e-4
    )
    executor.forward(is_train=True)
    assert not np.allclose(executor.outputs[2].asnumpy(), first[2])  # dropout is drawn anew


def test_heads_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="did you mean 'hidden'"):
        mxmtl.training_symbol(trunk(), TASKS, heads="hiden(units=3)")
    with pytest.raises(ValueError, match="'e' is no task"):
        mxmtl.training_symbol(trunk(), TASKS, heads={"e": "linear"})
    symbol = mxmtl.training_symbol(trunk(), TASKS)
    with pytest.raises(ValueError, match="has heads already"):
        mxmtl.training_symbol(symbol, TASKS, heads="hidden")


# -- heads of whatever layers ----------------------------------------------------------------------
S = mx.sym
LAYERS = {  # each is a head on features (N, 3, 4), whose outputs are compared as they are
    "dense": lambda x: S.FullyConnected(x, num_hidden=4),
    "dense of each": lambda x: S.FullyConnected(x, num_hidden=2, flatten=False),
    "activations": lambda x: S.relu(x) + S.sigmoid(x) * S.Activation(x, act_type="tanh"),
    "softrelu": lambda x: S.Activation(x / 2.0 + 1.0, act_type="softrelu"),
    "softmax": lambda x: S.softmax(x * 2.0, axis=1),
    "layer norm": S.LayerNorm,
    "sum": lambda x: S.sum(x * x, axis=1),
    "means": lambda x: S.mean(x * x, axis=(1, 2), keepdims=True),
    "transpose": lambda x: S.FullyConnected(S.transpose(x, axes=(1, 2, 0)), num_hidden=2),
    "attention": lambda x: S.batch_dot(S.softmax(S.batch_dot(x, x, transpose_b=True)), S.tanh(x)),
    "turned": lambda x: S.batch_dot(x, S.tanh(x), transpose_a=True),
    "both turned": lambda x: S.batch_dot(
        x, S.transpose(x, axes=(0, 2, 1)), transpose_a=True, transpose_b=True
    ),
    "side by side": lambda x: S.concat(
        S.FullyConnected(x, num_hidden=4), S.FullyConnected(x, num_hidden=3), dim=1
    ),
    "one line": lambda x: S.broadcast_add(
        S.FullyConnected(x, num_hidden=1, no_bias=True), S.reshape(S.var("b", shape=(4,)), (1, -1))
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_gradients_come_back_as_mxnet_takes_them(name):
    pull_back = importlib.import_module("mxmtl.nets._pull_back").pull_back
    x, shape, rng = S.var("x"), (5, 3, 4), np.random.RandomState(0)
    made = LAYERS[name](x)
    shapes, (out,), _ = made.infer_shape(x=shape)
    known = {
        key: mx.nd.array(rng.normal(size=size)) for key, size in zip(made.list_arguments(), shapes)
    }
    given = mx.nd.array(rng.normal(size=out))
    executor = made.bind(mx.cpu(), dict(known), args_grad={"x": mx.nd.zeros(shape)})
    executor.forward(is_train=True)
    executor.backward(given)
    found = pull_back(S, made, S.var("given"), x, "a")
    inputs = {**known, "given": given}
    back = found.eval(**{key: inputs[key] for key in found.list_arguments()})[0]
    expected = executor.grad_dict["x"].asnumpy()
    np.testing.assert_allclose(back.asnumpy(), expected, rtol=1e-5, atol=1e-5)


def by_hand(features, last):
    """Heads made by hand: a hidden layer each, of which half is dropped and nothing is rescaled."""
    made = []
    for task in TASKS:
        x = S.relu(S.FullyConnected(features, num_hidden=5, name=f"{task.name}_own"))
        x = S.broadcast_mul(x, S.minimum(S.Dropout(S.ones_like(x), p=0.5), 1.0))
        x = last(x)
        made.append(S.FullyConnected(x, num_hidden=task.num_logits, name=f"{task.name}_fwd"))
    return S.Group(made)


def test_heads_made_by_hand_are_balanced_and_predict():
    heads = by_hand(S.relu(trunk()), lambda x: x)
    symbol = mxmtl.training_symbol(heads, TASKS, balance="imtl_g")
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **SHAPES)
    rng = np.random.RandomState(0)
    for name, array in executor.arg_dict.items():
        array[:] = values()[name] if name.endswith("label") else rng.normal(size=array.shape)
    executor.forward(is_train=True)
    executor.backward()
    found = executor.outputs[-1].asnumpy()
    wanted = balance.weights("imtl_g", found[:, 2:], present=np.array([1, 1, 1, 0]), rescale=True)
    np.testing.assert_allclose(found[:, 0], wanted, rtol=1e-4, atol=1e-6)
    assert np.abs(executor.grad_dict["trunk_weight"].asnumpy()).sum() > 0
    predicting = mxmtl.prediction_symbol(symbol, TASKS)
    assert not set(predicting.list_inputs()) & {*TASKS.label_names, "balance_state"}
    both = by_hand(trunk(), lambda x: S.broadcast_mul(x, S.mean(x, axis=1, keepdims=True)))
    with pytest.raises(TypeError, match="task 'a': its head has broadcast_mul"):
        mxmtl.training_symbol(both, TASKS, balance="imtl_g")
    with pytest.raises(TypeError, match="task 'a': its head has erf"):
        mxmtl.training_symbol(by_hand(trunk(), S.erf), TASKS, balance="imtl_g")
    mxmtl.training_symbol(by_hand(trunk(), S.erf), TASKS, balance="uncertainty")


# -- heads of experts, and on a map ----------------------------------------------------------------
PICTURED = {"data": (N, 3, 8, 8), **{t.label_name: t.label_shape(N) for t in TASKS}}
KINDS = {
    "mmoe": "mmoe(number=3, units=4)",
    "cgc": mxmtl.nets.CGC(2, 2, 4),
    "csra": {"b": "csra(share=0.3, sharpness=2.0)"},
    "queries": {"b": mxmtl.nets.Queries(8)},
    "mixed": {"a": "mmoe(number=2, units=3)", "b": "csra", "c": "hidden", "d": "csra(share=0)"},
}


def pooled():
    x = S.Convolution(S.var("data"), num_filter=5, kernel=(3, 3), name="conv")
    x = S.Pooling(
        S.Activation(x, act_type="tanh"), global_pool=True, pool_type="avg", kernel=(1, 1)
    )
    return S.Flatten(x)


def of_pictures(symbol):
    rng = np.random.RandomState(0)
    known = {name: rng.normal(size=shape) for name, shape in zip(*_params(symbol))}
    return {**known, **{name: values()[name] for name in TASKS.label_names}}


def _params(symbol):
    names = symbol.list_arguments()
    shapes = {name: PICTURED[name] for name in names if name in PICTURED}
    return names, symbol.infer_shape(**shapes)[0]


def passed(symbol, known):
    shapes = {name: PICTURED[name] for name in symbol.list_arguments() if name in PICTURED}
    executor = symbol.simple_bind(mx.cpu(), grad_req="write", **shapes)
    for name, array in executor.arg_dict.items():
        array[:] = known[name]
    executor.forward(is_train=True)
    executor.backward()
    gradients = {name: array.asnumpy() for name, array in executor.grad_dict.items()}
    return [output.asnumpy() for output in executor.outputs], gradients


@pytest.mark.parametrize("name", KINDS)
def test_heads_of_every_kind_are_balanced_as_separate_passes_say(name):
    plain = mxmtl.training_symbol(pooled(), TASKS, heads=KINDS[name])
    known = of_pictures(plain)
    symbol = mxmtl.training_symbol(pooled(), TASKS, heads=KINDS[name], balance="upgrad")
    outputs, gradients = passed(symbol, known)
    weights = outputs[-1][:, 0]
    expected, alone = passed(plain, known)
    for mine, theirs in zip(outputs, expected):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    for key, gradient in alone.items():
        if not key.startswith("conv") and key not in PICTURED:
            np.testing.assert_allclose(gradients[key], gradient, rtol=1e-4, atol=1e-4)
    mixed = sum(
        weight * passed(S.Group([plain[index]]), known)[1]["conv_weight"]
        for index, weight in enumerate(weights)
    )
    np.testing.assert_allclose(gradients["conv_weight"], mixed, rtol=1e-3, atol=1e-3)
    for made in (symbol, plain):
        predicting = mxmtl.prediction_symbol(made, TASKS)
        assert set(predicting.list_inputs()) == set(plain.list_inputs()) - set(TASKS.label_names)
    assert mxmtl.nets.features_of(plain, TASKS).list_arguments() == [
        "data",
        "conv_weight",
        "conv_bias",
    ]


def test_csra_without_its_share_is_the_linear_head():
    linear = mxmtl.training_symbol(pooled(), TASKS)
    csra = mxmtl.training_symbol(pooled(), TASKS, heads="csra(share=0)")
    known = of_pictures(linear)
    assert sorted(csra.list_arguments()) == sorted(linear.list_arguments())
    for mine, theirs in zip(passed(csra, known)[0], passed(linear, known)[0]):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["cgc", "mixed"])
def test_heads_of_every_kind_are_the_same_in_gluon(name):
    convolution = mx.gluon.nn.Conv2D(5, 3, in_channels=3, activation="tanh", prefix="conv_")
    net = mxmtl.MultiTaskNet(convolution, TASKS, heads=KINDS[name])
    if name == "cgc":
        with pytest.raises(ValueError, match="the trunk is not flat"):
            net(S.var("data"))
        net = mxmtl.MultiTaskNet(
            mx.gluon.nn.Dense(WIDTH, prefix="trunk_"), TASKS, heads=KINDS[name]
        )
    net.initialize(mx.init.Normal(1))
    data = mx.nd.random.normal(shape=PICTURED["data"])
    expected = [array.asnumpy() for array in TASKS.predict(net(data))]
    predicting = mxmtl.prediction_symbol(net, TASKS)
    found = predicting.eval(**mxmtl.module_params(net)[0], data=data)
    for mine, theirs in zip(found, expected):
        np.testing.assert_allclose(mine.asnumpy(), theirs, rtol=1e-5, atol=1e-6)


def test_a_head_is_the_one_that_its_text_declares():
    for kind in (mxmtl.nets.Hidden((6, 5), 0.2), mxmtl.nets.CGC(2, 2, 4), mxmtl.nets.CSRA(0.3)):
        assert mxmtl.nets.head_kind(str(kind)) == kind  # settings.json keeps the text


def test_a_map_is_asked_for_where_a_head_reads_one():
    with pytest.raises(ValueError, match="end the trunk before its pooling"):
        mxmtl.training_symbol(S.FullyConnected(S.var("data"), num_hidden=3), TASKS, heads="csra")
