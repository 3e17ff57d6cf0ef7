"""What holds for every verb: help, examples that run, one line where something is wrong.

A verb that is added to `VERBS` fails here until each table has a line for it.
"""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

from mxmtl import cli
from mxmtl.cli import example_of, main
from tests.model._world import here, world  # noqa: F401

import pytest

ROOT = Path(__file__).parents[2]
VERBS = sorted(cli.VERBS)
# The tests that run the examples in the help, word for word.
EXAMPLES = {
    "convert": "tests/cli/test_main.py::test_the_example_in_the_help_runs",
    "devices": "tests/cli/test_help.py::test_an_example_that_needs_nothing_runs",
    "evaluate": "tests/cli/test_evaluate.py::test_the_example_runs",
    "export": "tests/cli/test_export.py::test_the_example_in_the_help_runs",
    "inspect": "tests/cli/test_main.py::test_the_example_in_the_help_runs",
    "launch": "tests/distributed/test_training.py"
    "::test_from_the_command_line_with_all_that_is_random",
    "predict": "tests/cli/test_predict.py::test_the_example_runs",
    "report": "tests/cli/test_report.py::test_the_example_runs",
    "runs": "tests/training/test_cli.py::test_the_example_runs_and_resumes",
    "serve": "tests/cli/test_serve.py::test_the_example_in_the_help_runs_until_a_signal",
    "train": "tests/training/test_cli.py::test_the_example_runs_and_resumes",
    "trunks": "tests/cli/test_help.py::test_an_example_that_needs_nothing_runs",
    "tune": "tests/cli/test_tune.py::test_the_example_runs_and_evaluate_applies_it",
    "verify": "tests/cli/test_main.py::test_the_example_in_the_help_runs",
}
MISSING = {
    "convert": "none.csv --prefix d --yes",
    "devices": None,  # it reads no file
    "evaluate": "runs/first none",
    "export": "none -o m.onnx",
    "inspect": "none",
    "launch": None,  # nor does it
    "predict": "runs/first none",
    "report": "none -o r.html",
    "runs": "none",
    "serve": "none",
    "train": "none --run r",
    "trunks": None,  # nor this
    "tune": "runs/first none",
    "verify": "none",
}
# There is a file where each would write.
THERE = {
    "convert": "data/t.csv --images data --prefix data/val --yes",
    "devices": None,  # these write no file,
    "runs": None,
    "serve": None,
    "trunks": None,
    "tune": None,  # but for this: choices anew into the model's own file
    "evaluate": "runs/first data/val -o there.md",
    "export": "runs/first -o there.onnx",
    "inspect": "data/val --sheet there.html",
    "launch": "-n 1 --logs runs -- true",
    "predict": "runs/first photos -o there.csv",
    "report": "runs/first -o there.md",
    "train": "data/train --run runs/first",
    "verify": "data/train --repair data/val",
}


def _lines(table):
    return [(verb, line) for verb, line in sorted(table.items()) if line is not None]


def _said(capsys):
    """The standard error's lines, but for what MXNet's libraries say by themselves."""
    return [line for line in capsys.readouterr().err.splitlines() if "MKLDNN" not in line]


def test_every_table_has_every_verb():
    assert sorted(EXAMPLES) == sorted(MISSING) == sorted(THERE) == VERBS


@pytest.mark.parametrize("verb", VERBS)
def test_help_shows_an_example_that_a_test_runs(verb, capsys):
    example = example_of(verb)
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert shown.endswith(f"example:\n  {example}\n")
    assert "%%" not in shown  # an option's text is escaped where argparse is given it
    file, name = EXAMPLES[verb].split("::")
    (test,) = [
        node
        for node in ast.parse((ROOT / file).read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == name
    ]
    words = {node.id for node in ast.walk(test) if isinstance(node, ast.Name)}
    assert "example_of" in words


def test_an_example_that_needs_nothing_runs(capsys):
    assert main(shlex.split(example_of("devices"))[1:]) == 0
    assert "used " in capsys.readouterr().out
    assert main(shlex.split(example_of("trunks"))[1:]) == 0
    assert "torchvision resnet18" in capsys.readouterr().out


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("line", ["--nope", "a b c --nope", "--nope=3"])
def test_a_wrong_command_line_is_one_line(verb, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([verb, *line.split()]) == 2
    (said,) = _said(capsys)
    assert said.startswith(f"mxmtl {verb}: ")
    assert said.endswith(f" See mxmtl {verb} --help.")
    assert not list(tmp_path.iterdir())


def test_an_unknown_option_is_named(capsys):
    assert main(["inspect", "data/train", "--sheets", "s.png"]) == 2
    assert _said(capsys) == [
        "mxmtl inspect: unrecognized arguments: --sheets s.png (did you mean --sheet?). "
        "See mxmtl inspect --help."
    ]
    for line, meant in [
        ("train d --run r --learning-rate 0.1", "--lr"),
        ("train d --run r --learning_rate=0.1", "--lr"),
        ("train d --run r --weight-decay 0.1", "--wd"),
        ("train d --run r --num-epochs 3", "--epochs"),
        ("predict r d --device 0", "--gpus"),
        ("convert t --prefix d --num-workers 3", "--workers"),
        ("train d --run r --num-workers 3", "--threads"),
    ]:
        assert main(line.split()) == 2
        assert f" (did you mean {meant}?). See " in _said(capsys)[0]
    assert main(["--nope", "verify", "x"]) == 2
    assert _said(capsys)[0].endswith("See mxmtl --help.")
    assert main([]) == 2
    assert _said(capsys) == ["mxmtl: the following arguments are required: VERB. See mxmtl --help."]


def test_what_other_tools_call_an_option_leads_to_one_that_there_is(capsys):
    assert main(["train", "--help"]) == 0
    train = capsys.readouterr().out
    for theirs, ours in cli.ELSEWHERE.items():
        assert f"{ours} " in train
        assert f"{theirs} " not in train


@pytest.mark.parametrize(("verb", "line"), _lines(MISSING))
def test_a_missing_file_is_named(here, capsys, verb, line):  # noqa: F811
    before = sorted(here.rglob("*"))
    assert main([verb, *shlex.split(line)]) == 1
    (said,) = _said(capsys)
    assert said.startswith(f"mxmtl {verb}: none")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(("verb", "line"), _lines(THERE))
def test_nothing_is_overwritten_without_force(here, capsys, verb, line):  # noqa: F811
    for ending in ("md", "html", "csv", "onnx"):
        (here / f"there.{ending}").write_text("mine", "utf-8")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    assert main([verb, *shlex.split(line)]) == 1
    (said,) = _said(capsys)
    assert "--force" in said
    assert {path: path.read_bytes() for path in here.rglob("*") if path.is_file()} == before


def test_a_sheet_is_replaced_with_force(here):  # noqa: F811
    (here / "there.html").write_text("mine", "utf-8")
    assert main(shlex.split("inspect data/val --sheet there.html --force")) == 0
    assert "<html" in (here / "there.html").read_text("utf-8")
