"""The whole way of a new user, by the command line: from a CSV to a report, with a stop between.

Each step is checked against the table that it began with, or against another step.
"""

from __future__ import annotations

import csv
import json
import logging
import os
import re
import shlex
import signal
from collections import Counter
from pathlib import Path

from mxmtl.cli import main
from mxmtl.training import Run

import cv2
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score, mean_absolute_error

from .data._images import read_by_mxnet

ROWS, BAD, SIZE = 64, 17, 16
BROKEN = f"img{BAD}.png"
TASKS = ("breed", "outdoors", "toys", "age")
TRAIN, VAL = "data/pets_train", "data/pets_val"
SETTINGS = f"--data-shape 3,{SIZE},{SIZE} --batch-size 8 --optimizer adam --lr 0.01 --epochs 2"
QUICK = "--threads 1 --bootstrap 0"


def _write_data(folder):
    """Write jpg/ and train.csv: the brighter, the more a pug; a third of the cells is empty."""
    rng = np.random.RandomState(4)
    (folder / "jpg").mkdir()
    rows = []
    for index in range(ROWS):
        level, name = rng.randint(3), f"img{index}.png"
        picture = rng.randint(80 * level, 80 * level + 90, (SIZE, SIZE + index % 5, 3))
        cv2.imwrite(str(folder / "jpg" / name), picture.astype(np.uint8))
        cells = {
            "breed": ["beagle", "boxer", "pug"][level],
            "outdoors": "yes" if level == 2 else "no",
            "toys.ball": int(level > 0),
            "toys.rope": rng.randint(2),
            "age": f"{level + rng.rand():.3f}",
        }
        known = {name: "" if rng.rand() < 0.33 else cell for name, cell in cells.items()}
        rows.append({"path": name, **known})
    (folder / "jpg" / BROKEN).write_bytes(b"\x89PNG and no more")
    with (folder / "train.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def _rows(path):
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _counts(rows):
    """How many cells of each task are not empty: so many labels stand behind its metrics."""
    found = Counter(
        column.split(".")[0] for row in rows.values() for column, cell in row.items() if cell
    )
    return {name: found[name] for name in TASKS}


class _CtrlC(logging.Handler):
    """Presses Ctrl-C when the log says that an epoch is over."""

    def emit(self, record):
        if record.getMessage().startswith("epoch 1/"):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def say(capsys):
    """Run a command line that ends with a code; return what it printed, errors last."""

    def run(line, code=0):
        capsys.readouterr()
        assert main(shlex.split(line)) == code
        return "".join(capsys.readouterr())

    return run


def test_from_a_table_to_a_report(tmp_path, monkeypatch, say, caplog):
    monkeypatch.chdir(tmp_path)
    _write_data(tmp_path)
    _convert(say)
    train, val = _look(say)
    _train_with_a_stop(say, caplog)
    plain = _evaluate(say, val)
    assert (plain["thresholds"], plain["temperature"]) == ({}, {})
    assert "f1 at 0.5" in say(f"tune runs/first {VAL} --min-labels 5 --threads 1")
    tuned, model = _evaluate(say, val), Run("runs/first").model
    assert set(model.thresholds) == {"outdoors", "toys"}
    assert (tuned["thresholds"], tuned["temperature"]) == (model.thresholds, model.temperature)
    for label in ("ball", "rope"):
        assert tuned["values"][f"toys/f1/{label}"] >= plain["values"][f"toys/f1/{label}"]
    _predict_records(say, val, tuned["values"])
    _predict_pictures(say, {**train, **val})
    _report(say, tuned)


def _convert(say):
    line = "convert train.csv --images jpg --prefix data/pets --split train=0.6,val=0.4 --yes"
    assert BROKEN in say(line, 1)
    assert not list(Path("data").glob("*.rec"))
    said = say(f"{line} --on-error skip", 3)
    assert f"{ROWS - 1} records in {TRAIN}, {VAL}" in said
    (skipped,) = Path("data").glob("*.skipped.csv")
    assert f"see {skipped}" in said
    # As a spreadsheet counts: from 1, and the header is the first.
    assert [(row["row"], row["path"]) for row in _rows(skipped)] == [(str(BAD + 2), BROKEN)]


def _look(say):
    """Inspect and verify both parts; return the rows of the table that are in each, by id."""
    table, parts = dict(enumerate(_rows("train.csv"))), []
    for prefix in (TRAIN, VAL):
        rows = {key: table[key] for key in sorted(read_by_mxnet(prefix))}
        said = say(f"inspect {prefix} --sheet {prefix}.html")
        assert f"{prefix}: {len(rows)} records" in said
        for task in ("breed", "outdoors", "age"):
            assert re.search(rf"^{task} +\w+ +{_counts(rows)[task]} ", said, re.M)
        assert Path(f"{prefix}.html").stat().st_size > 1000
        assert f"{len(rows)} records are sound, nothing damaged" in say(f"verify {prefix}")
        parts.append(rows)
    assert sorted([*parts[0], *parts[1]]) == [key for key in table if key != BAD]
    return parts


def _train_with_a_stop(say, caplog):
    """Train twice, once with Ctrl-C and by the line that it says; nothing is lost by that."""
    line = f"train {TRAIN} --val {VAL} {SETTINGS} --threads 1 --run runs"
    say(f"{line}/whole")
    caplog.set_level(logging.INFO, "mxmtl")
    log, finger = logging.getLogger("mxmtl"), _CtrlC()
    log.addHandler(finger)
    try:
        said = say(f"{line}/first", 130)
    finally:
        log.removeHandler(finger)
    assert "stopped after epoch 1, batch 1, and saved; go on with: mxmtl train --resume" in said
    assert "holds a run" in say(f"{line}/first", 1)
    assert "last model-0002" in say(said.split("go on with: mxmtl ")[1])
    first, whole = (Path("runs", name, "model-0002.params") for name in ("first", "whole"))
    assert first.read_bytes() == whole.read_bytes()


def _evaluate(say, rows):
    """Evaluate on the validation records; all labels of the table must be counted."""
    found = json.loads(say(f"evaluate runs/first {VAL} {QUICK} --format json"))
    assert found["num_records"] == len(rows)
    assert {name: found["values"][f"{name}/num_labels"] for name in TASKS} == _counts(rows)
    return found


def _predict_records(say, rows, values):
    """Predict the validation records; against the table the answers score what was measured."""
    say(f"predict runs/first {VAL} -o val.csv --threads 1")
    answers = {int(row["record"]): row for row in _rows("val.csv")}
    assert list(answers) == list(rows)

    def both(column):
        known = [key for key in rows if rows[key][column]]
        return [rows[key][column] for key in known], [answers[key][column] for key in known]

    labels, found = both("outdoors")
    words = ["yes" if cell == "1" else "no" for cell in found]
    assert values["outdoors/accuracy"] == pytest.approx(accuracy_score(labels, words))
    assert values["breed/accuracy"] == pytest.approx(accuracy_score(*both("breed")))
    for label in ("ball", "rope"):
        score = f1_score(*both(f"toys.{label}"), pos_label="1")
        assert values[f"toys/f1/{label}"] == pytest.approx(score)
    labels, found = (np.array(cells, float) for cells in both("age"))
    assert values["age/mae"] == pytest.approx(mean_absolute_error(labels, found), rel=1e-4)


def _predict_pictures(say, rows):
    """Predict the folder of pictures: a row for each that can be read, the other is listed."""
    said = say("predict runs/first jpg -o all.csv --threads 1", 3)
    assert f"all.csv: {ROWS - 1} images, 1 skipped" in said
    found = {os.path.basename(row["path"]): row for row in _rows("all.csv")}
    assert sorted(found) == sorted(row["path"] for row in rows.values())
    assert [Path(row["path"]).name for row in _rows("all.csv.skipped.csv")] == [BROKEN]
    for row in _rows("val.csv"):  # from records, and from files
        again = found[rows[int(row["record"])]["path"]]
        assert again["breed"] == row["breed"]
        assert float(again["age"]) == pytest.approx(float(row["age"]), rel=1e-4)
    assert "all.csv is there" in say("predict runs/first jpg -o all.csv", 1)


def _report(say, tuned):
    """Write the report in two forms: its figures are those of evaluate."""
    for name in ("report.html", "report.json"):
        assert name in say(f"report runs/first runs/whole --records {VAL} -o {name} {QUICK}")
    page = Path("report.html").read_text("utf-8")
    assert all(word in page for word in (*TASKS, "beagle", "rope", "first", "whole"))
    run = json.loads(Path("report.json").read_text("utf-8"))["runs"][0]
    assert (run["name"], list(run["tasks"])) == ("first", list(TASKS))
    assert run["thresholds"] == tuned["thresholds"]
    assert run["evaluated"]["records"] == tuned["num_records"]
    assert run["metrics"] == pytest.approx(tuned["values"], nan_ok=True)
