"""Every trunk that can be named is exported and agrees with MXNet."""

from __future__ import annotations

import mxmtl
from mxmtl.export import ExportOptions, export_model
from mxmtl.training import Preprocessing
from tests.model._models import model_of

import pytest

# One of each family and each kind of block; tools/onnx_parity.py tries all of them, at full size.
FEW = ExportOptions(images=8)
SIZES = {
    "resnet18_v1": 32, "resnet18_v2": 32, "squeezenet1.1": 48, "mobilenet0.25": 32,
    "mobilenetv2_0.25": 32,
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_a_trunk_of_the_zoo_agrees(name, tmp_path):
    preprocessing = Preprocessing((3, SIZES[name], SIZES[name]), (127.0,), (64.0,))
    model = model_of(mxmtl.zoo_trunk(name), preprocessing)
    assert export_model(model, tmp_path / "m.onnx", FEW).difference <= 1e-4


def test_our_own_trunks_agree(tmp_path):
    for trunk in (mxmtl.small_trunk((8, 16)), mxmtl.nets.efficientnet_lite_trunk()):
        model = model_of(trunk, Preprocessing((3, 32, 32), (127.0,), (128.0,)))
        assert export_model(model, tmp_path / f"{trunk.name}.onnx", FEW).difference <= 1e-4
