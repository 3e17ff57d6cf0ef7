"""Mixup and CutMix with missing labels, and the average of the weights."""

import mxmtl
from mxmtl import training
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest

N, SIDE = 64, 16


def _batch(pad=0):
    """Image i is i everywhere; the labels say whose they are, every third is missing."""
    rows = np.arange(N, dtype=np.float32)
    images = np.broadcast_to(rows[:, None, None, None], (N, 1, SIDE, SIDE))
    single = np.where(rows % 3 == 0, -1, rows)
    cells = np.stack([single, np.where(rows % 2 == 0, -1, rows)], axis=1)
    single[N - pad :], cells[N - pad :] = -1, -1
    return mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(single), mx.nd.array(cells)], pad)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_each_label_comes_from_one_of_the_two_images(kind):
    mix = training.Mix(float(kind == "mixup"), float(kind == "cutmix"), seed=1)
    owns = []
    for index in range(60):
        batch = _batch(pad=5)
        mixed = mix(batch, 0, index)
        images = mixed.data[0].asnumpy()[:, 0].reshape(N, -1)
        assert mixed.pad == 5
        alone = batch.data[0].asnumpy()[-5:, 0].reshape(5, -1)
        np.testing.assert_allclose(images[-5:], alone, rtol=1e-6)
        for before, after in zip(batch.label, mixed.label):
            before, after = before.asnumpy().reshape(N, -1), after.asnumpy().reshape(N, -1)
            assert (after[-5:] == -1).all()
            own = after == before
            owns.append(own[:-5].mean())
            if kind == "cutmix":
                values = [set(np.unique(row)) for row in images]
                for row in range(N - 5):
                    # A label of another image only where that image can be seen; -1: missing.
                    others = values[row] - {row}
                    legal = {row, -1.0, *others}
                    assert set(after[row]) <= legal
    assert 0.3 < np.mean(owns) < 1.0


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_the_expected_label_is_the_mixed_one(kind):
    """Over many draws a label is the first image's as often as the image is the first."""
    share_seen, label_seen = [], []
    for index in range(300):
        rows = np.arange(2, dtype=np.float32)
        images = mx.nd.array(np.broadcast_to(rows[:, None, None, None], (2, 1, SIDE, SIDE)))
        batch = mx.io.DataBatch([images], [mx.nd.array(rows)], 0)
        mixed = training.Mix(float(kind == "mixup"), float(kind == "cutmix"), 3)(batch, 1, index)
        share_seen.append(mixed.data[0].asnumpy().mean(axis=(1, 2, 3)))
        label_seen.append(mixed.label[0].asnumpy())
    difference = np.mean(np.array(label_seen) - np.array(share_seen), axis=0)
    # Each draw is off by at most one half in standard deviation: four of these over 300.
    assert np.abs(difference).max() < 4 * 0.5 / np.sqrt(300)
    assert np.std(share_seen) > 0.1


def test_the_same_place_gives_the_same_mix():
    mix = training.Mix(0.4, 1.0, seed=5)
    first, again, later = (mix(_batch(), *place) for place in ((1, 2), (1, 2), (1, 3)))
    assert (first.data[0] == again.data[0]).asnumpy().all()
    assert (first.label[1] == again.label[1]).asnumpy().all()
    assert not (first.data[0] == later.data[0]).asnumpy().all()


def test_the_average_is_the_formula(records, tmp_path):
    seen = []

    class Watch(training.Callback):
        def on_begin(self, session):
            seen.append(_copy(session.module))

        def on_batch_end(self, session):
            seen.append(_copy(session.module))

    def _copy(module):
        return module.get_params()[0]["fc_weight"].asnumpy().astype(np.float64)

    run = _small.fit(records, tmp_path / "run", epochs=1, ema=0.9, callbacks=[Watch()])
    expected = seen[0]
    for number, weight in enumerate(seen[1:], start=1):
        decay = min(0.9, (1 + number) / (10 + number))
        expected = decay * expected + (1 - decay) * weight
    saved = run.load("last")[1]["fc_weight"].asnumpy()
    np.testing.assert_allclose(saved, expected, rtol=1e-5, atol=1e-7)
    assert np.abs(saved - seen[-1]).max() > 1e-4


def test_what_is_validated_is_the_average(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=2, ema=0.95)
    symbol, args, auxs = run.load("last")
    batches = mxmtl.RecordIter(records, _small.BATCH, **run.model.preprocessing.options())
    module = mx.mod.Module(symbol, label_names=run.tasks.label_names)
    module.bind(batches.provide_data, batches.provide_label, for_training=False)
    module.set_params(args, auxs)
    score = dict(module.score(batches, run.tasks.metrics()))
    batches.close()
    for name in ("breed/task_loss", "age/rmse"):
        if name in score:
            assert score[name] == pytest.approx(run.history[-1]["val"][name], rel=1e-5)


@pytest.mark.parametrize("place", [(0, 5), (1, 6), (2, 3)])
def test_resuming_with_all_of_it(records, tmp_path, place):
    options = {"ema": 0.9, "mixup": 0.4, "cutmix": 1.0, "frozen_epochs": 1, "epochs": 2}
    whole = _small.fit(records, tmp_path / "whole", **options)
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "run", save_batches=2, callbacks=[_small.Crash(*place)], **options
        )
    resumed = training.resume(tmp_path / "run")
    assert _small.weights(resumed) == _small.weights(whole)
    assert resumed.history[-1]["val"] == whole.history[-1]["val"]
