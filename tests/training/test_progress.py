"""Bars of what takes over two seconds: on a terminal, and nowhere else."""

import io
import logging
import sys

import mxmtl
from tests.training import _small

import pytest


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_tell_what_is_done(terminal, records, tmp_path, monkeypatch):
    monkeypatch.setattr("mxmtl._progress.DELAY", 0.0)
    run = _small.fit(records, tmp_path / "run", epochs=1)
    told = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    _small.fit(records, tmp_path / "frozen", epochs=0, frozen_epochs=1)
    mxmtl.evaluation.evaluate(run, records, bootstrap=2, progress=True)
    options = mxmtl.evaluation.TuneOptions(min_labels=2)
    mxmtl.evaluation.tune(run, records, options=options, progress=True)
    mxmtl.training.find_lr(
        records, network=_small.network(), batches=4, data_shape=(3, 8, 8), batch_size=8
    )
    for what in ("features", "validation", "predicting", "intervals", "tuning", "rates"):
        assert (f"{what}: " in told.getvalue()) == terminal, what


@pytest.mark.parametrize("level", ["", "WARNING", "ERROR"])
def test_python_says_what_the_command_line_says_unless_told_otherwise(
    records, tmp_path, monkeypatch, capsys, level
):
    monkeypatch.setattr(logging.root, "handlers", [])
    log = logging.getLogger("mxmtl")
    monkeypatch.setattr(log, "level", logging.getLevelName(level) if level else logging.NOTSET)
    for number in range(2):
        _small.fit(records, tmp_path / str(number), epochs=1)
        said = capsys.readouterr()
        assert said.out.count("epoch 1/1  lr") == (not level)
        assert said.err.count("What is measured there tells nothing") == (level != "ERROR")
    assert log.handlers == []
    heard = io.StringIO()
    logging.root.addHandler(logging.StreamHandler(heard))
    _small.fit(records, tmp_path / "own", epochs=1)
    assert capsys.readouterr().out == ""
    assert heard.getvalue().count("What is measured there") == (level != "ERROR")
