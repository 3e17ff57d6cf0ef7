"""What an export writes, when it refuses, and that other programs read it."""

from __future__ import annotations

import json
import sys
from dataclasses import replace

import mxmtl
from mxmtl.export import (
    ExportError,
    ExportOptions,
    UnsupportedOperatorError,
    _export,
    export_model,
    sample_images,
)
from mxmtl.model import Model, ModelFile, Network, Preprocessing, load_model
from tests.model._models import PREPROCESSING, TASKS, model_of

import mxnet as mx
import numpy as np
import onnx
import onnxruntime
import pytest

THRESHOLDS = {"toys": [0.3, 0.5, 0.7], "outdoors": [0.25]}
TEMPERATURE = {"breed": 2.5, "toys": 0.5}


def trunk():
    return mxmtl.small_trunk((4, 6))


@pytest.fixture(scope="module")
def model():
    return model_of(trunk(), thresholds=THRESHOLDS, temperature=TEMPERATURE)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    options = ExportOptions(metadata={"license": "CC-BY-4.0"}, reader=True)
    export_model(model, path, options)
    return path


def predictions(model, planes):
    """In float64 from MXNet's logits, by the definition of softmax, sigmoid and temperature."""
    logits = [np.float64(part) for part in Network.of_model(model).logits(planes)]
    breed, outdoors, toys, age = logits
    breed = np.exp(breed / TEMPERATURE["breed"])
    return {
        "breed": breed / breed.sum(axis=1, keepdims=True),
        "outdoors": 1 / (1 + np.exp(-outdoors)),
        "toys": 1 / (1 + np.exp(-toys / TEMPERATURE["toys"])),
        "age": age,
    }


def scaled(pixels):
    mean, std = (np.array(part) for part in (PREPROCESSING.mean, PREPROCESSING.std))
    return np.float32((pixels - mean) / std).transpose(0, 3, 1, 2)


def test_outputs_by_name_for_any_batch(model, exported):
    session = onnxruntime.InferenceSession(str(exported), providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    assert (given.type, given.shape) == ("tensor(uint8)", ["N", 40, 32, 3])
    assert [output.name for output in session.get_outputs()] == TASKS.names
    for count in (1, 5):
        pixels = np.random.RandomState(count).randint(0, 256, (count, 40, 32, 3)).astype(np.uint8)
        expected = predictions(model, scaled(pixels))
        found = session.run(list(expected), {given.name: pixels})
        for name, part in zip(expected, found):
            assert part.shape == (count, TASKS[name].num_outputs)
            np.testing.assert_allclose(part, expected[name], rtol=1e-4, atol=1e-5)


def test_preprocessing_outside_takes_planes(model, tmp_path):
    export_model(model, tmp_path / "m.onnx", ExportOptions(preprocessing="outside"))
    session = onnxruntime.InferenceSession(
        str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"]
    )
    (given,) = session.get_inputs()
    assert (given.type, given.shape) == ("tensor(float)", ["N", 3, 40, 32])
    planes = scaled(np.random.RandomState(0).randint(0, 256, (2, 40, 32, 3)))
    expected = predictions(model, planes)
    for part, right in zip(session.run(None, {given.name: planes}), expected.values()):
        np.testing.assert_allclose(part, right, rtol=1e-4, atol=1e-5)


def test_the_file_says_what_it_is(exported):
    proto = onnx.load(str(exported))
    onnx.checker.check_model(proto, full_check=True)
    assert [(o.domain, o.version) for o in proto.opset_import] == [("", 13)]
    assert (proto.ir_version, proto.producer_name) == (7, "mxmtl")
    assert proto.producer_version == mxmtl.__version__
    facts = {prop.key: prop.value for prop in proto.metadata_props}
    assert facts["license"] == "CC-BY-4.0"
    assert mxmtl.TaskSet.from_dict(json.loads(facts["mxmtl.tasks"])) == TASKS
    assert json.loads(facts["mxmtl.temperature"]) == TEMPERATURE
    preprocessing = json.loads(facts["mxmtl.preprocessing"])
    assert preprocessing == {
        "data_shape": [3, 40, 32], "mean": [120, 110, 100], "std": [60, 50, 70], "crop": 0.875,
        "background": [255, 255, 255], "bits": 16, "inside": True,
    }  # fmt: skip
    outputs = {output["name"]: output for output in json.loads(facts["mxmtl.outputs"])}
    assert outputs["breed"]["names"] == ["比格犬", "boxer", "pug"]
    assert outputs["toys"]["thresholds"] == THRESHOLDS["toys"]
    assert outputs["outdoors"]["thresholds"] == THRESHOLDS["outdoors"]
    assert outputs["age"] == {"name": "age", "kind": "value", "names": [], "thresholds": []}
    # No parameter is an input, and none is there that no node reads (fix_gamma's, say).
    assert len(proto.graph.input) == 1
    read = {name for node in proto.graph.node for name in node.input}
    assert {array.name for array in proto.graph.initializer} <= read


def test_a_task_may_be_called_like_the_input(tmp_path):
    tasks = mxmtl.TaskSet([mxmtl.Binary("images"), mxmtl.Binary("data"), mxmtl.Binary("constant")])
    model = model_of(trunk(), tasks=tasks)
    export_model(model, tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(
        str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"]
    )
    assert [output.name for output in session.get_outputs()] == ["images", "data", "constant"]


def test_fixed_gammas_count_as_ones_whatever_they_hold(tmp_path):
    # MXNet's own exporter writes what the parameter holds, silently.
    nn = mx.gluon.nn
    fixed = nn.HybridSequential()
    fixed.add(nn.Conv2D(4, 3), nn.BatchNorm(scale=False), nn.GlobalAvgPool2D(), nn.Flatten())
    model = model_of(fixed)
    gamma = next(name for name in model.params[0] if name.endswith("gamma"))
    held = model.params[0][gamma].asnumpy()
    assert np.abs(held - 1).max() > 0.1
    assert export_model(model, tmp_path / "m.onnx").difference < 1e-4
    np.testing.assert_array_equal(model.params[0][gamma].asnumpy(), held)


def test_gray_images(tmp_path):
    gray = mxmtl.training.Preprocessing((1, 24, 24), (127.0,), (64.0,))
    model = model_of(trunk(), gray)
    assert export_model(model, tmp_path / "m.onnx").difference < 1e-4
    session = onnxruntime.InferenceSession(
        str(tmp_path / "m.onnx"), providers=["CPUExecutionProvider"]
    )
    assert session.get_inputs()[0].shape == ["N", 24, 24, 1]


def test_an_unknown_operator_is_refused_before_anything_is_computed(tmp_path, monkeypatch):
    def nothing(*arguments):
        raise AssertionError("something was computed")

    monkeypatch.setattr(_export, "sample_images", nothing)
    images = mx.sym.var("data")
    resized = mx.sym.contrib.BilinearResize2D(images, height=8, width=8, name="upper")
    model = model_of_symbol(mx.sym.Flatten(mx.sym.sort(resized, axis=1)))
    with pytest.raises(UnsupportedOperatorError, match=r"BilinearResize2D.*'upper'.*sort"):
        export_model(model, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def model_of_symbol(symbol):
    block = mx.gluon.SymbolBlock(symbol, mx.sym.var("data", dtype="float32"))
    return model_of(block)


@pytest.mark.parametrize("wrong", [1e-3, np.nan])
def test_a_model_that_differs_leaves_no_file(model, tmp_path, monkeypatch, wrong):
    def perturbed(self, images, logits=Network.logits):
        return [part + np.float32(wrong) for part in logits(self, images)]

    monkeypatch.setattr(Network, "logits", perturbed)
    for form in ("onnx", "mxnet", "gluon"):
        with pytest.raises(ExportError, match="differs from MXNet by"):
            export_model(model, tmp_path / "m.onnx", ExportOptions(format=form))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", ["onnx", "mxnet", "gluon"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 26.0, 1e6])
@pytest.mark.parametrize("type_", ["Regression", "Count", "Interval"])
def test_the_unit_of_a_value_does_not_matter(tmp_path, monkeypatch, type_, scale, form):
    units = {"mean": scale} if type_ == "Count" else {"center": -3 * scale, "scale": scale}
    tasks = mxmtl.TaskSet([getattr(mxmtl, type_)("age", **units)])
    model, wrong = model_of(trunk(), tasks=tasks), 0.0

    def perturbed(self, images, logits=Network.logits):
        return [part + np.float32(wrong) for part in logits(self, images)]

    monkeypatch.setattr(Network, "logits", perturbed)
    wrong = 2e-5  # rounding of a large network
    assert export_model(model, tmp_path / "m", ExportOptions(format=form)).difference < 1e-4
    wrong = 2e-3  # a wrong bias
    with pytest.raises(ExportError, match=r"differs from MXNet by .*\(--records\)"):
        export_model(model, tmp_path / "n", ExportOptions(format=form))


def test_nothing_is_overwritten_unless_told(model, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="is there already"):
        export_model(model, path)
    assert path.read_bytes() == b"precious"
    export_model(model, path, ExportOptions(force=True))
    assert path.stat().st_size > 1000


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_missing_package_is_said_with_what_installs_it(model, tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setattr(_export, "mxnet_predictions", None)  # and nothing was computed before it
    with pytest.raises(ImportError, match=r'pip install "mxmtl\[onnx\]"'):
        export_model(model, tmp_path / "m.onnx")
    assert list(tmp_path.iterdir()) == []


def test_options_are_checked(model, tmp_path):
    with pytest.raises(ValueError, match=r"format='torch': expected one of \[onnx, mxnet, gluon\]"):
        ExportOptions(format="torch")
    with pytest.raises(ValueError, match=r"metadata \['mxmtl.tasks'\]: what begins with mxmtl"):
        export_model(model, tmp_path / "m.onnx", ExportOptions(metadata={"mxmtl.tasks": "x"}))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="images=0: expected 1 or more"):
        ExportOptions(images=0)
    with pytest.raises(ValueError, match="no reader and no metadata"):
        ExportOptions(format="gluon", reader=True)


def test_same_model_same_bytes(model, exported, tmp_path):
    again = tmp_path / "m.onnx"
    export_model(model, again, ExportOptions(metadata={"license": "CC-BY-4.0"}))
    assert again.read_bytes() == exported.read_bytes()


def test_mxnet_files_predict_by_module_alone(model, tmp_path):
    export_model(model, tmp_path / "m", ExportOptions(format="mxnet"))
    module = mx.mod.Module.load(str(tmp_path / "m"), 0, label_names=None)
    module.bind([("data", (2, 3, 40, 32))], for_training=False)
    planes = scaled(np.random.RandomState(0).randint(0, 256, (2, 40, 32, 3)))
    module.forward(mx.io.DataBatch([mx.nd.array(planes)]), is_train=False)
    assert module.output_names == TASKS.output_names
    for found, right in zip(module.get_outputs(), predictions(model, planes).values()):
        np.testing.assert_allclose(found.asnumpy(), right, rtol=1e-4, atol=1e-5)
    again = load_model(str(tmp_path / "m"))  # and mxmtl reads them as a model
    assert again.file == model.file
    for one, other in zip(*(Network.of_model(m).logits(planes) for m in (again, model))):
        np.testing.assert_array_equal(one, other)


# MXNet's own, with every file that has parameters: it makes the input without a type.
@pytest.mark.filterwarnings("ignore:Cannot decide type")
def test_gluon_files_are_a_symbol_block_of_logits(model, tmp_path):
    export_model(model, tmp_path / "m", ExportOptions(format="gluon"))
    files = [str(tmp_path / name) for name in ("m-symbol.json", "m-0000.params")]
    block = mx.gluon.SymbolBlock.imports(files[0], ["data"], files[1])
    planes = scaled(np.random.RandomState(0).randint(0, 256, (2, 40, 32, 3)))
    for one, other in zip(block(mx.nd.array(planes)), Network.of_model(model).logits(planes)):
        np.testing.assert_allclose(one.asnumpy(), other, rtol=1e-5, atol=1e-5)


def test_images_come_from_records_as_training_reads_them(world):
    model = load_model(world / "runs" / "first")
    samples = sample_images(model.file.preprocessing, str(world / "data" / "val"))
    planes = samples.planes(model.file.preprocessing)
    options = {**model.file.preprocessing.options(), "shuffle": True, "seed": 0}
    with mxmtl.RecordIter(world / "data" / "val", 46, **options) as batches:
        np.testing.assert_array_equal(next(iter(batches)).data[0].asnumpy(), planes)
    assert len(planes) == 46


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1e-6), (127.0, 1e9)], ids=["ends", "constant"])
def test_what_proves_nothing_is_refused_and_what_was_assumed_is_named(tmp_path, mean, std):
    tasks = mxmtl.TaskSet([mxmtl.Binary("a"), mxmtl.Multiclass("b", ["x", "y", "z"])])
    mx.random.seed(3)
    net = mxmtl.MultiTaskNet(trunk(), tasks)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 3, 16, 16)))
    file = ModelFile(tasks, Preprocessing((3, 16, 16), (mean,), (std,)))
    model = Model(mxmtl.training_symbol(net, tasks), mxmtl.module_params(net), file, "mine")
    with pytest.raises(ExportError, match=r"proves nothing.*images of 3 x 16 x 16, mean .*--std"):
        export_model(model, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
    right = Preprocessing((3, 16, 16), (127.0,), (64.0,))
    usual = replace(model, file=replace(file, preprocessing=right))
    assert "images of 3 x 16 x 16, mean 127, std 64" in str(
        export_model(usual, tmp_path / "m.onnx")
    )
