"""Declared losses along a whole run: counted, told the epoch, resumed, on several devices."""

import json
from pathlib import Path

import mxmtl
from mxmtl import losses, training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

TOYS = {"missing_as": losses.LargeLoss(step=0.05, correct=True), "loss": losses.Asymmetric()}
BREED = {"loss": losses.LogitAdjusted()}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """The small problem, written for tasks with losses."""
    patch = pytest.MonkeyPatch()
    plain = _small.tasks

    def tasks():
        options = {"toys": TOYS, "breed": BREED, "outdoors": {"missing_as": losses.SelfPaced()}}
        specs = [
            {**task.to_dict(), **{k: v.to_dict() for k, v in options.get(task.name, {}).items()}}
            for task in plain()
        ]
        return mxmtl.TaskSet([mxmtl.Task.from_dict(spec) for spec in specs])

    patch.setattr(_small, "tasks", tasks)
    prefix = _small.write(tmp_path_factory.mktemp("losses"))
    patch.undo()
    return prefix


def test_counts_are_those_of_the_records(records):
    counts = mxmtl.class_counts(records)
    stored = json.loads(Path(records + ".tasks.json").read_text("utf-8"))
    assert stored["tasks"][0]["loss"]["counts"] == list(counts["breed"].values())
    labels = np.float32([])
    with mxmtl.RecordIter(records, data_shape=(3, 8, 8), batch_size=46) as batches:
        (batch,) = batches
        labels = dict(zip(batches.tasks.names, (part.asnumpy() for part in batch.label)))
        assert counts["breed"]["pug"] == np.count_nonzero(labels["breed"] == 2)
        toys = labels["toys"][:, 0]
        assert counts["toys"]["ball"] == (np.sum(toys == 0), np.sum(toys == 1))
        assert "age" in counts
        assert counts["age"] == {}
        assert mxmtl.Binary("x").padding == -1
    with mxmtl.RecordIter(records, data_shape=(3, 8, 8), batch_size=40) as batches:
        *_, last = batches
        assert np.all(last.label[1].asnumpy()[-last.pad :] == -2)


def test_a_run_is_told_the_epoch_and_resumes_to_the_bit(records, tmp_path):
    options = {"frozen_epochs": 1, "lr": 0.02, "mixup": 0.3}
    whole = _small.fit(records, tmp_path / "whole", optimizer="adam", **options)
    _, args, _ = whole.load("last")
    assert args["toys_epoch"].asnumpy() == len(whole.history) - 1  # finished as the last one ran
    assert whole.model.tasks["breed"].loss.counts is not None
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "run", optimizer="adam", save_batches=2,
            callbacks=[_small.Crash(1, 4)], **options,
        )  # fmt: skip
    assert _small.weights(training.resume(tmp_path / "run")) == _small.weights(whole)
    predicted = mxmtl.Predictor(whole.folder)(np.zeros((8, 8, 3), np.uint8))
    assert set(predicted.answers) == set(whole.model.tasks.names)


def test_two_devices_make_the_step_of_one(monkeypatch, records, tmp_path):
    options = {"epochs": 2, "batch_size": 46, "optimizer": "sgd", "lr": 0.1, "augment": []}
    with mx.name.NameManager():
        x = mx.sym.FullyConnected(mx.sym.Flatten(mx.sym.var("data")), num_hidden=5, name="fc")
    one = _small.fit(records, tmp_path / "one", network=x / 100, **options)
    _small.train_on(monkeypatch, mx.cpu(0), mx.cpu(1))
    two = _small.fit(records, tmp_path / "two", network=x / 100, **options)
    ours, theirs = one.load("last")[1], two.load("last")[1]
    assert theirs["toys_epoch"].asnumpy() == 1
    for name in ("breed_weight", "outdoors_weight", "age_weight"):  # these rank no cells
        np.testing.assert_allclose(
            ours[name].asnumpy(), theirs[name].asnumpy(), rtol=1e-4, atol=1e-6
        )
