"""Checkpoints of a loop of one's own: what goes on ends with the same bits."""

from __future__ import annotations

import json

from mxmtl.training import CheckpointError, find_checkpoints, load_module, newest_good, save_module

import mxnet as mx
import numpy as np
import pytest

ROWS = np.random.RandomState(0).rand(24, 5).astype(np.float32)


def options(name):
    """Make an optimizer's arguments anew: a schedule remembers where it stands."""
    schedule = mx.lr_scheduler.FactorScheduler(4, 0.5, base_lr=0.1)
    return {
        "optimizer": name,
        "optimizer_params": {"learning_rate": None, "lr_scheduler": schedule},
    }


def begin(width=1):
    output = mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=width, name="fc")
    output = mx.sym.LinearRegressionOutput(output, name="out")
    module = mx.mod.Module(output, label_names=["out_label"])
    module.bind([("data", (8, 5))], [("out_label", (8, width))])
    return module


def train(module, epochs):
    for _ in range(epochs):
        for rows in ROWS.reshape(3, 8, 5):
            label = mx.nd.array(rows.sum(axis=1, keepdims=True))
            module.forward_backward(mx.io.DataBatch([mx.nd.array(rows)], [label]))
            module.update()


def weights(module):
    return {name: array.asnumpy().tobytes() for name, array in module.get_params()[0].items()}


def trained(name, epochs):
    module = begin()
    module.init_params(mx.init.One())
    module.init_optimizer(**options(name))
    train(module, epochs)
    return module


@pytest.fixture
def half_way(tmp_path):
    module = trained("adam", 2)
    save_module(tmp_path / "run", module, epoch=2, state=[0.5, {"a": None}])
    return module, tmp_path / "run"


@pytest.mark.parametrize("name", ["sgd", "adam", "nadam", "rmsprop", "signum"])
def test_what_goes_on_ends_with_the_same_bits(tmp_path, name):
    undisturbed = trained(name, 2)
    save_module(tmp_path, undisturbed, epoch=2, state=[0.5, {"a": None}])
    resumed = begin()
    assert load_module(resumed, newest_good(tmp_path)[0], **options(name)) == [0.5, {"a": None}]
    assert weights(resumed) == weights(undisturbed)
    before = weights(resumed)
    train(undisturbed, 3)
    train(resumed, 3)
    assert weights(resumed) == weights(undisturbed) != before


def test_statistics_are_complete_though_nothing_waited(tmp_path):
    # MXNet does not know that BatchNorm's backward pass writes its averages.
    net = mx.sym.var("data")
    for number in range(6):
        net = mx.sym.BatchNorm(mx.sym.FullyConnected(net, num_hidden=256), name=f"bn{number}")
    net = mx.sym.FullyConnected(net, num_hidden=1)
    module = mx.mod.Module(
        mx.sym.LinearRegressionOutput(net, name="out"), label_names=["out_label"]
    )
    module.bind([("data", (256, 5))], [("out_label", (256, 1))])
    module.init_params(mx.init.Xavier())
    module.init_optimizer()
    batch = mx.io.DataBatch([mx.nd.ones((256, 5))], [mx.nd.ones((256, 1))])
    for _ in range(5):
        module.forward_backward(batch)
        module.update()
    saved = save_module(tmp_path, module, epoch=1).params()[1]
    mx.nd.waitall()
    held = module._exec_group.execs[0].aux_dict
    assert {name: array.asnumpy().tobytes() for name, array in saved.items()} == {
        name: array.asnumpy().tobytes() for name, array in held.items()
    }


def test_a_checkpoint_of_a_run_is_not_one_of_a_loop(tmp_path):
    module = trained("sgd", 1)
    checkpoint = save_module(tmp_path, module, epoch=1)
    data = json.loads(checkpoint.path(".json").read_text("utf-8"))
    del data["loop"]
    checkpoint.path(".json").write_text(json.dumps(data), "utf-8")
    with pytest.raises(CheckpointError, match="not written by save_module"):
        load_module(begin(), checkpoint)


def test_without_the_optimizers_states_they_differ(half_way):
    undisturbed, folder = half_way
    fresh = begin()
    fresh.init_params(None, *newest_good(folder)[0].params())
    fresh.init_optimizer(**options("adam"))
    train(undisturbed, 1)
    train(fresh, 1)
    assert weights(fresh) != weights(undisturbed)


def test_mxnet_reads_the_files(half_way):
    module, folder = half_way
    symbol, args, _ = mx.model.load_checkpoint(str(folder / "model"), 2)
    assert symbol.list_outputs() == module.symbol.list_outputs()
    assert {name: array.asnumpy().tobytes() for name, array in args.items()} == weights(module)


def test_a_changed_file_is_refused(half_way):
    _, folder = half_way
    (checkpoint,) = find_checkpoints(str(folder))
    data = bytearray(checkpoint.path(".optimizer").read_bytes())
    data[-1] ^= 1
    checkpoint.path(".optimizer").write_bytes(data)
    with pytest.raises(CheckpointError, match="optimizer: not what was written"):
        load_module(begin(), checkpoint, **options("adam"))
    assert newest_good(folder) is None


def test_a_module_that_was_initialized_gets_the_saved_weights(half_way):
    undisturbed, folder = half_way
    checkpoint = newest_good(folder)[0]
    other = trained("adam", 1)
    assert weights(other) != weights(undisturbed)
    assert load_module(other, checkpoint, **options("adam")) == [0.5, {"a": None}]
    assert weights(other) == weights(undisturbed)
    train(undisturbed, 2)
    train(other, 2)
    assert weights(other) == weights(undisturbed)


@pytest.mark.parametrize("given", ["sgd", "default", "object"])
def test_another_optimizer_is_refused_before_anything_is_changed(half_way, given):
    _, folder = half_way
    module = trained("sgd", 1)
    before = weights(module)
    other = {"sgd": options("sgd"), "default": {}, "object": {"optimizer": mx.optimizer.SGD()}}
    message = r"model-0002\.json: .*states of 'adam', and this is 'sgd'.*optimizer='adam'"
    with pytest.raises(CheckpointError, match=message):
        load_module(module, newest_good(folder)[0], **other[given])
    assert weights(module) == before


def test_the_same_optimizer_may_be_named_in_any_way(half_way):
    undisturbed, folder = half_way
    for given in ("Adam", mx.optimizer.Adam(rescale_grad=1 / 8)):
        module = begin()
        load_module(module, newest_good(folder)[0], optimizer=given)
        assert weights(module) == weights(undisturbed)


def test_a_checkpoint_of_before_the_optimizer_was_named_is_read(half_way):
    undisturbed, folder = half_way
    checkpoint = newest_good(folder)[0]
    data = json.loads(checkpoint.path(".json").read_text("utf-8"))
    del data["optimizer"]["name"]
    checkpoint.path(".json").write_text(json.dumps(data), "utf-8")
    module = begin()
    load_module(module, checkpoint, **options("adam"))
    assert weights(module) == weights(undisturbed)
