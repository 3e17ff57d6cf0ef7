"""Tasks that a table suggests."""

from __future__ import annotations

import mxmtl
from mxmtl.data import TableError, TableOptions, infer_tasks

import pytest

from ._images import write_csv, write_images


@pytest.fixture
def table(tmp_path):
    def write(**columns):
        rows = max(len(cells) for cells in columns.values())
        named = {"path": [f"{row}.jpg" for row in range(rows)], **columns}
        lines = [dict(zip(named, cells)) for cells in zip(*named.values())]
        return write_csv(tmp_path / "t.csv", lines, list(named))

    return write


def specs(path, **options):
    return [task.to_dict() for task in infer_tasks(path, **options).tasks]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["pug", "", "boxer"], {"type": "Multiclass", "classes": ["boxer", "pug"]}),
        (["10", "9.0", "2"], {"type": "Multiclass", "classes": ["2", "9", "10"]}),
        (["yes", "", "no"], {"type": "Binary"}),
        (["0", "1.0", "1"], {"type": "Binary"}),
        (["1", "1", "1"], {"type": "Binary"}),
        (["0.5", "", "1"], {"type": "Regression"}),
        (["1e3", "nan", "-2"], {"type": "Regression"}),
        ([str(number) for number in range(21)], {"type": "Regression"}),
        (["犬", "猫", "犬"], {"type": "Multiclass", "classes": ["犬", "猫"]}),
    ],
)
def test_cells_suggest_a_type(table, cells, expected):
    assert specs(table(x=cells)) == [{"name": "x", **expected}]


def test_dotted_columns_are_one_multilabel_task(table):
    path = table(**{"toys.ball": ["0", "1"], "age": ["0.5", "2"], "toys.rope": ["", "1"]})
    assert specs(path) == [
        {"type": "Multilabel", "name": "toys", "labels": ["ball", "rope"]},
        {"type": "Regression", "name": "age"},
    ]


def test_separated_names_are_a_multilabel_task(table):
    path = table(toys=["rope; ball", "", "bone"], breed=["pug", "boxer", "pug"])
    assert specs(path, options=TableOptions(separator=";")) == [
        {"type": "Multilabel", "name": "toys", "labels": ["ball", "bone", "rope"]},
        {"type": "Multiclass", "name": "breed", "classes": ["boxer", "pug"]},
    ]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["", ""], "every cell is empty"),
        (["pug", "pug"], "every cell is 'pug'"),
        ([f"id{number}" for number in range(30)], "every cell is different"),
        ([f"id{number // 2}" for number in range(2500)], "more than 1000 different cells"),
    ],
)
def test_columns_that_suggest_nothing_are_left_out_with_the_reason(table, cells, reason):
    inference = infer_tasks(table(x=cells, y=["0", "1"] * (len(cells) // 2)))
    assert inference.tasks.names == ["y"]
    assert inference.left_out == {"x": reason}
    assert f"left out: {reason}" in str(inference)


def test_columns_whose_name_is_no_task_name_are_left_out(table):
    inference = infer_tasks(table(**{"a b": ["0", "1"], "y": ["0", "1"]}))
    assert inference.left_out == {"a b": "a task's name has letters, digits, '_' and '-' only"}


def test_shares_missing_are_shown(table):
    inference = infer_tasks(table(x=["0", "", "", "1"], breed=["pug", "boxer", "pug", ""]))
    assert inference.labelled == {"x": 2, "breed": 3}
    assert [line.split() for line in str(inference).splitlines()] == [
        ["x", "Binary", "50.0%", "missing"],
        ["breed", "Multiclass", "25.0%", "missing", "2:", "boxer,", "pug"],
    ]


def test_given_tasks_take_their_names_from_the_table(table):
    path = table(breed=["pug", "boxer"], x=["3", "4"], **{"toys.ball": ["", "1"]})
    given = [
        {"type": "Multiclass", "name": "x"},
        {"type": "Multilabel", "name": "toys", "weight": 2.0},
        {"type": "Multiclass", "name": "breed", "classes": ["pug", "boxer", "beagle"]},
    ]
    assert specs(path, given=given) == [
        {"type": "Multiclass", "name": "x", "classes": ["3", "4"]},
        {"type": "Multilabel", "name": "toys", "labels": ["ball"], "weight": 2.0},
        {"type": "Multiclass", "name": "breed", "classes": ["pug", "boxer", "beagle"]},
    ]


def test_ignored_columns_are_no_tasks(table):
    path = table(x=["0", "1"], dog=["rex", "ada"])
    assert infer_tasks(path, ignore=["dog"]).tasks.names == ["x"]


def test_folders_suggest_one_task(tmp_path):
    for name in ("pug", "beagle"):
        write_images(tmp_path / name, 2)
    assert specs(tmp_path) == [
        {"type": "Multiclass", "name": "class", "classes": ["beagle", "pug"]}
    ]


def test_missing_values_are_missing(table):
    path = table(x=["NA", "0.5", "1"])
    assert specs(path, options=TableOptions(missing_values=["", "NA"]))[0]["type"] == "Regression"


@pytest.mark.parametrize(
    ("columns", "given", "message"),
    [
        ({"x": ["a", "a"]}, [], r"no column suggests a task: \{'x': \"every cell is 'a'\"\}"),
        ({"x": ["a", "b"]}, [{"type": "Multiclass", "name": "y"}], "no column 'y' or 'y.<label>'"),
        ({"x": ["a", "b"]}, [{"type": "Nope", "name": "x"}], "task type 'Nope' is not one of"),
    ],
)
def test_messages(table, columns, given, message):
    with pytest.raises(ValueError, match=message):
        infer_tasks(table(**columns), given=given)


def test_lists_have_no_names_to_infer_from(tmp_path):
    (tmp_path / "a.lst").write_text("0\t1\ta.jpg\n")
    with pytest.raises(TableError, match="a list holds numbers without names"):
        infer_tasks(tmp_path / "a.lst")


def test_inferred_tasks_encode_their_table(table):
    path = table(breed=["pug", "", "boxer"], age=["0.5", "1", ""], **{"t.a": ["1", "", "0"]})
    inference = infer_tasks(path)
    assert isinstance(inference.tasks, mxmtl.TaskSet)
    assert inference.tasks.columns == ["breed", "age", "t.a"]
