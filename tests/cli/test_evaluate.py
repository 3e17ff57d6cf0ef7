"""``mxmtl evaluate``: its example runs; wrong lines and failures end in one line."""

from __future__ import annotations

import json

from mxmtl import training
from mxmtl.cli import example_of
from tests.cli._lines import assert_refused, run
from tests.model._world import here, world  # noqa: F401
from tests.training import _small

import pytest


def test_the_example_runs(here, capsys):  # noqa: F811
    assert run("evaluate --help") == 0
    assert example_of("evaluate") in capsys.readouterr().out
    assert run(example_of("evaluate").replace("mxmtl ", "")) == 0
    best = training.Run("runs/first").best.stem
    text = (here / "evaluation.md").read_text("utf-8")
    assert text.startswith(f"runs/first/{best} on data/val: {_small.ROWS} records\n")
    assert "95 % interval" in text


def test_formats_and_options(here, capsys):  # noqa: F811
    line = "evaluate runs/first data/val --bootstrap 0 --batch-size 7 --threads 1"
    assert run(f"{line} --which last --format json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["intervals"] == {}
    assert data["values"]["breed/num_labels"] > 0
    assert run(line) == 0
    assert "breed: Multiclass of 4" in capsys.readouterr().out
    assert run(f"{line} --format csv -o e.txt") == 0
    assert (here / "e.txt").read_text("utf-8").startswith("task,metric,class,value,low,high\n")


def test_mxnets_own_files(here, capsys):  # noqa: F811
    assert run("evaluate runs/first data/val --which last --bootstrap 0 --format csv") == 0
    expected = capsys.readouterr().out
    made = training.Run("runs/first").model.preprocessing
    values = {name: ",".join(map(str, getattr(made, name))) for name in ("mean", "std")}
    (here / "runs/first/model.json").rename(here / "else.json")
    line = "evaluate runs/first/model-0002 data/val --bootstrap 0 --format csv"
    assert run(line) == 1
    assert "give the tasks that the network was trained for" in capsys.readouterr().err
    assert run(f"{line} --tasks data/val.tasks.json") == 1
    assert "give its data_shape" in capsys.readouterr().err
    line += f" --mean {values['mean']} --std {values['std']} --crop {made.crop}"
    assert run(f"{line} --tasks data/val.tasks.json --data-shape 3,8,8") == 0
    assert capsys.readouterr().out == expected


def test_damaged_records(here, capsys):  # noqa: F811
    path = here / "data" / "val.rec"
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    assert run("evaluate runs/first data/val") == 1
    assert "checksum is wrong" in capsys.readouterr().err
    assert run("evaluate runs/first data/val --bootstrap 0 --on-error skip") == 3
    assert f"{_small.ROWS - 1} records, 1 damaged ones left out" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("evaluate runs/first", 2, "required: records"),
        ("evaluate runs/first data/val --format xml", 2, "invalid choice: 'xml'"),
        ("evaluate runs/none data/val", 1, "runs/none: no model. Expected a run folder"),
        ("evaluate data data/val", 1, "data is no run folder"),
        ("evaluate runs/first data/none", 1, "none.rec: no such file"),
        ("evaluate runs/first data/val --gpus 99", 1, "on this machine, counted from 0"),
        ("evaluate runs/first data/val --bootstrap 1", 1, "must be a whole number over 1"),
        ("evaluate runs/first data/val --bootstrap -3", 2, "--bootstrap: '-3': expected 0 or more"),
        (
            "evaluate runs/first data/val --level 2",
            2,
            "'2': expected 0 or more, at most 1",
        ),
        ("evaluate runs/first data/val --batch-size 0", 2, "--batch-size: '0': expected 1 or more"),
        ("evaluate runs/first data/val -o data/val.rec", 1, "data/val.rec is there"),
        ("evaluate runs/first data/val -o e.html", 1, "e.html: an evaluation ends in one of"),
    ],
)
def test_what_is_wrong_is_one_line(here, capsys, line, code, message):  # noqa: F811
    assert_refused(capsys, line, code, message)
