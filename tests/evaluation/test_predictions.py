"""Predictions of records, against what Module says."""

from __future__ import annotations

import dataclasses
import zipfile

import mxmtl
from mxmtl.evaluation import Predictions, predict_records
from mxmtl.evaluation._predictions import read_predictions, write_predictions
from mxmtl.model import Network
from tests import _cases
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest


@pytest.fixture(scope="module")
def run(records, tmp_path_factory):
    return _small.fit(records, tmp_path_factory.mktemp("evaluation") / "run", epochs=1)


def by_module(run, records):
    """Return labels and predictions of all rows from Module with the prediction symbol."""
    symbol, args, auxs = run.load()
    module = mx.mod.Module(mxmtl.prediction_symbol(symbol, run.tasks), label_names=None)
    with mxmtl.RecordIter(records, 7, **run.model.preprocessing.options()) as batches:
        module.bind(batches.provide_data, for_training=False)
        module.set_params(args, auxs)
        outputs = [array.asnumpy() for array in module.predict(batches)]
        batches.reset()
        labels = [[part.asnumpy()[: 7 - b.pad] for part in b.label] for b in batches]
    return [np.concatenate(part) for part in zip(*labels)], outputs


def test_every_row_once_with_its_label_and_what_module_predicts(run, records):
    made = predict_records(Network.of(run), records, run.model.preprocessing, batch_size=8)
    labels, outputs = by_module(run, records)
    assert made.index.tolist() == list(range(_small.ROWS))
    assert len(made) == _small.ROWS
    for task, label, output in zip(run.tasks, labels, outputs):
        np.testing.assert_array_equal(made.labels[task.name], label)
        np.testing.assert_allclose(made.prediction(task), output, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(
            made.labelled(task.name), ~np.isnan(label) & (label != task.missing)
        )


def test_a_temperature_divides_the_logits_of_its_task_alone(run, records):
    plain = predict_records(Network.of(run), records, run.model.preprocessing)
    task = run.tasks[0]
    cool = predict_records(
        Network.of(run), records, run.model.preprocessing, temperature={task.name: 4.0}
    )
    logits = plain.logits[task.name].astype(np.float64) / 4.0
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(cool.prediction(task), expected, rtol=1e-5)
    other = run.tasks[1]
    np.testing.assert_array_equal(cool.prediction(other), plain.prediction(other))


def made_up(rows=5, seed=0):
    """Predictions of random logits for all task types."""
    tasks, rng = _cases.task_set(), np.random.RandomState(seed)
    labels = {
        t.name: _cases.random_label(t, rows, 0.3, rng).reshape(t.label_shape(rows)) for t in tasks
    }
    logits = {t.name: rng.normal(size=(rows, t.num_logits)).astype(np.float32) for t in tasks}
    return Predictions(
        tasks, np.arange(rows), labels, logits, {"breed": 1.5}, {"toys": [0.25, 0.5, 0.75]}, 2
    )


def test_a_file_gives_back_what_was_saved(tmp_path):
    saved = made_up()
    saved.save(tmp_path / "p.npz")
    read = Predictions.load(tmp_path / "p.npz")
    assert read.tasks == saved.tasks
    assert (read.temperature, read.skipped) == ({"breed": 1.5}, 2)
    assert read.thresholds == {"toys": [0.25, 0.5, 0.75]}
    np.testing.assert_array_equal(read.index, saved.index)
    for task in saved.tasks:
        for part in ("labels", "logits"):
            a, b = getattr(read, part)[task.name], getattr(saved, part)[task.name]
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("damage", ["cut", "no_zip", "pickle", "compressed", "other", "lying"])
def test_a_file_that_is_something_else_is_named(tmp_path, damage):
    path = tmp_path / "p.npz"
    made_up().save(path)
    data = path.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "no_zip":
        path.write_bytes(b"hello")
    elif damage == "pickle":
        np.savez(path, about=np.array([{"a": 1}], dtype=object))
    elif damage == "compressed":
        np.savez_compressed(path, about=np.zeros(1 << 20, np.uint8))
    elif damage == "other":
        np.savez(path, a=np.zeros(3, np.float32))
    else:  # a head that promises more than there is
        at = data.index(b"'shape': (5,)")
        path.write_bytes(data[:at] + b"'shape': (9,)" + data[at + 13 :])
    with pytest.raises(ValueError, match="p.npz: no predictions of mxmtl"):
        Predictions.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about.update(temperature={"breed": 0}),
        lambda about: about.update(temperature={"breed": 10**400}),
        lambda about: about.update(thresholds={"toys": [0.5]}),
        lambda about: about.update(skipped="none"),
        lambda about: about.update(names=[["a.png", 2]]),
        lambda about: about.update(names=5),
        lambda about: about["tasks"]["tasks"][0].update(classes=["a", "b"]),
    ],
)
def test_what_a_file_says_of_itself_is_checked(tmp_path, change):
    path = tmp_path / "p.npz"
    made_up().save(path)
    about, arrays = read_predictions(path)
    change(about)
    write_predictions(path, about, arrays)
    with pytest.raises(ValueError, match=r"p.npz: no predictions of mxmtl \("):
        Predictions.load(path)


@pytest.mark.parametrize(
    ("at", "bytes_"), [(8, b"\x01"), (8, b"\x40"), (10, b"\x63"), (6, b"\x63")]
)
def test_archives_that_are_not_read(tmp_path, at, bytes_):
    path = tmp_path / "p.npz"
    made_up().save(path)
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02")  # an entry of the list of what is in it
    data[entry + at : entry + at + 1] = bytes_
    path.write_bytes(data)
    with pytest.raises(ValueError, match="p.npz: no predictions of mxmtl"):
        Predictions.load(path)


@pytest.mark.parametrize(
    "head", ["(" * 900, "-" * 9000 + "1", "{'descr': '<i8', 'fortran_order': False, 'shape': (0,9"]
)
def test_heads_of_arrays_are_not_read_as_python(tmp_path, head):
    path = tmp_path / "p.npz"
    with zipfile.ZipFile(path, "w") as archive:
        start = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little")
        archive.writestr("index.npy", start + head.encode())
    with pytest.raises(ValueError, match="index.npy was not written by mxmtl"):
        Predictions.load(path)


def test_records_may_weigh_and_smooth_otherwise_but_not_mean_otherwise(records, tmp_path):
    smoothed = _small.fit(records, tmp_path / "run", epochs=1, label_smoothing=0.1)
    made = predict_records(Network.of(smoothed), records, smoothed.model.preprocessing)
    assert made.tasks[0].label_smoothing == 0.1
    assert len(made) == _small.ROWS

    class Other:
        tasks = mxmtl.TaskSet(
            [dataclasses.replace(smoothed.tasks[0], classes=list("abcd")), *smoothed.tasks[1:]]
        )

    with pytest.raises(ValueError, match="written for other tasks. The network has Multiclass"):
        predict_records(Other(), records, smoothed.model.preprocessing)
    Other.tasks = mxmtl.TaskSet(smoothed.tasks[:3])
    with pytest.raises(ValueError, match="the records have .*'age'"):
        predict_records(Other(), records, smoothed.model.preprocessing)
