"""The learning-rate finder: its rates, where it stops, what it suggests."""

import csv

import mxmtl
from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import cv2
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


@pytest.mark.parametrize("seed", range(8))
def test_the_noise_of_the_first_batches_is_no_suggestion(seed):
    """The mean begins with one batch, whose noise outdoes any fall that learning gives."""
    rates = np.logspace(-6, 1, 100)
    noise = np.random.RandomState(seed).normal(size=100) / np.arange(1, 101)
    losses = 2 - np.tanh(3 * (np.log10(rates) + 3)) + 0.2 * rates + 2 * np.abs(noise)
    losses[:3] += (1.4, 0.7, 0.3)
    found = training.RateFinding(tuple(rates), tuple(losses))
    assert found.suggestion == pytest.approx(1e-3, rel=0.6)


def test_a_loss_that_falls_nowhere_gives_no_suggestion(tmp_path):
    rates = tuple(np.logspace(-6, 1, 50))
    for losses in (np.ones(50), np.linspace(1, 3, 50)):
        found = training.RateFinding(rates, tuple(losses))
        with pytest.raises(ValueError, match=r"the loss fell at none of the 50 rates .*1\.0e-06"):
            _ = found.suggestion
        found.save(tmp_path / "lr.csv")  # to look at


def test_records_without_labels_are_an_error(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "t.csv").write_text("path,wet\na.png,\n", "utf-8")
    tasks = mxmtl.TaskSet([mxmtl.Binary("wet")])
    mxmtl.write_records(tmp_path / "t.csv", images=tmp_path, prefix=tmp_path / "t", tasks=tasks)
    options = {"network": _small.network(), "data_shape": (3, 8, 8), "batch_size": 1}
    with pytest.raises(ValueError, match="t: none of the 9 batches that were tried has a label"):
        training.find_lr(str(tmp_path / "t"), batches=9, **options)


def test_images_that_are_too_small_are_named(records):
    with pytest.raises(ValueError, match=r"does not take images of shape \(3, 4, 4\)"):
        training.find_lr(records, data_shape=(3, 4, 4), batch_size=8)


@pytest.mark.parametrize("option", ["--resume r", "--run r", "--val nope", "--run r --val nope"])
def test_what_the_search_would_not_use_is_refused(records, tmp_path, capsys, option):
    file = tmp_path / "lr.csv"
    assert main(["train", records, "--find-lr", str(file), *option.split()]) == 2
    error = capsys.readouterr().err
    for name in option.split()[::2]:
        assert name in error
    assert "--find-lr keeps nothing" in error
    assert not file.exists()


def test_the_command_writes_the_curve(records, tmp_path, capsys):
    file = str(tmp_path / "lr.csv")
    line = ["train", records, "--find-lr", file, "--data-shape", "3,16,16", "--batch-size", "16"]
    assert main(line) == 0
    assert "the loss falls fastest at" in capsys.readouterr().out
    with open(file, newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert float(rows[0]["lr"]) == pytest.approx(1e-6)
    assert len(rows) > 10


def test_a_network_that_diverges_ends_the_search(records):
    """Predictions of a regression become infinite within a few batches of such rates."""
    options = {"network": _small.network(), "data_shape": (3, 8, 8), "batch_size": 8}
    found = training.find_lr(records, low=1.0, high=1e30, batches=30, **options)
    assert all(np.isfinite(found.losses))
    assert len(found.rates) < 30


def test_bounds_that_cannot_be(records):
    with pytest.raises(ValueError, match="expected 0 < low < high"):
        training.find_lr(records, low=1.0, high=0.1)
