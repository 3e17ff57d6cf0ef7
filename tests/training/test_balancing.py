"""Balanced tasks in a run: what a method remembers is resumed to the bit, and the log tells."""

import json
import re

import mxmtl
from mxmtl import evaluation, export, training
from mxmtl.cli import main
from tests.training import _small

import numpy as np
import pytest

# One that is trained, one with a state by batches, one by epochs, one that looks again, one by
# chance, and one with momentum.
METHODS = ["uncertainty", "gradvac", "gradnorm", "famo", "random", "imtl_g(momentum=0.9)"]


@pytest.mark.parametrize("method", METHODS)
def test_a_crash_costs_no_bit(records, tmp_path, method):
    options = {"balance": method, "optimizer": "adam", "lr": 0.01}
    whole = _small.fit(records, tmp_path / "whole", **options)
    with pytest.raises(_small.PowerCutError):
        _small.fit(
            records, tmp_path / "cut", save_batches=2, callbacks=[_small.Crash(1, 3)], **options
        )
    assert _small.weights(training.resume(tmp_path / "cut")) == _small.weights(whole)


def test_the_history_tells_what_a_method_did(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", balance="upgrad", logs=("csv", "jsonl"))
    tasks = run.tasks.names
    told = run.history[-1]["balance"]
    weights = [told[f"weight/{name}"] for name in tasks]
    assert all(weight > 0 for weight in weights)
    assert {f"gradient/{name}" for name in tasks} <= set(told)
    cosines = [value for name, value in told.items() if name.startswith("cosine/")]
    assert len(cosines) == len(tasks) * (len(tasks) - 1) // 2
    assert all(-1 <= value <= 1 for value in cosines)
    assert f"balance/weight/{tasks[0]}" in (tmp_path / "run/log.csv").read_text().splitlines()[0]
    lines = (tmp_path / "run/log.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["balance"].keys() == told.keys()


def test_a_model_knows_nothing_of_how_its_tasks_were_balanced(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", balance="uncertainty")
    symbol = (tmp_path / "run/model-symbol.json").read_text()
    assert "balance" not in symbol
    image = np.full((8, 8, 3), 127, np.uint8)
    answers = mxmtl.Predictor(tmp_path / "run")([image])[0]
    assert set(answers.answers) == set(run.tasks.names)


@pytest.mark.parametrize("method", ["upgrad", "gradnorm"])
def test_frozen_epochs_come_first(records, tmp_path, method):
    run = _small.fit(records, tmp_path / "run", balance=method, frozen_epochs=1, epochs=1)
    frozen, whole = (entry["balance"] for entry in run.history)
    assert whole
    # With the features given, there is no gradient of the trunk that could be weighed.
    assert bool(frozen) == (method == "gradnorm")


def test_two_devices_take_the_mean_of_what_each_found(records, tmp_path, monkeypatch):
    from mxmtl.training import _session

    import mxnet as mx

    monkeypatch.setattr(_session, "devices", lambda _: [mx.cpu(0), mx.cpu(1)])
    run = _small.fit(records, tmp_path / "run", balance="gradvac", epochs=1)
    state = run.last.params()[0]["balance_state"].asnumpy()
    assert state.shape == (len(run.tasks), len(run.tasks))
    assert np.isfinite(state).all()
    assert state.any()


def test_a_wrong_method_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'uncertainty'"):
        mxmtl.fit(tmp_path / "none", balance="uncertanty", run=tmp_path / "run")


def test_hidden_heads_are_trained_frozen_and_predicted_with(records, tmp_path):
    options = {"heads": "hidden(units=6, dropout=0.2)", "trunk": "small", "network": None}
    options |= {"data_shape": (3, 16, 16), "frozen_epochs": 1, "epochs": 1, "balance": "log"}
    run = _small.fit(records, tmp_path / "run", **options)
    args = run.last.params()[0]
    assert {"breed_hidden0_weight", "breed_weight"} <= set(args)
    again = _small.fit(records, tmp_path / "again", **{**options, "cache": False})
    assert set(again.last.params()[0]) == set(args)
    answers = mxmtl.Predictor(tmp_path / "run")([np.full((16, 16, 3), 99, np.uint8)])[0]
    assert set(answers.answers) == set(run.tasks.names)


@pytest.mark.parametrize("heads", ["mmoe(number=2, units=8)", "queries(units=8)"])
def test_other_heads_are_trained_frozen_exported_and_begun_from(records, tmp_path, heads):
    options = {"heads": heads, "trunk": "small", "network": None, "balance": "upgrad"}
    options |= {"data_shape": (3, 16, 16), "frozen_epochs": 1, "epochs": 1}
    run = _small.fit(records, tmp_path / "run", **options)
    model = mxmtl.model.load_model(tmp_path / "run")
    exported = export.export_model(model, str(tmp_path / "model.onnx"))
    assert exported.difference < 1e-5
    in_8_bits = export.quantize(model, records).predicting()
    assert in_8_bits.list_outputs() == model.predicting().list_outputs()
    own = [name for name in run.last.params()[0] if name.startswith(("breed", "experts"))]
    assert len(own) > 4
    again = _small.fit(records, tmp_path / "again", **options, weights=str(tmp_path / "run"), lr=0)
    for name in own:
        np.testing.assert_array_equal(
            again.last.params()[0][name].asnumpy(), run.best.params()[0][name].asnumpy()
        )


def test_what_is_gained_against_single_tasks(records, tmp_path, caplog):
    """Each task alone has the others' weights at 0; delta m is the mean of relative changes."""
    caplog.set_level("INFO", logger="mxmtl")
    arguments = [records, "--val", records, "--run", str(tmp_path / "run"), "--single-tasks"]
    arguments += ["--trunk", "small", "--data-shape", "3,16,16", "--epochs", "1", "--lr", "0.01"]
    assert main(["train", *arguments, "--batch-size", "8", "--balance", "upgrad"]) == 0
    assert "100 %" not in caplog.text  # of a task that is alone, that is no doubt
    told = caplog.messages
    assert len(set(told)) == len(told)  # what one training has said, no other says again
    alone = told.index("task 'breed' alone, 1 of 4")
    epoch = next(line for line in told[alone:] if line.startswith("epoch 1/1 "))
    assert set(re.findall(r"(\w+)/", epoch.replace("images/s", ""))) == {"1", "breed"}
    assert not {"age", "toys"} & set(re.findall(r"\w+", epoch))
    out = str(tmp_path / "evaluation.json")
    command = ["evaluate", str(tmp_path / "run"), records, "--single-tasks", "--bootstrap", "0"]
    assert main([*command, "-o", out]) == 0
    values = json.loads((tmp_path / "evaluation.json").read_text())["values"]
    names = [task.name for task in _small.tasks()]
    gains = [values[f"{name}/gain"] for name in names]
    assert values["all_tasks/delta_m"] == pytest.approx(
        np.mean([g for g in gains if g is not None])
    )
    alone = evaluation.evaluate(tmp_path / "run" / "single_tasks" / "breed", records).values
    now, before = values["breed/accuracy"], alone["breed/accuracy"]
    assert values["breed/gain"] == pytest.approx((now - before) / before)
    command = ["report", str(tmp_path / "run"), "--records", records, "--single-tasks"]
    rows = tmp_path / "report.md"
    assert main([*command, "--mistakes", "0", "--bootstrap", "0", "-o", str(rows)]) == 0
    gained = dict(re.findall(r"^\| (\S.*?) +\| +([+-][\d.]+)% \|$", rows.read_text("utf-8"), re.M))
    assert gained.pop("all tasks (delta m)") == f"{100 * values['all_tasks/delta_m']:+.1f}"
    assert gained == {
        name: f"{100 * gain:+.1f}" for name, gain in zip(names, gains) if gain is not None
    }
    with pytest.raises(FileNotFoundError, match="single-tasks makes one of each task"):
        evaluation.single_task_runs(tmp_path / "run" / "single_tasks" / "breed", ["age"])
