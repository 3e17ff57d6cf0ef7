"""A run that was stopped anywhere ends with the weights of one that was not, byte for byte."""

import json
import os
import signal

from mxmtl import training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

SGD = {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9}
ADAM = {"optimizer": "adam", "lr": 0.01, "schedule": "cosine", "warmup": 1.5}
NADAM = {"optimizer": "nadam", "lr": 0.01, "schedule": "poly"}
STEP = {"optimizer": "nag", "lr": 0.05, "schedule": "step", "steps": (1, 2), "clip": 0.1}


@pytest.fixture(scope="module")
def undisturbed(records, tmp_path_factory):
    """Weights of undisturbed runs, by their options."""
    known = {}

    def run(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in known:
            done = _small.fit(records, tmp_path_factory.mktemp("whole") / "run", **options)
            known[key] = (_small.weights(done), done.history)
        return known[key]

    return run


@pytest.mark.parametrize("options", [SGD, ADAM, NADAM, STEP], ids=["sgd", "adam", "nadam", "nag"])
@pytest.mark.parametrize("place", [(0, 1), (0, 6), (1, 3), (2, 5)])
def test_a_crash_costs_no_bit(records, tmp_path, undisturbed, options, place):
    cut = [_small.Crash(*place)]
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "run", save_batches=2, callbacks=cut, **options)
    resumed = training.resume(tmp_path / "run")
    weights, history = undisturbed(**options)
    assert _small.weights(resumed) == weights
    assert [entry["val"] for entry in resumed.history] == [entry["val"] for entry in history]
    assert [entry["best"] for entry in resumed.history] == [entry["best"] for entry in history]


def test_resuming_twice_and_over_the_end_of_an_epoch(records, tmp_path, undisturbed):
    with pytest.raises(_small.PowerCutError):
        _small.fit(records, tmp_path / "r", save_batches=1, callbacks=[_small.Crash(0, 4)], **ADAM)
    with pytest.raises(_small.PowerCutError):
        training.resume(tmp_path / "r", callbacks=[_small.Crash(1, 2)])
    assert _small.weights(training.resume(tmp_path / "r")) == undisturbed(**ADAM)[0]


class PressCtrlC(training.Callback):
    def __init__(self, place, times=1):
        self.place, self.times = place, times

    def on_batch_end(self, session):
        if (session.epoch, session.batch) == self.place:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("place", [(0, 3), (1, 6)], ids=["inside an epoch", "at its last batch"])
def test_ctrl_c_saves_after_the_batch(records, tmp_path, undisturbed, place):
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(training.Interrupted, match="mxmtl train --resume .*run"):
        _small.fit(records, tmp_path / "run", callbacks=[PressCtrlC(place)], **SGD)
    assert signal.getsignal(signal.SIGINT) is before
    last = training.Run(tmp_path / "run").last
    # The signal comes after our callbacks were asked: one batch later, or the end of the epoch.
    assert (last.epoch, last.batch) == ((0, 4) if place == (0, 3) else (2, 0))
    assert _small.weights(training.resume(tmp_path / "run")) == undisturbed(**SGD)[0]


def test_a_second_ctrl_c_stops_at_once(records, tmp_path):
    with pytest.raises(KeyboardInterrupt) as stop:
        _small.fit(records, tmp_path / "run", callbacks=[PressCtrlC((1, 3), times=2)], **SGD)
    assert not isinstance(stop.value, training.Interrupted)
    assert training.Run(tmp_path / "run").last.stem == "model-0001"


def test_the_budget_stops_and_more_minutes_go_on(records, tmp_path, undisturbed):
    stopped = _small.fit(records, tmp_path / "run", minutes=1e-9, **SGD)
    assert (stopped.last.epoch, stopped.last.batch) == (0, 1)
    assert _small.weights(training.resume(tmp_path / "run", minutes=9)) == undisturbed(**SGD)[0]


def test_a_finished_run_is_left_as_it_is(records, tmp_path):
    done = _small.fit(records, tmp_path / "run", epochs=1)
    before = {path.name: path.stat().st_mtime_ns for path in done.folder.iterdir()}
    training.resume(tmp_path / "run")
    assert before == {path.name: path.stat().st_mtime_ns for path in done.folder.iterdir()}


def test_what_would_change_the_weights_is_refused(records, tmp_path):
    _small.fit(records, tmp_path / "run", epochs=1)
    with pytest.raises(ValueError, match=r"\['lr'\] would make it another run"):
        training.resume(tmp_path / "run", lr=1.0)


@pytest.mark.parametrize("options", [SGD, ADAM], ids=["sgd", "adam"])
def test_on_several_devices(records, tmp_path, monkeypatch, options):
    """Weights to the bit; statistics, which each device has for itself, to rounding."""
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))
    whole = _small.fit(records, tmp_path / "whole", **options).load("last")
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "run", save_batches=2, callbacks=[_small.Crash(1, 3)], **options
        )
    resumed = training.resume(tmp_path / "run").load("last")
    for name, array in whole[1].items():
        assert array.asnumpy().tobytes() == resumed[1][name].asnumpy().tobytes(), name
    for name, array in whole[2].items():
        np.testing.assert_allclose(array.asnumpy(), resumed[2][name].asnumpy(), rtol=1e-5)
