"""``mxmtl report``: its example runs; wrong lines and failures end in one line."""

from __future__ import annotations

import json
import shutil
import sys

from mxmtl import training
from mxmtl.cli import example_of
from tests.cli._lines import assert_refused, run
from tests.model._world import here, world  # noqa: F401
from tests.training import _small

import pytest


def test_the_example_runs(here, capsys):  # noqa: F811
    assert run("report --help") == 0
    assert example_of("report") in capsys.readouterr().out
    assert run(example_of("report").replace("mxmtl ", "")) == 0
    assert capsys.readouterr().out == f"report.html: 1 run on {_small.ROWS} records\n"
    assert "<title>first</title>" in (here / "report.html").read_text("utf-8")


def test_options_and_forms(here, capsys):  # noqa: F811
    shutil.copytree("runs/first", "else/first")
    line = "report runs/first else/first --which last --mistakes 1 --bootstrap 0 --batch-size 7"
    assert run(f"{line} --threads 1 -o r.json") == 0
    data = json.loads((here / "r.json").read_text("utf-8"))
    assert data["format"] == "mxmtl.report"
    assert [each["name"] for each in data["runs"]] == ["1: runs/first", "2: else/first"]
    first = data["runs"][0]
    assert first["checkpoint"] == training.Run("runs/first").last.stem
    assert first["intervals"] == {}
    assert {len(task["mistakes"]) for task in first["tasks"].values()} == {1}
    assert run(f"{line} -o table --format md") == 0
    assert (here / "table").read_text("utf-8").startswith("# 1: runs/first, 2: else/first\n")


def test_a_folder_of_runs_stands_for_those_in_it(here, capsys):  # noqa: F811
    shutil.copytree("runs/first", "all/one")
    shutil.copytree("runs/first", "all/two")
    shutil.copytree("runs/first", "all/two/single_tasks/age")
    line = "report all --mistakes 0 --bootstrap 0 -o r.json"
    assert run(line) == 0
    data = json.loads((here / "r.json").read_text("utf-8"))
    assert [each["name"] for each in data["runs"]] == ["one", "two"]
    assert capsys.readouterr().out == f"r.json: 2 runs on {_small.ROWS} records\n"
    assert run(line.replace("all", "all/two") + " --force") == 0
    assert capsys.readouterr().out == f"r.json: 1 run on {_small.ROWS} records\n"


def test_damaged_records_tell_by_the_exit_code(here, capsys):  # noqa: F811
    path = here / "data" / "val.rec"
    data = bytearray(path.read_bytes())
    data[300] ^= 1
    path.write_bytes(data)
    line = "report runs/first --records data/val -o r.md --bootstrap 0"
    assert run(line) == 1
    assert "data/val.rec, record" in capsys.readouterr().err
    assert not (here / "r.md").exists()
    assert run(f"{line} --on-error skip") == 3


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("report", 2, "required: RUN, -o/--output"),
        ("report runs/first", 2, "required: -o/--output"),
        (
            "report runs/first -o r.html --which newest",
            2,
            "'newest': expected one of [best",
        ),
        ("report runs/first -o r.pdf", 1, "r.pdf: a report ends in one of"),
        ("report runs/none -o r.html", 1, "runs/none: no run, and none in it. mxmtl train"),
        ("report runs/first --records none -o r.md", 1, "none.rec: no such file"),
        ("report runs/first -o data/val.rec --format md", 1, "data/val.rec is there already"),
        ("report runs/first --mistakes -1 -o r.md", 2, "--mistakes: '-1': expected 0 or more"),
        ("report runs/first -o data/val.rec/r.md", 1, "nothing can be written into"),
    ],
)
def test_what_goes_wrong_ends_in_one_line(here, capsys, line, code, message):  # noqa: F811
    assert_refused(capsys, line, code, message)


def test_a_file_is_replaced_only_if_told(here, capsys):  # noqa: F811
    line = "report runs/first --bootstrap 0 --mistakes 0 -o r.md"
    (here / "r.md").write_text("mine")
    assert run(line) == 1
    assert capsys.readouterr().err == (
        "mxmtl report: r.md is there already; --force (force=True) replaces it.\n"
    )
    assert (here / "r.md").read_text() == "mine"
    assert run(f"{line} --force") == 0
    assert (here / "r.md").read_text("utf-8").startswith("# first\n")


def test_what_is_not_installed_is_said_before_any_work(here, capsys, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "jinja2", None)
    monkeypatch.setattr("mxmtl.reporting.report_runs", lambda *_, **__: pytest.fail("worked"))
    assert run("report runs/first -o r.html") == 1
    (text,) = capsys.readouterr().err.splitlines()
    assert 'pip install "mxmtl[report]"' in text
