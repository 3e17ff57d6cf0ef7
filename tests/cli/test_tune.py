"""``mxmtl tune``: its example runs; wrong lines and failures end in one line."""

from __future__ import annotations

from mxmtl.cli import example_of
from mxmtl.training import Run
from tests.cli._lines import assert_refused, run
from tests.model._world import here, world  # noqa: F401

import pytest


def test_the_example_runs_and_evaluate_applies_it(here, capsys):  # noqa: F811
    assert run("tune --help") == 0
    assert example_of("tune") in capsys.readouterr().out
    assert run(example_of("tune").replace("mxmtl ", "") + " --min-labels 5") == 0
    printed = capsys.readouterr().out
    assert "f1 at 0.5" in printed
    assert "age: Regression has neither probabilities nor thresholds" in printed
    model = Run("runs/first").model
    assert set(model.thresholds) == {"outdoors", "toys"}
    assert run("evaluate runs/first data/val --bootstrap 0") == 0
    assert f"threshold {model.thresholds['outdoors'][0]:.3g}" in capsys.readouterr().out


def test_options(here):  # noqa: F811
    line = "tune runs/first data/val --min-labels 5 --task toys --no-temperature"
    assert run(f"{line} --objective precision@recall=0.5 --which last --batch-size 9") == 0
    model = Run("runs/first").model
    assert (list(model.thresholds), model.temperature) == (["toys"], {})
    assert model.tuned["toys"]["objective"] == "precision@recall=0.5"


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("tune runs/first", 2, "required: records"),
        ("tune runs/first data/val --objective best", 1, "'best' is none of f1, youden"),
        ("tune runs/first data/val --task nope", 1, "task 'nope' is not one of"),
        ("tune runs/first data/val --min-labels 1000", 1, "nothing can be tuned"),
        ("tune runs/none data/val", 1, "runs/none is no run folder"),
        ("tune runs/first data/none", 1, "none.rec: no such file"),
    ],
)
def test_what_is_wrong_is_one_line(here, capsys, line, code, message):  # noqa: F811
    assert_refused(capsys, line, code, message)
