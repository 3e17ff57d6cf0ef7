"""Law 3: stock Module makes the right step by default, whatever the devices and the shares."""

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np
import pytest

from . import _run


def _module(tasks, params, rows, contexts, learning_rate):
    symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names, context=contexts)
    labels = [(task.label_name, task.label_shape(rows)) for task in tasks]
    module.bind([("data", (rows, 2, 3))], labels)
    module.init_params(arg_params={name: mx.nd.array(value) for name, value in params.items()})
    module.init_optimizer(
        optimizer="sgd", optimizer_params=[("learning_rate", learning_rate), ("wd", 0.0)]
    )
    return module


def _batch(tasks, data, label):
    return mx.io.DataBatch([mx.nd.array(data)], tasks.split(mx.nd.array(label)))


@pytest.mark.parametrize("contexts", [1, 2, 3])
@pytest.mark.parametrize("missing", [0.0, 0.5, 1.0])
def test_a_step_is_the_sum_of_gradients_over_the_batch_size(contexts, missing):
    rng, rows = np.random.RandomState(4), 8  # three contexts get 3, 3 and 2 rows
    tasks = _cases.task_set()
    params = _run.random_params(tasks, 6, rng)
    data = rng.normal(size=(rows, 2, 3)).astype(np.float32)
    labels = [_cases.random_label(task, rows, missing, rng) for task in tasks]
    labels[2][:] = tasks[2].missing  # one task that nobody labelled
    label = np.concatenate(labels, axis=1)
    module = _module(tasks, params, rows, [mx.cpu(i) for i in range(contexts)], 0.1)
    module.forward_backward(_batch(tasks, data, label))
    module.update()
    after = {name: value.asnumpy() for name, value in module.get_params()[0].items()}
    gradients = _run.by_oracle(tasks, params, data, label)
    for name, before in params.items():
        expected = before - 0.1 * gradients[name] / rows
        np.testing.assert_allclose(after[name], expected, rtol=2e-6, atol=2e-6, err_msg=name)
    idle = f"{tasks[2].name}_weight"
    # get_params averages over the devices, (w + w + w) / 3: one rounding where there are three.
    np.testing.assert_allclose(after[idle], params[idle], rtol=1e-7 * (contexts > 2))


def test_gluon_trainer_makes_the_same_step():
    rng, rows = np.random.RandomState(5), 6
    tasks = _cases.task_set()
    params = _run.random_params(tasks, 6, rng)
    data = rng.normal(size=(rows, 2, 3)).astype(np.float32)
    label = np.concatenate([_cases.random_label(t, rows, 0.5, rng) for t in tasks], axis=1)
    module = _module(tasks, params, rows, mx.cpu(), 0.1)
    net, loss = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks), mxmtl.MultiTaskLoss(tasks)
    net.initialize()
    net(mx.nd.array(data))
    for name, parameter in net.collect_params().items():
        parameter.set_data(mx.nd.array(params[name]))
    trainer = mx.gluon.Trainer(net.collect_params(), "sgd", {"learning_rate": 0.1, "wd": 0.0})
    for _ in range(3):
        module.forward_backward(_batch(tasks, data, label))
        module.update()
        with mx.autograd.record():
            value = loss(net(mx.nd.array(data)), tasks.split(mx.nd.array(label)))
        value.backward()
        trainer.step(rows)
    for name, value in module.get_params()[0].items():
        ours = net.collect_params()[name].data().asnumpy()
        np.testing.assert_allclose(ours, value.asnumpy(), rtol=1e-5, atol=1e-6, err_msg=name)


def test_biases_of_heads_are_not_decayed():
    tasks = mxmtl.TaskSet([mxmtl.Binary("t")])
    params = {"t_weight": np.ones((1, 6), np.float32), "t_bias": np.ones(1, np.float32)}
    module = _module(tasks, params, 2, mx.cpu(), 0.1)
    module.init_optimizer(
        optimizer="sgd", optimizer_params=[("learning_rate", 0.1), ("wd", 0.5)], force_init=True
    )
    module.forward_backward(_batch(tasks, np.zeros((2, 2, 3)), np.full((2, 1), -1.0)))
    module.update()
    trained = module.get_params()[0]
    np.testing.assert_allclose(trained["t_weight"].asnumpy(), 0.95, rtol=1e-6)
    assert trained["t_bias"].asnumpy() == 1


def test_the_training_symbol_uses_the_operators_of_mxnet():
    symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), _cases.task_set())
    attributes = symbol.attr_dict()
    assert attributes["breed"]["use_ignore"] == "True"
    assert float(attributes["breed"]["ignore_label"]) == -1
    text = symbol.tojson()
    for operator in ("SoftmaxOutput", "LogisticRegressionOutput", "LinearRegressionOutput"):
        assert operator in text


def test_labels_of_another_width_are_named_at_bind():
    tasks = _cases.task_set()
    symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    shapes = [(task.label_name, (4, *task.label_shape(4)[1:])) for task in tasks]
    shapes[4] = ("toys_label", (4, 5))
    with pytest.raises(Exception, match=r"(?s)toys_label: \(4, 5\).*operator toys: Shape"):
        module.bind([("data", (4, 2, 3))], shapes)


def test_gluon_loss_refuses_labels_of_other_tasks():
    tasks = _cases.task_set()
    loss = mxmtl.MultiTaskLoss(tasks)
    logits = [mx.nd.zeros((4, task.num_logits)) for task in tasks]
    labels = [mx.nd.zeros(task.label_shape(4)) for task in tasks]
    labels[4] = mx.nd.zeros((4, 5))
    with pytest.raises(mxmtl.LabelError, match=r"task 'toys': .* shape \(4, 5\).*\(N, 3\)"):
        loss(logits, labels)
    with pytest.raises(ValueError, match=f"{len(tasks) - 1} labels for {len(tasks)} tasks"):
        loss(logits, labels[:-1])
    logits[0] = mx.nd.zeros((4, tasks[0].num_logits + 1))
    wide = r"task 'breed': logits have shape \(4, 5\); expected \(N, 4\)"
    with pytest.raises(ValueError, match=wide):
        loss(logits, tasks.split(mx.nd.zeros((4, tasks.label_width))))
    with pytest.raises(ValueError, match=wide):
        tasks.predict(logits)
    with pytest.raises(TypeError, match=r"logits: one array \(7, 1\); expected a list"):
        tasks.predict(mx.nd.zeros((7, 1)))
    with pytest.raises(ValueError, match="normalization='sum' is not one of"):
        mxmtl.MultiTaskLoss(tasks, normalization="sum")


@pytest.mark.parametrize("dtypes", [("float16", "float32"), ("float32", "int32"), ("float64",) * 2])
def test_gluon_loss_takes_logits_and_labels_of_any_type(dtypes):
    # 2049 is no number of float16: labels must not become that of the logits.
    many = mxmtl.Multiclass("id", [str(number) for number in range(2050)])
    tasks = mxmtl.TaskSet([many, mxmtl.Binary("out"), mxmtl.Regression("age")])
    label = np.array([[2049, 1, 3], [2048, 0, 5], [-1, -1, 2]])
    rng, loss = np.random.RandomState(0), mxmtl.MultiTaskLoss(tasks)
    logits = [rng.normal(size=(3, task.num_logits)).astype(np.float16) for task in tasks]
    expected = loss([mx.nd.array(z, dtype="float32") for z in logits],
                    tasks.split(mx.nd.array(label, dtype="float32")))  # fmt: skip
    outputs = [mx.nd.array(z, dtype=dtypes[0]) for z in logits]
    for output in outputs:
        output.attach_grad()
    with mx.autograd.record():
        value = loss(outputs, tasks.split(mx.nd.array(label, dtype=dtypes[1])))
    value.backward()
    np.testing.assert_allclose(value.asnumpy(), expected.asnumpy(), rtol=1e-6)
    assert all(np.abs(output.grad.asnumpy()).sum() > 0 for output in outputs)
