"""Cells to labels and back, and how labels are cut into tasks."""

import re

import mxmtl
from tests import _cases

import mxnet as mx
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st


@pytest.mark.parametrize("task", _cases.TASKS.values(), ids=_cases.TASKS)
@given(seed=st.integers(0, 2**31 - 1))
def test_decode_then_encode_gives_the_same_bits(task, seed):
    label = _cases.random_label(task, 1, 0.3, np.random.RandomState(seed))[0]
    again = task.encode(task.decode(label))
    assert again.dtype == np.float32
    assert again.tobytes() == label.tobytes()


@given(value=st.floats(width=32, allow_nan=False, allow_infinity=False))
@example(value=123456792.0)  # NumPy spells it 123456790.0
def test_any_float32_survives_as_text(value):
    age = mxmtl.Regression("age")
    label = np.array([value], np.float32)
    assert age.encode(age.decode(label)).tobytes() == label.tobytes()


@pytest.mark.parametrize("cell", ["", "  ", None, float("nan"), np.float32("nan")])
@pytest.mark.parametrize("task", _cases.TASKS.values(), ids=_cases.TASKS)
def test_an_empty_cell_is_missing(task, cell):
    label = task.encode(dict.fromkeys(task.columns, cell))
    assert label.shape == (task.label_width,)
    assert not np.any(task.labelled(label))
    assert np.all(task.valid(label))


@pytest.mark.parametrize(
    ("cell", "value"),
    [("1", 1), (1, 1), (True, 1), ("Yes", 1), ("1.0", 1), (0.0, 0), ("false", 0), (np.bool_(0), 0)],
)
def test_spellings_of_yes_and_no(cell, value):
    assert mxmtl.Binary("t").encode({"t": cell}) == [value]


def test_integers_that_pandas_made_floats():
    digit = mxmtl.Multiclass("digit", [str(i) for i in range(10)])
    assert [digit.encode({"digit": cell})[0] for cell in ("3", 3, 3.0, "3.0", " 3 ")] == [3] * 5
    version = mxmtl.Multiclass("version", ["1", "1.0"])
    assert version.encode({"version": "1.0"}) == [1]


@pytest.mark.parametrize(
    ("task", "cell", "message"),
    [
        ("multiclass", "bull", r"task 'breed': 'bull' is not one of \[beagle, boxer, pug, 犬\]"),
        ("multiclass", -1, r"task 'breed': '-1' is not one of"),
        ("binary", "2", "task 'outdoors': '2' is not 0 or 1"),
        ("binary", "-1", "task 'outdoors': '-1' is not 0 or 1"),
        ("multilabel", "maybe", r"task 'toys' \(toys.ball\): 'maybe' is not 0 or 1"),
        ("regression", "old", "task 'age': 'old' is not a finite number"),
        ("regression", "inf", "task 'age': 'inf' is not a finite number"),
        ("regression", 1e300, "task 'age': '1e\\+300' is not a finite number"),
    ],
)
def test_a_cell_that_is_no_label(task, cell, message):
    task = _cases.TASKS[task]
    with pytest.raises(mxmtl.LabelError, match=message + ".*Leave the cell empty"):
        task.encode(dict.fromkeys(task.columns, cell))


@pytest.mark.parametrize(
    ("cell", "stored"),
    [
        ("16777217", "16777216"),
        (16777217, "16777216"),
        (16777217.0, "16777216"),
        ("-1700000001.0", "-1700000000"),
        ("1_700_000_001", "1700000000"),
        ("1.234567891e9", "1234567936"),
        ("1e-50", "0"),
        ("-1e-400", "0"),
    ],
)
def test_a_number_that_float32_does_not_hold(cell, stored):
    message = (
        rf"task 't': '{re.escape(str(cell))}' would be stored as {stored}, in float32\. Subtract "
        "an offset from the whole column, or give it in another unit."
    )
    with pytest.raises(mxmtl.LabelError, match=message):
        mxmtl.Regression("t").encode({"t": cell})


@pytest.mark.parametrize(
    "cell", ["16777216", "0.1", "1700000002.5", "1e30", 1e30, "1e-40", "0.0", "-0", True]
)
def test_decimals_are_rounded_to_float32_and_whole_numbers_kept(cell):
    assert mxmtl.Regression("t").encode({"t": cell}) == np.float32(float(cell))


def test_few_of_many_classes_stand_in_a_message_and_the_nearest():
    person = mxmtl.Multiclass("id", [f"k{number:04d}" for number in range(1500)])
    message = r"one of \[k0000, .*k0009, ... \(1490 more\)\] \(did you mean 'k0123'\?\)"
    with pytest.raises(mxmtl.LabelError, match=message):
        person.encode({"id": "k0123x"})
    assert person.encode({"id": "k1499"}) == [1499]


def test_a_column_that_is_not_there():
    with pytest.raises(mxmtl.LabelError, match=r"task 'age': column 'age' is not one of \[path\]"):
        _cases.TASKS["regression"].encode({"path": "a.jpg"})


@pytest.mark.parametrize("task", _cases.TASKS.values(), ids=_cases.TASKS)
def test_values_out_of_range_are_not_valid(task):
    bad = {"class": [-2, task.num_outputs, 0.5, np.nan], "cells": [2, -2, 0.5, np.nan]}
    for value in bad.get(task.kind, [np.inf, -np.inf]):
        assert not task.valid(np.array([value], np.float32))[0]


@pytest.mark.parametrize("kind", ["numpy", "mxnet"])
def test_split_gives_each_task_its_shape_and_values(kind):
    tasks, rng = _cases.task_set(), np.random.RandomState(0)
    parts = [_cases.random_label(task, 5, 0.3, rng) for task in tasks]
    label = np.concatenate(parts, axis=1)
    cut = tasks.split(label if kind == "numpy" else mx.nd.array(label))
    for task, part, got in zip(tasks, parts, cut):
        assert got.shape == task.label_shape(5)
        got = got if kind == "numpy" else got.asnumpy()
        np.testing.assert_array_equal(got.reshape(part.shape), part)


def test_labels_of_another_width_are_refused():
    tasks = _cases.task_set()
    with pytest.raises(
        mxmtl.LabelError, match=f"labels are 3 wide, but these tasks take {tasks.label_width}"
    ):
        tasks.split(np.zeros((2, 3)))
    with pytest.raises(mxmtl.LabelError, match="Were the records written for other tasks"):
        tasks.decode(np.zeros(3))


@pytest.mark.parametrize(
    ("task", "label", "says"),
    [
        (mxmtl.Multilabel("toys", ["ball", "rope"]), [1, 0.9], r"\(toys.rope\): 0.9 is no label"),
        (mxmtl.Binary("out"), [0.5], r"'out' \(out\): 0.5 is no label that a cell can say"),
        (mxmtl.Multiclass("m", ["a", "b"]), [7], r"'m' \(m\): 7 is no label that a cell can say"),
        (mxmtl.Multiclass("m", ["a", "b"]), [0.5], "0.5 is no label"),
    ],
)
def test_what_no_cell_can_say_is_not_made_another_label(task, label, says):
    with pytest.raises(mxmtl.LabelError, match=says):
        task.decode(np.float32(label))


def test_the_missing_label_is_missing_everywhere():
    tasks = _cases.task_set()
    assert tasks.missing_label.shape == (tasks.label_width,)
    for task, part in zip(tasks, tasks.slices):
        assert not np.any(task.labelled(tasks.missing_label[part]))
    assert set(tasks.decode(tasks.missing_label).values()) == {""}


@pytest.mark.parametrize("kind", ["numpy", "mxnet"])
def test_predictions_in_words_are_read_back_as_the_labels(kind):
    tasks, rng = _cases.task_set(), np.random.RandomState(0)
    label = np.concatenate([_cases.random_label(task, 9, 0, rng) for task in tasks], axis=1)
    predictions = []
    for task, part in zip(tasks, tasks.slices):
        certain = label[:, part]
        if task.kind == "class":
            certain = np.eye(task.num_outputs, dtype=np.float32)[certain[:, 0].astype(int)]
        predictions.append(certain if kind == "numpy" else mx.nd.array(certain))
    table = tasks.describe(predictions)
    assert set(tasks.columns) <= set(table)
    for index in range(9):
        row = {column: table[column][index] for column in tasks.columns}
        np.testing.assert_array_equal(tasks.encode(row), label[index])
    assert np.all(table["breed.probability"] == 1)
    np.testing.assert_array_equal(table["toys.ball.probability"], label[:, tasks.slices[4]][:, 0])
