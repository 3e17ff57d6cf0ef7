"""One value of a metric: what it is of, its unit, and reading it back from names."""

import math

import mxmtl
from mxmtl import metrics

import mxnet as mx
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", classes=["pug", "lab/mix", "a|b"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Regression("age"),
    ]
)
LABELS = [np.array([0, 1, -1, 1]), np.array([1, 0, 1, -1]), np.array([1.0, math.nan, 3.0, 4.0])]
PREDICTIONS = [np.eye(3)[[0, 1, 2, 2]], np.array([[0.9], [0.8], [0.7], [0.1]]), np.ones((4, 1))]


def suite():
    breed, outdoors, age = TASKS
    f1 = [metrics.F1(breed), metrics.F1(outdoors)]
    counts = [metrics.NumLabels(breed, average="none"), *map(metrics.NumLabels, TASKS)]
    members = [*counts, *f1, metrics.Recall(breed, average="none"), metrics.NumPositive(outdoors)]
    across = [metrics.WorstTask(f1, name="all_tasks/worst_f1"), metrics.ExactMatch(TASKS)]
    of_age = [metrics.MAE(age), metrics.BaselineRMSE(age), metrics.R2Score(age, name="fit")]
    made = metrics.Suite(TASKS, [*members, *across, *of_age, metrics.ConfusionMatrix(breed)])
    made.update(LABELS, PREDICTIONS)
    return made


def by_name(values):
    return {value.name: value for value in values}


def test_every_value_knows_what_it_is_of():
    values = by_name(metrics.values_of(suite()))
    assert list(values) == [name for name, _ in suite().get_name_value()]
    recall = values["breed/recall/lab/mix"]
    assert (recall.task, recall.metric, recall.of_class) == ("breed", "recall", "lab/mix")
    assert (recall.value, recall.unit, recall.num_labels) == (0.5, "share", 2)
    assert (recall.higher_is_better, recall.of_labels) == (True, False)
    worst = values["all_tasks/worst_f1"]
    assert (worst.task, worst.metric, worst.unit, worst.of_class) == (
        "all_tasks",
        "worst_f1",
        "share",
        None,
    )
    assert (values["age/mae"].unit, values["age/mae"].num_labels) == ("label", 3)
    assert values["age/baseline_rmse"].of_labels
    assert (values["fit"].task, values["fit"].metric) == ("age", "fit")
    assert values["breed/confusion_matrix/lab/mix/a|b"].of_class == "lab/mix/a|b"


def test_counts_are_whole_numbers():
    values = by_name(metrics.values_of(suite()))
    for name, number in (
        ("breed/num_labels", 3),
        ("breed/num_labels/a|b", 0),
        ("outdoors/num_positive", 2),
        ("breed/confusion_matrix/pug/pug", 1),
    ):
        assert type(values[name].value) is int
        assert values[name].text() == str(number)
    assert values["all_tasks/exact_match"].text() == "0.5000"
    assert metrics.values_of(metrics.Accuracy(TASKS["breed"]))[0].text(missing="-") == "-"


def test_names_are_read_back_as_they_were():
    made = [v for v in metrics.values_of(suite()) if v.name != "fit"]
    read = metrics.read_values({v.name: float(v.value) for v in made}, TASKS)
    for ours, theirs in zip(read, made):
        assert repr(ours) == repr(theirs)  # nan is not equal to nan


def test_a_name_of_no_task_is_all_metric():
    values = metrics.read_values(
        {"loss": 1.0, "other/f1": 0.5, "all_tasks": 2.0, "breed": 1}, TASKS
    )
    assert [(v.task, v.metric) for v in values] == [
        (None, "loss"),
        (None, "other/f1"),
        (None, "all_tasks"),
        (None, "breed"),
    ]


def test_intervals_stand_beside_their_values():
    breed = TASKS["breed"]
    meter = metrics.Bootstrap(metrics.Suite(TASKS, [metrics.Accuracy(breed)]), repeats=20)
    meter.update(LABELS, PREDICTIONS)
    (value,) = metrics.values_of(meter)
    names, numbers = meter.get()
    assert names[1:] == ["breed/accuracy/low", "breed/accuracy/high"]
    assert (value.value, *value.interval) == tuple(numbers)
    (read,) = metrics.read_values({"breed/accuracy": 0.5}, TASKS, {"breed/accuracy": (0.25, 0.75)})
    assert read.interval == (0.25, 0.75)


def test_composites_of_mxnet_and_its_own_metrics_have_values_too():
    both = mx.metric.CompositeEvalMetric()
    both.add(metrics.NumLabels(TASKS["outdoors"]))
    both.add(metrics.Accuracy(TASKS["outdoors"]))
    both.add(mx.metric.Loss())
    both.update_dict(
        {"outdoors_label": mx.nd.array(LABELS[1])}, {"outdoors_output": mx.nd.array(PREDICTIONS[1])}
    )
    number, accuracy, loss = metrics.values_of(both)
    assert (number.value, accuracy.num_labels) == (3, 3)
    assert (loss.task, loss.metric) == (None, "loss")
