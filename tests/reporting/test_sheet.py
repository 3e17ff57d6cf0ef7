"""Sheets of records: the pictures and the words of `mxmtl.show_batch`, as figures and pages."""

from __future__ import annotations

import base64
import re
import sys
from html import unescape

import mxmtl
from mxmtl.data import inspect_records
from mxmtl.reporting import write_sheet
from tests.data._images import TASKS, random_rows, write_csv, write_images

import cv2
import numpy as np
import pytest

ROWS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A prefix of records, and their labels."""
    folder = tmp_path_factory.mktemp("made")
    rows = random_rows(ROWS, write_images(folder / "jpg", 20))
    write_csv(folder / "t.csv", rows)
    mxmtl.write_records(folder / "t.csv", folder / "jpg", prefix=folder / "d", tasks=TASKS)
    return folder / "d", np.stack([TASKS.encode(row) for row in rows])


def figures(page):
    """Return of each picture of a page its pixels, its name and its lines."""
    found = re.findall(r'<figure.*?base64,([^"]+)" alt="([^"]*)">(.*?)</figure>', page, re.DOTALL)
    return [
        (
            cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR),
            name,
            [unescape(line) for line in re.findall(r'class="line [^>]*>([^<]*)</div>', lines)],
        )
        for data, name, lines in found
    ]


@pytest.mark.parametrize("count", [1, 5, 13])
def test_a_png_sheet_shows_the_examples(made, tmp_path, count):
    write_sheet(inspect_records(made[0]), tmp_path / "s.png", count=count)
    sheet = cv2.imread(str(tmp_path / "s.png"))
    left, step = 0.12 * 110, (2.1 + 0.12) * 110  # of the tiles, in pixels
    tiles = [sheet[20:200, int(left + i * step) + 5 : int(left + i * step) + 80] for i in range(6)]
    shown = [tile.size > 0 and bool((tile != 255).any()) for tile in tiles]
    assert sum(shown) == min(count, 6)


def test_an_html_sheet_holds_images_and_what_show_batch_says(made, tmp_path):
    prefix, labels = made
    write_sheet(inspect_records(prefix), tmp_path / "s.html", count=9, seed=4)
    page = (tmp_path / "s.html").read_text("utf-8")
    found = figures(page)
    assert len(found) == 9
    rows = [int(name.split(", row ")[1]) - 2 for _, name, _ in found]
    images = np.zeros((9, 8, 8, 3), np.uint8)
    mxmtl.show_batch((images, labels[rows]), TASKS, path=tmp_path / "b.html")
    shown = figures((tmp_path / "b.html").read_text("utf-8"))
    assert [lines[1:] for _, _, lines in found] == [lines for _, _, lines in shown]
    assert [lines[0] for _, _, lines in found] == [f"{r % 20}.jpg, row {r + 2}" for r in rows]
    for pixels, name, _ in found:
        stored = cv2.imread(str(prefix.parent / "jpg" / name.split(",")[0]))
        np.testing.assert_array_equal(pixels, stored)


def test_a_page_fits_a_telephone_follows_the_system_and_fetches_nothing(made, tmp_path):
    write_sheet(inspect_records(made[0]), tmp_path / "s.html", count=2)
    page = (tmp_path / "s.html").read_text("utf-8")
    assert '<meta name="viewport" content="width=device-width, initial-scale=1">' in page
    assert "prefers-color-scheme: dark" in page
    assert "default-src 'none'" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "<caption>what goes together most" in page


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
        (
            [3, 1, 1, 0, -1, 2.5],
            ["breed: 犬", "outdoors: yes", "toys: ball (bone?)", "age: 2.5"],
        ),
        ([-1, -1, -1, -1, -1, np.nan], ["· breed: -", "· outdoors: -", "· toys: -", "· age: -"]),
        ([0, 0, 0, 0, 0, -1], ["breed: beagle", "outdoors: no", "toys: none", "age: -1"]),
    ],
)
def test_labels_in_words(label, lines, tmp_path):
    images = np.zeros((1, 8, 8, 3), np.uint8)
    mxmtl.show_batch((images, np.float32([label])), TASKS, path=tmp_path / "b.html")
    ((_, name, found),) = figures((tmp_path / "b.html").read_text("utf-8"))
    assert (name, found) == ("image 1", lines)


def test_damaged_records_are_passed_over(made, tmp_path):
    for path in made[0].parent.glob("d.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    data = bytearray((tmp_path / "d.rec").read_bytes())
    data[5000] ^= 1
    (tmp_path / "d.rec").write_bytes(data)
    write_sheet(inspect_records(tmp_path / "d"), tmp_path / "s.html", count=ROWS)
    assert (tmp_path / "s.html").read_text("utf-8").count("<figure") == ROWS - 1


def test_wrong_use(made, tmp_path):
    inspection = inspect_records(made[0])
    with pytest.raises(ValueError, match="s.gif: a sheet ends in .html, .png, .svg or .pdf"):
        write_sheet(inspection, tmp_path / "s.gif")
    with pytest.raises(ValueError, match="count=-1: expected 0 or more"):
        write_sheet(inspection, tmp_path / "s.html", count=-1)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("module", "ending", "extra"),
    [("jinja2", "html", "report"), ("matplotlib.figure", "png", "plot")],
)
def test_what_is_not_installed_is_named(made, tmp_path, monkeypatch, module, ending, extra):
    inspection = inspect_records(made[0])
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'pip install "mxmtl\[{extra}\]"'):
        write_sheet(inspection, tmp_path / f"s.{ending}")
    assert not list(tmp_path.iterdir())
