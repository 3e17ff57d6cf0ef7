"""The learning-rate finder: its rates, where it stops, what it suggests."""

import csv

from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import numpy as np
import pytest


def test_rates_grow_evenly_and_the_search_stops_where_the_loss_explodes(records):
    found = training.find_lr(
        records, network=_small.network(), low=1e-4, high=1e4, batches=60, data_shape=(3, 8, 8),
        batch_size=8,
    )  # fmt: skip
    steps = np.diff(np.log(found.rates))
    np.testing.assert_allclose(steps, np.log(1e8) / 59, rtol=1e-6)
    assert found.rates[0] == pytest.approx(1e-4)
    assert 3 < len(found.rates) < 60
    assert all(np.isfinite(found.losses))
    assert found.rates[0] < found.suggestion < found.rates[-1]


def test_the_suggestion_is_where_the_loss_falls_fastest():
    rates = np.logspace(-5, 1, 61)
    losses = 2 - np.tanh(3 * (np.log10(rates) + 2)) + np.exp(8 * np.log10(rates))
    found = training.RateFinding(tuple(rates), tuple(losses))
    assert found.suggestion == pytest.approx(1e-2, rel=0.3)
    assert "falls fastest at 0.01" in str(found)
    with pytest.raises(ValueError, match="only 2 batches were seen"):
        _ = training.RateFinding((1e-5, 1e-4), (1.0, 9.0)).suggestion


def test_the_command_writes_the_curve(records, tmp_path, capsys):
    file = str(tmp_path / "lr.csv")
    line = ["train", records, "--find-lr", file, "--data-shape", "3,16,16", "--batch-size", "16"]
    assert main(line) == 0
    assert "the loss falls fastest at" in capsys.readouterr().out
    with open(file, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["lr"]) == pytest.approx(1e-6)
    assert len(rows) > 10


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # matplotlib's own, of its parser
def test_a_plot_or_how_to_get_one(records, tmp_path):
    found = training.RateFinding((1e-3, 1e-2, 1e-1, 1), (2.0, 1.5, 1.0, 3.0))
    pytest.importorskip("matplotlib", reason='needs pip install "mxmtl[plot]"')
    found.save(tmp_path / "lr.png")
    assert (tmp_path / "lr.png").read_bytes().startswith(b"\x89PNG")


def test_a_network_that_diverges_ends_the_search(records):
    """Predictions of a regression become infinite within a few batches of such rates."""
    options = {"network": _small.network(), "data_shape": (3, 8, 8), "batch_size": 8}
    found = training.find_lr(records, low=1.0, high=1e30, batches=30, **options)
    assert all(np.isfinite(found.losses))
    assert len(found.rates) < 30


def test_bounds_that_cannot_be(records):
    with pytest.raises(ValueError, match="expected 0 < low < high"):
        training.find_lr(records, low=1.0, high=0.1)
