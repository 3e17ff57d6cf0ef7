"""What inspect counts, against NumPy on the labels; and the sheets that it draws."""

from __future__ import annotations

import base64
import itertools
import re

import mxmtl
from mxmtl.data import inspect_records, write_sheet
from mxmtl.data.inspect._sheet import lines_of

import cv2
import numpy as np
import pytest

from ._images import TASKS, random_rows, write_csv, write_images

ROWS = 200


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    rows = random_rows(ROWS, write_images(folder / "jpg", 20))
    write_csv(folder / "t.csv", rows)
    options = {"prefix": folder / "d", "tasks": TASKS, "shard_rows": 90}
    mxmtl.write_records(folder / "t.csv", folder / "jpg", **options)
    return folder, np.stack([TASKS.encode(row) for row in rows])


def held_and_known(labels):
    """{name: (holds, known)} of each class and label, by plain comparisons."""
    cells = {f"breed={name}": (labels[:, 0] == i, labels[:, 0] >= 0)
             for i, name in enumerate(TASKS["breed"].names)}  # fmt: skip
    for index, name in enumerate(["outdoors", "toys.ball", "toys.rope", "toys.bone"], start=1):
        cells[name] = (labels[:, index] == 1, labels[:, index] >= 0)
    return cells


def test_counts(made):
    folder, labels = made
    inspection = inspect_records(folder / "d")
    cells = held_and_known(labels)
    assert inspection.num_records == ROWS
    assert inspection.num_bytes == sum(path.stat().st_size for path in folder.glob("d-*.rec"))
    assert inspection.columns == tuple(cells)
    for (i, one), (j, other) in itertools.product(enumerate(cells.values()), repeat=2):
        both = one[1] & other[1]
        assert inspection.cooccurrence[i, j] == (one[0] & other[0]).sum()
        expected = (one[0] & both).sum() * (other[0] & both).sum() / max(1, both.sum())
        assert inspection.expected[i, j] == pytest.approx(expected)
    known = [labels[:, 0] >= 0, labels[:, 1] >= 0, (labels[:, 2:5] >= 0).any(axis=1)]
    known.append(~np.isnan(labels[:, 5]))
    for i, j in itertools.product(range(4), repeat=2):
        assert inspection.together[i, j] == (known[i] & known[j]).sum()
    assert inspection.images["width"] == {"min": 32, "median": 35, "max": 38}
    assert inspection.num_measured == ROWS


def test_fewer_images_are_measured_if_asked(made):
    assert inspect_records(made[0] / "d", measure=7).num_measured == 7


def test_tables_name_everything(made):
    text = str(inspect_records(made[0] / "d"))
    for word in ("breed", "犬", "toys", "rope", "age", "missing", "records labelled for both"):
        assert word in text
    assert f"d: {ROWS} records" in text


def test_what_goes_together_is_shown_first(tmp_path):
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("t", labels=["a", "b", "c"])])
    rng = np.random.RandomState(0)
    names = write_images(tmp_path / "jpg", 2)
    rows = []
    for index in range(100):
        a, c = rng.randint(2, size=2)
        rows.append({"path": names[index % 2], "t.a": a, "t.b": a, "t.c": c})
    write_csv(tmp_path / "t.csv", rows, ["path", *tasks.columns])
    mxmtl.write_records(tmp_path / "t.csv", tmp_path / "jpg", prefix=tmp_path / "d", tasks=tasks)
    titles = {title: rows for title, _, rows in inspect_records(tmp_path / "d").tables()}
    (pairs,) = [rows for title, rows in titles.items() if "together" in title]
    assert pairs[0][:2] == ["t.a", "t.b"]


@pytest.mark.parametrize("count", [1, 5, 13])
def test_a_png_sheet_shows_the_examples(made, tmp_path, count):
    write_sheet(inspect_records(made[0] / "d"), tmp_path / "s.png", count=count)
    sheet = cv2.imread(str(tmp_path / "s.png"))
    shown = [(sheet[:, x : x + 176] != 255).any() for x in range(8, sheet.shape[1] - 170, 184)]
    assert sum(shown) == min(count, 6)


def test_an_html_sheet_holds_images_and_labels(made, tmp_path):
    folder, labels = made
    write_sheet(inspect_records(folder / "d"), tmp_path / "s.html", count=9, seed=4)
    page = (tmp_path / "s.html").read_text("utf-8")
    figures = re.findall(r'base64,([^"]+)" alt="record (\d+)">.*?<br>(.*?)</figcaption>', page)
    assert len(figures) == 9
    for data, record, text in figures:
        image = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
        assert max(image.shape[:2]) == 176
        assert text.split("<br>") == lines_of(TASKS, labels[int(record)])
    assert "http" not in page.replace("http-equiv", "")


def test_names_cannot_break_the_page(tmp_path):
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("x", classes=["<script>", "&"])])
    names = write_images(tmp_path / "jpg", 1)
    write_csv(tmp_path / "t.csv", [{"path": names[0], "x": "<script>"}], ["path", "x"])
    mxmtl.write_records(tmp_path / "t.csv", tmp_path / "jpg", prefix=tmp_path / "d", tasks=tasks)
    write_sheet(inspect_records(tmp_path / "d"), tmp_path / "s.html")
    page = (tmp_path / "s.html").read_text("utf-8")
    assert "<script>" not in page
    assert "x: &lt;script&gt;" in page


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ([3, 1, 1, 0, -1, 2.5], ["breed: 犬", "outdoors: 1", "toys: ball, bone?", "age: 2.5"]),
        ([-1, -1, -1, -1, -1, np.nan], ["breed: ?", "outdoors: ?", "toys: ?", "age: ?"]),
        ([0, 0, 0, 0, 0, -1], ["breed: beagle", "outdoors: 0", "toys: none", "age: -1.0"]),
    ],
)
def test_labels_in_words(label, lines):
    assert lines_of(TASKS, np.float32(label)) == lines


def test_damaged_records_are_passed_over(made, tmp_path):
    for path in made[0].glob("d*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = bytearray((tmp_path / "d-00000.rec").read_bytes())
    data[5000] ^= 1
    (tmp_path / "d-00000.rec").write_bytes(data)
    inspection = inspect_records(tmp_path / "d")
    assert inspection.num_measured == ROWS - 1
    write_sheet(inspection, tmp_path / "s.html", count=ROWS)
    assert (tmp_path / "s.html").read_text("utf-8").count("<figure>") == ROWS - 1


def test_messages(made, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        inspect_records(tmp_path / "none")
    with pytest.raises(ValueError, match="a sheet ends in .html or .png"):
        write_sheet(inspect_records(made[0] / "d"), tmp_path / "s.gif")
    with pytest.raises(ValueError, match="count=-1 is negative; expected a number of examples"):
        write_sheet(inspect_records(made[0] / "d"), tmp_path / "s.html", count=-1)
    with pytest.raises(ValueError, match="measure=-1 is negative; expected a number of images"):
        inspect_records(made[0] / "d", measure=-1)
    assert not list(tmp_path.iterdir())
