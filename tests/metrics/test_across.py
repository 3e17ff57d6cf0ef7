"""Values over several tasks."""

import mxmtl
from mxmtl import metrics

import numpy as np
import pytest

from ._data import TASKS, sample

TASKSET = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", classes=["a", "b", "c"], weight=2.0),
        mxmtl.Binary("outdoors", weight=0.5),
        mxmtl.Multilabel("toys", labels=["x", "y"]),
        mxmtl.Regression("age"),
    ]
)
BREED, OUTDOORS, TOYS, AGE = TASKSET
SHARE = {"breed": 0.1, "outdoors": 0.6, "toys": 0.3, "age": 0.0}


@pytest.fixture
def data():
    parts = {t.name: sample(t, "plain", SHARE[t.name], seed=i) for i, t in enumerate(TASKSET)}
    return [label for label, _ in parts.values()], [p for _, p in parts.values()]


def value(metric, data):
    suite = metrics.Suite(TASKSET, [metric])
    suite.update(*data)
    ((_, number),) = suite.get_name_value()
    return number


def accuracies(data):
    return [value(metrics.Accuracy(task), data) for task in (BREED, OUTDOORS, TOYS)]


@pytest.mark.parametrize("by", ["task", "weight", "num_labels"])
def test_mean_over_tasks(data, by):
    counts = [np.sum(label >= 0) for label in data[0][:3]]
    weights = {"task": None, "weight": [2.0, 0.5, 1.0], "num_labels": counts}[by]
    metric = metrics.MeanOverTasks([metrics.Accuracy(t) for t in (BREED, OUTDOORS, TOYS)], by=by)
    assert value(metric, data) == pytest.approx(
        np.average(accuracies(data), weights=weights), rel=1e-12
    )


def test_weighted_by_labels_is_the_share_of_all_labels_that_are_right(data):
    # The FashionAI score (ARTICLES 2) pools the labelled rows of all tasks.
    members = [metrics.Accuracy(t) for t in (BREED, OUTDOORS)]
    labels, predictions = data[0][:2], data[1][:2]
    right = np.sum((labels[0] == predictions[0].argmax(1))[labels[0] >= 0])
    right += np.sum((labels[1] == (predictions[1][:, 0] > 0.5))[labels[1] >= 0])
    rows = np.sum(labels[0] >= 0) + np.sum(labels[1] >= 0)
    metric = metrics.MeanOverTasks(members, by="num_labels")
    assert value(metric, data) == pytest.approx(right / rows, rel=1e-12)


def test_worst_task_follows_the_direction(data):
    best = [metrics.Accuracy(t) for t in (BREED, OUTDOORS, TOYS)]
    worst = metrics.WorstTask(best)
    assert value(worst, data) == min(accuracies(data))
    assert worst.worst == (BREED, OUTDOORS, TOYS)[int(np.argmin(accuracies(data)))]
    losses = [metrics.TaskLoss(t) for t in TASKSET]
    assert value(metrics.WorstTask(losses), data) == max(value(m, data) for m in losses)


def test_delta_m_counts_lower_is_better_the_other_way(data):
    members = [metrics.Accuracy(BREED), metrics.MAE(AGE)]
    got = value(metrics.DeltaM(members, single={"breed/accuracy": 0.5, "age/mae": 2.0}), data)
    accuracy, mae = (value(member, data) for member in members)
    assert got == pytest.approx(((accuracy - 0.5) / 0.5 - (mae - 2.0) / 2.0) / 2, rel=1e-12)


def test_a_task_without_labels_is_left_out(data):
    labels = [np.full_like(data[0][0], -1), *data[0][1:]]
    members = [metrics.Accuracy(t) for t in (BREED, OUTDOORS)]
    outdoors = value(metrics.Accuracy(OUTDOORS), data)
    for by in ("task", "weight", "num_labels"):
        got = value(metrics.MeanOverTasks(members, by=by), (labels, data[1]))
        assert got == pytest.approx(outdoors, rel=1e-12)
    assert value(metrics.WorstTask(members), (labels, data[1])) == outdoors
    single = {"breed/accuracy": 0.3, "outdoors/accuracy": outdoors}
    assert value(metrics.DeltaM(members, single=single), (labels, data[1])) == 0.0


def test_no_labels_at_all_is_nan():
    members = [metrics.Accuracy(BREED), metrics.Accuracy(OUTDOORS)]
    single = {"breed/accuracy": 0.3, "outdoors/accuracy": 0.3}
    worst = metrics.WorstTask(members)
    for metric in (metrics.MeanOverTasks(members), worst, metrics.DeltaM(members, single=single)):
        assert np.isnan(metric.get()[1])
    assert worst.worst is None


def test_they_share_the_statistics_of_the_suite(data):
    accuracy = metrics.Accuracy(BREED)
    suite = metrics.Suite(TASKSET, [accuracy, metrics.WorstTask([metrics.F1(BREED)])])
    assert suite.metrics[0]._statistics[0] is suite.metrics[1]._statistics[0]


def test_exact_match_over_all_tasks():
    parts = [sample(t, "plain", SHARE[t.name], rows=400, seed=i) for i, t in enumerate(TASKSET)]
    labels, predictions = data = tuple(zip(*parts))
    right, rows = 0, 0
    for i in range(len(labels[0])):
        cells = [
            (labels[0][i], predictions[0][i].argmax()),
            (labels[1][i], predictions[1][i] > 0.5),
        ]
        cells += [(y, p > 0.7) for y, p in zip(labels[2][i], predictions[2][i])]
        known = [(y, p) for y, p in cells if y >= 0]
        rows += bool(known)
        right += bool(known) and all(y == p for y, p in known)
    metric = metrics.ExactMatch(TASKSET, threshold={"toys": 0.7})
    assert value(metric, data) == pytest.approx(right / rows, rel=1e-12)
    assert metric.name == "all_tasks/exact_match"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: metrics.MeanOverTasks([]), "MeanOverTasks needs at least one metric"),
        (lambda: metrics.MeanOverTasks([metrics.MAE(AGE)], by="rows"), "by='rows' is not 'task'"),
        (
            lambda: metrics.WorstTask([metrics.MAE(AGE), metrics.F1(BREED)]),
            r"of \['age/mae', 'breed/f1'\] some are better when higher",
        ),
        (
            lambda: metrics.WorstTask([metrics.F1(BREED, average="none")]),
            "has not one value of one task",
        ),
        (
            lambda: metrics.DeltaM([metrics.F1(BREED)], single={}),
            "'breed': DeltaM needs a single-task value for 'breed/f1', finite and not 0; got None",
        ),
        (
            lambda: metrics.DeltaM([metrics.NumLabels(AGE)], single={"age/num_labels": 1.0}),
            "age/num_labels is neither better higher nor lower",
        ),
    ],
)
def test_refusals(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_tasks_of_the_table_are_covered():
    assert {task.kind for task in TASKS.values()} == {task.kind for task in TASKSET}
