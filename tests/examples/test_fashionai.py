"""The FashionAI script on made-up folders of the competition's layout."""

import csv
import importlib
import re
import sys
from pathlib import Path

import mxmtl

import cv2
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
TASKS = {"coat_length": 3, "neck_design": 2}


def _picture(path, level, shade):
    """A picture of its own: equal ones would stay on one side of the split."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((20, 24, 3), 30 + 80 * level + 2 * shade, np.uint8))


@pytest.fixture
def folders(tmp_path):
    """base/ and rank/ as they are unpacked: 24 labelled pictures, one broken, 4 questions."""
    labels, questions = [], []
    for task, classes in TASKS.items():
        for index in range(12):
            name, letters = f"Images/{task}_labels/{index}.jpg", ["n"] * classes
            letters[index % classes] = "y"
            if index == 3:  # the competition's "maybe"
                letters[(index + 1) % classes] = "m"
            _picture(tmp_path / "base" / name, index % classes, len(labels))
            labels.append([name, f"{task}_labels", "".join(letters)])
        for index in range(2):
            name = f"Images/{task}_labels/q{index}.jpg"
            _picture(tmp_path / "rank" / name, index, 0)
            questions.append([name, f"{task}_labels", "?"])
    (tmp_path / "base" / labels[5][0]).write_bytes(b"broken")
    for name, rows in (
        ("base/Annotations/label.csv", labels),
        ("rank/Tests/question.csv", questions),
    ):
        (tmp_path / name).parent.mkdir()
        with (tmp_path / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
    return questions


def test_from_the_folders_to_the_submission(folders, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    line = "fashionai.py --base base --rank rank --trunk small --size 16 --epochs 1 --batch-size 8"
    monkeypatch.setattr(sys, "argv", [*line.split(), "--weights", ""])
    importlib.import_module("fashionai").main()
    printed = capsys.readouterr().out
    assert "1 rows skipped" in printed

    tasks = mxmtl.TaskSet.load("data/fashionai_train.tasks.json")
    assert {task.name: task.num_classes for task in tasks} == TASKS
    rows = re.findall(r"^(\w+) +(\d+) +([01]\.\d{4})$", printed, re.M)
    assert [row[0] for row in rows] == list(TASKS)
    counts, accuracies = (np.array([float(row[i]) for row in rows]) for i in (1, 2))
    with mxmtl.RecordIter("data/fashionai_val", 4, (3, 16, 16), threads=1) as val:
        assert counts.sum() == val.num_records  # one label a picture
    (mean,) = re.findall(r"^mean, by labels +(\S+)$", printed, re.M)
    assert float(mean) == pytest.approx(accuracies @ counts / counts.sum(), abs=2e-4)
    assert Path("runs/fashionai/evaluation.md").read_text("utf-8").count("coat_length") > 1

    with open("runs/fashionai/submission.csv", newline="", encoding="utf-8") as stream:
        answers = list(csv.reader(stream))
    assert [answer[:2] for answer in answers] == [question[:2] for question in folders]
    for _, task, cells in answers:
        assert re.fullmatch(r"[01]\.\d{8}(;[01]\.\d{8})+", cells)
        found = [float(cell) for cell in cells.split(";")]
        assert len(found) == TASKS[task[: -len("_labels")]]
        assert sum(found) == pytest.approx(1, abs=1e-6)
