"""Records that moved, runs that are finished, heads of another run, and weights of tasks."""

from __future__ import annotations

import json
import logging
import os
import shutil

import mxmtl
from mxmtl import training
from mxmtl.cli import main
from tests.training import _small

import numpy as np
import pytest

SHORT = {"epochs": 2, "lr": 0.02, "data_shape": (3, 16, 16)}


def _move(records, folder):
    folder.mkdir(exist_ok=True)
    for ending in (".rec", ".idx", ".tasks.json", ".manifest.json"):
        shutil.copy(records + ending, folder / f"t{ending}")
    return str(folder / "t")


def _fit(prefix, run, **changes):
    options = {**_small.OPTIONS, **SHORT, **changes}
    return mxmtl.fit(prefix, prefix, run=run, trunk="small", **options)


@pytest.fixture(scope="module")
def finished(records, tmp_path_factory):
    """A run of two epochs on records of its own, both of which may be copied."""
    folder = tmp_path_factory.mktemp("finished")
    return _fit(_move(records, folder / "data"), folder / "run").folder


@pytest.fixture
def copy(finished, tmp_path):
    shutil.copytree(finished.parent, tmp_path / "copy")
    return tmp_path / "copy" / "run"


def test_from_any_folder_and_with_the_run_moved_beside_its_records(records, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    _move(records, tmp_path / "here" / "data")
    monkeypatch.chdir(tmp_path / "here")
    _fit("data/t", "run", minutes=1e-6)
    assert training.Run("run").records == ("data/t", "data/t")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["train", "--resume", str(tmp_path / "here" / "run")]) == 0
    os.rename(tmp_path / "here", tmp_path / "moved")
    done = training.resume(tmp_path / "moved" / "run", minutes=0)
    assert done.last.epoch == 2


def test_records_that_were_moved_are_checked_by_their_content(copy, records, tmp_path, capsys):
    """The manifest may say what it likes: the file is read."""
    moved = _move(records, tmp_path / "moved")
    shutil.rmtree(copy.parent / "data")
    settings = copy / "settings.json"
    data = json.loads(settings.read_text())
    data["settings"]["epochs"] = 3  # as if it had been stopped
    data.update(folder="", train="gone/t", val="gone/t")
    settings.write_text(json.dumps(data))
    assert main(["train", moved, "--val", moved, "--resume", str(copy)]) == 0
    assert training.Run(copy).records == (moved, moved)
    assert training.Run(copy).last.epoch == 3
    other = _move(records, tmp_path / "other")
    content = bytearray((tmp_path / "other" / "t.rec").read_bytes())
    content[-1] ^= 1
    (tmp_path / "other" / "t.rec").write_bytes(content)
    assert main(["train", other, "--val", other, "--resume", str(copy)]) == 1
    assert "not the records that the run began with: SHA-256" in capsys.readouterr().err


def test_a_finished_run_trains_on_as_a_new_part_with_its_own_schedule(copy):
    before = training.Run(copy).history
    done = training.resume(copy, epochs=4, lr=0.01, schedule="constant", warmup=0)
    assert [entry["epoch"] for entry in done.history] == [1, 2, 3, 4]
    assert done.history[:2] == before
    assert [entry["lr"] for entry in done.history[2:]] == [0.01, 0.01]
    settings = done.settings
    assert (settings.epochs, settings.begin, settings.lr) == (4, 2, 0.01)
    parts = json.loads((copy / "settings.json").read_text())["parts"]
    assert [(part["end"], part["settings"]["lr"]) for part in parts] == [(2, 0.02)]


def test_a_new_part_that_was_stopped_goes_on_byte_for_byte(copy, tmp_path):
    shutil.copytree(copy.parent, tmp_path / "again")
    whole = training.resume(copy, epochs=4)
    crash = [_small.Crash(3, 2)]
    with pytest.raises(_small.PowerCutError):
        training.resume(tmp_path / "again" / "run", epochs=4, save_batches=1, callbacks=crash)
    resumed = training.resume(tmp_path / "again" / "run")
    assert _small.weights(resumed) == _small.weights(whole)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 2}, "would make it another run"),
        ({"lr": 0.1}, r"would make it another run.*With epochs over 2"),
        ({"epochs": 4, "batch_size": 4}, r"\['batch_size'\] would make it another run"),
    ],
)
def test_what_a_new_part_cannot_change(finished, changes, message):
    with pytest.raises(ValueError, match=message):
        training.resume(finished, **changes)


def test_an_unfinished_run_is_ended_first(copy):
    data = json.loads((copy / "settings.json").read_text())
    data["settings"]["epochs"] = 5
    (copy / "settings.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match="2 of 5 epochs are finished"):
        training.resume(copy, epochs=8)


def test_weights_of_a_run_bring_the_heads_of_tasks_that_are_the_same(
    finished, records, tmp_path, caplog
):
    tasks = _small.tasks()
    spec = json.loads((finished / "model.json").read_text())["tasks"]
    assert [task["name"] for task in spec["tasks"]] == tasks.names
    changed = tmp_path / "other.tasks.json"
    spec["tasks"] = [{**task, "weight": 0.5} for task in spec["tasks"]]
    changed.write_text(json.dumps(spec))
    for source in (finished, training.Run(finished).best.path(".params")):
        with caplog.at_level(logging.INFO, logger="mxmtl"):
            run = _fit(
                records, tmp_path / "new", weights=str(source), tasks=str(changed), lr=0.0,
                epochs=1, schedule="constant", wd=0.0, force=True,
            )  # fmt: skip
        assert f"heads taken from {training.Run(finished).best.path('.params')}" in caplog.text
        _, old, _ = training.Run(finished).load("best")
        _, new, _ = run.load("last")
        for name in old:
            np.testing.assert_array_equal(old[name].asnumpy(), new[name].asnumpy(), name)
        assert [task.weight for task in run.tasks] == [0.5] * len(tasks)


def test_weights_of_tasks_are_in_the_model_the_settings_and_the_table_of_runs(
    records, finished, tmp_path, capsys
):
    line = f"train {records} --run {tmp_path}/r --data-shape 3,16,16 --epochs 1 --batch-size 8"
    first, second = _small.tasks().names[:2]
    weights = ["--task-weight", f"{first}=0.25", "--task-weight", f"{second}=3"]
    assert main([*line.split(), *weights]) == 0
    run = training.Run(tmp_path / "r")
    assert [task.weight for task in run.tasks][:2] == [0.25, 3.0]
    assert run.settings.task_weight == {first: 0.25, second: 3}
    capsys.readouterr()
    assert main(["runs", str(tmp_path), str(finished)]) == 0
    head, _, one, two, note = capsys.readouterr().out.splitlines()
    assert head.split()[:6] == ["run", "finished", "best", "value", "monitor", "task_weight"]
    assert f"{first}=0.25, {second}=3" in one
    assert "1 of 1" in one
    assert "2 of 2" in two
    assert "validated on different records" in note  # the first on none
    assert main([*line.split(), "--force", "--task-weight", "nobody=2"]) == 1
    assert "task_weight: 'nobody' is none; expected one of" in capsys.readouterr().err
    assert main(["runs", str(tmp_path / "r" / "none")]) == 1
    assert "no run, and none in it" in capsys.readouterr().err


def test_runs_with_other_weights_are_listed_by_the_same_mean(records, tmp_path, capsys):
    names = _small.tasks().names
    plain = _fit(records, tmp_path / "plain", epochs=1)
    without = _fit(records, tmp_path / "without", epochs=1, task_weight={names[0]: 0})
    worst = {"epochs": 1, "monitor": "all_tasks/balanced_accuracy", "task_weight": {names[0]: 0}}
    _fit(records, tmp_path / "unknown", **worst)
    assert main(["runs", str(tmp_path)]) == 0
    *_, one, unknown, two, note = capsys.readouterr().out.splitlines()
    assert note == training.ALIKE
    for run, line in ((plain, one), (without, two)):
        val = run.history[-1]["val"]
        mean = np.mean([val[f"{name}/relative_loss"] for name in names])
        assert f"{mean:.4f}" in line
    assert f"{without.history[-1]['val']['all_tasks/relative_loss']:.4f}" not in two
    assert unknown.split()[5] == "-"
    assert main(["runs", str(tmp_path / "without")]) == 0
    assert f"{without.history[-1]['val']['all_tasks/relative_loss']:.4f}" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["file", "path", "set", "list", "proposal", "mapping"])
def test_what_is_declared_over_the_same_labels_is_what_is_trained(records, tmp_path, given):
    losses, (breed, outdoors, toys, age) = mxmtl.losses, _small.tasks()
    declared = [
        mxmtl.Interval(age.name),
        mxmtl.Ordinal(breed.name, breed.classes),
        mxmtl.Binary(outdoors.name, weight=2.0, missing_as=losses.Negative()),
        mxmtl.Multilabel(toys.name, toys.labels, loss=losses.Asymmetric(gamma_neg=2)),
    ]
    path, tasks = tmp_path / "d.tasks.json", mxmtl.TaskSet(declared)
    tasks.save(path)
    forms = {
        "file": str(path), "path": path, "set": tasks, "list": declared,
        "proposal": mxmtl.data.tables.Inference(tasks, 1, {}, {}), "mapping": tasks.to_dict(),
    }  # fmt: skip
    run = _fit(records, tmp_path / "r", tasks=forms[given], epochs=1)
    assert run.tasks.names == _small.tasks().names  # in the order in which labels stand
    assert [type(task) for task in run.tasks] == [type(declared[n]) for n in (1, 2, 3, 0)]
    assert run.tasks["outdoors"].weight == 2
    assert run.tasks["toys"].loss.gamma_neg == 2
    assert run.tasks["outdoors"].missing_as == losses.Negative()
    assert run.tasks["age"].scale > 0  # learned from these labels
    known = {"breed/quadratic_kappa", "age/interval_width"}
    assert known <= run.evaluate(records).values.keys()
    assert len(training.resume(run.folder, epochs=2).history) == 2


def test_declarations_that_the_labels_do_not_fit_are_refused(records, tmp_path):
    tasks = {task.name: task for task in _small.tasks()}
    tasks["age"] = mxmtl.Count("age")  # some are negative
    mxmtl.TaskSet(tasks.values()).save(tmp_path / "n.tasks.json")
    with pytest.raises(
        ValueError, match=r"n.tasks.json: .*record 1: -\d.* is no label of task 'age'"
    ):
        _fit(records, tmp_path / "r", tasks=str(tmp_path / "n.tasks.json"))
    assert not (tmp_path / "r").exists()


def test_declarations_of_other_columns_are_refused(records, tmp_path):
    mxmtl.TaskSet([mxmtl.Binary("nobody")]).save(tmp_path / "n.tasks.json")
    with pytest.raises(ValueError, match="written for other tasks"):
        _fit(records, tmp_path / "r", tasks=str(tmp_path / "n.tasks.json"))
    assert not (tmp_path / "r").exists()


def test_validation_on_the_training_records_is_said_once(records, tmp_path, caplog):
    mine, other = (_move(records, tmp_path / name) for name in ("nameless", "same bytes"))
    for val in (mine, other):
        caplog.clear()
        mxmtl.fit(
            mine, val, run=tmp_path / "r", force=True, **{**_small.OPTIONS, **SHORT, "epochs": 1}
        )  # fmt: skip
        said = [r.getMessage() for r in caplog.records if "validation is on what" in r.getMessage()]
        assert [text.partition(": ")[0] for text in said] == [f"{val}.rec"]
