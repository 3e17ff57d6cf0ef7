"""Bars of what takes over two seconds: on a terminal, and nowhere else."""

import io
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
