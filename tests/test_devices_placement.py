"""Everything stays on the device that it was given; results are those of the default one."""

import shutil

import mxmtl
from mxmtl import metrics, training
from mxmtl.augment import RandomMirror
from tests import _cases
from tests._devices import MixedDevicesError, device  # noqa: F401 (a fixture)
from tests.distributed import _life
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

CLOSE = {"rtol": 1e-4, "atol": 1e-5}  # a GPU sums in another order


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    return _small.write(tmp_path_factory.mktemp("records"))


def test_mixed_devices_are_refused_by_the_fixture(device):  # noqa: F811
    here, there = mx.nd.ones((2,)), mx.nd.ones((2,), ctx=device)
    with pytest.raises(MixedDevicesError):
        here + there
    block = mx.gluon.nn.HybridLambda(lambda F, a, b: a + b)
    block.hybridize()
    with pytest.raises(ValueError, match="multiple contexts"):  # MXNet's own
        block(here, there)
    net = mx.gluon.nn.Dense(2, in_units=2)
    net.initialize(ctx=mx.cpu(0))
    net.hybridize()
    with pytest.raises((MixedDevicesError, RuntimeError)):
        net(there)


@pytest.mark.parametrize("normalization", ["batch", "valid"])
@pytest.mark.parametrize("hybrid", [False, True], ids=["eager", "hybrid"])
def test_net_loss_and_gradient(device, hybrid, normalization):  # noqa: F811
    tasks = _cases.task_set(normalization)
    rng = np.random.RandomState(0)
    images = rng.rand(6, 3, 16, 16).astype(np.float32)
    label = np.concatenate([_cases.random_label(t, 6, 0.5, rng) for t in tasks], axis=1)
    results = []
    for context in (mx.cpu(0), device):
        mx.random.seed(1)
        with mx.name.NameManager():
            net = mxmtl.MultiTaskNet(mxmtl.small_trunk((8, 8)), tasks)
        net.initialize(mx.init.Xavier(), ctx=mx.cpu(0))
        net(mx.nd.array(images))  # gives the parameters their shapes, and values on the CPU
        net.collect_params().reset_ctx(context)
        loss = mxmtl.MultiTaskLoss(tasks)
        if hybrid:
            net.hybridize()
            loss.hybridize()
        labels = [part.as_in_context(context) for part in tasks.split(mx.nd.array(label))]
        with mx.autograd.record():
            value = loss(net(mx.nd.array(images, ctx=context)), labels)
        value.backward()
        assert value.context == context
        predictions = tasks.predict(net(mx.nd.array(images, ctx=context)))
        assert all(p.context == context for p in predictions)
        gradients = [p.grad(context).asnumpy() for p in net.collect_params().values()
                     if p.grad_req != "null"]  # fmt: skip
        results.append([value.asnumpy(), *(p.asnumpy() for p in predictions), *gradients])
    for found, expected in zip(*results):
        np.testing.assert_allclose(found, expected, **CLOSE)


def test_metrics_take_arrays_of_any_device(device):  # noqa: F811
    task = mxmtl.Multilabel("toys", ["ball", "rope"])
    labels, predictions = mx.nd.array([[1, 0], [-1, 1]]), mx.nd.array([[0.9, 0.6], [0.2, 0.3]])
    values = []
    for context in (mx.cpu(0), device):
        f1 = metrics.F1(task)
        f1.update(labels.as_in_context(mx.cpu(0)), predictions.as_in_context(context))
        f1.update(labels.as_in_context(context), predictions.as_in_context(context))
        values.append(f1.get())
    assert values[0] == values[1]


def test_batches_come_to_the_device(records, device):  # noqa: F811
    options = {"data_shape": (3, 8, 8), "shuffle": True, "augment": [RandomMirror()],
               "mean": (120, 110, 100), "std": 60, "threads": 1}  # fmt: skip
    with (
        mxmtl.RecordIter(records, 8, **options) as plain,
        mxmtl.RecordIter(records, 8, ctx=device, **options) as sent,
    ):
        for batch, other in zip(plain, sent):
            for array, expected in zip(other.data + other.label, batch.data + batch.label):
                assert array.context == device
                np.testing.assert_allclose(array.asnumpy(), expected.asnumpy(), **CLOSE)


def test_score_and_predict(records, device):  # noqa: F811
    tasks = _small.tasks()
    symbol = mxmtl.training_symbol(_life.network(), tasks)
    found = []
    with mxmtl.RecordIter(records, 8, data_shape=(3, 8, 8), threads=1, std=60) as data:
        for context in (mx.cpu(0), device):
            module = mx.mod.Module(symbol, label_names=tasks.label_names, context=context)
            module.bind(data.provide_data, data.provide_label, for_training=False)
            mx.random.seed(4)
            module.init_params(mx.init.Xavier())
            values = [value for _, value in module.score(data, tasks.metrics())]
            rows = [output.asnumpy() for output in module.predict(data)]
            found.append([np.array(values), *rows])
    assert found[0][1].shape[0] == _small.ROWS
    for one, other in zip(*found):
        np.testing.assert_allclose(one, other, **CLOSE)


@pytest.mark.parametrize("frozen", [0, 1], ids=["all", "frozen first"])
def test_a_run(records, device, tmp_path, monkeypatch, frozen):  # noqa: F811
    """`mxmtl.fit` with an average, saved and gone on with, and loaded on the CPU again."""
    _small.train_on(monkeypatch, device)
    options = {"epochs": 1, "frozen_epochs": frozen, "ema": 0.9, "save_batches": 3}
    cut = _small.Crash(frozen, 4)
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "run", callbacks=[cut], **options)
    run = training.resume(tmp_path / "run")
    _, args, auxs = run.load()
    assert {array.context for array in {**args, **auxs}.values()} == {mx.cpu(0)}
    assert run.last.epoch == 1 + frozen


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_two_devices_are_as_one(records, tmp_path, monkeypatch, optimizer):
    """Over a whole training: all weights, and all values of all metrics, of a tail batch too."""
    runs = []
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)], [mx.cpu(i) for i in range(4)]):
        _small.train_on(monkeypatch, *contexts)
        options = {**_life.OPTIONS, "save_batches": 0, "optimizer": optimizer, "lr": 0.01}
        runs.append(
            _small.fit(records, tmp_path / str(len(contexts)), network=_life.network(), **options)
        )
    (_, args, _), *others = [run.load("last") for run in runs]
    for _, other, _ in others:
        for name, array in args.items():
            found = other[name].asnumpy()
            np.testing.assert_allclose(found, array.asnumpy(), rtol=0, atol=1e-6, err_msg=name)
    for run in runs[1:]:
        for entry, expected in zip(run.history, runs[0].history):
            for part in ("train", "val"):
                for name, value in expected[part].items():
                    np.testing.assert_allclose(
                        entry[part][name], value, rtol=1e-4, atol=1e-6, err_msg=name
                    )


def test_a_run_goes_on_on_another_number_of_devices(records, tmp_path, monkeypatch):
    """Its optimizer's states go along: they are kept by parameter, not by device."""
    whole = _life.live(records, tmp_path / "whole", optimizer="sgd", lr=0.05)
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))
    options = {**_life.OPTIONS, "optimizer": "sgd", "lr": 0.05, "network": _life.network()}
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "run", callbacks=[_small.Crash(1, 3)], **options)
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1), mx.cpu(2))
    with pytest.raises(_small.PowerCutError):
        training.resume(tmp_path / "run", callbacks=[_small.Crash(2, 3)])
    _small.train_on(monkeypatch, mx.cpu(0))
    found, expected = training.resume(tmp_path / "run").load("last"), whole.load("last")
    for name, array in expected[1].items():
        np.testing.assert_allclose(
            found[1][name].asnumpy(), array.asnumpy(), rtol=0, atol=1e-6, err_msg=name
        )


def test_valid_normalization_on_several_devices_is_told(records, tmp_path, monkeypatch, caplog):
    tasks = mxmtl.TaskSet(list(_small.tasks()), normalization="valid")
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))
    for ending in (".rec", ".idx"):
        shutil.copy(records + ending, tmp_path / f"t{ending}")
    tasks.save(tmp_path / "t.tasks.json")
    _small.fit(str(tmp_path / "t"), tmp_path / "run", epochs=1)
    assert "a batch is divided into 2 parts" in caplog.text
