"""Records that are not those of the training are refused before anything is trained."""

from __future__ import annotations

import json
import os
import shutil

import mxmtl
from mxmtl import training
from tests.training import _small

import cv2
import numpy as np
import pytest


def _copy(records, prefix):
    for ending in (".rec", ".idx", ".tasks.json", ".manifest.json"):
        if os.path.exists(records + ending):
            shutil.copy(records + ending, str(prefix) + ending)
    return str(prefix)


def _turn_classes(prefix):
    """Say that the labels of some records mean the same classes in another order."""
    path = prefix + ".tasks.json"
    with open(path, encoding="utf-8") as stream:
        data = json.load(stream)
    data["tasks"][0]["classes"].reverse()
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(data, stream)


def _contents(folder):
    return {p.name: p.read_bytes() for p in sorted(folder.iterdir())}


@pytest.fixture
def mine(records, tmp_path):
    """Prefix of records of our own, which may be changed."""
    return _copy(records, tmp_path / "mine")


def _fit(prefix, val, run, **changes):
    options = {**_small.OPTIONS, "network": _small.network(), "epochs": 1, **changes}
    return mxmtl.fit(prefix, val, run=run, **options)


def test_validation_records_of_other_classes_are_refused_at_the_start(records, tmp_path, mine):
    _turn_classes(mine)
    with pytest.raises(ValueError, match=r"mine\.rec: written for other tasks\. The network has"):
        _fit(records, mine, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_records_that_lack_a_task_are_refused_at_the_start(records, tmp_path):
    names = ["breed"]
    tasks = mxmtl.TaskSet([_small.tasks()[name] for name in names])
    cv2.imwrite(str(tmp_path / "0.png"), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "t.csv").write_text("path,breed\n0.png,\n", "utf-8")
    few = str(tmp_path / "few")
    mxmtl.write_records(tmp_path / "t.csv", images=tmp_path, prefix=few, tasks=tasks)
    with pytest.raises(ValueError, match=r"few\.rec: written for other tasks"):
        _fit(records, few, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("tasks", "told"),
    [
        (["breed", "outdoors", "toys"], "age: in {one} alone, Regression"),
        (["outdoors", "breed", "toys", "age"], "the order is breed, outdoors, toys, age in {one}"),
        ({"classes": ["a", "b"]}, r"breed: classes \('.*\) in {one}, and \('a', 'b'\) in {other}"),
        ({"type": "Ordinal"}, "breed: type Multiclass in {one}, and Ordinal in {other}"),
        ([f"x{k}" for k in range(12)], "and 8 more"),
    ],
)  # fmt: skip
def test_sets_of_other_tasks_are_told_apart_with_the_way_on(records, tmp_path, mine, tasks, told):
    spec = _small.tasks().to_dict()
    by_name = {task["name"]: task for task in spec["tasks"]}
    if isinstance(tasks, dict):
        spec["tasks"][0].update(tasks)
    else:
        spec["tasks"] = [by_name.get(n, {"type": "Binary", "name": n}) for n in tasks]
    mxmtl.TaskSet.from_dict(spec).save(mine + ".tasks.json")
    told = told.format(one=records, other=mine)
    with pytest.raises(ValueError, match=rf"other tasks:\n(.*\n)*.*{told}(.*\n)*Convert both") as e:
        _fit([records, mine], records, tmp_path / "run")
    assert len(str(e.value).splitlines()) <= 11
    assert not (tmp_path / "run").exists()


def test_what_tasks_weigh_may_differ_in_validation(records, tmp_path, mine):
    path = mine + ".tasks.json"
    with open(path, encoding="utf-8") as stream:
        data = json.load(stream)
    data["tasks"][0]["weight"] = 0.5
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(data, stream)
    assert _fit(records, mine, tmp_path / "run", frozen_epochs=1).last.epoch == 2


@pytest.fixture
def begun(mine, tmp_path):
    """Prefix, and the folder of a run on it that has epochs left."""
    with pytest.raises(_small.PowerCutError):
        _small.fit(mine, tmp_path / "run", epochs=2, callbacks=[_small.Crash(1, 1)])
    return mine, tmp_path / "run"


def _refused(run, message):
    before = _contents(run)
    with pytest.raises(ValueError, match=message):
        training.resume(run, keep=3)
    assert _contents(run) == before


def test_resuming_on_other_classes_is_refused(begun):
    prefix, run = begun
    _turn_classes(prefix)
    _refused(run, r"mine\.rec: written for other tasks")


def test_resuming_on_another_number_of_records_is_refused(begun, tmp_path):
    prefix, run = begun
    shutil.copy(tmp_path / "mine.idx", tmp_path / "all.idx")
    rows = (tmp_path / "mine.idx").read_text("utf-8").splitlines(keepends=True)
    (tmp_path / "mine.idx").write_text("".join(rows[:30]), "utf-8")
    _refused(run, rf"not the records that the run began with.*{_small.ROWS} records.*30 records")
    shutil.copy(tmp_path / "all.idx", tmp_path / "mine.idx")
    assert training.resume(run).last.epoch == 2


def test_resuming_on_records_of_another_length_is_refused(begun):
    prefix, run = begun
    with open(prefix + ".rec", "ab") as stream:
        stream.write(bytes(8))
    _refused(run, r"mine\.rec.*not the records that the run began with")


def test_resuming_on_records_that_were_converted_anew_is_refused(begun):
    prefix, run = begun
    path = prefix + ".manifest.json"
    with open(path, encoding="utf-8") as stream:
        manifest = json.load(stream)
    manifest["shards"][0]["file"] = "mine.rec"
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(manifest, stream)
    _write_facts(run, "sha256", manifest["shards"][0]["sha256"])
    manifest["shards"][0]["sha256"] = "0" * 64
    with open(path, "w", encoding="utf-8") as stream:
        json.dump(manifest, stream)
    _refused(run, r"mine\.rec.*not the records that the run began with.*SHA-256")


def _write_facts(run, name, value):
    data = json.loads((run / "settings.json").read_text("utf-8"))
    for known in data["records"].values():
        known["files"][0][name] = value
    (run / "settings.json").write_text(json.dumps(data), "utf-8")


def test_a_run_of_before_records_were_noted_goes_on(begun):
    _, run = begun
    data = json.loads((run / "settings.json").read_text("utf-8"))
    del data["records"]
    (run / "settings.json").write_text(json.dumps(data), "utf-8")
    assert training.resume(run, keep=3).last.epoch == 2
    assert training.Run(run).settings.keep == 3


def test_what_is_noted_stays_when_a_run_is_told_something_anew(begun):
    _, run = begun
    before = json.loads((run / "settings.json").read_text("utf-8"))["records"]
    assert before["train"]["records"] == _small.ROWS
    training.resume(run, keep=3)
    assert json.loads((run / "settings.json").read_text("utf-8"))["records"] == before
