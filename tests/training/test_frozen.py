"""A frozen trunk stays as it is, byte for byte; cached features give the same weights."""

import logging

from mxmtl import training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

TRUNK = ("conv_weight", "conv_bias", "bn_gamma", "bn_beta", "fc_weight", "fc_bias")
TRUNK += ("bn_moving_mean", "bn_moving_var")
# A bias in front of batch normalization has no gradient but rounding, which Adam would enlarge.
SGD = {"optimizer": "sgd", "lr": 0.05}


def _values(run, stem):
    (checkpoint,) = [c for c in run.checkpoints if c.stem == stem]
    args, auxs = checkpoint.params()
    return {name: array.asnumpy() for name, array in {**args, **auxs}.items()}


@pytest.fixture(scope="module")
def tuned(records, tmp_path_factory):
    """A run with two frozen epochs and two of all, without and with the cache."""
    folder = tmp_path_factory.mktemp("tuned")
    options = {"frozen_epochs": 2, "epochs": 2, "keep": 9, "augment": (), "layer_decay": 0.1, **SGD}
    return {
        cache: _small.fit(records, folder / str(cache), cache=cache, **options)
        for cache in (False, True)
    }


@pytest.mark.parametrize("cache", [False, True])
def test_the_trunk_stands_still_and_the_heads_learn(tuned, cache):
    first, frozen, last = (_values(tuned[cache], f"model-000{n}") for n in (0, 2, 4))
    assert sorted(first) == sorted(frozen) == sorted(last)
    for name in first:
        same = first[name].tobytes() == frozen[name].tobytes()
        assert same == (name in TRUNK), name
        assert frozen[name].tobytes() != last[name].tobytes(), name


def test_the_cache_gives_the_same_weights(tuned):
    # To rounding: MXNet multiplies matrices in another order where there is no trunk before.
    for number in range(5):
        with_cache, without = (_values(tuned[c], f"model-{number:04d}") for c in (True, False))
        for name, value in without.items():
            np.testing.assert_allclose(with_cache[name], value, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("place", [(0, 3), (1, 6), (2, 2)], ids=["frozen", "at its end", "whole"])
@pytest.mark.parametrize("cache", [False, True])
def test_resuming_in_each_phase(records, tmp_path, tuned, cache, place):
    options = {"frozen_epochs": 2, "epochs": 2, "augment": (), "layer_decay": 0.1, "cache": cache}
    options.update(SGD)
    options.update(save_batches=2, callbacks=[_small.Crash(*place)])
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "run", **options)
    assert _small.weights(training.resume(tmp_path / "run")) == _small.weights(tuned[cache])


def test_features_are_computed_once(records, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "mxmtl"):
        _small.fit(records, tmp_path / "run", frozen_epochs=3, epochs=0)
    assert caplog.text.count("features of 46 images computed once") == 2  # training, validation


@pytest.mark.parametrize("keep", [False, True])
def test_statistics_can_be_kept_while_all_learns(records, tmp_path, keep):
    run = _small.fit(records, tmp_path / "run", epochs=1, keep_statistics=keep)
    first, last = _values(run, "model-0000"), _values(run, "model-0001")
    for name in first:
        same = first[name].tobytes() == last[name].tobytes()
        assert same == (keep and "_moving_" in name), name


@pytest.mark.parametrize("phase", [{"cache": True}, {"cache": False}, {}], ids=str)
def test_the_weights_of_heads_decay_by_themselves(records, tmp_path, phase):
    """One update by SGD: a head's weights as with that decay, all else as with the other."""
    epochs = {"frozen_epochs": 1, "epochs": 0, **phase} if phase else {"epochs": 1}
    options = {**SGD, **epochs, "augment": (), "batch_size": 46, "momentum": 0.0, "warmup": 0.0}
    runs = {
        name: _values(_small.fit(records, tmp_path / name, **options, **decay), "model-0001")
        for name, decay in {
            "own": {"wd": 0.01, "head_wd": 0.5}, "less": {"wd": 0.01}, "more": {"wd": 0.5},
        }.items()
    }  # fmt: skip
    for name, value in runs["own"].items():
        head = name not in TRUNK and name.endswith("_weight")
        same = runs["more" if head else "less"][name]
        np.testing.assert_allclose(value, same, rtol=1e-6, atol=1e-8, err_msg=name)
        assert not head or np.abs(value - runs["less"][name]).max() > 1e-4, name


def test_the_decay_of_heads_is_counted_in_that_of_all(records, tmp_path):
    with pytest.raises(ValueError, match="give a wd above 0"):
        _small.fit(records, tmp_path / "run", wd=0, head_wd=0.1)


def test_earlier_layers_learn_slower():
    symbol = _small.network()
    from mxmtl import training_symbol

    symbol = training.decay_rates(training_symbol(symbol, _small.tasks()), _small.tasks(), 0.125)
    rates = {
        name: float(attrs["__lr_mult__"])
        for name, attrs in symbol.attr_dict().items()
        if name in TRUNK and "__lr_mult__" in attrs
    }
    expected = {"conv_weight": 0.125, "conv_bias": 0.125, "bn_gamma": 0.25, "bn_beta": 0.25}
    expected.update(fc_weight=0.5, fc_bias=0.5)
    assert rates == pytest.approx(expected)


def test_freezing_makes_a_training_pass_a_prediction():
    frozen = training.freeze(_small.network())
    data = np.random.RandomState(0).normal(size=(4, 3, 8, 8)).astype(np.float32)
    outputs = []
    for symbol, training_pass in ((frozen, True), (frozen, True), (_small.network(), False)):
        executor = symbol.simple_bind(mx.cpu(), data=data.shape, grad_req="null")
        for name, array in {**executor.arg_dict, **executor.aux_dict}.items():
            rng = np.random.RandomState(len(name))
            array[:] = rng.uniform(0.5, 1.5, array.shape)
        executor.arg_dict["data"][:] = data
        outputs.append(executor.forward(is_train=training_pass)[0].asnumpy())
    np.testing.assert_array_equal(outputs[0], outputs[1])
    np.testing.assert_allclose(outputs[0], outputs[2], rtol=1e-5)
