"""Cells of a table become what `TaskSet.encode` makes of them, bit for bit."""

from __future__ import annotations

from types import SimpleNamespace

import mxmtl
from mxmtl.data import TableError, TableOptions
from mxmtl.data.tables import LabelEncoder, Row, _encode, open_table

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .._cases import task_set
from ._images import TASKS

CELLS = [
    "",
    " ",
    "0",
    "1",
    "1.0",
    "yes",
    "False",
    "3.25",
    "-1",
    "pug",
    "a",
    "犬",
    "x",
    "1e39",
    "nan",
]
WIDTH = len(task_set().columns)


def encoder(tasks=TASKS, columns=None, width=None, **options):
    table = SimpleNamespace(
        source="t.csv",
        options=TableOptions(**options),
        columns=columns or tasks.columns,
        stored_width=width,
        known_tasks=(),
        check_labels=lambda: None,
    )
    return LabelEncoder(table, tasks)


def row(cells, label=None):
    return Row(2, 0, "1.jpg", cells, label)


def outcome(function):
    try:
        return function().tobytes()
    except mxmtl.LabelError as error:
        return str(error).partition(" If that means unknown: ")[0]


@given(st.lists(st.lists(st.sampled_from(CELLS), min_size=WIDTH, max_size=WIDTH), max_size=4))
def test_encodes_as_the_tasks_do(tables):
    tasks = task_set()
    encode = encoder(tasks)
    for line in tables:
        cells = dict(zip(tasks.columns, line))
        assert outcome(lambda c=cells: encode(row(c))) == outcome(lambda c=cells: tasks.encode(c))


def test_remembers_a_limited_number_of_cells(monkeypatch):
    monkeypatch.setattr(_encode, "REMEMBERED", 10)
    encode = encoder(mxmtl.TaskSet([mxmtl.Regression("age")]))
    for number in range(100):
        assert encode(row({"age": str(number)})) == [number]
    assert 1 <= max(len(part._known) for part in encode._parts) <= 10


@pytest.mark.parametrize(
    ("cell", "empty_names", "expected"),
    [
        ("ball; rope", "missing", [1, 1, 0]),
        ("bone;", "missing", [0, 0, 1]),
        (";", "missing", [0, 0, 0]),
        ("", "missing", [-1, -1, -1]),
        ("", "none", [0, 0, 0]),
    ],
)
def test_names_in_one_column(cell, empty_names, expected):
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"])])
    encode = encoder(tasks, ["toys"], separator=";", empty_names=empty_names)
    np.testing.assert_array_equal(encode(row({"toys": cell})), np.float32(expected))


def test_an_unknown_name_is_refused():
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("toys", labels=["ball", "rope"])])
    encode = encoder(tasks, ["toys"], separator=";")
    expected = (
        r"'toys': 'bal' is not one of \[ball, rope\] \(did you mean 'ball'\?\)\. Leave the cell"
    )
    with pytest.raises(mxmtl.LabelError, match=expected):
        encode(row({"toys": "rope;bal"}))
    with pytest.raises(mxmtl.LabelError, match=r"'stick' is not one of \[ball, rope\]. Leave"):
        encode(row({"toys": "stick"}))


def test_of_many_names_a_message_lists_few():
    labels = [f"id{number:04}" for number in range(1500)]
    encode = encoder(
        mxmtl.TaskSet([mxmtl.Multilabel("dog", labels=labels)]), ["dog"], separator=";"
    )
    expected = (
        "task 'dog': 'id14999' is not one of [id0000, id0001, id0002, id0003, id0004, id0005, "
        "id0006, id0007, id0008, id0009, ... (1490 more)] (did you mean 'id1499'?). "
        "Leave the cell empty if it is unknown."
    )
    with pytest.raises(mxmtl.LabelError) as caught:
        encode(row({"dog": "id14999"}))
    assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("task", "options"),
    [
        (mxmtl.Regression("x"), {}),
        (mxmtl.Multiclass("x", classes=["pug", "boxer"]), {}),
        (mxmtl.Binary("x"), {}),
        (mxmtl.Multilabel("x", labels=["a", "b"]), {"separator": ";"}),
    ],
)
def test_a_cell_that_may_mean_unknown_is_refused_with_a_hint(task, options):
    encode = encoder(mxmtl.TaskSet([task]), ["x"], **options)
    hint = (
        r"'NaN' is not .* If that means unknown: --missing-value NaN \(missing_values=\['NaN'\]\)."
    )
    with pytest.raises(mxmtl.LabelError, match=hint):
        encode(row({"x": "NaN"}))
    with pytest.raises(mxmtl.LabelError) as caught:
        encode(row({"x": "oops"}))
    assert "--missing-value" not in str(caught.value)


def test_rows_of_a_list_without_labels_are_named(tmp_path):
    (tmp_path / "t.lst").write_text("0\t1.jpg\n")
    table = open_table(tmp_path / "t.lst", TableOptions())
    with pytest.raises(TableError, match=r"t.lst: its rows have no label; expected index, label"):
        LabelEncoder(table, None)


def test_a_column_of_names_needs_a_separator():
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("toys", labels=["ball", "rope"])])
    table = open_table([{"path": "1.jpg", "toys": "ball|rope"}], TableOptions())
    with pytest.raises(TableError, match="say what separates them"):
        LabelEncoder(table, tasks)


def test_a_needed_column_that_is_missing_is_named():
    columns = [name for name in TASKS.columns if name != "toys.rope"]
    with pytest.raises(TableError, match=r"t.csv: no column 'toys.rope' for task 'toys' among \["):
        encoder(columns=columns)


def test_stored_labels_are_taken_as_they_are_if_legal():
    encode = encoder(width=6)
    label = np.float32([3, -1, 0, 1, -1, np.nan])
    assert encode(row({}, label)).tobytes() == label.tobytes()
    with pytest.raises(
        mxmtl.LabelError, match=r"4 is no label of task 'breed' \(breed\); expected"
    ):
        encode(row({}, np.float32([4, -1, 0, 1, -1, 0])))


def test_stored_labels_of_another_width_are_refused():
    with pytest.raises(TableError, match="rows store 5 labels, but the tasks take 6"):
        encoder(width=5)


def test_cells_without_tasks_are_refused():
    table = open_table([{"path": "1.jpg", "age": "3"}], TableOptions())
    with pytest.raises(TableError, match="tasks are needed"):
        LabelEncoder(table, None)
