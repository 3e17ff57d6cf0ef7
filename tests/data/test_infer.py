"""Tasks that a table suggests."""

from __future__ import annotations

import mxmtl
from mxmtl.data import TableError, TableOptions, infer_tasks
from mxmtl.data.tables import LabelEncoder, _infer, open_table

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import wcswidth

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
        (["1e3", "0.5", "-2"], {"type": "Regression"}),
        ([str(number) for number in range(21)], {"type": "Regression"}),
        (["犬", "猫", "犬"], {"type": "Multiclass", "classes": ["犬", "猫"]}),
        (["010", "001", "2"], {"type": "Multiclass", "classes": ["001", "010", "2"]}),
        (["1e3", "+5", "-7"], {"type": "Multiclass", "classes": ["-7", "+5", "1e3"]}),
        (["1_000", "3", "3"], {"type": "Multiclass", "classes": ["1_000", "3"]}),
        (["0", "1", "1.00"], {"type": "Binary"}),
        (
            ["9007199254740993", "9007199254740992.0", "5"],
            {"type": "Multiclass", "classes": ["5", "9007199254740992", "9007199254740993"]},
        ),
        (
            [f"{number // 2:03}" for number in range(60)],
            {"type": "Multiclass", "classes": [f"{number:03}" for number in range(30)]},
        ),
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
        (
            [f"id{number % 29}" for number in range(32)],  # with the rows of three twice
            "nearly every cell is different (29 of 32)",
        ),
        (
            [f'["id{number % 29}"]' for number in range(32)],
            "nearly every name is different (29 of 32)",
        ),
        ([f"id{number // 2}" for number in range(2500)], "more than 1000 different cells"),
        (["2", "2.0"], "every cell is '2'"),
        (["0.5", "inf"], "'inf' is no finite number"),
        (["0.5", "-1e39"], "'-1e39' is no finite number"),
        (
            ["1700000001", "0.5"],
            "'1700000001' would be stored as 1700000000, in float32. Subtract an offset from the "
            "whole column, or give it in another unit.",
        ),
        (
            ["0.5", "1e-50"],
            "'1e-50' would be stored as 0, in float32. Subtract an offset from the whole column, "
            "or give it in another unit.",
        ),
        (["?", ""], "every cell is '?'"),
        (["NA", "nan"], "every cell is 'NA' or 'nan'"),
        (
            ["pug\u200b", "boxer"],
            "task 'x': classes has 'pug\\u200b'; '\\u200b' in it cannot be printed.",
        ),
    ],
)
def test_columns_that_suggest_nothing_are_left_out_with_the_reason(table, cells, reason):
    inference = infer_tasks(table(x=cells, y=["0", "1"] * (len(cells) // 2)))
    assert inference.tasks.names == ["y"]
    assert inference.left_out == {"x": reason}
    assert f"left out: {reason}" in str(inference)


@pytest.mark.parametrize(
    ("cells", "kind", "spellings", "option"),
    [
        (["3", "NaN", "4.5"], "Regression", "'NaN'", "--missing-value NaN"),
        (["0", "1", "NA"], "Binary", "'NA'", "--missing-value NA"),
        (["0.5", "?", "null"], "Regression", "'?', 'null'", "--missing-value '?' --missing-value"),
    ],
)
def test_a_type_that_hangs_on_a_spelling_of_unknown_is_not_guessed(
    table, cells, kind, spellings, option
):
    (reason,) = infer_tasks(table(x=cells, y=["0", "1", "0"])).left_out.values()
    assert reason.startswith(f"it would be a {kind} without {spellings}. If ")
    assert f"means unknown: {option}" in reason
    assert "(missing_values=[" in reason


def test_a_label_column_with_a_spelling_of_unknown_is_left_out_with_the_reason(table):
    inference = infer_tasks(table(**{"t.a": ["0", "1"], "t.b": ["1", "None"]}))
    assert inference.tasks == mxmtl.TaskSet([mxmtl.Multilabel("t", labels=["a"])])
    assert "it would be a Binary without 'None'" in inference.left_out["t.b"]


@pytest.mark.parametrize("given", [(), [{"type": "Multiclass", "name": "breed"}]])
def test_a_class_that_looks_like_unknown_is_noted(table, given):
    path = table(breed=["pug", "NA", "boxer", "n/a"])
    inference = infer_tasks(path, given=given)
    assert inference.tasks["breed"].names == ("NA", "boxer", "n/a", "pug")
    note = (
        "cells 'NA', 'n/a' are taken as they are. If that means unknown: --missing-value NA "
        "--missing-value n/a (missing_values=['NA', 'n/a'])."
    )
    assert inference.notes == {"breed": note}
    assert f"breed                note: {note}" in str(inference)
    known = infer_tasks(path, given=given, options=TableOptions(missing_values=["NA", "n/a"]))
    assert known.tasks["breed"].names == ("boxer", "pug")
    assert not known.notes


def test_a_column_of_any_name_is_a_task_of_a_name_like_it(table):
    columns = {"a b": ["0", "1"], "a_b": ["x", "y"], "体 重": ["0.5", "2"], "[#]": ["0", "1"]}
    assert specs(table(**columns)) == [
        {"type": "Binary", "name": "a_b_2", "column": "a b"},
        {"type": "Multiclass", "name": "a_b", "classes": ["x", "y"]},
        {"type": "Regression", "name": "体_重", "column": "体 重"},
        {"type": "Binary", "name": "column", "column": "[#]"},
    ]


def test_shares_missing_are_shown(table):
    inference = infer_tasks(table(x=["0", "", "", "1"], breed=["pug", "boxer", "pug", ""]))
    assert inference.labelled == {"x": 2, "breed": 3}
    assert [line.split() for line in str(inference).splitlines()] == [
        ["x", "Binary", "50.0%", "missing"],
        ["breed", "Multiclass", "25.0%", "missing", "2:", "boxer", "(1),", "pug", "(2)"],
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


@pytest.mark.parametrize(
    ("kind", "column", "separator"),
    [("Multiclass", "x", None), ("Multiclass", "x", ";"), ("Multilabel", "y", ";")],
)
def test_all_names_of_a_given_task_are_collected(table, kind, column, separator):
    names = [f"id{number:04}" for number in range(1500)]
    path = table(x=names, y=[f"{name}; id0000" for name in names])
    options = TableOptions(separator=separator)
    (task,) = infer_tasks(path, given=[{"type": kind, "name": column}], options=options).tasks
    assert list(task.names) == names


def test_classes_that_are_given_are_whole_cells_whatever_separates_names(table):
    path = table(x=["a;b", "a", "b"])
    given = [{"type": "Multiclass", "name": "x"}]
    (task,) = infer_tasks(path, given=given, options=TableOptions(separator=";")).tasks
    assert list(task.classes) == ["a", "a;b", "b"]


def test_more_names_than_anyone_has_are_an_error_and_not_cut(table, monkeypatch):
    monkeypatch.setattr(_infer, "MAX_NAMES", 3)
    path = table(x=["a", "b", "c", "d"])
    given = [{"type": "Multiclass", "name": "x"}]
    with pytest.raises(TableError, match=r"t.csv: column 'x' holds more than 3 different names"):
        infer_tasks(path, given=given)
    assert infer_tasks(path).tasks["x"].names == ("a", "b", "c", "d")


def test_more_label_names_than_can_be_guessed_are_left_out(table):
    path = table(x=[f"a{row};b{row}" for row in range(700)], y=["0", "1"] * 350)
    inference = infer_tasks(path, options=TableOptions(separator=";"))
    assert inference.left_out == {"x": "more than 1000 different names"}


def test_names_in_a_column_beside_columns_of_the_same_names_are_left_out(table):
    path = table(t=["a;b", "a"], y=["0", "1"], **{"t.a": ["pug", "boxer"]})
    inference = infer_tasks(path, options=TableOptions(separator=";"))
    assert inference.tasks.names == ["y", "t_a"]
    assert inference.left_out["t"] == "the column 't.a' is there as well"


def test_a_table_whose_rows_are_all_bad_says_why(tmp_path):
    (tmp_path / "t.csv").write_text("path,x\n1.jpg,a,b\n2.jpg,a,b\n")
    expected = r"t.csv: no row can be read; the first: row 2, it has 3 cells, but the header names"
    with pytest.raises(TableError, match=expected):
        infer_tasks(tmp_path / "t.csv")


AWKWARD = [
    *("", "0", "1", "2", "9", "01", "001", "1.0", "1.", "1.00", "+1", "-0", "-0.0", "1e3", "1_000"),
    *("9007199254740992", "9007199254740993", "3.5", ".5", "1e39", "inf", "-inf", "nan", "NaN"),
    *("16777217", "16777217.0", "1e-50"),
    *("NA", "?", "None", "n/a", "yes", "NO", "True", "a", "b", "a;b", "a;", ";", " ; ", "1;2"),
    *("犬", "１", "a b", "a\u200b", "a\nb", "a\xa0b", 'a"b', "a,b", "x=1"),
]
CELLS = st.sampled_from(AWKWARD) | st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=3
)
COLUMNS = ["path", "x", "t", "t.a", "t.b"]


@settings(max_examples=300)
@given(
    st.lists(st.lists(CELLS, min_size=4, max_size=4), min_size=1, max_size=30),
    st.sampled_from([None, ";", " ", "e"]),
    st.sampled_from([(), ("Multiclass",), ("Multilabel",)]),
)
def test_what_a_table_suggests_encodes_all_of_its_rows(tmp_path_factory, rows, separator, types):
    path = tmp_path_factory.getbasetemp() / "awkward.csv"
    write_csv(path, [dict(zip(COLUMNS, ["1.jpg", *row])) for row in rows], COLUMNS)
    options = TableOptions(separator=separator)
    given = [{"type": kind, "name": "x"} for kind in types]
    try:
        inference = infer_tasks(path, given=given, options=options)
        table = open_table(path, options)
        encode = LabelEncoder(table, inference.tasks)
    except TableError as error:
        if "awkward.csv: " not in str(error):
            raise
        return
    for row in table.rows():
        assert row.problem is None
        encode(row)


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


@pytest.mark.parametrize("start", ["attributes", "meta.attributes"])
def test_an_object_of_one_list_is_columns_as_any_other(start):
    def row(at, **attributes):
        outer, _, inner = start.partition(".")
        return {"path": f"{at}.jpg", outer: {inner: attributes} if inner else attributes}

    rows = [row(1, color=["red", "blue"], sale=True), row(2, color=["red"]), row(3, sale=False)]
    inference = infer_tasks([*rows, row(4, color=["blue"])])
    tasks = {task.column or task.name: task for task in inference.tasks}
    assert not inference.left_out
    if start == "attributes":
        assert tasks["attributes"].names == ("sale",)
    assert tasks[f"{start}.color"].names == ("blue", "red")
    assert inference.labelled[tasks[f"{start}.color"].name] == 6


@pytest.mark.parametrize("start", ["", "train"])
def test_a_folder_of_pictures_and_labels_holds_no_classes(tmp_path, start):
    (tmp_path / start).mkdir(exist_ok=True)
    write_images(tmp_path / start / "images", 2)
    with pytest.raises(
        TableError, match="every picture is in one folder, 'images', which"
    ) as error:
        infer_tasks(tmp_path)
    assert "YOLO" not in str(error.value)
    (tmp_path / start / "labels" / "more").mkdir(parents=True)
    (tmp_path / start / "labels" / "more" / "1.txt").write_text("0 0.5 0.5 1 1\n")
    with pytest.raises(TableError, match="as YOLO's, are not read"):
        infer_tasks(tmp_path)
    write_images(tmp_path / start / "owl", 1)
    assert infer_tasks(tmp_path).tasks["class"].names == ("images", "owl")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [("3-", ("Edema", "Mass")), ("3-5", ("Edema", "Mass", "patient")), ("5", ("patient",))],
)
def test_an_open_range_of_columns_ends_before_those_of_paths(asked, expected):
    rows = [
        {"path": f"p{at}/study{at % 2}/1.jpg", "age": at, "Edema": at % 2, "Mass": 1 - at % 2}
        for at in range(4)
    ]
    given = [{"type": "Multilabel", "name": "finding", "columns": [asked]}]
    options = TableOptions(path_pattern="{patient}/{study}/*")
    assert infer_tasks(rows, given=given, options=options).tasks["finding"].names == expected


def test_lists_have_no_names_to_infer_from(tmp_path):
    (tmp_path / "a.lst").write_text("0\t1\ta.jpg\n")
    with pytest.raises(TableError, match="a list holds numbers without names"):
        infer_tasks(tmp_path / "a.lst")


def test_inferred_tasks_encode_their_table(table):
    path = table(breed=["pug", "", "boxer"], age=["0.5", "1", ""], **{"t.a": ["1", "", "0"]})
    inference = infer_tasks(path)
    assert isinstance(inference.tasks, mxmtl.TaskSet)
    assert inference.tasks.columns == ["breed", "age", "t.a"]


def test_columns_of_a_proposal_stand_below_each_other_in_every_script(table):
    found = infer_tasks(table(tone=["red", "blue"] * 3, 肤色=["红", "蓝"] * 3, ﾄｰﾝ=["a", "b"] * 3))
    lines = [line for line in str(found).splitlines() if "% missing" in line]
    assert len(lines) == 3
    assert {wcswidth(line[: line.index("Multiclass")]) for line in lines} == {21}


def test_rows_in_which_two_classes_hold_do_not_make_more_labels_than_rows(table):
    path = table(a=["1", "0", "1"], b=["0", "1", "1"])
    given = [{"type": "Multiclass", "name": "x", "columns": ["a", "b"]}]
    inference = infer_tasks(path, given=given)
    assert inference.labelled == {"x": 3}
    assert "  0.0% missing" in str(inference)


@pytest.mark.parametrize(
    ("cells", "options", "note"),
    [
        (
            ["circle"] * 10 + ["cirlce"] * 2,
            {},
            "spelt almost alike: 'cirlce' (2) and 'circle' (10)",
        ),
        (
            ["ball;rope", "ball", "rope", ""],
            {"separator": ";"},
            "1 of 4 cells is empty or unknown, and all others",
        ),
        (
            ["球；绳子", "球", "绳子"],
            {},
            "'球；绳子' looks like several names. If it is: --separator '；'",
        ),
        (["球、绳子", "球", "绳子"], {}, "If it is: --separator '、'"),
        (["1.5", "2.5", "3", "99999"], {}, "99999 stands apart from the other numbers"),
    ],
)
def test_what_a_newcomer_would_miss_is_noted(table, cells, options, note):
    found = infer_tasks(table(a=cells), options=TableOptions(**options))
    assert note in {**found.notes, **found.doubts}["a"]


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (["male", "female"] * 9 + ["mate"], {}),  # too short for a slip
        (["type 1"] * 10 + ["type 2"], {}),  # a number tells them apart
        (["circle"] * 3 + ["cirlce"] * 2, {}),  # as many as the other
        (["か", "が"] * 3, {}),  # marks that make other letters
        (["ball;rope", "ball", "none", ""], {"separator": ";", "none_names": ("none",)}),
        (["ball;rope", "ball", "rope"], {"separator": ";"}),
    ],
)
def test_and_nothing_where_nothing_is_wrong(table, cells, options):
    assert "a" not in infer_tasks(table(a=cells), options=TableOptions(**options)).notes


def test_a_given_number_is_asked_about_what_stands_apart_and_columns_that_no_task_reads(table):
    path = table(price=["1.5", "2.5", "3", "99999"], color=["red", "blue"] * 2, b=["x", "y"] * 2)
    notes = infer_tasks(path, given=[{"type": "Regression", "name": "price"}]).notes
    assert "99999 stands apart" in notes["price"]
    assert notes["columns"] == "not used: 'b', 'color'. Each task takes words of its own (--task)."
    names = ("price", "color", "b")
    given = [{"type": "Regression", "name": "price"}]
    given += [{"type": "Multiclass", "name": name} for name in names[1:]]
    assert "columns" not in infer_tasks(path, given=given).notes
