"""Cells between 0 and 1, which an augmentation may make, and predictions of odd types."""

from __future__ import annotations

import mxmtl
from mxmtl import metrics
from mxmtl.tasks import LabelError

import mxnet as mx
import numpy as np
import pytest
import sklearn.metrics as sk

TOYS = mxmtl.Multilabel("toys", ["ball", "rope", "bone"])
OUT = mxmtl.Binary("out")
LABEL = np.float32([[0.9, 0.1, -1], [0, 1, 0.6], [0.2, 0.7, 0.5], [1, 0, 0.3]])
P = np.float32([[0.8, 0.3, 0.1], [0.6, 0.9, 0.7], [0.2, 0.4, 0.6], [0.7, 0.2, 0.1]])
KNOWN = LABEL >= 0


def value(metric, label=LABEL, prediction=P):
    metric.update(label, prediction)
    return metric.get()[1]


def test_a_soft_cell_counts_as_what_it_is_nearer_to():
    hard = np.where(KNOWN, LABEL > 0.5, -1).astype(np.float32)
    for make in (metrics.Accuracy, metrics.F1, metrics.AUROC, metrics.AveragePrecision):
        assert value(make(TOYS)) == value(make(TOYS), hard), make
    pairs = LABEL[KNOWN] > 0.5, P[KNOWN] > 0.5
    assert value(metrics.F1(TOYS, average="micro")) == pytest.approx(sk.f1_score(*pairs))


def test_losses_take_the_share_as_it_is():
    label, p = LABEL[KNOWN].astype(np.float64), P[KNOWN].astype(np.float64)
    expected = -(label * np.log(p) + (1 - label) * np.log(1 - p))
    assert value(metrics.CrossEntropy(TOYS, average="micro")) == pytest.approx(expected.mean())
    square = (p - label) ** 2
    assert value(metrics.BrierScore(TOYS, average="micro")) == pytest.approx(square.mean())


@pytest.mark.parametrize("weight", [None, 3.0, [3.0, 0.5, 2.0]])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_measured_loss_is_the_trained_one(weight, smoothing):
    task = mxmtl.Multilabel("toys", TOYS.labels, pos_weight=weight, label_smoothing=smoothing)
    logits = np.float32(np.log(P / (1 - P)))
    logits[0] = [18.0, -18.0, 30.0]
    logits[3] = [20.0, -20.0, 16.0]
    trained = task.row_loss(mx.nd, mx.nd.array(logits), mx.nd.array(LABEL)).asnumpy()
    measured = task.prediction_loss(LABEL, mx.nd.sigmoid(mx.nd.array(logits)).asnumpy())
    # Near 1 float32 has a step of 6e-8: at a logit of 16 the loss is known to a fifth, at 18 to 1.
    np.testing.assert_allclose(measured.mean(axis=1), trained, rtol=0.06)


def test_a_wrong_answer_that_is_sure_costs_what_its_logit_says():
    for logit, label, rtol in ((18.0, 0.0, 0.05), (-18.0, 1.0, 1e-5), (14.0, 0.0, 0.01)):
        prediction = mx.nd.sigmoid(mx.nd.array([[logit]])).asnumpy()
        for metric in (metrics.CrossEntropy(OUT), metrics.TaskLoss(OUT)):
            cost = value(metric, np.float32([label]), prediction)
            assert cost == pytest.approx(abs(logit), rel=rtol), (metric, logit)


@pytest.mark.parametrize("label", [[1.5], [-0.5], [np.nan]])
def test_what_is_no_share_is_refused(label):
    with pytest.raises(LabelError, match="labels are neither legal nor missing"):
        metrics.F1(OUT).update(np.float32(label), np.float32([[0.5]]))


@pytest.mark.parametrize("dtype", [bool, int, np.float16, np.float32, np.float64])
def test_the_type_of_predictions_changes_no_decision(dtype):
    label, prediction = np.array([1, 0, 1.0]), np.array([[1], [0], [1]]).astype(dtype)
    assert value(metrics.F1(OUT), label, prediction) == 1.0
    assert OUT.above(prediction).tolist() == [[True], [False], [True]]


@pytest.mark.parametrize("threshold", [0.3, 0.7, 0.9])
def test_metrics_decide_as_answers_do_in_float16(threshold):
    prediction = np.float16([[threshold]])
    metric = metrics.ConfusionMatrix(OUT, threshold=threshold)
    counted = np.reshape(value(metric, np.float32([1]), prediction), (2, 2))
    assert counted[1, 1] == OUT.above(prediction, [threshold])[0, 0]
