"""What a report says: equal to scikit-learn's and to what evaluate says, whole, and bounded."""

from __future__ import annotations

import base64
import json
import re
import sys

import mxmtl
from mxmtl.evaluation import evaluate, predict_records
from mxmtl.model import Network
from mxmtl.reporting import gain, report_runs
from mxmtl.training import Run

import cv2
import numpy as np
import pytest
from sklearn import metrics as sk

from . import _world


@pytest.fixture(scope="module")
def predictions(world):
    run = Run(world / "first")
    return predict_records(Network.of(run), str(world / "t"), run.model.preprocessing)


def known(predictions, task):
    """Return labels and predictions where the label is known."""
    rows = predictions.labelled(task)
    label, prediction = predictions.labels[task], predictions.prediction(task)
    return (label[rows], prediction[rows] if rows.ndim == 1 else prediction)


def strict(text):
    def refuse(name):
        raise AssertionError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.fixture(scope="module")
def facts(one):
    """What the JSON holds."""
    return strict(one.json())["runs"][0]


def test_values_are_those_of_evaluate(world, facts):
    found = evaluate(world / "first", str(world / "t"), bootstrap=20)
    assert list(facts["metrics"]) == list(found.values)
    got = np.array([np.nan if v is None else v for v in facts["metrics"].values()])
    np.testing.assert_array_equal(got, list(found.values.values()))
    assert facts["intervals"]["breed/accuracy"] == list(found.intervals["breed/accuracy"])


def test_confusion_is_that_of_scikit_learn(predictions, facts):
    label, prediction = known(predictions, "breed")
    expected = sk.confusion_matrix(label, prediction.argmax(axis=1), labels=range(4))
    got = np.zeros((4, 4), int)
    for i, j, number in facts["tasks"]["breed"]["confusion"]["cells"]:
        got[i, j] = number
    np.testing.assert_array_equal(got, expected)
    rows, prediction = predictions.labelled("toys"), predictions.prediction("toys")
    for index, name in enumerate(_world.LABELS):
        cells = rows[:, index]
        expected = sk.confusion_matrix(
            predictions.labels["toys"][cells, index], prediction[cells, index] > 0.5, labels=[0, 1]
        )
        assert facts["tasks"]["toys"]["confusion"]["tables"][name] == expected.tolist()


@pytest.mark.parametrize("task", ["breed", "outdoors", "toys"])
def test_curves_lie_on_those_of_scikit_learn(predictions, facts, task):
    curves = facts["tasks"][task]["ranking"]["curves"]
    names = predictions.tasks[task].names or (task,)
    assert {curve["name"] for curve in curves} == {*names, *([""] if len(names) > 1 else [])}
    rows, scores = predictions.labelled(task), predictions.prediction(task)
    label = predictions.labels[task]
    for curve in curves:
        pairs = [
            (label[rows] == i, scores[rows, i])
            if task == "breed"
            else (label.reshape(len(scores), -1)[:, i], scores[:, i])
            for i in range(len(names))
        ]
        if task != "breed":
            mask = rows.reshape(len(scores), -1)
            pairs = [(y[mask[:, i]], p[mask[:, i]]) for i, (y, p) in enumerate(pairs)]
        if curve["name"]:
            pairs = [pairs[names.index(curve["name"])]]
        y, p = (np.concatenate(part) for part in zip(*pairs))
        assert curve["auroc"] == pytest.approx(sk.roc_auc_score(y, p))
        assert curve["average_precision"] == pytest.approx(sk.average_precision_score(y, p))
        precision, recall, _ = sk.precision_recall_curve(y, p)
        fpr, tpr, _ = sk.roc_curve(y, p, drop_intermediate=False)
        assert_on(curve["pr"], np.stack([recall, precision], axis=1))
        assert_on(curve["roc"], np.stack([fpr, tpr], axis=1))


def assert_on(points, expected):
    """Every point is one of the expected ones, and the ends are there."""
    points = np.array(points)
    distance = np.abs(points[:, None] - expected[None]).max(axis=2)
    assert distance.min(axis=1).max() < 1e-6
    assert points[:, 0].max() == 1


def test_calibration_is_that_of_a_loop_over_bins(predictions, facts):
    label, prediction = known(predictions, "breed")
    confidence = prediction.max(axis=1).astype(np.float64)
    hit = prediction.argmax(axis=1) == label
    bins = np.minimum((confidence * 15).astype(int), 14)
    found = facts["tasks"]["breed"]["calibration"]
    expected = [
        (np.sum(bins == b), confidence[bins == b].mean(), hit[bins == b].mean())
        for b in np.unique(bins)
    ]
    got = [(part["number"], part["probability"], part["true"]) for part in found["bins"]]
    np.testing.assert_allclose(got, expected, rtol=1e-6)
    error = sum(n * abs(p - t) for n, p, t in expected) / len(label)
    assert found["error"] == pytest.approx(error)
    assert found["error"] == pytest.approx(facts["metrics"]["breed/calibration_error"])


def test_the_sweep_is_scikit_learn_at_each_threshold(predictions, facts):
    label, prediction = known(predictions, "outdoors")
    sweep = facts["tasks"]["outdoors"]["sweep"]
    assert len(sweep["rows"]) == 29
    assert [sweep["rows"][i]["threshold"] for i in (0, -1)] == [0.05, 0.95]
    for row in sweep["rows"]:
        answer = prediction[:, 0] > np.float32(row["threshold"])
        assert row["f1"] == pytest.approx(sk.f1_score(label, answer, zero_division=0))
        assert row["accuracy"] == pytest.approx(sk.accuracy_score(label, answer))
        assert row["recall"] == pytest.approx(sk.recall_score(label, answer))
    assert sweep["chosen"]["f1"] == facts["metrics"]["outdoors/f1"]
    best = max(row["accuracy"] for row in sweep["rows"])
    at = [row["accuracy"] for row in sweep["rows"] if row["threshold"] == sweep["best"]["accuracy"]]
    assert at == [best]


def test_tuned_thresholds_are_applied_and_marked(world, tmp_path):
    prefix = str(world / "t")
    run = _world.fit(prefix, tmp_path / "tuned", epochs=1)
    model = run.model
    levels = {"toys": [0.3, 0.4, 0.7], "outdoors": [0.45]}
    type(model)(model.tasks, model.preprocessing, levels, {"toys": 2.0}).save(
        tmp_path / "tuned" / "model.json"
    )
    made = report_runs(tmp_path / "tuned", prefix, bootstrap=0)
    task = made.facts["runs"][0]["tasks"]["toys"]
    assert task["sweep"]["thresholds"] == dict(zip(_world.LABELS, levels["toys"]))
    values = evaluate(tmp_path / "tuned", prefix).values
    assert task["sweep"]["chosen"]["f1"] == values["toys/f1"]
    page = made.html()
    assert "Threshold of each label" in page
    assert "Upright line: the tuned threshold, 0.4500." in page


def test_mistakes_have_the_highest_loss_and_their_pictures(world, predictions, one, facts):
    label, prediction = predictions.labels["breed"], predictions.prediction("breed")
    loss = np.array([-np.log(p[int(y)]) if y >= 0 else -1 for y, p in zip(label, prediction)])
    found = facts["tasks"]["breed"]["mistakes"]
    assert [m["row"] for m in found] == np.argsort(-loss, kind="stable")[:5].tolist()
    np.testing.assert_allclose([m["loss"] for m in found], np.sort(loss)[::-1][:5], rtol=1e-5)
    row = found[0]["row"]
    assert found[0]["label"] == _world.CLASSES[int(label[row])]
    assert found[0]["prediction"] == _world.CLASSES[prediction[row].argmax()]
    head, _, data = one.pictures[0, row].partition(",")
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    stored = cv2.imread(str(world / f"{found[0]['record']}.png"))
    assert head == "data:image/png;base64"
    np.testing.assert_array_equal(pixels, stored)


def test_regression_has_its_pairs(predictions, facts):
    label, prediction = known(predictions, "age")
    order = np.argsort(label, kind="stable")
    expected = np.stack([label[order], prediction[order, 0]], axis=1)
    np.testing.assert_allclose(facts["tasks"]["age"]["errors"]["pairs"], expected, rtol=1e-6)


def test_data_is_counted(predictions, facts):
    counts = facts["evaluated"]["tasks"]["breed"]["counts"]
    label, _ = known(predictions, "breed")
    assert list(counts.values()) == np.bincount(label.astype(int), minlength=4).tolist()
    assert facts["evaluated"]["tasks"]["never"]["missing"] == _world.ROWS
    train, evaluated = dict(facts["train"]["tasks"]), dict(facts["evaluated"]["tasks"])
    assert train.pop("never")["labelled"] == _world.ROWS  # it had labels to learn from
    del evaluated["never"]
    assert train == evaluated


def test_the_network_is_counted(world, facts):
    _, args, auxs = Run(world / "first").load("best")
    total = sum(array.size for array in (*args.values(), *auxs.values()))
    network = facts["network"]
    assert network["parameters"] == total
    assert [head["outputs"] for head in network["heads"]] == [4, 1, 3, 1, 1]
    assert network["heads"][0]["parameters"] == args["breed_weight"].size + 4
    assert [stage["shape"] for stage in network["stages"]] == [[6, 6, 6], [12]]
    assert sum(stage["parameters"] for stage in network["stages"]) == network["trunk_parameters"]


def test_settings_and_history_are_the_runs(world, facts):
    run = Run(world / "first")
    assert facts["settings"] == run.settings.to_dict()
    assert [entry["epoch"] for entry in facts["history"]] == [1, 2]
    assert facts["history"][0]["val"].keys() == run.history[0]["val"].keys()
    assert facts["checkpoint"] == run.best.stem


def test_the_page_shows_the_same_numbers(page, facts):
    rows = {row[0]: row for row in _world.OneTable(page, "By class", 'id="task-1"').rows}
    for name in _world.CLASSES:
        value = facts["metrics"][f"breed/f1/{name}"]
        assert rows[name][4] == (f"{value:.4f}" if value else "-" if value is None else "0.0000")
    matrix = _world.OneTable(page, "Rows are labels, columns are predictions").rows
    counts = {(i, j): n for i, j, n in facts["tasks"]["breed"]["confusion"]["cells"]}
    expected = [[str(counts.get((i, j), 0)) for j in range(4)] for i in range(4)]
    assert [row[1:] for row in matrix[1:]] == expected
    assert [row[0] for row in matrix[1:]] == _world.CLASSES


def test_terms_are_explained_and_no_cell_is_empty(one, page):
    rows = dict(_world.OneTable(page, "What the metrics mean", 'id="glossary"').rows[1:])
    assert rows["F1"] == "Harmonic mean of precision and recall."
    for term in ("relative loss", "task loss", "exact match", "worst ...", "... by labels"):
        assert rows[term]
    assert "the training labels" in rows["relative loss"]
    assert "these labels" in rows["baseline RMSE"]
    assert "auroc" not in rows
    assert not any(name.startswith(("worst F1", "labels by")) for name in rows)
    assert "Harmonic mean of precision and recall." in one.markdown()
    best = Run(one.facts["runs"][0]["folder"]).best.epoch
    (epochs,) = re.findall(r">(\d+) \(best\)</th>", page)
    assert int(epochs) == best
    assert not re.findall(r"<t[dh][^>]*></t[dh]>", page)


def test_a_gain_is_clear_only_beyond_the_interval():
    assert [gain(ends, 0.5, True) for ends in ((0.6, 0.7), (0.4, 0.6), (0.1, 0.2))] == [1, 0, -1]
    assert [gain(ends, 0.5, False) for ends in ((0.6, 0.7), (0.4, 0.6), (0.1, 0.2))] == [-1, 0, 1]
    assert gain((0.5, 0.5), 0.5, True) == 0
    assert gain((float("nan"), float("nan")), 0.5, True) == 0


def test_side_by_side_marks_what_is_clearly_better(both, pages):
    """A star stands only where 0 is outside of the interval of the difference."""
    rows = _world.OneTable(pages, "Side by side").rows
    runs = both.facts["runs"]
    assert rows[0][2:] == ["first", "second", "difference"]
    wanted = [run["metrics"]["age/rmse"] for run in runs]
    (row,) = [row for row in rows if row[:2] == ["age", "RMSE"]]
    assert row[2:4] == [f"{value:.4f}" for value in wanted]
    apart, low, high = runs[1]["differences"]["age/rmse"]
    assert apart == pytest.approx(wanted[1] - wanted[0])
    assert low <= apart <= high
    assert row[4] == f"{apart:+.4f} ({low:.4f} to {high:.4f})"
    clear = low > 0 or high < 0
    best = min(range(2), key=wanted.__getitem__)
    assert ["age/rmse" in run["best_at"] for run in runs] == [clear and i == best for i in range(2)]
    stars = sum(name in run["best_at"] for run in runs for name in _defaults(run))
    assert len(re.findall(r'<td class="number best"', pages)) == stars
    assert both.markdown().count("**") - 2 * pages_titles(both.markdown()) == 2 * stars


def test_means_over_tasks_of_runs_that_weigh_them_differently_are_taken_alike(world, tmp_path):
    weights = {"age": 30, "breed": 0}
    easy = _world.fit(str(world / "t"), tmp_path / "easy", epochs=1, task_weight=weights)
    made = report_runs([world / "first", easy], world / "t", mistakes=0, bootstrap=20)
    for run in made.facts["runs"]:
        for metric in ("relative_loss", "task_loss", "f1"):
            parts = [run["metrics"].get(f"{task}/{metric}", np.nan) for task in run["tasks"]]
            assert run["metrics"][f"all_tasks/{metric}"] == pytest.approx(np.nanmean(parts))
        for entry in run["history"]:
            shown = entry["val"]
            parts = [shown.get(f"{task}/relative_loss") for task in run["tasks"]]
            known_ = [part for part in parts if part is not None]
            assert shown["all_tasks/relative_loss"] == pytest.approx(np.mean(known_))
    apart = made.facts["runs"][1]["differences"]["all_tasks/relative_loss"]
    values = [run["metrics"]["all_tasks/relative_loss"] for run in made.facts["runs"]]
    assert apart[0] == pytest.approx(values[1] - values[0])
    assert apart[1] <= apart[0] <= apart[2]
    for text in (made.html(), made.markdown()):
        assert text.count("each task counts alike") == 1
    alone = report_runs(easy, world / "t", mistakes=0, bootstrap=0)
    assert "counts alike" not in alone.markdown()
    own = alone.facts["runs"][0]["metrics"]["all_tasks/relative_loss"]
    assert own != pytest.approx(values[1])


def _defaults(run):
    names = [f"{t}/{m}" for t, task in run["tasks"].items() for m in task["default_metrics"]]
    return [*names, *(name for name in run["metrics"] if name.startswith("all_tasks/"))]


def pages_titles(text):
    """Count the titles of tables, which are bold, too."""
    return len(re.findall(r"^\*\*.*\*\*$", text, re.MULTILINE))


def test_two_runs_begin_with_a_headline_and_their_tables_are_folded(both, pages):
    cards = pages[pages.index('<div class="cards">') : pages.index('id="learning"')]
    for run in both.facts["runs"]:
        value = run["metrics"]["breed/accuracy"]
        low, high = run["intervals"]["breed/accuracy"]
        assert f'<span class="big">{value:.4f}</span>' in cards
        assert f"{low:.4f} to {high:.4f}" in cards
    assert f"baseline {both.facts['runs'][0]['metrics']['breed/baseline_accuracy']:.4f}" in cards
    assert "Settings that differ" in cards
    assert not re.search(r"<details[^>]* open", pages)
    assert pages.count('<figure class="network">') == 1  # both have the same


def test_a_task_without_labels_is_shown_as_such(one, page, facts):
    assert facts["tasks"]["never"] == {
        "type": "Binary",
        "names": [],
        "default_metrics": list(mxmtl.Binary("never").default_metrics),
        "labelled": 0,
        "records": _world.ROWS,
        "mistakes": [],
    }
    assert facts["metrics"]["never/accuracy"] is None
    for text in (page, one.markdown()):
        assert text.count("No label of this task is known in these records") == 1


def test_names_are_escaped_wherever_they_stand(both, pages):
    page, markdown = pages, both.markdown()
    assert _world.SCRIPT not in page
    assert "<img src=x" not in page
    assert page.count("<script>") == 1
    assert "&lt;script&gt;window.hacked = 1&lt;/script&gt;" in page
    assert "$a_b$ | {{ 7 * 7 }}" in page
    assert "<script>" not in markdown.replace("\\<script\\>", "")
    for line in markdown.splitlines():
        if "7 \\* 7" in line and line.startswith("|"):
            assert "\\|" in line


def test_the_same_runs_make_the_same_bytes(world, one, page):
    again = report_runs(world / "first", world / "t", mistakes=5, bootstrap=20)
    assert again.json() == one.json()
    assert again.html() == page


def test_ids_in_the_page_are_unique_and_links_lead_somewhere(pages):
    ids = re.findall(r'\bid="([^"]*)"', pages)
    links = set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', pages))
    links = {name for pair in links for name in pair if name}
    assert len(set(ids)) == len(ids)
    assert links <= set(ids)


def test_many_classes_and_labels_stay_readable(tmp_path):
    prefix = _world.write(tmp_path, _world.wide_tasks())
    _world.fit(prefix, tmp_path / "wide", epochs=1)
    made = report_runs(tmp_path / "wide", prefix, bootstrap=0)
    page = made.html()
    assert len(page) < 1_500_000
    assert page.count("<svg") < 60
    for text in (page, made.markdown()):
        assert "976 of 1,000 left out" in text
        assert "176 of 200 left out" in text
    assert "986 classes with fewer mistakes are left out" in page
    task = strict(made.json())["runs"][0]["tasks"]["tags"]
    assert len(task["confusion"]["tables"]) == 200
    assert len(task["ranking"]["curves"]) == 7


def test_records_that_are_gone_are_said(world, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    prefix = _world.write(folder, _world.tasks())
    run = _world.fit(prefix, tmp_path / "run", epochs=1)
    for path in folder.iterdir():
        path.unlink()
    made = report_runs(run, world / "t", bootstrap=0)
    assert "These records cannot be read any more" in made.html()
    assert "training: labelled" not in made.markdown()


def test_damaged_records_are_left_out_if_asked(world, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    prefix = _world.write(folder, _world.tasks())
    data = bytearray((folder / "t.rec").read_bytes())
    data[600] ^= 1
    (folder / "t.rec").write_bytes(data)
    made = report_runs(world / "first", prefix, bootstrap=0, mistakes=50, on_error="skip")
    run = made.facts["runs"][0]
    assert run["skipped"] == 1
    assert run["evaluated"]["records"] == _world.ROWS - 1
    for mistake in run["tasks"]["breed"]["mistakes"]:
        data = made.pictures[0, mistake["row"]].partition(",")[2]
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        stored = cv2.imread(str(folder / f"{mistake['record']}.png"))
        np.testing.assert_array_equal(pixels, stored)


def test_a_notebook_shows_a_report_in_a_line(one, world):
    assert repr(one) == f"RunReport(runs=['first'], records=['{world / 't'}'])"


def test_files_are_whole_and_not_overwritten(one, tmp_path, monkeypatch):
    for name in ("r.html", "r.md", "r.json"):
        one.save(tmp_path / name)
        with pytest.raises(FileExistsError, match="--force"):
            one.save(tmp_path / name)
    one.save(tmp_path / "r.md", force=True)
    assert strict((tmp_path / "r.json").read_text("utf-8")) == strict(one.json())
    assert (tmp_path / "r.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(ValueError, match="ends in one of"):
        one.save(tmp_path / "r.pdf")
    one.save(tmp_path / "r.pdf", form="md")

    def fail(*_):
        raise OSError(28, "No space left on device")

    before = sorted(path.name for path in tmp_path.iterdir())
    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="No space left on device.*new.md"):
        one.save(tmp_path / "new.md")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("module", ["jinja2", "matplotlib"])
def test_what_is_not_installed_is_named(one, tmp_path, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'pip install "mxmtl\[report\]"'):
        one.save(tmp_path / "r.html")
    one.save(tmp_path / "r.md")


def test_runs_that_make_no_report_are_named(world, tmp_path):
    with pytest.raises(ValueError, match="expected a run"):
        report_runs([])
    with pytest.raises(FileNotFoundError, match="no run, and none in it"):
        report_runs(tmp_path)
    prefix = _world.write(tmp_path, mxmtl.TaskSet([mxmtl.Binary("other")]))
    with pytest.raises(ValueError, match="written for other tasks"):
        report_runs(world / "first", prefix)
