"""Reports: every value is there, under its task, in each form."""

import csv
import io
import json
import math

import mxmtl

import pytest

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", ["beagle", "boxer/pug"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Regression("age"),
    ]
)
VALUES = [
    ("age/num_labels", 7.0),
    ("age/mae", 0.25),
    ("breed/num_labels", 12.0),
    ("breed/accuracy", 0.75),
    ("breed/f1/beagle", 0.5),
    ("breed/f1/boxer/pug", float("nan")),
    ("outdoors/num_labels", 0.0),
    ("outdoors/accuracy", float("nan")),
    ("mean_accuracy", 0.7512345),
]


def test_text_has_a_row_for_each_task_in_task_order():
    text = str(mxmtl.report(VALUES, TASKS))
    rows = [line.split() for line in text.splitlines()]
    assert [row[0] for row in rows if row and row[0] in TASKS.names] == [
        "breed", "outdoors", "age", "breed",
    ]  # fmt: skip
    assert ["breed", "12", "0.7500"] in rows
    assert ["outdoors", "0", "-"] in rows
    assert ["age", "7", "0.2500"] in rows
    assert ["boxer/pug", "-"] in rows
    assert ["mean_accuracy", "0.7512"] in rows


def test_markdown_is_a_table():
    assert "| age    |            7 | 0.2500 |" in mxmtl.report(VALUES, TASKS).markdown()


def test_json_keeps_every_digit_and_has_null_for_nan():
    values = json.loads(mxmtl.report(VALUES, TASKS).json())
    assert list(values) == [name for name, _ in VALUES]
    assert values["mean_accuracy"] == 0.7512345
    assert values["outdoors/accuracy"] is None


def test_csv_tells_task_metric_and_class_apart():
    rows = list(csv.DictReader(io.StringIO(mxmtl.report(VALUES, TASKS).csv())))
    assert len(rows) == len(VALUES)
    assert rows[5] == {"task": "breed", "metric": "f1", "class": "boxer/pug", "value": ""}
    assert rows[8] == {"task": "", "metric": "mean_accuracy", "class": "", "value": "0.7512345"}


@pytest.mark.parametrize("ending", ["md", "json", "csv", "txt"])
def test_files_hold_what_is_shown(tmp_path, ending):
    report = mxmtl.report(dict(VALUES), TASKS)
    report.save(tmp_path / f"r.{ending}")
    shown = {"md": report.markdown(), "json": report.json(), "csv": report.csv()}
    text = (tmp_path / f"r.{ending}").read_text("utf-8")
    assert text.strip() == shown.get(ending, str(report)).strip()


def test_an_ending_that_nobody_knows(tmp_path):
    with pytest.raises(ValueError, match=r"r\.xls: a report ends in one of \['.md'"):
        mxmtl.report(VALUES, TASKS).save(tmp_path / "r.xls")


def test_two_values_of_one_name_are_refused():
    with pytest.raises(ValueError, match=r"\['age/mae'\] come more than once"):
        mxmtl.report([*VALUES, ("age/mae", 1.0)], TASKS)


def test_no_value_is_lost():
    report = mxmtl.report(VALUES, TASKS)
    assert len(report.values) == len(VALUES)
    for name, value in VALUES:
        same = report.values[name] == value
        assert same or (math.isnan(report.values[name]) and math.isnan(value))
