"""Numbers of 16 bits: what is computed in them, what never is, and what a run makes of it.

MXNet's CPU operators have no convolution and no fully connected layer in float16. So those stay in
float32 in the runs here, and what lies between them computes in float16; on a GPU it is the other
way round.
"""

import json
import logging

import mxmtl
from mxmtl import training
from mxmtl.training import _phases, _precision
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

HEAVY = ["Convolution", "FullyConnected"]
LIGHT = ["Activation", "BatchNorm", "Flatten"]


@pytest.fixture
def _light(monkeypatch):
    """Compute in float16 what MXNet's CPU operators have in it."""
    amp = pytest.importorskip("mxnet.contrib.amp")
    full = amp.list_fp32_ops("float16") + HEAVY
    lists = {"target_dtype_ops": LIGHT, "fp32_ops": full, "conditional_fp32_ops": []}
    monkeypatch.setattr(_precision, "operators", lambda dtype: lists)
    monkeypatch.setattr(_precision, "why_not", lambda dtype, device: None)


def _symbol(network=None):
    with mx.name.NameManager():
        trunk = mxmtl.zoo_trunk("resnet18_v1") if network is None else network
        return mxmtl.training_symbol(trunk, _small.tasks())


def _nodes(symbol):
    return json.loads(symbol.tojson(remove_amp_cast=False))["nodes"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_convolutions_are_cast_and_heads_are_not(dtype):
    low = _precision.reduced(_symbol(), _small.tasks(), dtype)
    graph = _nodes(low)
    heads = {f"{name}_fwd" for name in _small.tasks().names}
    seen = 0
    for node in graph:
        sources = [graph[source[0]] for source in node["inputs"]]
        if node["op"] == "Convolution":
            casts = [(n["op"], n["attrs"]["dtype"]) for n in sources[1:]]
            assert casts == [("amp_cast", dtype)]
            seen += 1
        elif node["op"] == "BatchNorm":
            assert [n["op"] for n in sources[1:]] == ["null"] * 4  # in float32, as they are
        elif node["name"] in heads:
            assert [(n["op"], n["name"]) for n in sources[1:]] == [
                ("null", node["name"].replace("_fwd", kind)) for kind in ("_weight", "_bias")
            ]
            assert (sources[0]["op"], sources[0]["attrs"]["dtype"]) == ("amp_cast", "float32")
            seen += 1
    assert seen == 20 + 4


def test_types_of_everything_that_has_one():
    tasks, symbol = _small.tasks(), _symbol()
    low = _precision.reduced(symbol, tasks, "float16")
    assert low.list_arguments() == symbol.list_arguments()
    assert low.list_auxiliary_states() == symbol.list_auxiliary_states()
    assert low.list_outputs() == symbol.list_outputs()
    args, outputs, auxs = low.infer_type(data="float32")
    assert {np.dtype(t).name for t in [*args, *outputs, *auxs]} == {"float32"}
    internals = low.get_internals()
    names = internals.list_outputs()
    types = dict(zip(names, internals.infer_type(data="float32")[1]))
    low_ones = {name for name, kind in types.items() if kind == np.float16}
    convolutions = [name for name in names if "conv" in name and name.endswith("_fwd_output")]
    assert convolutions
    assert set(convolutions) <= low_ones
    assert not [n for n in low_ones if n.startswith(tuple(tasks.names))]


def test_rates_and_decay_of_parameters_stay():
    tasks = _small.tasks()
    symbol = _phases.decay_rates(training._network.only_weights_decay(_symbol()), tasks, 0.1)
    before = {n["name"]: n.get("attrs") for n in _nodes(symbol) if n["op"] == "null"}
    low = _precision.reduced(symbol, tasks, "float16")
    after = {n["name"]: n.get("attrs") for n in _nodes(low) if n["op"] == "null"}
    assert set(after) == set(before)
    for name, attrs in before.items():
        for key in ("__lr_mult__", "__wd_mult__"):
            expected = float((attrs or {}).get(key, 1.0))
            assert float((after[name] or {}).get(key, 1.0)) == expected, (name, key)


def test_float32_is_the_symbol_itself():
    symbol = _symbol()
    assert _precision.reduced(symbol, _small.tasks(), "float32") is symbol


@pytest.mark.usefixtures("_light")
def test_a_step_is_that_of_float32_within_tolerance(records, tmp_path):
    with mx.name.NameManager():  # without dropout, which draws others in another type
        x = mx.sym.Convolution(mx.sym.var("data"), num_filter=6, kernel=(3, 3), name="conv")
        x = mx.sym.Activation(mx.sym.BatchNorm(x, name="bn", fix_gamma=False), act_type="relu")
        trunk = mx.sym.FullyConnected(mx.sym.Flatten(x), num_hidden=12, name="fc")
    options = {"epochs": 1, "lr": 0.01, "clip": 0.05, "network": trunk}
    full = _small.fit(records, tmp_path / "full", **options)
    low = _small.fit(records, tmp_path / "low", precision="float16", **options)
    first = full.checkpoints[0].params()[0]
    before, after, same = (
        np.concatenate([array.asnumpy().ravel() for _, array in sorted(arrays.items())])
        for arrays in (first, full.load("last")[1], low.load("last")[1])
    )
    difference = np.linalg.norm(same - after) / np.linalg.norm(after - before)
    assert 0 < difference < 0.02  # 10 bits of mantissa; a scale left in would make it 127


@pytest.mark.usefixtures("_light")
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_resume_is_exact_and_files_are_float32(records, tmp_path, optimizer):
    options = {"optimizer": optimizer, "precision": "float16", "lr": 0.01, "save_batches": 2}
    whole = _small.fit(records, tmp_path / "whole", frozen_epochs=1, cache=False, **options)
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "cut", frozen_epochs=1, cache=False,
            callbacks=[_small.Crash(2, 3)], **options,
        )  # fmt: skip
    again = training.resume(tmp_path / "cut")
    assert _small.weights(again) == _small.weights(whole)
    symbol, args, auxs = again.load("last")
    assert {a.dtype for a in [*args.values(), *auxs.values()]} == {np.float32}
    assert {a.dtype for a in again.last.optimizer().values()} == {np.float32}
    assert "amp" not in symbol.tojson(remove_amp_cast=False)


def test_a_device_without_it_is_one_clear_line(records, tmp_path):
    reason = _precision.why_not("float16", mx.cpu())
    if reason is None:
        pytest.skip("this machine's CPU computes in float16")
    message = r"precision='float16': MXNet does not compute in it on cpu\(0\).*Use float32, or auto"
    with pytest.raises(ValueError, match=message):
        _small.fit(records, tmp_path / "run", precision="float16")
    assert not (tmp_path / "run").exists()
    mx.nd.waitall()  # and the attempt left no error behind


def test_auto_is_float32_on_a_cpu(records, tmp_path, caplog):
    full = _small.fit(records, tmp_path / "full", epochs=1, gpus="")
    with caplog.at_level(logging.INFO, "mxmtl"):
        auto = _small.fit(records, tmp_path / "auto", epochs=1, precision="auto")
    if mxmtl.context()[0].device_type == "cpu":
        assert _small.weights(auto) == _small.weights(full)
        assert ", in float32" in caplog.text


def test_auto_is_float16_on_gpus_that_have_it(monkeypatch):
    monkeypatch.setattr(_precision, "why_not", lambda dtype, device: None)
    assert _precision.choose_precision("auto", [mx.gpu(0), mx.gpu(1)]) == "float16"
    monkeypatch.setattr(_precision, "why_not", lambda dtype, d: "no" if d.device_id else None)
    assert _precision.choose_precision("auto", [mx.gpu(0), mx.gpu(1)]) == "float32"
    with pytest.raises(ValueError, match=r"on gpu\(1\) \(no\)"):
        _precision.choose_precision("bfloat16", [mx.gpu(0), mx.gpu(1)])


def test_the_scale_of_the_loss_is_taken_out_again():
    assert _precision.unscaled({"wd": 0.1}, 32, "float16") == {"wd": 0.1, "rescale_grad": 1 / 4096}
    assert _precision.unscaled({"rescale_grad": 1.0}, 32, "float16")["rescale_grad"] == 1 / 128
    assert _precision.unscaled({"wd": 0.1}, 32, "bfloat16") == {"wd": 0.1}


def test_a_word_that_is_none():
    with pytest.raises(ValueError, match="precision='half' is not one of"):
        training.Settings(precision="half")
