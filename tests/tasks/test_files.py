"""`.tasks.json`: what is written comes back, and what is something else is refused by name."""

import json

import mxmtl
from tests import _cases

import numpy as np
import pytest


@pytest.mark.parametrize("normalization", ["batch", "valid"])
def test_what_is_saved_is_loaded(tmp_path, normalization):
    tasks = _cases.task_set(normalization)
    tasks.save(tmp_path / "x.tasks.json")
    again = mxmtl.TaskSet.load(tmp_path / "x.tasks.json")
    assert again == tasks
    assert list(again) == list(tasks)
    assert [path.name for path in tmp_path.iterdir()] == ["x.tasks.json"]


def test_numbers_of_numpy_are_saved_as_numbers(tmp_path):
    tasks = mxmtl.TaskSet(
        [
            mxmtl.Binary("a", weight=np.float32(0.5), pos_weight=np.float32(2)),
            mxmtl.Regression("b", weight=np.int64(2)),
            mxmtl.Multilabel("c", ["x"], label_smoothing=np.float32(0.25)),
        ]
    )
    tasks.save(tmp_path / "x.tasks.json")
    assert mxmtl.TaskSet.load(tmp_path / "x.tasks.json") == tasks


def test_class_names_are_written_as_they_are(tmp_path):
    _cases.task_set().save(tmp_path / "x.tasks.json")
    assert "犬" in (tmp_path / "x.tasks.json").read_text("utf-8")


def _write(path, change):
    spec = _cases.task_set().to_dict()
    change(spec)
    path.write_text(json.dumps(spec), "utf-8")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda spec: spec.update(version=2), "version 2; this mxmtl reads version 1"),
        (lambda spec: spec.update(format="other"), 'expected "format": "mxmtl.tasks"'),
        (
            lambda spec: spec["tasks"][0].update(type="Ordering"),
            "task type 'Ordering' is not one of",
        ),
        (lambda spec: spec["tasks"][0].update(type="SigmoidTask"), "'SigmoidTask' is not one of"),
        (lambda spec: spec["tasks"][0].update(depth=3), r"Multiclass has no option \['depth'\]"),
        (lambda spec: spec["tasks"][0].update(weight="x"), "weight='x' is not in"),
        (lambda spec: spec["tasks"][0].pop("name"), "name"),
        (lambda spec: spec.pop("tasks"), "tasks"),
        (lambda spec: spec.update(tasks=[]), "at least one task"),
        (lambda spec: spec.update(tasks=3), "int"),
    ],
)
def test_what_is_no_task_file_is_refused_with_its_name(tmp_path, change, message):
    path = tmp_path / "x.tasks.json"
    _write(path, change)
    with pytest.raises(ValueError, match=f"x.tasks.json: .*{message}"):
        mxmtl.TaskSet.load(path)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"x"'])
def test_what_is_no_json_object_is_refused(tmp_path, text):
    path = tmp_path / "x.tasks.json"
    path.write_text(text, "utf-8")
    with pytest.raises(ValueError, match=r"x\.tasks\.json: no "):
        mxmtl.TaskSet.load(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    from mxmtl._files import atomic_write

    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail():
        with atomic_write(path) as stream:
            stream.write(b"half")
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
