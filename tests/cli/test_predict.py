"""``mxmtl predict``: its example runs; wrong lines and failures end in one line."""

from __future__ import annotations

import csv
import json

from mxmtl.cli import example_of
from tests.cli._lines import assert_refused, run
from tests.model._world import here, world  # noqa: F401

import pytest


def test_the_example_runs(here, capsys):  # noqa: F811
    assert run("predict --help") == 0
    assert example_of("predict") in capsys.readouterr().out
    assert run(example_of("predict").replace("mxmtl ", "")) == 0
    assert capsys.readouterr().err == "predictions.csv: 5 images\n"
    with open("predictions.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["path"] for row in rows] == [
        f"photos/{i}.{'png' if i % 2 else 'jpg'}" for i in range(5)
    ]
    assert {"breed", "breed.probability", "outdoors", "toys.rope", "age"} <= set(rows[0])


def test_to_the_standard_output_and_from_onnx(here, capsys):  # noqa: F811
    line = "photos/0.jpg photos/1.png --format jsonl --top 1 --threads 1"
    assert run(f"predict runs/first {line}") == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first["path"] == "photos/0.jpg"
    assert len(second["breed"]["probabilities"]) == 1
    assert run(f"predict runs/first {line} --backend onnxruntime") == 0
    again = json.loads(capsys.readouterr().out.splitlines()[1])
    assert again["breed"]["answer"] == second["breed"]["answer"]
    assert again["age"]["answer"] == pytest.approx(second["age"]["answer"], abs=1e-5)
    assert run("export runs/first -o m.onnx") == 0
    capsys.readouterr()
    assert run(f"predict m.onnx {line}") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[1]) == again


def test_fashionai_end_to_end(here, capsys):  # noqa: F811
    (here / "q.csv").write_text("0.jpg,breed_labels,?\n", "utf-8")
    assert run("predict runs/first q.csv --images photos --format fashionai") == 0
    name, task, cells = capsys.readouterr().out.strip().split(",")
    assert (name, task, len(cells.split(";"))) == ("0.jpg", "breed_labels", 4)


def test_what_cannot_be_read_tells_by_the_exit_code(here, capsys):  # noqa: F811
    (here / "photos" / "bad.jpg").write_bytes(b"no image")
    assert run("predict runs/first photos -o p.csv") == 3
    assert capsys.readouterr().err == (
        "skipped photos/bad.jpg: it does not decode: it begins with the text 'no image'.\n"
        "p.csv: 5 images, 1 skipped\n"
    )
    assert (here / "p.csv.skipped.csv").exists()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("predict runs/first", 2, "required: INPUT"),
        ("predict runs/first photos --format xml", 2, "--format: 'xml': expected one of [csv,"),
        ("predict runs/none photos", 1, "runs/none: no model. Expected a run folder"),
        ("predict none.onnx photos", 1, "none.onnx"),
        ("predict runs/first none", 1, "none: no such image, folder, list or none.rec"),
        ("predict runs/first photos -o data/t.csv", 1, "data/t.csv is there"),
        ("predict runs/first photos -o p.xlsx", 1, "'p.xlsx': expected a name that ends in .csv"),
        ("predict runs/first photos --gpus 99", 1, "on this machine, counted from 0"),
        ("predict runs/first photos --top -1", 2, "--top: '-1': expected 0 or more"),
        ("predict runs/first photos --batch-size 0", 2, "--batch-size: '0': expected 1 or more"),
        ("predict runs/first data/train data/val photos", 1, "records cannot be predicted"),
        ("predict runs/first photos --format fashionai -o f.csv", 1, "asks for task ''"),
        ("predict runs/first data/t.csv --path-column nope", 1, "no column 'nope'"),
    ],
)
def test_what_is_wrong_is_one_line(here, capsys, line, code, message):  # noqa: F811
    assert_refused(capsys, line, code, message)
