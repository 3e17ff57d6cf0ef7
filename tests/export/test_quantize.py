"""Networks in 8 bits: nearly the same answers, through the same doors."""

from __future__ import annotations

import mxmtl
from mxmtl.evaluation import evaluate, predict_records
from mxmtl.export import quantize
from mxmtl.model import Network, load_model
from tests.training import _small

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
