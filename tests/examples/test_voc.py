"""The VOC script on made-up files: the devkit's folders, and the article's table."""

import importlib
import re
import sys
from pathlib import Path

import mxmtl

import cv2
import numpy as np
import pytest
from sklearn.metrics import average_precision_score

EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = "--trunk small --size 16 --frozen-epochs 1 --epochs 1 --batch-size 8"
NAMES = ["bottle", "cat", "person"]
THING = "<object><name>{}</name><part><name>head</name></part><difficult>{}</difficult></object>"


@pytest.fixture
def script(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("voc")


def _run(script, monkeypatch, capsys, line):
    monkeypatch.setattr(sys, "argv", ["voc.py", *f"{line} {QUICK}".split(), "--weights", ""])
    script.main()
    return capsys.readouterr().out


def _devkit(root, rows):
    """Write {stem: (part, [(name, difficult)])} as VOC does; a cat is bright."""
    for folder in ("Annotations", "ImageSets/Main", "JPEGImages"):
        (root / folder).mkdir(parents=True)
    for stem, (_, things) in rows.items():
        objects = "".join(THING.format(*thing) for thing in things)
        text = f"<annotation>\n<filename>{stem}.jpg</filename>{objects}</annotation>"
        (root / "Annotations" / f"{stem}.xml").write_text(text)
        level = 60 + 150 * ("cat" in dict(things))
        cv2.imwrite(str(root / "JPEGImages" / f"{stem}.jpg"), np.full((20, 24, 3), level, np.uint8))
    for part in {part for part, _ in rows.values()}:
        stems = [stem for stem, (of, _) in rows.items() if of == part]
        (root / "ImageSets" / "Main" / f"{part}.txt").write_text("\n".join(stems) + "\n")


def _rows(count=60):
    """Pictures with some of three things; each is difficult one time in four."""
    rng = np.random.RandomState(3)
    return {
        f"{index:06d}": (
            ("train", "val", "test")[index % 3],
            [(name, int(rng.rand() < 0.25)) for name in NAMES if rng.rand() < 0.5],
        )
        for index in range(count)
    }


def test_the_devkit(script, tmp_path, monkeypatch, capsys):
    rows = _rows()
    rows["000000"] = ("train", [("cat", 1), ("person", 1), ("person", 0)])
    _devkit(tmp_path / "VOC2007", rows)
    printed = _run(script, monkeypatch, capsys, "--devkit VOC2007")
    assert mxmtl.TaskSet.load("data/voc_train.tasks.json")["labels"].names == tuple(NAMES)
    with mxmtl.RecordIter("data/voc_train", 20, (3, 16, 16), threads=1) as batches:
        label = next(batches).label[0].asnumpy()
    np.testing.assert_array_equal(label[0], [0, -1, 1])  # no bottle; who knows; a person
    things = [dict(sorted(t, key=lambda x: -x[1])) for part, t in rows.values() if part == "train"]
    expected = [[{None: 0, 0: 1, 1: -1}[row.get(name)] for name in NAMES] for row in things]
    np.testing.assert_array_equal(label, expected)

    accuracies = [float(a) for a in re.findall(r"^threshold \S+  accuracy (\S+)", printed, re.M)]
    assert len(accuracies) == 29
    (best,) = re.findall(r"^threshold \S+  accuracy (\S+)  best$", printed, re.M)
    assert float(best) == max(accuracies)
    assert Path("runs/voc/thresholds.png").read_bytes().startswith(b"\x89PNG")
    assert "on data/voc_test" in printed
    _check_map(printed, rows)
    # A second time the records are there.
    again = _run(script, monkeypatch, capsys, "--devkit VOC2007 --run runs/again")
    assert "records in" not in again
    assert again.split("on data/voc_test")[1] == printed.split("on data/voc_test")[1]


def _check_map(printed, rows):
    """Compare the printed average precisions with scikit-learn's, on the labels that are known."""
    found = dict(re.findall(r"^(\w+) +\d+ +(\d\.\d{4}) +\d\.\d{3} ", printed, re.M))
    predictor = mxmtl.Predictor("runs/voc")
    tests = {stem: things for stem, (part, things) in rows.items() if part == "test"}
    answers = predictor([f"VOC2007/JPEGImages/{stem}.jpg" for stem in tests])
    scores = []
    for name in NAMES:
        known = [
            (any(thing == (name, 0) for thing in things), answer["labels"].probabilities[name])
            for things, answer in zip(tests.values(), answers)
            if (name, 0) in things or (name, 1) not in things
        ]
        scores.append(average_precision_score(*zip(*known)))
        assert float(found[name]) == pytest.approx(scores[-1], abs=1e-4)
    (mean,) = re.findall(r"^mean \(mAP\) +(\d\.\d{4})", printed, re.M)
    assert float(mean) == pytest.approx(np.mean(scores), abs=1e-4)


def test_the_table_of_the_article(script, tmp_path, monkeypatch, capsys):
    (tmp_path / "train").mkdir()
    lines = ["fname,labels,is_valid"]
    for index in range(40):
        cv2.imwrite(f"train/{index}.jpg", np.full((20, 24, 3), 6 * index, np.uint8))
        lines.append(f"{index}.jpg,{'cat person' if index > 20 else 'bottle'},{index % 2 == 1}")
    (tmp_path / "train.csv").write_text("\n".join(lines))
    printed = _run(script, monkeypatch, capsys, "--table train.csv --images train")
    assert "on data/pascal_val" in printed  # there is no test part
    assert re.search(r"^cat +20 ", printed, re.M)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<annotation><object>", "no XML"),
        ("<annotation><object><difficult>0</difficult></object></annotation>", "has no name"),
        ('<!DOCTYPE a [<!ENTITY b "cat">]><a>&b;</a>', "a document type is declared"),
        (" " * (1 << 20) + "<a/>", "no annotation is that long"),
    ],
)
def test_a_bad_annotation_is_named(script, tmp_path, text, message):
    (tmp_path / "1.xml").write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        script.objects_of(tmp_path / "1.xml")
    assert "1.xml" in str(error.value)
