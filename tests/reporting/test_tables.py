"""Tables hold any name: what is written as Markdown, CSV, JSON, text or HTML reads back."""

from __future__ import annotations

import csv
import io
import json
import math
import re

import mxmtl
from mxmtl._table import UNKNOWN, Table, csv_text, one_line
from mxmtl.evaluation import Predictions, measure
from mxmtl.metrics import read_values

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

NASTY = [
    "a|b", "\\", "a\\|b", "|", "two\nlines", "\r", "\x1b[31m", "\x00", "_a_", "**b**", "`c`",
    "<script>alert(1)</script>", "[x](y)", "$x_1$", "&amp;", "a,b", 'say "hi"', "比格犬", "\u2028",
    "~~d~~", "# e", "--", "|:--|", "nan", "1.0", "=1+1",
]  # fmt: skip
names = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=12))


def markdown_cells(line):
    """Split a row of a table as GitHub does: at bars that no backslash escapes; unescape."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    cells = re.split(r"(?<!\\)(?:\\\\)*\|", line[1:-1].replace("\\\\", "\0"))
    plain = (re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", cell) for cell in cells)
    return [cell.strip().replace("\0", "\\") for cell in plain]


@given(st.lists(names, min_size=1, max_size=5), names)
@example(NASTY, "|")
def test_a_markdown_table_reads_back(rows, head):
    table = Table("", [head, "f1", "labels"], [[name, 0.5, None] for name in rows])
    first, dashes, *others = table.markdown().split("\n")
    assert re.fullmatch(r"[|:-]+", dashes)
    assert len(others) == len(rows)
    assert markdown_cells(first) == [one_line(head).strip(), "f1", "labels"]
    for name, line in zip(rows, others):
        assert markdown_cells(line) == [one_line(name).strip(), "0.5000", UNKNOWN]


@given(st.lists(names, min_size=1, max_size=5))
@example(NASTY)
def test_a_text_table_has_a_line_a_row(rows):
    lines = Table("", ["name", "f1"], [[name, 0.5] for name in rows]).text().split("\n")
    assert len(lines) == len(rows) + 2
    assert all(line.endswith("0.5000") for line in lines[2:])
    assert not any(re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", line) for line in lines)


@given(st.lists(names, min_size=1, max_size=5))
@example(NASTY)
def test_csv_reads_back_bit_for_bit(rows):
    text = csv_text(["name", "value"], [[name, math.nan] for name in rows])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "value"],
        *([name, ""] for name in rows),
    ]


def nasty_evaluation():
    classes = ["a|b", "two lines", "<b>c</b>", "_d_", "e/f", "g\\", "比格犬"]
    tasks = mxmtl.TaskSet(
        [mxmtl.Multiclass("kind", classes=classes), mxmtl.Multilabel("tags", labels=classes[::-1])]
    )
    rng = np.random.RandomState(0)
    labels = {
        "kind": rng.randint(0, 7, 40).astype(np.float32),
        "tags": rng.randint(-1, 2, (40, 7)).astype(np.float32),
    }
    logits = {name: rng.normal(size=(40, 7)).astype(np.float32) for name in tasks.names}
    given = Predictions(tasks, np.arange(40), labels, logits, {}, {"tags": [0.25] * 7})
    return classes, measure(given, bootstrap=3)


@pytest.mark.parametrize("form", ["evaluation", "report"])
def test_every_table_of_values_has_as_many_cells_in_each_row(form):
    classes, made = nasty_evaluation()
    if form == "report":
        made = mxmtl.report(made.values, made.tasks)
    blocks = [block.split("\n") for block in made.markdown().split("\n\n") if block[0] == "|"]
    named = set()
    for head, _, *rows in blocks:
        for row in rows:
            cells = markdown_cells(row)
            assert len(cells) == len(markdown_cells(head))
            assert "" not in cells
            named.add(cells[0])
    assert {one_line(name) for name in classes} <= named
    assert "|" not in str(made).replace("a|b", "")
    rows = list(csv.DictReader(io.StringIO(made.csv(), newline="")))
    assert {row["class"] for row in rows} == {"", *classes}
    data = json.loads(made.json())
    assert set(data.get("values", data)) == set(made.values)


def test_counts_are_whole_numbers_however_they_come():
    _, made = nasty_evaluation()
    assert isinstance(made.values["tags/num_positive"], int)
    assert isinstance(made.values["kind/num_labels/a|b"], int)
    tasks = mxmtl.TaskSet([mxmtl.Binary("b")])
    text = str(mxmtl.report({"b/num_labels": 20.0, "b/num_positive": 12.0, "b/f1": 1.0}, tasks))
    assert text.split("\n")[2].split() == ["b", "20", "12", "1.0000"]
    assert ",num_positive,,12\n" in mxmtl.report({"b/num_positive": 12.0}, tasks).csv()
    rows = csv.DictReader(io.StringIO(made.csv(), newline=""))
    counts = [row["value"] for row in rows if row["metric"] in ("num_labels", "num_positive")]
    assert len(counts) == 2 * 1 + 1 + 7 + 7 + 7
    assert all(value.isdigit() for value in counts)
    for text in (str(made), made.markdown()):
        lines = [line for line in text.split("\n") if line.strip("| ").startswith("num_")]
        assert len(lines) == 3
        assert all(line.replace("|", " ").split()[1].isdigit() for line in lines)


def test_what_has_no_end_is_not_unknown():
    tasks = mxmtl.TaskSet([mxmtl.Regression("age")])
    made = mxmtl.report({"age/mae": math.inf, "age/rmse": math.nan}, tasks)
    assert str(made).split("\n")[2].split() == ["age", "inf", UNKNOWN]
    assert "age,mae,,inf\nage,rmse,,\n" in made.csv()
    assert json.loads(made.json()) == {"age/mae": None, "age/rmse": None}


def test_unknown_has_one_mark():
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("k", classes=["x", "y"])])
    values = {"k/num_labels": 0, "k/f1": math.nan, "k/f1/x": math.nan, "k/f1/y": 0.5}
    made = mxmtl.report(values, tasks)
    lines = str(made).split("\n")
    cells = {line.split()[0]: line.split()[-1] for line in lines if line and line[0] in "kxy"}
    assert ["k", "0", UNKNOWN] in [line.split() for line in lines]
    assert (cells["x"], cells["y"]) == (UNKNOWN, "0.5000")
    assert [v.value for v in read_values({"k/num_labels": 3.0}, tasks)] == [3]
    assert json.loads(made.json())["k/f1"] is None
    assert "k,f1,,\n" in made.csv()
    figure = mxmtl.show_batch((np.zeros((1, 8, 8, 3), np.uint8), np.array([[-1]])), tasks)
    assert figure.texts[0].get_text() == f"· k: {UNKNOWN}"
