"""What was tuned for one checkpoint is not applied to another, and that is said."""

from __future__ import annotations

import dataclasses
import logging
import shutil
from pathlib import Path

import mxmtl
from mxmtl import training
from mxmtl.evaluation import TuneOptions, evaluate, tune
from mxmtl.export import ExportOptions, export_model
from mxmtl.model import load_model
from mxmtl.reporting import report_runs
from tests.training import _small

import numpy as np
import pytest


@pytest.fixture(scope="module")
def once(records, tmp_path_factory):
    """A run of two epochs whose best checkpoint is tuned."""
    run = _small.fit(records, tmp_path_factory.mktemp("tuned") / "run", epochs=2, keep=3)
    tune(run, records, options=TuneOptions(min_labels=5))
    return run


@pytest.fixture
def run(once, tmp_path):
    """A copy of it."""
    return training.Run(shutil.copytree(once.folder, tmp_path / "run"))


def _of_another(run, tasks=None):
    """Let what was tuned be that of a checkpoint that is not the best one."""
    file = run.model
    tuned = {
        name: {**facts, "checkpoint": "model-0000"} if tasks is None or name in tasks else facts
        for name, facts in file.tuned.items()
    }
    dataclasses.replace(file, tuned=tuned).save(run.folder / "model.json")
    return file


def test_it_is_applied_to_its_own_checkpoint_without_a_word(run, caplog):
    with caplog.at_level(logging.WARNING, "mxmtl"):
        model = load_model(run)
    assert model.file == run.model
    assert model.file.thresholds
    assert model.file.temperature
    assert not caplog.text


@pytest.mark.parametrize("source", ["run", "prefix", "number"])
def test_it_is_left_aside_for_another(run, caplog, source):
    tuned = sorted(_of_another(run).tuned)
    prefix = str(run.folder / "model")
    names = {"run": run, "prefix": prefix, "number": f"{prefix}-{run.best.epoch:04d}"}
    with caplog.at_level(logging.WARNING, "mxmtl"):
        model = load_model(names[source])
    assert (model.file.thresholds, model.file.temperature, model.file.tuned) == ({}, {}, {})
    assert f"tuned for model-0000: {', '.join(tuned)}" in caplog.text
    assert "mxmtl tune" in caplog.text


def test_only_that_of_other_checkpoints_is(run):
    before = _of_another(run, ["toys"])
    model = load_model(run)
    assert set(model.file.tuned) == set(before.tuned) - {"toys"}
    assert set(model.file.thresholds) == set(before.thresholds) - {"toys"}
    assert set(model.file.temperature) == set(before.temperature) - {"toys"}


def test_what_was_chosen_by_hand_is_applied(run):
    file = training.ModelFile(run.tasks, run.model.preprocessing, {"toys": [0.4, 0.5, 0.6]})
    file.save(run.folder / "model.json")
    assert load_model(run).file.thresholds == file.thresholds


def test_evaluate_predict_and_report_agree(run, records, caplog):
    _of_another(run)
    evaluation = evaluate(run, records)
    assert (evaluation.thresholds, evaluation.temperature) == ({}, {})
    predictor = mxmtl.Predictor(run.folder)
    assert predictor.backend.file.thresholds == {}
    facts = report_runs(run, records, mistakes=0).facts["runs"][0]
    assert (facts["thresholds"], facts["temperature"]) == ({}, {})
    assert facts["metrics"] == evaluation.values
    assert "tuned for model-0000" in caplog.text


def test_an_export_takes_what_was_tuned_along(run, tmp_path):
    model = load_model(run)
    export_model(model, tmp_path / "out" / "model", ExportOptions(format="gluon"))
    again = load_model(str(tmp_path / "out" / "model"))
    assert (again.file.thresholds, again.file.temperature) == (
        model.file.thresholds,
        model.file.temperature,
    )


def test_tuning_some_tasks_keeps_what_another_checkpoint_has(run, records):
    before = _of_another(run)
    tune(run, records, options=TuneOptions(tasks=["toys"], min_labels=5))
    after = run.model
    assert after.tuned["toys"]["checkpoint"] == run.best.stem
    assert after.tuned["outdoors"]["checkpoint"] == "model-0000"
    assert after.thresholds["outdoors"] == before.thresholds["outdoors"]


def test_tuning_on_what_was_trained_on_is_said(run, records, tmp_path, caplog):
    tune(run, records, options=TuneOptions(min_labels=5))
    assert f"{records}.rec: the network was trained on these pictures" in caplog.text
    caplog.clear()
    table = str(Path(records).with_suffix(".csv"))
    options = {"images": Path(records).parent, "tasks": run.tasks, "split": "a=0.5,b=0.5"}
    mxmtl.write_records(table, prefix=tmp_path / "t", **options)
    tune(run, tmp_path / "t_a", options=TuneOptions(min_labels=5))
    assert "trained on" not in caplog.text


def test_evaluating_on_what_was_tuned_and_trained_on_is_said(run, records, caplog):
    evaluation = run.evaluate(records)
    tuned, trained = evaluation.notes
    assert tuned.startswith("Thresholds and temperatures of ")
    assert f"were tuned on {records}.rec" in tuned
    assert trained == f"{records}.rec: the network was trained on these pictures."
    assert tuned in str(evaluation)
    assert tuned in caplog.text
    assert run.tune(records, objective="youden", min_labels=5).objective == "youden"
    made = run.report(run.folder / "r.md", records, bootstrap=0)
    assert made.facts["runs"][0]["notes"][1] == trained
    assert "trained on these pictures" in (run.folder / "r.md").read_text()
    (answer,) = run.predict([np.zeros((8, 8, 3), np.uint8)])
    assert [answer[name] is not None for name in run.tasks.names] == [True] * len(run.tasks)
