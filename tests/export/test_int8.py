"""Networks in 8 bits: nearly the same answers, through the same doors."""

from __future__ import annotations

import logging
import subprocess
import sys

import mxmtl
from mxmtl.evaluation import TuneOptions, evaluate, predict_records, tune
from mxmtl.export import ExportOptions, export_model, quantize
from mxmtl.model import Network, load_model
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest


def test_eight_bits_say_nearly_the_same(world):
    records = str(world / "data" / "val")
    model = load_model(world / "runs" / "first")
    small = quantize(model, records, images=20, threads=1)
    assert small.name == f"{model.name} in 8 bits"
    assert small.file == model.file
    types = {array.dtype for array in small.params[0].values()}
    assert np.int8 in types or "quantize" in small.symbol.tojson()
    plain, coarse = (
        predict_records(Network.of_model(each), records, model.file.preprocessing)
        for each in (model, small)
    )
    for task in model.tasks:
        a, b = plain.logits[task.name], coarse.logits[task.name]
        assert not np.array_equal(a, b)
        assert np.abs(a - b).max() < 0.1 * (np.abs(a).max() + 1)
    assert evaluate(small, records).num_records == _small.ROWS
    with pytest.raises(ValueError, match="in 8 bits computes in 8 bits already"):
        quantize(small, records, images=20, threads=1)
    with pytest.raises(ValueError, match="images=0: expected 1 or more to calibrate on"):
        quantize(model, records, images=0)
    crop = np.zeros((8, 8, 3), np.uint8)
    assert set(mxmtl.Predictor(small)(crop).answers) == set(model.tasks.names)


ELSEWHERE = """
import sys
from mxmtl.model import Network, load_model
import numpy as np
model = load_model(sys.argv[1])
images = np.random.RandomState(0).randn(5, *model.file.preprocessing.data_shape)
logits = Network.of_model(model).logits(images.astype(np.float32))
np.savez(sys.argv[2], **dict(zip(model.tasks.names, logits)))
"""


def test_what_is_written_is_read_by_its_name_bit_for_bit(here):
    tune("runs/first", "data/val", options=TuneOptions(min_labels=5))  # thresholds, temperatures
    model = load_model("runs/first")
    options = ExportOptions(format="mxnet", int8="data/train", records="data/val")
    made = export_model(model, here / "small", options)
    subprocess.run([sys.executable, "-c", ELSEWHERE, "small", "out.npz"], cwd=here, check=True)
    images = np.random.RandomState(0).randn(5, *model.file.preprocessing.data_shape)
    again = quantize(model, "data/train")
    logits = Network.of_model(again).logits(images.astype(np.float32))
    with np.load(here / "out.npz") as found:
        for task, right in zip(model.tasks, logits):
            np.testing.assert_array_equal(found[task.name], right)
    small = load_model("small")
    assert small.in_8_bits
    assert not model.in_8_bits
    assert small.file == model.file
    # What was said of it is what `evaluate` says of the two.
    lines = [line.split("|")[1:-1] for line in str(made).splitlines() if line.startswith("|")]
    cells = {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}
    for column, source in ((1, "runs/first"), (2, "small")):
        values = evaluate(source, "data/val").values
        for task, metric in (("breed", "accuracy"), ("toys", "accuracy"), ("age", "rmse")):
            assert cells[task][0] == metric
            assert float(cells[task][column]) == pytest.approx(values[f"{task}/{metric}"], abs=6e-5)
    assert all(float(rate) > 0 for rate in cells[""][1:])
    assert (made.images, made.source) == (_small.ROWS, "data/val")
    assert 0 < made.difference < 0.2


def test_a_module_predicts_with_temperatures(here):
    tune("runs/first", "data/val", options=TuneOptions(min_labels=5))
    model = load_model("runs/first")
    export_model(model, "small", ExportOptions(format="mxnet", int8="data/train"))
    module = mx.mod.Module.load("small", 0, label_names=None)
    shape = (2, *model.file.preprocessing.data_shape)
    module.bind([("data", shape)], for_training=False)
    planes = np.random.RandomState(0).randn(*shape).astype(np.float32)
    module.forward(mx.io.DataBatch([mx.nd.array(planes)]), is_train=False)
    logits = Network.of_model(load_model("small")).logits(planes)
    expected = model.tasks.predict(logits, model.file.temperature)
    for found, right in zip(module.get_outputs(), expected):
        np.testing.assert_allclose(found.asnumpy(), right, rtol=1e-5, atol=1e-6)


def test_eight_bits_stay_on_the_cpu(world, caplog):
    small = quantize(load_model(world / "runs" / "first"), str(world / "data" / "val"), images=20)
    with caplog.at_level(logging.WARNING, "mxmtl"):
        assert Network.of_model(small, ctx=mx.gpu(0)).ctx == mx.cpu()
    assert "computes in 8 bits, which MXNet does on the CPU alone" in caplog.text


def test_options_are_checked():
    for form in ("onnx", "gluon"):
        with pytest.raises(ValueError, match=rf"format='{form}' has no 8 bits \(int8\); mxnet has"):
            ExportOptions(format=form, int8="data/train")


def test_a_network_of_no_numbers_leaves_no_file(here):
    model = load_model("runs/first")
    model.params[0]["age_bias"][:] = np.nan
    with pytest.raises(ValueError, match="model-0002 cannot be quantized: .*nan"):
        export_model(model, "small", ExportOptions(format="mxnet", int8="data/train"))
    assert not list(here.glob("small*"))
