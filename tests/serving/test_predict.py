"""The same answers to a batch of images from a run in MXNet and from its ONNX file."""

from __future__ import annotations

import mxmtl
from mxmtl.export import ExportOptions, export_model
from mxmtl.model import load_model
from mxmtl.serving import predict
from tests.model._models import TASKS, model_of
from tests.serving._service import picture

import numpy as np
import pytest


def near(one, other):
    assert list(one) == list(other)
    for task in one:
        assert one[task].keys() == other[task].keys()
        for name, probability in one[task].get("probabilities", {}).items():
            assert other[task]["probabilities"][name] == pytest.approx(probability, abs=1e-4)
        if not one[task].get("probabilities"):
            assert one[task]["answer"] == pytest.approx(other[task]["answer"], rel=1e-3)


def test_a_run_and_its_onnx_file_answer_the_same(tmp_path):
    model = model_of(mxmtl.small_trunk((4, 6)), thresholds={"toys": [0.3, 0.5, 0.7]})
    export_model(model, tmp_path / "m.onnx")
    export_model(model, tmp_path / "m", ExportOptions(format="mxnet"))
    predictors = [mxmtl.Predictor(tmp_path / "m"), mxmtl.Predictor(tmp_path / "m.onnx")]
    data = [picture((40 * n, 90, 200 - 30 * n), (50 + n, 60)) for n in range(5)]
    crops = [np.stack([predictor.read(image) for image in data]) for predictor in predictors]
    np.testing.assert_array_equal(crops[0], crops[1])
    assert predictors[0].tasks.names == TASKS.names
    for count in (5, 1, 3):
        found = [predict(predictor, crops[0][:count]) for predictor in predictors]
        assert [len(answers) for answers in found] == [count, count]
        for one, other in zip(*found):
            near(one, other)


def test_a_run_folder(world):
    predictor = mxmtl.Predictor(world / "runs" / "first")
    assert predictor.name.startswith(str(world / "runs" / "first" / "model-"))
    answers = predict(predictor, predictor.read(picture())[np.newaxis])
    assert list(answers[0]) == load_model(world / "runs" / "first").tasks.names


def test_what_is_no_model_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="no model"):
        mxmtl.Predictor(tmp_path / "none")
