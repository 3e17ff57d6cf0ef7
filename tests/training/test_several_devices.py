"""Several devices: each needs a row, and a run that goes on in the middle of an epoch is exact."""

from __future__ import annotations

import mxmtl
from mxmtl import training
from tests.training import _small

import mxnet as mx
import pytest


@pytest.fixture
def two(monkeypatch):
    """Let training see two devices."""
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))


@pytest.mark.parametrize("force", [False, True])
def test_each_device_needs_a_row(records, tmp_path, two, force):
    before = {}
    if force:
        run = _small.fit(records, tmp_path / "run", epochs=1, batch_size=16)
        before = {p.name: p.read_bytes() for p in run.folder.iterdir()}
    with pytest.raises(ValueError, match=r"batch_size=1: .* 2 devices,.*Take 2 or more, or .*gpus"):
        _small.fit(records, tmp_path / "run", epochs=1, batch_size=1, force=force)
    assert (tmp_path / "run").exists() == force
    assert force is False or before == {p.name: p.read_bytes() for p in run.folder.iterdir()}


def test_resuming_on_more_devices_than_rows_is_refused(records, tmp_path, monkeypatch):
    run = _small.fit(records, tmp_path / "run", epochs=2, batch_size=1, minutes=1e-9)
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))
    with pytest.raises(ValueError, match=r"batch_size=1: .* 2 devices"):
        training.resume(run.folder)


@pytest.mark.parametrize("options", [{}, {"ema": 0.9, "optimizer": "adam", "lr": 0.01}])
def test_statistics_go_on_to_the_bit(records, tmp_path, two, options):
    """Each device has its own; the parameters' file holds their mean."""
    options = {"epochs": 2, "batch_size": 12, **options}
    whole = _small.fit(records, tmp_path / "whole", **options)
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "run", save_batches=2, callbacks=[_small.Crash(1, 3)], **options
        )
    assert training.Run(tmp_path / "run").last.stem == "model-0001-batch-0002"
    resumed = training.resume(tmp_path / "run")
    assert _small.weights(resumed) == _small.weights(whole)
    assert [e["val"] for e in resumed.history] == [e["val"] for e in whole.history]


def test_going_on_with_another_number_of_devices_begins_with_the_mean(
    records, tmp_path, monkeypatch, two
):
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "run", epochs=1, save_batches=2, callbacks=[_small.Crash(0, 3)]
        )
    _small.train_on(monkeypatch, mx.cpu(0))
    assert mxmtl.training.resume(tmp_path / "run").last.stem == "model-0001"


def test_the_cache_of_features_cannot_be_changed(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=1, frozen_epochs=1, minutes=1e-9)
    with pytest.raises(ValueError, match=r"\['cache'\] would make it another run"):
        training.resume(run.folder, cache=False)
