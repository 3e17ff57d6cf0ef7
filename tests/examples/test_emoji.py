"""The demo's labels, on a package of the same layout made here."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import mxmtl

import cv2
import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def _entry(name, unified, category="People & Body", **more):
    return {
        "name": name,
        "unified": unified,
        "category": category,
        "image": f"{unified}.png",
        **more,
    }


@pytest.fixture
def package(tmp_path):
    """A folder as npm makes it: emoji.json and pictures, half of each drawn in a red of its own."""
    root = tmp_path / "node_modules" / "emoji-datasource-google"
    pictures = root / "img" / "google" / "64"
    pictures.mkdir(parents=True)
    variants = {tone: {"image": f"1F468-{tone}.png"} for tone in ("1F3FB", "1F3FF", "1F3FB-1F3FF")}
    entries = [
        _entry("MAN", "1F468", skin_variations=variants),
        _entry("MANS SHOE", "1F45E", "Objects"),
    ]
    entries += [_entry("PERSON CLIMBING", "1F9D7-2640"), _entry("TONE", "1F3FB", "Component")]
    entries += [_entry(f"FLAG {i}", f"F{i}", "Flags") for i in range(12)]
    (root / "emoji.json").write_text(json.dumps(entries))
    picture = np.zeros((64, 64, 4), np.uint8)
    images = [i for entry in entries for i in [entry, *entry.get("skin_variations", {}).values()]]
    for index, image in enumerate(images):  # all differ: equal ones stay on one side of a split
        picture[:32] = (0, 0, 255 - index, 255)
        cv2.imwrite(str(pictures / image["image"]), picture)
    return tmp_path


def _run(script, *arguments):
    command = [sys.executable, str(EXAMPLES / script), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_labels_from_names_and_pixels(package):
    _run("emoji.py", "--out", package)
    rows = {row["path"]: row for row in _table(package / "emoji.csv")}
    assert len(rows) == 18  # the component is no emoji
    man, dark = rows["1F468.png"], rows["1F468-1F3FF.png"]
    assert (man["tone"], dark["tone"], rows["1F468-1F3FB-1F3FF.png"]["tone"]) == ("", "dark", "")
    assert (man["gender"], rows["1F45E.png"]["gender"]) == ("male", "")
    assert rows["1F9D7-2640.png"]["gender"] == "female"
    assert (man["colors.red"], man["colors.blue"], man["coverage"]) == ("1", "0", "0.5000")
    assert {row["base"] for row in rows.values() if row["path"].startswith("1F468")} == {"1F468"}


def test_both_scripts_train_on_it(package):
    _run("emoji.py", "--out", package)
    records = ["--train", package / "emoji_train", "--val", package / "emoji_test"]
    short = ["--epochs", "1", "--batch-size", "8", "--size", "32"]
    printed = _run("train_module.py", *records, "--run", package / "run", *short)
    names = {path.name for path in (package / "run").iterdir()}
    assert {"model-0001.params", "model-symbol.json", "report.md", "predictions.csv"} <= names
    assert "coverage" in printed
    held_out = mxmtl.RecordIter(package / "emoji_test", 8, (3, 32, 32))
    answers = _table(package / "run" / "predictions.csv")
    assert len(answers) == held_out.num_records
    assert [row["record"] for row in answers] == [str(i) for i in range(len(answers))]
    assert {"category", "tone.probability", "colors.red", "coverage"} <= set(answers[0])
    held_out.close()
    printed = _run("train_gluon.py", *records, "--run", package / "gluon", *short)
    assert (package / "gluon" / "net.params").exists()
    assert "coverage" in printed
