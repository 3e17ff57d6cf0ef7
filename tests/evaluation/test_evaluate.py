"""Evaluations, against Module.score, scikit-learn and each other."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math

import mxmtl
from mxmtl._table import csv_text
from mxmtl.evaluation import Predictions, evaluate, evaluation_suite, measure
from mxmtl.training import ModelFile
from tests import _cases
from tests.training import _small

import mxnet as mx
import numpy as np
import pytest
from sklearn import metrics as sklearn


@pytest.fixture(scope="module")
def run(records, tmp_path_factory):
    return _small.fit(records, tmp_path_factory.mktemp("evaluate") / "run", epochs=1)


def random_predictions(rows=300, missing=0.3, **options):
    tasks, rng = _cases.task_set(), np.random.RandomState(3)
    labels = {
        t.name: _cases.random_label(t, rows, missing, rng).reshape(t.label_shape(rows))
        for t in tasks
    }
    logits = {t.name: rng.normal(size=(rows, t.num_logits)).astype(np.float32) for t in tasks}
    return Predictions(tasks, np.arange(rows), labels, logits, {}, **options)


def test_a_value_that_is_none_names_the_one_that_was_meant(run, records):
    made = evaluate(run, records, bootstrap=2)
    for named in (made.values, made.intervals, mxmtl.report(made.values, made.tasks).values):
        with pytest.raises(KeyError, match=r"'breed/F1' is not one of .*mean 'breed/f1'\?"):
            named["breed/F1"]


def test_it_is_said_which_constant_answer_a_value_is_beside(run, records):
    made = evaluate(run, records)
    for text in (str(made), made.markdown()):
        assert text.count("for the training labels") == text.count("for these labels") == 1
    age = [value for value in made.metrics if "baseline" not in value.metric]
    assert "these labels" not in str(dataclasses.replace(made, metrics=age))


def test_values_are_those_of_module_score(run, records):
    made = evaluate(run, records, batch_size=7)
    symbol, args, auxs = run.load()
    module = mx.mod.Module(symbol, label_names=run.tasks.label_names)
    with mxmtl.RecordIter(records, 8, **run.model.preprocessing.options()) as batches:
        module.bind(batches.provide_data, batches.provide_label, for_training=False)
        module.set_params(args, auxs)
        scores = module.score(batches, evaluation_suite(run.tasks))
    assert {name for name, _ in scores} <= set(made.values)
    assert {name for name, _ in run.tasks.metrics().get_name_value()} <= set(made.values)
    for name, value in scores:
        np.testing.assert_allclose(made.values[name], value, rtol=1e-4, atol=1e-5, err_msg=name)
    assert (made.num_records, made.skipped) == (_small.ROWS, 0)


def test_thresholds_and_temperatures_of_the_model_are_applied(run, records, tmp_path):
    model = mxmtl.model.load_model(run)
    plain = evaluate(model, records)
    toys = run.tasks["toys"]
    file = ModelFile(run.tasks, run.model.preprocessing, {"toys": [0.4, 0.5, 0.6]}, {"toys": 2.0})
    tuned = evaluate(mxmtl.model.Model(model.symbol, model.params, file, model.name), records)
    changed = {name for name in plain.values if not same(plain.values[name], tuned.values[name])}
    assert changed
    assert all(name.startswith(("toys/", "all_tasks/")) for name in changed)
    with mxmtl.RecordIter(records, 64, **run.model.preprocessing.options()) as batches:
        batch = next(batches)
    z = mxmtl.model.Network.of(run).logits(batch.data[0])[run.tasks.names.index("toys")]
    p = (1 / (1 + np.exp(-z.astype(np.float64) / 2)))[: _small.ROWS]
    label = batch.label[run.tasks.names.index("toys")].asnumpy()[: _small.ROWS]
    for index, (name, level) in enumerate(zip(toys.labels, [0.4, 0.5, 0.6])):
        known = label[:, index] >= 0
        expected = sklearn.f1_score(label[known, index], p[known, index] > level, zero_division=0)
        assert tuned.values[f"toys/f1/{name}"] == pytest.approx(expected)


def same(a, b):
    return a == b or (math.isnan(a) and math.isnan(b))


def test_values_of_classes_are_those_of_scikit_learn():
    given = random_predictions()
    made = measure(given)
    breed = given.tasks["breed"]
    known = given.labelled("breed")
    label, p = given.labels["breed"][known].astype(int), given.prediction("breed")[known]
    precision, recall, f1, support = sklearn.precision_recall_fscore_support(label, p.argmax(1))
    for index, name in enumerate(breed.classes):
        found = [made.values[f"breed/{m}/{name}"] for m in ("precision", "recall", "f1")]
        np.testing.assert_allclose(found, [precision[index], recall[index], f1[index]])
        assert made.values[f"breed/num_labels/{name}"] == support[index]
        auroc = sklearn.roc_auc_score(label == index, p[:, index])
        assert made.values[f"breed/auroc/{name}"] == pytest.approx(auroc)
    toys = given.labels["toys"]
    assert made.values["toys/num_positive"] == (toys == 1).sum()
    assert made.values["toys/num_positive/rope"] == (toys[:, 1] == 1).sum()
    assert made.values["outdoors/num_positive"] == (given.labels["outdoors"] == 1).sum()


def test_every_metric_is_there_or_left_out_on_purpose():
    given = random_predictions(20)
    made = measure(given)
    found = {name.split("/")[1] for name in made.values}
    # Written out, and not read from the code: a metric that is new must be thought about here.
    left_out = {
        *(
            "f_beta",
            "hamming_loss",
            "mse",
            "confusion_matrix",
            "jaccard",
            "hinge",
            "top_k_accuracy",
        ),
        *("average_calibration_error", "max_calibration_error"),
        *("precision_at_recall", "recall_at_precision"),
        *("sensitivity_at_specificity", "specificity_at_sensitivity"),
        *("ranking_average_precision", "ranking_loss", "coverage_error"),
        "ranked_probability_score",
        *("interval_coverage", "interval_width"),
    }
    over_tasks = {"delta_m", "worst_task", "mean_over_tasks"}
    assert set(mxmtl.metrics.Metric.types) - found == left_out | over_tasks
    size = mxmtl.TaskSet([mxmtl.Ordinal("size", classes=["S", "M", "L"])])
    assert "size/quadratic_kappa" in evaluation_suite(size).names
    many = mxmtl.Multiclass("m", classes=[f"c{i}" for i in range(6)])
    assert "m/top_5_accuracy" in evaluation_suite(mxmtl.TaskSet([many])).names


def test_values_over_all_tasks():
    made = measure(random_predictions())
    with_accuracy = [t for t in made.tasks if t.kind != "value"]
    values = np.array([made.values[f"{t.name}/accuracy"] for t in with_accuracy])
    labels = np.array([made.values[f"{t.name}/num_labels"] for t in with_accuracy])
    weights = np.array([t.weight for t in with_accuracy])
    assert made.values["all_tasks/accuracy"] == pytest.approx(np.average(values, weights=weights))
    assert made.values["all_tasks/accuracy_by_num_labels"] == pytest.approx(
        np.average(values, weights=labels)
    )
    assert made.values["all_tasks/worst_accuracy"] == values.min()
    assert made.worst["all_tasks/worst_accuracy"] == with_accuracy[values.argmin()].name
    assert not any(n.startswith("all_tasks") for n in measure(alone()).values)


def alone():
    tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    label = np.float32([1, 0, -1, 1])
    logits = np.float32([[1], [2], [3], [-1]])
    return Predictions(tasks, np.arange(4), {"outdoors": label}, {"outdoors": logits}, {})


def test_intervals_are_those_of_bootstrap_and_names_of_classes_cannot_hide_them():
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("size", classes=["low", "high"])])
    rng = np.random.RandomState(0)
    label, logits = rng.randint(-1, 2, 80), rng.normal(size=(80, 2)).astype(np.float32)
    given = Predictions(
        tasks, np.arange(80), {"size": label.astype(np.float32)}, {"size": logits}, {}
    )
    made = measure(given, bootstrap=50, level=0.8, seed=4)
    accuracy = mxmtl.metrics.Accuracy(tasks[0])
    interval = mxmtl.metrics.Bootstrap(accuracy, repeats=50, level=0.8, seed=4)
    interval.update(label, given.prediction("size"))
    assert [made.values["size/accuracy"], *made.intervals["size/accuracy"]] == interval.get()[1]
    recall = sklearn.recall_score(label[label >= 0], logits.argmax(1)[label >= 0], pos_label=0)
    assert made.values["size/recall/low"] == pytest.approx(recall)
    low, high = made.intervals["size/recall/low"]
    assert low <= recall <= high


def test_formats(tmp_path):
    given = random_predictions(60, thresholds={"toys": [0.25, 0.5, 0.75]}, skipped=2)
    made = measure(given, bootstrap=5, about={"model": "runs/a/model-0001", "records": "data/val"})
    text = str(made)
    assert text.startswith("runs/a/model-0001 on data/val: 60 records, 2 damaged ones left out\n")
    assert "toys: Multilabel of 3, tuned thresholds" in text
    assert "95 % interval" in text
    assert "nan" not in text
    data = json.loads(made.text("json"))
    assert set(data["values"]) == set(made.values)
    assert data["thresholds"] == {"toys": [0.25, 0.5, 0.75]}
    rows = list(csv.DictReader(io.StringIO(made.text("csv"))))
    assert len(rows) == len(made.values)
    row = next(r for r in rows if (r["metric"], r["class"]) == ("f1", "骨头"))
    assert float(row["value"]) == made.values["toys/f1/骨头"]
    assert "| toys" in made.text("md")
    assert "matthews_corr_coef" in made.text("md").split("| toys")[1].split("\n")[0]
    for name in ("a.md", "a.json", "a.csv", "a.txt"):
        made.save(tmp_path / name)
        assert (tmp_path / name).read_text("utf-8").strip()
    made.save(tmp_path / "b.txt", "json")
    assert json.loads((tmp_path / "b.txt").read_text("utf-8")) == data
    with pytest.raises(ValueError, match=r"a.html: an evaluation ends in one of"):
        made.save(tmp_path / "a.html")
    assert csv_text(["class"], [["=2+2"], [-1]], safe_cells=True) == "class\n'=2+2\n-1\n"
    with pytest.raises(ValueError, match="'xml' is not one of"):
        made.text("xml")


def test_nothing_labelled_has_no_value_and_no_warning():
    made = measure(random_predictions(10, missing=1.0), bootstrap=3)
    for name, value in made.values.items():
        counts = name.split("/")[1] in ("num_labels", "num_positive")
        assert value == 0 if counts else math.isnan(value), name
    assert "null" in made.json()
