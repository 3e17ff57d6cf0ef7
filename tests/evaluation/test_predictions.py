"""Predictions of records, against what Module says."""

from __future__ import annotations

import mxmtl
from mxmtl.deploy import Network
from mxmtl.evaluation import predict_records
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
