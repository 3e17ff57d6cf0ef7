"""Mixup and CutMix with missing labels, and the average of the weights."""

import itertools

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


LOGIC = mxmtl.TaskSet([
    mxmtl.Multiclass("c", ["a", "b"]), mxmtl.Multilabel("m", list("xyz")), mxmtl.Regression("r")
])  # fmt: skip


def joined(values, missing):
    """Three-valued or, of one label of several images."""
    if 1 in values:
        return 1
    return 0 if set(values) == {0} else missing


@pytest.mark.parametrize("most", [2, 3])
def test_logic_mix_joins_labels_as_three_values(most):
    """Each image is a power of two, so that a mean tells which images it is of."""
    rng, rows, pad = np.random.RandomState(0), 12, 2
    images = np.broadcast_to((4.0 ** np.arange(rows))[:, None, None, None], (rows, 1, 2, 2))
    labels = [
        rng.randint(-1, 2, rows), rng.randint(-1, 2, (rows, 3)),
        np.where(rng.uniform(size=rows) < 0.3, np.nan, rng.randint(0, 2, rows)),
    ]  # fmt: skip
    for label in labels:
        label[-pad:] = label[-pad:] * 0 - 2  # marked as padding, which stays as it is
    mix, alone, seen = training.LogicMix(most, LOGIC, seed=1), 0, set()
    for index in range(40):
        batch = mx.io.DataBatch([mx.nd.array(images)], [mx.nd.array(x) for x in labels], pad)
        mixed = mix(batch, 0, index)
        means = mixed.data[0].asnumpy()[:, 0, 0, 0].astype(float)
        made = [label.asnumpy().reshape(rows, -1) for label in mixed.label]
        for row in range(rows):
            parts = next(
                [row, *more]
                for number in range(most)
                for more in itertools.combinations_with_replacement(range(rows), number)
                if np.isclose(np.mean(4.0 ** np.array([row, *more])), means[row], rtol=1e-6)
            )
            assert row < rows - pad or parts == [row]
            assert max(parts) < rows - pad or parts == [row]
            seen.add(len(parts))
            alone += parts == [row]
            for task, label, found in zip(LOGIC, labels, made):
                cells = label.reshape(rows, -1)[parts]
                for column, value in zip(cells.T, found[row]):
                    expected = column[0]
                    if len(set(parts)) > 1:
                        same = len(set(column)) == 1 and task.labelled(column[:1])
                        expected = column[0] if same else task.missing
                        if task.kind == "cells":
                            expected = joined(column, task.missing)
                    np.testing.assert_equal(float(value), float(expected))
    assert seen == set(range(1, most + 1))
    assert 0.4 < alone / (40 * rows) < 0.8


def test_logic_mix_in_a_run(records, tmp_path):
    options = {"epochs": 1, "logic_mix": 3}
    runs = [_small.fit(records, tmp_path / name, **options) for name in ("one", "two")]
    assert _small.weights(runs[0]) == _small.weights(runs[1])
    plain = _small.fit(records, tmp_path / "plain", epochs=1)
    assert _small.weights(plain) != _small.weights(runs[0])
    with pytest.raises(ValueError, match="logic_mix=2: expected 2 or more images, and neither"):
        training.Settings(logic_mix=2, mixup=0.4)


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
