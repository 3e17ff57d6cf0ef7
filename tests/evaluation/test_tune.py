"""Thresholds against brute force with scikit-learn, temperatures against SciPy."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import mxmtl
from mxmtl.evaluation import (
    Objective,
    Predictions,
    TuneOptions,
    best_threshold,
    evaluate,
    fit_temperature,
    tune,
    tune_predictions,
)
from mxmtl.training import ModelFile, Preprocessing
from tests import _cases
from tests.training import _small

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from sklearn import metrics as sklearn


@pytest.fixture(scope="module")
def run(records, tmp_path_factory):
    return _small.fit(records, tmp_path_factory.mktemp("tune") / "run", epochs=1)


def scores(objective, label, above):
    """What scikit-learn says of one decision: (score, whether the bound is kept)."""
    precision = sklearn.precision_score(label, above, zero_division=0)
    recall = sklearn.recall_score(label, above)
    if objective.name == "f1":
        return sklearn.f1_score(label, above), True
    if objective.name == "youden":
        return recall + sklearn.recall_score(~label, ~above) - 1, True
    if objective.name == "precision@recall":
        return precision, recall >= objective.level
    return recall, precision >= objective.level


OBJECTIVES = ["f1", "youden", "precision@recall=0.7", "recall@precision=0.8"]
# Few different values: many ties, and both ends.
GRID = st.sampled_from([0.0, 1e-45, 0.1, 0.25, 0.5, np.nextafter(np.float32(0.5), 1), 0.75, 1.0])


@settings(max_examples=60)
@given(
    st.sampled_from(OBJECTIVES), st.lists(st.tuples(GRID, st.booleans()), min_size=2, max_size=9)
)
def test_no_threshold_is_better(text, rows):
    objective = Objective.parse(text)
    p, label = np.float32([row[0] for row in rows]), np.array([row[1] for row in rows])
    if label.all() or not label.any():
        return
    choice = best_threshold(p, label, objective)
    tried = np.unique(np.concatenate([[0.0, 0.5, 1.0], p, np.nextafter(p, 0)]))
    found = [scores(objective, label, p > np.float32(t)) for t in tried if 0 <= t <= 1]
    kept = [score for score, keeps in found if keeps]
    if choice is None:
        assert not kept
        return
    score, keeps = scores(objective, label, p > np.float32(choice.threshold))
    assert keeps
    assert score == pytest.approx(max(kept), abs=1e-12)
    assert choice.score == pytest.approx(score, abs=1e-12)
    assert 0 <= choice.threshold <= 1
    half, keeps = scores(objective, label, p > 0.5)
    assert choice.score_at_half == pytest.approx(half) if keeps else np.isnan(choice.score_at_half)
    if keeps and half == max(kept) and objective.name == "f1":
        assert choice.threshold == 0.5


def test_of_equal_precision_the_higher_recall_is_taken():
    p, label = np.float32([0.9, 0.8, 0.7, 0.6, 0.1]), np.array([1, 1, 1, 0, 0], bool)
    choice = best_threshold(p, label, Objective.parse("precision@recall=0.3"))
    assert (p > choice.threshold).tolist() == label.tolist()
    assert choice.threshold == pytest.approx(0.65)


@pytest.mark.parametrize(
    "text", ["", "F1", "f1=1", "precision@recall", "precision@recall=0", "recall@precision=1.5",
             "recall@precision=1.2.3", "accuracy"],
)  # fmt: skip
def test_an_objective_that_is_none(text):
    with pytest.raises(ValueError, match=r"is none of f1, youden, precision@recall=R"):
        Objective.parse(text)


def likelihood(task, label, logits, temperature):
    z = logits.astype(np.float64) / temperature
    wanted = task.as_prediction(label)
    if task.kind == "class":
        log_p = z - z.max(1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(1, keepdims=True))
        return -np.nansum(wanted * log_p)
    return np.nansum(np.logaddexp(0, z) - wanted * z)


@pytest.mark.parametrize("name", ["multiclass", "multiclass_weighted", "binary", "multilabel"])
@pytest.mark.parametrize("scale", [0.2, 1.0, 30.0])
def test_the_temperature_is_that_of_scipy(name, scale):
    task, rng = _cases.TASKS[name], np.random.RandomState(1)
    label = _cases.random_label(task, 400, 0.3, rng).reshape(task.label_shape(400))
    logits = rng.normal(size=(400, task.num_outputs)) + 1.5 * np.nan_to_num(
        task.as_prediction(label)
    )
    logits = (logits * scale).astype(np.float32)
    best = minimize_scalar(
        lambda log: likelihood(task, label, logits, np.exp(log)), bounds=(-6, 6), method="bounded",
        options={"xatol": 1e-9},
    )  # fmt: skip
    assert fit_temperature(task, label, logits) == pytest.approx(np.exp(best.x), rel=1e-4)


@pytest.mark.parametrize("scale", [0.2, 1.0, 8.0])
def test_the_temperature_of_a_head_of_another_width_is_that_of_scipy(scale):
    task, predictions = _cases.TASKS["cumulative_ordinal"], made_up(400)
    label, logits = predictions.labels[task.name], predictions.logits[task.name] * scale
    classes = label[label >= 0].astype(int)

    def loss(log):
        beyond = 1 / (1 + np.exp(-logits[label >= 0].astype(float) / np.exp(log)))
        reached = np.cumprod(np.hstack([np.ones((len(classes), 1)), beyond]), axis=1)
        here = reached * np.hstack([1 - beyond, np.ones((len(classes), 1))])
        return -np.log(here[np.arange(len(classes)), classes]).sum()

    best = minimize_scalar(loss, bounds=(-4, 4), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(task, label, logits) == pytest.approx(np.exp(best.x), rel=1e-4)


def of_the_order(seed, rows, classes, scale):
    """An ordered label and the logits of being above each class, some of them wrong by far."""
    rng = np.random.RandomState(seed)
    label = rng.randint(0, classes, rows)
    at = (label - (classes - 1) / 2) * 3 + 2 * rng.normal(size=rows)
    ends = (np.arange(classes - 1) - (classes - 2) / 2) * 3
    return np.float32(label), np.float32(scale * (at[:, np.newaxis] - ends))


def loss_of_the_order(method, label, logits, temperature):
    """In logarithms throughout, so that nothing comes down to 0."""
    z = logits.astype(np.float64) / temperature
    above, below = -np.logaddexp(0, -z), -np.logaddexp(0, z)
    total = 0.0
    for y, up, down in zip(label.astype(int), above, below):
        if method == "corn":
            total -= up[:y].sum() + (down[y] if y < len(up) else 0)
        elif y == 0 or y == len(up):
            total -= down[0] if y == 0 else up[-1]
        else:  # P(> y - 1) - P(> y), which adds up to 1 where they are in order
            apart = float(logits[0, 1] - logits[0, 0]) / temperature  # the same in each row
            total -= up[y - 1] + down[y] + np.log1p(-np.exp(apart))
    return total


@pytest.mark.parametrize("method", ["corn", "coral"])
@pytest.mark.parametrize("scale", [1e-5, 0.3, 1.0, 20.0, 1e5])
@pytest.mark.parametrize("seed", range(3))
def test_the_temperature_of_few_ordered_labels_is_that_of_scipy(method, scale, seed):
    # The probability of a wrong answer comes down to 0 as the temperature falls: no slope there.
    task = mxmtl.Ordinal("size", ["S", "M", "L"], method=method)
    label, logits = of_the_order(seed, 25, 3, scale)
    middle = np.log(scale)
    best = minimize_scalar(
        lambda log: loss_of_the_order(method, label, logits, np.exp(log)),
        bounds=(middle - 4, middle + 4), method="bounded", options={"xatol": 1e-9},
    )  # fmt: skip
    assert fit_temperature(task, label, logits) == pytest.approx(np.exp(best.x), rel=1e-4)


@pytest.mark.parametrize("method", ["corn", "coral", "soft"])
def test_why_an_order_has_no_temperature_is_said(method):
    task = mxmtl.Ordinal("size", ["S", "M", "L"], method=method)
    label = np.float32([0, 2, 2, -1] * 8)
    right = np.float32([[-3, -4], [3, 1], [4, 2], [9, 9]] * 8)
    wrong = np.float32([[4, 3], [-1, -3], [1, -2], [9, 9]] * 8)
    if method == "soft":
        right, wrong = (
            np.float32([[3, 1, 0], [0, 1, 2], [-1, 0, 2], [9, 9, 9]] * 8) * sign for sign in (1, -1)
        )
    for logits, why in [
        (right, "the lower the better, all logits point the right way"),
        (wrong, "the higher the better, the logits tell no more than chance"),
        (0 * right, "the higher the better, the logits tell no more than chance"),
    ]:
        given = Predictions(
            mxmtl.TaskSet([task]), np.arange(32), {"size": label}, {"size": logits}, {}
        )
        (tuned,) = tune_predictions(given).tasks
        assert tuned.temperature is None
        assert tuned.note == f"no temperature: {why}"


def test_no_temperature_where_there_is_no_minimum():
    task = mxmtl.Binary("b")
    label = np.float32([1, 0, -1, 1])
    right = np.float32([[2], [-3], [-9], [1]])
    assert fit_temperature(task, label, right) is None
    assert fit_temperature(task, label, -right) is None
    assert fit_temperature(task, label, 0 * right) is None


def made_up(rows=200):
    tasks, rng = _cases.task_set(), np.random.RandomState(2)
    labels = {
        t.name: _cases.random_label(t, rows, 0.3, rng).reshape(t.label_shape(rows)) for t in tasks
    }
    logits = {t.name: rng.normal(size=(rows, t.num_logits)).astype(np.float32) for t in tasks}
    for task in tasks:
        wanted = np.nan_to_num(task.as_prediction(labels[task.name]))
        if task.num_logits < task.num_outputs:  # each of being above a class
            wanted = 2 * np.cumsum(wanted[:, ::-1], axis=1)[:, -2::-1] - 1
        logits[task.name] += np.float32(wanted)
        if task.thresholds_at_start:  # out of order they tell nothing
            logits[task.name] = -np.sort(-logits[task.name], axis=1)
    return Predictions(tasks, np.arange(rows), labels, logits, {})


def test_thresholds_are_chosen_on_the_calibrated_probabilities():
    predictions = made_up()
    tuning = tune_predictions(predictions)
    assert list(tuning.refused) == ["age", "height"]
    assert set(tuning.temperature) == set(predictions.tasks.names) - {"age", "height"}
    assert set(tuning.thresholds) == {"outdoors", "indoors", "toys", "tags"}
    for task in tuning.tasks:
        for index, each in enumerate(task.labels):
            z = predictions.logits[task.name][:, index].astype(np.float64) / task.temperature
            label = predictions.labels[task.name].reshape(len(predictions), -1)[:, index]
            above = 1 / (1 + np.exp(-z)) > each.threshold
            f1 = sklearn.f1_score(label[label >= 0], above[label >= 0])
            assert f1 == pytest.approx(each.after)
            assert each.after >= each.before
        assert task.cross_entropy[1] <= task.cross_entropy[0]


def test_what_has_too_few_labels_or_one_answer_is_left_alone_and_said():
    given = made_up(60)
    toys = given.labels["toys"]
    toys[:, 0], toys[5:, 1] = np.where(toys[:, 0] >= 0, 1, -1), -1
    given.labels["breed"][4:] = -1
    tuning = tune_predictions(given)
    few = int((given.labels["breed"] >= 0).sum())
    assert tuning.refused["breed"] == f"{few} labels are too few, 20 are needed (--min-labels)"
    ball, rope, bone = next(task for task in tuning.tasks if task.name == "toys").labels
    assert (ball.threshold, ball.note) == (0.5, "all are yes: 0.5 stays")
    assert (rope.threshold, rope.note) == (0.5, "too few labels: 0.5 stays")
    assert bone.note == ""
    assert "all are yes" in str(tuning)
    assert "breed: " in str(tuning)


@pytest.mark.parametrize(
    ("rows", "middle", "share", "shaky"),
    [(2000, 1.0, 0.5, False), (100, 0.5, 0.5, True), (100, 1.0, 0.1, True), (400, 1.0, 0.1, False)],
)
def test_a_threshold_that_other_records_may_not_bear_out_is_called_shaky(
    rows, middle, share, shaky
):
    """No clear gain; or few yes, however clear they are."""
    rng, task = np.random.RandomState(1), mxmtl.Binary("hat")
    label = (np.arange(rows) < share * rows).astype(np.float32)
    logits = (3 * (label - middle) + rng.normal(scale=0.8, size=rows)).astype(np.float32)
    given = Predictions(
        mxmtl.TaskSet([task]), np.arange(rows), {"hat": label}, {"hat": logits[:, None]}, {}
    )
    tuning = tune_predictions(given, TuneOptions(temperature=False))
    ((hat,),) = (each.labels for each in tuning.tasks)
    assert hat.threshold != 0.5
    assert hat.after >= hat.before
    assert hat.shaky == shaky
    assert str(tuning).count("Shaky are the thresholds of hat: ") == shaky


def test_tuning_is_kept_with_the_model_and_applied(run, records):
    before = evaluate(run, records)
    first = tune(run, records, options=TuneOptions(min_labels=10))
    file = run.model
    assert (file.temperature, file.thresholds) == (first.temperature, first.thresholds)
    told = dict(file.tuned["toys"])
    (rec,) = told.pop("files")  # by which evaluating on the same records is recognised
    assert rec["sha256"] == hashlib.sha256(Path(f"{records}.rec").read_bytes()).hexdigest()
    assert told == {"checkpoint": run.best.stem, "records": records, "objective": "f1"}
    after = evaluate(run, records)
    for task in first.tasks:
        assert after.values[f"{task.name}/cross_entropy"] == pytest.approx(task.cross_entropy[1])
        for each in task.labels:
            name = f"{task.name}/f1/{each.name}" if task.name != each.name else f"{task.name}/f1"
            if not each.note:
                assert after.values[name] == pytest.approx(each.after)
                assert before.values[name] == pytest.approx(each.before)
    options = TuneOptions("recall@precision=0.6", ["toys"], temperature=False, min_labels=10)
    tune(run, records, options=options)
    assert "toys" not in run.model.temperature
    assert run.model.thresholds["outdoors"] == first.thresholds["outdoors"]
    assert run.model.tuned["toys"]["objective"] == "recall@precision=0.6"
    tune(run, records, options=TuneOptions(thresholds=False, min_labels=10))
    assert run.model.thresholds == {}


def test_nothing_to_tune_leaves_the_model_as_it_was(run, records):
    path = run.folder / "model.json"
    before = path.read_bytes()
    with pytest.raises(ValueError, match="nothing can be tuned. breed: .* labels are too few"):
        tune(run, records, options=TuneOptions(min_labels=1000))
    with pytest.raises(ValueError, match="task 'none' is not one of"):
        tune(run, records, options=TuneOptions(tasks=["none"]))
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("thresholds", {"toys": [0.5]}, r"thresholds \[0.5\]; expected 3 in \[0, 1\]"),
        ("thresholds", {"toys": [0.5, 2, 0]}, "expected 3 in"),
        ("thresholds", {"nope": [0.5]}, "task 'nope' is not one of"),
        ("temperature", {"toys": 0}, "temperature 0; expected a task, above 0"),
        ("temperature", {"nope": 1}, "expected a task"),
        ("temperature", {"toys": "hot"}, "temperature.toys is 'hot'; expected float"),
    ],
)
def test_a_model_file_with_impossible_numbers_is_named(tmp_path, part, value, message):
    path = tmp_path / "model.json"
    ModelFile(_cases.task_set(), Preprocessing((3, 8, 8))).save(path)
    data = {**json.loads(path.read_text("utf-8")), part: value}
    path.write_text(json.dumps(data), "utf-8")
    with pytest.raises(ValueError, match=f"model.json: .*{message}"):
        ModelFile.load(path)


def test_a_model_file_of_before_there_was_tuning_is_read(tmp_path):
    path = tmp_path / "model.json"
    made = ModelFile(_cases.task_set(), Preprocessing((3, 8, 8)))
    made.save(path)
    data = json.loads(path.read_text("utf-8"))
    del data["tuned"]
    path.write_text(json.dumps(data), "utf-8")
    assert dataclasses.asdict(ModelFile.load(path)) == dataclasses.asdict(made)


def test_logits_are_adjusted_by_the_counts_of_the_training_records(run, records):
    options = TuneOptions(adjust=0.5, min_labels=1, temperature=False)
    tune(run, records, options=options, threads=1)
    model = run.model
    counts = mxmtl.class_counts(records)
    rows = np.array(list(counts["breed"].values()), float)
    offsets = -0.5 * np.log(np.maximum(rows, 0.5) / np.maximum(rows, 0.5).sum())
    np.testing.assert_allclose(model.tasks["breed"].offsets, offsets)
    no, yes = counts["outdoors"]["outdoors"]
    np.testing.assert_allclose(model.tasks["outdoors"].offsets, [-0.5 * np.log(yes / no)])
    logits = np.random.RandomState(0).normal(size=(5, 4)).astype(np.float32)
    powers = np.exp(logits + offsets)
    expected = powers / powers.sum(axis=1, keepdims=True)
    task = model.tasks["breed"]
    np.testing.assert_allclose(mxmtl.TaskSet([task]).predict([logits])[0], expected, rtol=1e-5)
    symbol = mxmtl.prediction_symbol(run.load("best")[0], model.tasks)
    assert symbol.list_outputs() == model.tasks.output_names
    mxmtl.Predictor(run.folder)(np.zeros((8, 8, 3), np.uint8))
    assert "of 4, adjusted to balanced classes" in str(evaluate(run, records, threads=1))
    tune(run, records, options=dataclasses.replace(options, adjust=0.0), threads=1)
    assert run.model.tasks["breed"].offsets is None
    assert "adjusted" not in str(evaluate(run, records, threads=1))


def test_what_is_balanced_already_is_not_adjusted(run, records):
    file = run.model
    spec = file.tasks.to_dict()
    spec["tasks"][0]["loss"] = {"type": "LogitAdjusted", "counts": [1, 1, 1, 1]}
    dataclasses.replace(file, tasks=mxmtl.TaskSet.from_dict(spec)).save(run.folder / "model.json")
    with pytest.raises(ValueError, match="'breed' was trained with LogitAdjusted"):
        tune(run, records, options=TuneOptions(adjust=1.0), threads=1)
    file.save(run.folder / "model.json")


@pytest.mark.parametrize("confidence", [0.4, 1.0, 3.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_temperature_does_not_undo_the_adjustment(seed, confidence):
    """Drawn classes of a long tail: what a network knows, said with too much or little of it."""
    rng, names = np.random.RandomState(seed), [f"c{k}" for k in range(6)]
    share = 0.5 ** np.arange(6.0) / (0.5 ** np.arange(6.0)).sum()
    centers = rng.normal(size=(6, 4)) * 1.2

    def draw(rows):
        label = rng.choice(6, rows, p=share)
        x = centers[label] + rng.normal(size=(rows, 4))
        density = -0.5 * ((x[:, np.newaxis] - centers) ** 2).sum(axis=2)
        return label, np.float32(confidence * (density + np.log(share)))

    task = mxmtl.Multiclass("kind", classes=names)
    counts = dict(zip(names, (share * 1e6).tolist()))
    label, logits = draw(4000)
    plain, balanced = (
        Predictions(
            mxmtl.TaskSet([made]), np.arange(4000), {"kind": np.float32(label)},
            {"kind": logits}, {},
        )
        for made in (task, task.adjusted(counts, 1.0))
    )  # fmt: skip
    temperature = tune_predictions(balanced).temperature["kind"]
    assert temperature == tune_predictions(plain).temperature["kind"]
    assert temperature == pytest.approx(confidence, rel=0.1)

    label, logits = draw(20000)
    warm = {"kind": temperature}
    ((as_trained,), (cold,), (found,)) = (
        mxmtl.TaskSet([each]).predict([logits], how)
        for each, how in ((task, {}), (balanced.tasks["kind"], {}), (balanced.tasks["kind"], warm))
    )
    z = logits.astype(np.float64) / temperature - np.log(share)
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    np.testing.assert_allclose(found, powers / powers.sum(axis=1, keepdims=True), atol=1e-5)

    def score(p):
        return sklearn.balanced_accuracy_score(label, p.argmax(axis=1))

    assert score(found) > max(score(cold) - 0.002, score(as_trained) + 0.02)
