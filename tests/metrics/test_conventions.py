"""What is documented about the cases in which a value is not plain."""

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest
import sklearn.metrics as sk

BREED = mxmtl.Multiclass("breed", classes=["a", "b", "c"])
TOYS = mxmtl.Multilabel("toys", labels=["x", "y"])
ONE = np.eye(3, dtype=np.float32)


def value(metric, label, prediction):
    metric.update(np.asarray(label, np.float32), np.asarray(prediction, np.float32))
    return metric.get()[1]


def test_area_of_classes_is_scikit_learns_one_against_the_rest():
    rng = np.random.RandomState(0)
    label = rng.randint(3, size=90)
    prediction = rng.dirichlet([1, 1, 1], size=90).astype(np.float32)
    exact = prediction.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)  # scikit-learn wants sums of 1 to the last digit
    for average in ("macro", "weighted"):
        theirs = sk.roc_auc_score(label, exact, multi_class="ovr", average=average)
        assert value(metrics.AUROC(BREED, average=average), label, prediction) == pytest.approx(
            theirs, abs=1e-6
        )
    assert value(metrics.CrossEntropy(BREED), label, prediction) == pytest.approx(
        sk.log_loss(label, exact), rel=1e-6
    )


def test_a_class_that_is_not_there_is_left_out_of_the_mean_but_one_never_predicted_is_zero():
    label, prediction = [0, 0, 1], ONE[[0, 0, 0]]
    assert value(metrics.Precision(BREED, average="none"), label, prediction) == pytest.approx(
        [2 / 3, 0.0, np.nan], nan_ok=True
    )
    assert value(metrics.Precision(BREED), label, prediction) == pytest.approx(1 / 3)


def test_a_label_without_a_known_cell_is_left_out_of_the_mean():
    label, prediction = [[1, -1], [0, -1]], [[0.9, 0.9], [0.9, 0.1]]
    assert value(metrics.F1(TOYS, average="none"), label, prediction) == pytest.approx(
        [2 / 3, np.nan], nan_ok=True
    )
    assert value(metrics.F1(TOYS), label, prediction) == pytest.approx(2 / 3)


def test_thresholds_one_a_label_and_above_means_above():
    label, prediction = [[1, 1], [1, 1]], [[0.25, 0.5], [0.75, 0.75]]
    for threshold, expected in ((0.25, 0.75), ([0.25, 0.5], 0.5), ([0.0, 0.6], 0.75), (1.0, 0.0)):
        metric = metrics.Accuracy(TOYS, threshold=threshold)
        assert value(metric, label, prediction) == expected


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_threshold_is_rounded_as_the_predictions_are(dtype):
    prediction = np.full((1, 2), 0.3, dtype)
    metric = metrics.Accuracy(TOYS, threshold=float(np.float32(prediction[0, 0])))
    metric.update(np.ones((1, 2)), prediction)
    assert metric.get()[1] == 0.0


def test_more_than_there_are_classes_is_all_of_them():
    assert value(metrics.TopKAccuracy(BREED, k=50), [0, 1, 2], ONE[[1, 1, 1]]) == 1.0


def test_the_same_thresholds_share_and_others_do_not():
    tasks = mxmtl.TaskSet([TOYS])
    same = metrics.Suite(
        tasks, [metrics.F1(TOYS, threshold=[0.3, 0.3]), metrics.Recall(TOYS, threshold=(0.3, 0.3))]
    )
    other = metrics.Suite(tasks, [metrics.F1(TOYS), metrics.Recall(TOYS, threshold=0.3)])
    assert same.metrics[0]._statistics[0] is same.metrics[1]._statistics[0]
    assert other.metrics[0]._statistics[0] is not other.metrics[1]._statistics[0]


def test_confusion_of_each_label():
    metric = metrics.ConfusionMatrix(TOYS)
    metric.update(np.array([[1, 0], [1, -1]]), np.array([[0.9, 0.6], [0.2, 0.9]]))
    assert metric.matrix.tolist() == [[[0, 0], [1, 1]], [[0, 1], [0, 0]]]
    assert metric.names[:4] == [
        "toys/confusion_matrix/x/0/0",
        "toys/confusion_matrix/x/0/1",
        "toys/confusion_matrix/x/1/0",
        "toys/confusion_matrix/x/1/1",
    ]
    binary = metrics.ConfusionMatrix(mxmtl.Binary("t"))
    assert binary.matrix.shape == (2, 2)
    assert binary.names[0] == "t/confusion_matrix/0/0"


def test_large_values_lose_no_digits():
    task = mxmtl.Regression("year")
    rng = np.random.RandomState(0)
    label = 1e9 + rng.normal(size=1000)
    prediction = label + rng.normal(size=1000) * 0.1
    for metric, oracle in (
        (metrics.R2Score(task), sk.r2_score(label, prediction)),
        (metrics.PearsonCorrCoef(task), np.corrcoef(label, prediction)[0, 1]),
        (metrics.BaselineRMSE(task), label.std()),
    ):
        for start in range(0, 1000, 10):
            part = slice(start, start + 10)
            metric.update(label[part], prediction[part])
            metric.reset_local()
        assert metric.get_global()[1] == pytest.approx(oracle, rel=1e-6)


def test_task_loss_is_weighted_and_smoothed_as_the_task_declares():
    task = mxmtl.Multiclass("t", ["a", "b"], class_weight=[1.0, 3.0], label_smoothing=0.2)
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.5, 0.5]])
    smooth = [
        1 * -(0.8 * np.log(0.9) + 0.2 * np.log(0.1)),
        3 * -(0.8 * np.log(0.6) + 0.2 * np.log(0.4)),
    ]
    assert value(metrics.TaskLoss(task), [0, 1, -1], p) == pytest.approx(np.mean(smooth), rel=1e-6)


def test_many_classes_keep_small_counts():
    task = mxmtl.Multiclass("t", [f"c{i}" for i in range(5000)])
    metric = metrics.F1(task)
    assert metric._statistics[0].local.nbytes == 4 * 5000 * 8


def test_a_probability_is_in_the_bin_of_its_value_however_it_is_rounded():
    # float32(0.7) is 0.69999999: in the bin below 0.7, with 0.65 and not with 0.75.
    task, p = mxmtl.Binary("t"), np.array([[0.7], [0.65], [0.75]], np.float32)
    error = value(metrics.CalibrationError(task, bins=10), [1, 0, 1], p)
    assert error == pytest.approx((abs(1 - 0.7 - 0.65) + abs(1 - 0.75)) / 3, abs=1e-6)
