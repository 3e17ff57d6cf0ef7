"""Wrong use is refused with the task's name."""

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

from ._data import TASKS, sample

BREED, OUTDOORS, TOYS, AGE = TASKS.values()
P = np.array([[0.1, 0.2, 0.3, 0.4]] * 3)


def updates(metric, label, prediction):
    return lambda: metric.update(np.asarray(label, np.float32), np.asarray(prediction, np.float32))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (
            lambda: metrics.MAE(BREED),
            r"'breed': MAE is no metric for Multiclass; it is for (\w+, )*Regres",
        ),
        (
            lambda: metrics.F1(AGE),
            r"'age': F1 is no metric for Regression; it is for Binary, (\w+, )*Multiclass, Mul",
        ),
        (lambda: metrics.TopKAccuracy(TOYS), "TopKAccuracy is no metric for Multilabel"),
        (
            lambda: metrics.F1(TOYS, average="mean"),
            "no average='mean' for Multilabel; it has m",
        ),
        (lambda: metrics.F1(BREED, average="samples"), "no average='samples' for Multiclass"),
        (lambda: metrics.MAE(AGE, average="macro"), "it has none to choose"),
        (lambda: metrics.F1(TOYS, threshold=[0.1, 0.2]), "'toys': threshold=.* or 3 of them"),
        (lambda: metrics.F1(TOYS, threshold={"x": 0.3}), r"'toys': threshold=.*expected a number"),
        (lambda: metrics.F1(TOYS, threshold="high"), r"'toys': threshold='high'; expected a numb"),
        (lambda: metrics.F1(TOYS, threshold=2), r"'toys': threshold=2; expected a number in \[0"),
        (
            lambda: metrics.F1(BREED, threshold=0.2),
            "'breed': threshold=0.2, but Multiclass has n",
        ),
        (lambda: metrics.FBeta(TOYS, beta=0), "beta=0 must be finite and above 0"),
        (lambda: metrics.TopKAccuracy(BREED, k=0), "k=0 must be a whole number"),
        (lambda: metrics.AUROC(TOYS, bins=1), "AUROC: bins=1 must be a whole number over 1"),
        (lambda: metrics.CalibrationError(TOYS, bins=0), "bins=0 must be a whole number"),
        (lambda: metrics.ExactMatch(AGE), "regression has no exact match"),
        (
            lambda: metrics.ExactMatch(mxmtl.TaskSet([TOYS]), threshold={"x": 0.5}),
            r"threshold names \['x'\], which are no such tasks",
        ),
        (updates(metrics.F1(BREED), [0, 1], P), r"'breed': labels have shape \(2,\) and pred"),
        (updates(metrics.F1(BREED), np.eye(4)[:3], P), r"'breed': labels have shape \(3, 4\)"),
        (updates(metrics.F1(BREED), [0, 1, 2], P[:, :2]), r"predictions .*expected \(3, 4\)"),
        (updates(metrics.F1(TOYS), [0, 1, 2], P[:, :3]), r"'toys': labels have shape \(3,\)"),
        (updates(metrics.MAE(AGE), [0, 1, 2], P), r"'age': predictions have shape \(3, 4\)"),
        (
            updates(metrics.F1(BREED), [0, 7, 0.5], P),
            r"'breed': 2 of 3 labels are neither legal nor missing .* first is 7.0 in row 1",
        ),
        (updates(metrics.F1(BREED), [0, -2, 1], P), "'breed': 1 of 3 labels .* first is -2.0"),
        (updates(metrics.F1(OUTDOORS), [0, 2, 1], P[:, :1]), "'outdoors': 1 of 3 labels"),
        (updates(metrics.MAE(AGE), [0, np.inf, 1], P[:, :1]), "'age': 1 of 3 labels"),
        (updates(metrics.F1(BREED), [0, 1, 2], P * np.nan), "'breed': predictions are NaN or inf"),
        (updates(metrics.F1(TOYS), np.eye(3), P[:, :3] * np.nan), "'toys': predictions are NaN"),
        (updates(metrics.MAE(AGE), [0, 1, 2], P[:, :1] * np.inf), "'age': predictions are NaN"),
        (
            updates(metrics.F1(TOYS), np.eye(3), P[:, :3] * 9),
            r"'toys': .*no probabilities \(they",
        ),
        (updates(metrics.CrossEntropy(BREED), [0, 1, 2], P - 0.2), "'breed': .*Are they logits"),
        (updates(metrics.AUROC(BREED), [0, 1, 2], P * 0.5), r"'breed': .*a row adds up to 0.5"),
        (
            lambda: metrics.F1(BREED).update_dict({"x_label": P}, {"breed_output": P}),
            r"'breed': no label 'breed_label' among \['x_label'\]",
        ),
        (
            lambda: metrics.F1(BREED).update_dict({"breed_label": P}, {"softmax_output": P}),
            r"'breed': no output 'breed_output' among \['softmax_output'\]. Name the task",
        ),
        (lambda: metrics.F1(BREED).update([P, P], [P]), "2 labels and 1 predictions for tasks"),
        (
            lambda: mxmtl.TaskSet([BREED, TOYS]).metrics().update([P], [P]),
            r"1 labels and 1 predictions for the 2 tasks \['breed', 'toys'\]",
        ),
    ],
)
def test_refused(action, message):
    with pytest.raises(ValueError, match=message):
        action()


def test_a_task_comes_first():
    with pytest.raises(TypeError, match="F1 needs a task first, got 'breed'"):
        metrics.F1("breed")


def test_logits_will_do_where_only_their_order_counts():
    metric = metrics.Accuracy(BREED)
    metric.update(np.array([3, 3, 0]), P * 100 - 20)
    assert metric.get() == ("breed/accuracy", pytest.approx(2 / 3))


def test_a_refused_batch_counts_nowhere_and_the_others_do():
    suite = metrics.Suite(mxmtl.TaskSet([BREED]), [metrics.NumLabels(BREED), metrics.AUROC(BREED)])
    expected = metrics.Suite(
        mxmtl.TaskSet([BREED]), [metrics.NumLabels(BREED), metrics.AUROC(BREED)]
    )
    good = [sample(BREED, "plain", 0.0, seed=seed) for seed in range(3)]
    for part in good:
        expected.update(*([array] for array in part))
    with pytest.raises(mxmtl.LabelError, match="the first is 9.0 in row 1 of the batch"):
        suite.update([np.array([0.0, 9.0])], [P[:2]])
    suite.update(*([array] for array in good[0]))
    suite.update(*([array] for array in good[1]))
    suite.update([np.array([0.0, 9.0])], [P[:2]])
    suite.update([np.array([0.0, 1.0])], [P[:2] * 2])
    suite.update(*([array] for array in good[2]))
    with pytest.raises(mxmtl.LabelError, match="the first is 9.0 in row 1 of the batch"):
        suite.get()
    with pytest.raises(ValueError, match="no probabilities"):
        suite.get()
    assert suite.get() == expected.get()
