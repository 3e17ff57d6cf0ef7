"""A task's column: what it is read from, where the table does not call it as the task is called."""

from __future__ import annotations

import mxmtl

import numpy as np
import pytest

ONE_HOT = mxmtl.Multiclass("dx", classes=["MEL", "NV", "BCC"], column="{class}")


def test_a_task_is_read_from_its_column_and_written_under_its_name():
    task = mxmtl.Binary("effusion", column="Pleural Effusion")
    assert (task.columns, task.sources) == (("effusion",), ("Pleural Effusion",))
    label = task.encode({"Pleural Effusion": "yes"})
    assert task.decode(label) == {"effusion": "1"}
    np.testing.assert_array_equal(task.encode(task.decode(label)), label)
    assert mxmtl.tasks.Task.from_dict(task.to_dict()) == task


@pytest.mark.parametrize(
    ("column", "sources"),
    [(None, ("t.a", "t.b c")), ("{label}", ("a", "b c")), ("x", ("x.a", "x.b c"))],
)
def test_labels_have_columns_by_a_pattern(column, sources):
    task = mxmtl.Multilabel("t", labels=["a", "b c"], column=column)
    assert task.sources == sources
    label = task.encode(dict(zip(sources, ["1", ""])))
    np.testing.assert_array_equal(label, np.float32([1, -1]))
    np.testing.assert_array_equal(task.encode(task.decode(label)), label)


@pytest.mark.parametrize(
    ("cells", "stored"), [("010", 1), (["1.0", "", "0"], 0), ("000", -1), (["", "", ""], -1)]
)
def test_one_hot_columns_are_one_class(cells, stored):
    label = ONE_HOT.encode(dict(zip(ONE_HOT.classes, cells)))
    np.testing.assert_array_equal(label, np.float32([stored]))
    np.testing.assert_array_equal(ONE_HOT.encode(ONE_HOT.decode(label)), label)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ("110", "'MEL' and 'NV' hold; expected one class"),
        ("1x0", r"task 'dx' \(NV\): 'x' is not 0"),
    ],
)
def test_one_hot_columns_that_are_none_are_refused(cells, message):
    with pytest.raises(mxmtl.tasks.LabelError, match=message):
        ONE_HOT.encode(dict(zip(ONE_HOT.classes, cells)))


@pytest.mark.parametrize("name", ["身長", "हिन्दी", "größe", "a-b_1"])
def test_names_hold_letters_of_any_script(name):
    assert mxmtl.Binary(name).encode({name: "1"}) == 1


@pytest.mark.parametrize("column", ["", 3])
def test_a_column_is_a_name(column):
    with pytest.raises(ValueError, match="expected a name"):
        mxmtl.Binary("x", column=column)
