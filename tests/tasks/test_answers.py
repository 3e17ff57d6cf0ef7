"""Predictions in words, with thresholds; activations in NumPy; labels as predictions."""

from __future__ import annotations

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np
import pytest


@pytest.mark.parametrize("name", list(_cases.TASKS))
def test_activations_in_numpy_are_those_of_mxnet(name):
    task = _cases.TASKS[name]
    logits = np.random.RandomState(0).normal(0, 30, (50, task.num_logits)).astype(np.float32)
    tasks = mxmtl.TaskSet([task])
    (ours,) = tasks.predict([logits])
    (theirs,) = tasks.predict([mx.nd.array(logits)])
    assert ours.dtype == np.float32
    np.testing.assert_allclose(ours, theirs.asnumpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", list(_cases.TASKS))
def test_what_labels_want_predicted(name):
    task = _cases.TASKS[name]
    label = _cases.random_label(task, 40, 0.4, np.random.RandomState(1))
    certain = task.as_prediction(label.reshape(task.label_shape(40)))
    assert (certain.shape, certain.dtype) == ((40, task.num_outputs), np.float64)
    for row, wanted in zip(label, certain):
        if task.kind == "class":
            wanted = wanted if np.isnan(wanted).all() else wanted.argmax()
            row = row if row[0] >= 0 else np.nan
        np.testing.assert_array_equal(wanted, np.where(task.labelled(row), row, np.nan))


def test_a_cell_holds_above_its_threshold_as_in_metrics():
    toys = mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"])
    prediction = np.float32([[0.5, 0.3, 0.7], [0.6, 0.1, 0.2]])
    assert toys.describe(prediction)["toys.ball"].tolist() == [0, 1]
    threshold = [0.5, np.float64(np.float32(0.3)), 0.1]
    holds = toys.describe(prediction, threshold)
    assert [holds[c].tolist() for c in toys.columns] == [[0, 1], [0, 0], [1, 1]]
    recall = mxmtl.metrics.Recall(toys, average="none", threshold=threshold)
    recall.update(np.ones((2, 3)), prediction)
    assert recall.get()[1] == [0.5, 0.0, 1.0]
    tasks = mxmtl.TaskSet([toys])
    assert tasks.describe([prediction], {"toys": threshold})["toys.bone"].tolist() == [1, 1]


def test_answers_print_and_become_json():
    breed = mxmtl.Multiclass("breed", classes=["a", "b", "c", "d"])
    answer = breed.answer(np.float32([0.125, 0.5, 0.25, 0.125]))
    assert str(answer) == "b  (b 0.500, c 0.250, a 0.125, 1 more)"
    assert answer.to_dict() == {
        "answer": "b",
        "probabilities": {"a": 0.125, "b": 0.5, "c": 0.25, "d": 0.125},
    }
    outdoors = mxmtl.Binary("outdoors")
    assert outdoors.answer(np.float32([0.5])).answer is False
    assert outdoors.answer(np.float32([0.5]), [0.25]).to_dict() == {
        "answer": True,
        "probabilities": {"outdoors": 0.5},
        "thresholds": {"outdoors": 0.25},
    }
    assert str(outdoors.answer(np.float32([0.5]), [0.25])) == "yes  (outdoors 0.500)"
    toys = mxmtl.Multilabel("toys", labels=["ball", "rope"])
    assert toys.answer(np.float32([0.75, 0.625])).to_dict()["answer"] == ["ball", "rope"]
    assert str(toys.answer(np.float32([0.25, 0.5]))) == "none  (rope 0.500, ball 0.250)"
    age = mxmtl.Regression("age").answer(np.float32([3.5]))
    assert (str(age), age.to_dict()) == ("3.5", {"answer": 3.5})
