"""``mxmtl export``: its example runs, and what goes wrong ends in one line."""

from __future__ import annotations

import shlex

from mxmtl.cli import example_of, main
from tests.model._world import here, world  # noqa: F401

import onnxruntime
import pytest


def test_the_example_in_the_help_runs(here, capsys):  # noqa: F811
    assert main(["export", "--help"]) == 0
    assert example_of("export") in capsys.readouterr().out
    assert main(shlex.split(example_of("export"))[1:]) == 0
    out = capsys.readouterr().out
    assert out.startswith("model.onnx: ONNX opset 13, ")
    assert "on 46 images (data/val)" in out
    assert (
        len(
            onnxruntime.InferenceSession(
                "model.onnx", providers=["CPUExecutionProvider"]
            ).get_outputs()
        )
        == 4
    )


@pytest.mark.parametrize(
    ("line", "code", "message", "files"),
    [
        ("runs/first -o m --format mxnet", 0, "", ["m-0000.params", "m-symbol.json", "m.json"]),
        ("runs/first -o m --format gluon", 0, "", ["m-0000.params", "m-symbol.json", "m.json"]),
        (
            "runs/first -o m --int8 data/train --records data/val",
            0,
            "",
            ["m-0000.params", "m-symbol.json", "m.json"],
        ),
        ("runs/first -o m.onnx --int8 data/train --format onnx", 1, "onnx' has no 8 bits", []),
        ("runs/first -o m --int8 none", 1, "none.rec: no such file", []),
        ("runs/first -o m.onnx --reader --license MIT", 0, "", ["m.onnx", "onnx_predictor.py"]),
        (
            "runs/first/model -o m.onnx --tasks data/val.tasks.json --data-shape 3,8,8 --mean 127",
            0,
            "",
            ["m.onnx"],
        ),
        ("runs/first", 2, "required: -o", []),
        (
            "runs/first -o m --format torch",
            2,
            "--format: 'torch': expected one of [onnx, mxnet",
            [],
        ),
        ("runs/none -o m.onnx", 1, "mxmtl export: runs/none: no model.", []),
        ("runs/first -o m --format mxnet --license MIT", 1, "has no reader and no metadata", []),
        ("runs/first -o m.onnx --records none", 1, "none.rec: no such file", []),
        ("runs/first -o data/val.rec/m.onnx", 1, "val.rec: File exists", []),
        ("runs/first -o data/val.rec", 1, "is there already; force (--force) replaces it", []),
    ],
)
def test_formats_and_what_goes_wrong(here, capsys, line, code, message, files):  # noqa: F811
    before = {path.name for path in here.iterdir()}
    assert main(["export", *shlex.split(line)]) == code
    lines = [text for text in capsys.readouterr().err.splitlines() if "usage" not in text]
    lines = [text for text in lines if "MKLDNN" not in text]
    assert message in (lines or [""])[-1]
    assert code == 2 or len(lines) == code
    assert sorted({path.name for path in here.iterdir()} - before) == files
