"""What people write into cells: marks for unknown, amounts, full-width letters, spellings."""

from __future__ import annotations

import shlex

import mxmtl
from mxmtl.cli import main
from mxmtl.data import TableError, TableOptions, find_faults, infer_tasks
from mxmtl.data.tables import open_table

import numpy as np
import pytest

from ._images import write_csv, write_images
from .test_front_door import stored


@pytest.fixture
def table(tmp_path):
    """Write a table of these columns and its pictures; return its path."""

    def write(encoding="utf-8", **columns):
        names = write_images(tmp_path, len(next(iter(columns.values()))))
        rows = [dict(zip(["path", *columns], cells)) for cells in zip(names, *columns.values())]
        path = write_csv(tmp_path / "t.csv", rows, ["path", *columns])
        if encoding != "utf-8":
            (tmp_path / "t.csv").write_bytes(
                (tmp_path / "t.csv").read_bytes().decode().encode(encoding)
            )
        return path

    return write


def labels_of(path, tmp_path, *options, task=None):
    """Convert; return each record's labels, None where nothing is known."""
    told = ["--task", task] if task else ["--yes"]
    code = main(["convert", str(path), "--prefix", str(tmp_path / "out"), *told, *options])
    assert code == 0
    return [told_of(row) for row in stored(str(tmp_path / "out"))]


def told_of(cells):
    """Return cells as {column: number, name or None}, and labels of one task together."""
    found = {}
    for column, cell in cells.items():
        name, _, label = column.partition(".")
        plain = cell.lstrip("-").replace(".", "", 1).isdigit()
        value = float(cell) if plain else cell or None
        if label:
            found.setdefault(name, {})[label] = value
        else:
            found[name] = value
    return found


@pytest.mark.parametrize("separator", [[], ["--separator", ";"]])
def test_what_is_said_to_be_unknown_stays_so_where_an_empty_cell_says_none(
    table, tmp_path, separator
):
    cells = ["a;b", "?", "", "none", "a"] if separator else ['["a", "b"]', "?", "", "[]", '["a"]']
    options = [*separator, "--empty-names", "none", "--missing-value", "?"]
    options += ["--none-name", "none"] if separator else []
    path = table(tags=cells, kind=["x", "?", "", "y", "x"])
    found = labels_of(path, tmp_path, *options)
    both, only_a, no = {"a": 1, "b": 1}, {"a": 1, "b": 0}, {"a": 0, "b": 0}
    assert [row["tags"] for row in found] == [both, {"a": None, "b": None}, no, no, only_a]
    assert [row["kind"] for row in found] == ["x", None, None, "y", "x"]


def test_columns_of_one_hot_and_long_tables_take_what_is_unknown(table, tmp_path):
    path = table(red=["1", "?", ""], blue=["0", "?", ""])
    options = ["--empty-names", "none", "--missing-value", "?"]
    task = "Multiclass colour columns=red,blue"
    found = labels_of(path, tmp_path, *options, task=task)
    assert [row["colour"] for row in found] == ["red", None, None]


@pytest.mark.parametrize(
    ("amounts", "price", "kg"),
    [
        ("comma", [1240.26, 3.5, 12, 1200], [1.25, 0.48, 12.5, 3]),
        ("price: comma", [1240.26, 3.5, 12, 1200], [1.25, 0.48, 12.5, 3]),
    ],
)
def test_amounts_of_one_column_are_no_amounts_of_another(table, tmp_path, amounts, price, kg):
    path = table(price=["1.240,26", "3,5", "12,-", "1.200"], kg=["1.250", "0.480", "12.5", "3"])
    found = labels_of(path, tmp_path, "--amounts", amounts)
    np.testing.assert_allclose([[row["price"], row["kg"]] for row in found], np.c_[price, kg], 1e-6)


def test_a_column_that_shows_the_other_mark_is_read_by_it_and_that_is_said(table):
    path = table(kg=["1.250", "0.480", "12.5", "3"], eur=["1.250", "3", "7.100", "4"])
    found = infer_tasks(path, options=TableOptions(amounts="comma"))
    assert "decimals of 'kg' stand behind a point" in found.notes["table"]
    assert "eur" not in found.notes["table"]
    encoded = [row.cells for row in open_table(path, TableOptions(amounts="comma")).rows()]
    assert [(row["kg"], row["eur"]) for row in encoded][:2] == [("1.250", "1250"), ("0.480", "3")]


def test_a_wide_table_is_looked_at_for_marks_before_it_is_read(table):
    many = {f"c{at}": ["45%", "2", "3"] for at in range(40)}
    opened = open_table(table(**many), TableOptions(amounts="point"))
    assert sum(len(chunk) for chunk in opened.chunks()) == 3  # a walk that reads no cell
    for _ in range(2):
        assert [row.cells["c7"] for row in opened.rows()] == ["45", "2", "3"]


@pytest.mark.parametrize(
    ("amounts", "said"),
    [
        ("commas", "expected one of [plain, point, comma]"),
        (["price: comma", "price: point"], "are said of the same column"),
    ],
)
def test_amounts_that_are_none_are_refused(amounts, said):
    given = amounts if isinstance(amounts, str) else [dict([one.split(": ")]) for one in amounts]
    with pytest.raises(ValueError, match="amounts") as error:
        TableOptions(amounts=given)
    assert said in str(error.value)


@pytest.mark.parametrize("amounts", ["plain", "point", "comma"])
@pytest.mark.parametrize("unit", ["°C", " kg"])
def test_units_are_not_read_and_no_option_is_said_to_read_them(table, unit, amounts):
    few = [*map(str, range(40)), f"36.6{unit}", f"37.5{unit}"]
    path = table(x=[f"{at}.5{unit}" for at in range(42)], few=few, y=["0", "1"] * 21)
    found = infer_tasks(path, options=TableOptions(amounts=amounts))
    for name in ("x", "few"):
        assert "units and bounds are not read: write the numbers alone." in found.left_out[name]
        assert "--amounts" not in found.left_out[name]


SOLD = ["1.234", "916", "2.500", "88", "7"]


@pytest.mark.parametrize(
    ("sold", "others", "mark", "doubt"),
    [
        (SOLD, ["1780,60", "3,5", "4,25", "9,75", "8,5"], ",", "as 'price' has '1780,60'"),
        (SOLD, ["1", "2", "3", "4", "5"], ";", "as semicolons stand between cells"),
        (["1.234", "2.500"] * 3, ["3,5", "4,5", "5,75"] * 2, ",", "'1.234' may be 1234, as"),
        (SOLD, ["1.5", "2", "3", "4", "5"], ";", ""),  # a point before decimals
        (SOLD, ["1", "2", "3", "4", "5"], ",", ""),  # nothing speaks for commas
        (["1.234", "2.500"] * 3, ["1", "2", "3"] * 2, ";", ""),
        (["1.234", "0.125", "7"], ["3,5", "4,5", "5,75"], ",", ""),
        (["1.234", "2.5", "7"], ["3,5", "4,5", "5,75"], ",", ""),
        (["1.234", "1234", "7"], ["3,5", "4,5", "5,75"], ",", ""),  # a thousand without a point
    ],
)
def test_a_point_that_may_stand_between_thousands_is_a_doubt(tmp_path, sold, others, mark, doubt):
    rows = zip((f"{at}.jpg" for at in range(len(sold))), sold, others, ["0", "1"] * len(sold))
    rows = [("path", "sold", "price", "y"), *rows]
    lines = (mark.join(f'"{cell}"' for cell in row) for row in rows)
    (tmp_path / "t.csv").write_text("\n".join(lines))
    found = infer_tasks(tmp_path / "t.csv").doubts.get("sold", "")
    assert (doubt in found) if doubt else not found
    given = [{"type": "Regression", "name": "sold"}]
    assert infer_tasks(tmp_path / "t.csv", given=given).notes.get("sold", "") == found
    for how, read in (("comma", 1234), ("point", 1.234)) if doubt else ():
        assert f"--amounts 'sold: {how}'" in found
        options = TableOptions(amounts={"sold": how})
        assert "sold" not in infer_tasks(tmp_path / "t.csv", options=options).doubts
        first = next(iter(open_table(tmp_path / "t.csv", options).rows()))
        assert float(first.cells["sold"]) == read


def test_a_few_amounts_among_numbers_are_no_unknown_cells(table):
    cells = [*map(str, range(30, 70)), "45,5", "70%", "big"]
    doubt = infer_tasks(table(size=cells, x=["0", "1"] * 21 + ["0"])).doubts["size"]
    assert "--amounts 'size: comma'" in doubt
    assert "--missing-value big (" in doubt
    options = TableOptions(amounts={"size": "comma"}, missing_values=["", "big"])
    found = infer_tasks(table(size=cells, x=["0", "1"] * 21 + ["0"]), options=options)
    assert isinstance(found.tasks["size"], mxmtl.Regression)
    assert not found.doubts


def test_a_column_that_is_not_there_is_said_with_the_one_that_was_meant(table):
    path = table(Shape=["a", "b", "a"], **{"Main Colour": ["x", "y", "x"]})
    for column, given in (("Shap", "Shape"), ("Main Color", "Main Colour")):
        spec = {"type": "Multiclass", "name": "kind", "column": column}
        with pytest.raises(TableError, match=f"did you mean {given!r}"):
            infer_tasks(path, given=[spec])
        with pytest.raises(TableError, match=f"did you mean {given!r}"):
            infer_tasks(path, given=[{**spec, "classes": ["a", "b"]}])
    said = r"no column 'Shap' to ignore among \['path', .*did you mean 'Shape'"
    with pytest.raises(TableError, match=said):
        infer_tasks(path, ignore=["Shap"])
    assert "options" not in infer_tasks(path, ignore=["Shape", "path"]).notes


def test_a_column_may_be_called_as_its_task_is(table):
    path = table(
        **{"Article No": ["a", "b", "a"], "On Sale?": ["1", "0", ""], "x": ["1", "0", "1"]}
    )
    assert infer_tasks(path).tasks.names == ["Article_No", "On_Sale", "x"]
    assert infer_tasks(path, ignore=["Article_No"]).tasks.names == ["On_Sale", "x"]
    given = [{"type": "Binary", "name": "On_Sale"}, {"type": "Multiclass", "name": "Article_No"}]
    tasks = infer_tasks(path, given=given).tasks
    assert [(task.column, task.names) for task in tasks] == [
        ("On Sale?", ()), ("Article No", ("a", "b")),
    ]  # fmt: skip
    path = table(**{"Article No": ["a", "b", "a"], "Article?No": ["a", "b", "a"]})
    with pytest.raises(TableError, match="there is no column 'Article_No' to ignore"):
        infer_tasks(path, ignore=["Article_No"])  # of which of the two?


def test_numbers_and_answers_in_full_width_are_numbers_and_answers(table, tmp_path):
    path = table(
        size=["１４．５", "14.5", "－７", "\u22123", "0.25"],
        flag=["１", "０", "ＹＥＳ", "no", ""],
        kind=["Ａ組", "Ｂ組", "Ａ組", "Ｂ組", "Ａ組"],
    )
    found = labels_of(path, tmp_path)
    assert [row["size"] for row in found] == [14.5, 14.5, -7, -3, 0.25]
    assert [row["flag"] for row in found] == [1, 0, 1, 0, None]
    assert [row["kind"] for row in found] == ["Ａ組", "Ｂ組", "Ａ組", "Ｂ組", "Ａ組"]


def test_several_separators_of_one_column_all_separate(table, tmp_path):
    path = table(tags=["a、b", "b；c", "a", "c、a；b"], more=["x;y", "x", "y", "x"])
    options = ["--separator", "tags: 、", "--separator", "tags: ；", "--separator", "more: ;"]
    found = labels_of(path, tmp_path, *options)
    assert [sorted(k for k, v in row["tags"].items() if v) for row in found] == [
        ["a", "b"], ["b", "c"], ["a"], ["a", "b", "c"],
    ]  # fmt: skip
    assert found[0]["more"] == {"x": 1, "y": 1}


def test_a_second_separator_that_is_left_in_names_is_a_doubt(table):
    path = table(tags=["dotted;rimmed", "dotted/rimmed", "striped/dotted", "striped", "rimmed"])
    found = infer_tasks(path, options=TableOptions(separator=";"))
    said = "--separator 'tags: ;' --separator 'tags: /'"
    assert said in found.doubts["tags"]
    both = TableOptions(separator=[{"tags": ";"}, {"tags": "/"}])
    assert not infer_tasks(path, options=both).doubts


def test_what_is_neither_of_the_words_for_yes_and_no_is_a_doubt(table):
    path = table(rim=["是", "否", "看不清", "是"], other=["0", "1", "0", "1"])
    values = {"rim": {"yes": "是", "no": "否"}}
    found = infer_tasks(path, options=TableOptions(values=values))
    assert "--values 'rim: missing=看不清'" in found.doubts["rim"]
    values["rim"]["missing"] = "看不清"
    found = infer_tasks(path, options=TableOptions(values=values))
    assert not found.doubts
    assert isinstance(next(iter(found.tasks)), mxmtl.Binary)


@pytest.mark.parametrize("mark", ["-", "?", "——", "？", "／", "..."])
def test_a_mark_that_is_no_word_is_a_doubt(table, mark):
    path = table(kind=["a", "b", mark, "a"], other=["0", "1", "0", "1"])
    assert "would be classes. If that means unknown" in infer_tasks(path).doubts["kind"]
    given = [{"type": "Multiclass", "name": "kind"}]
    assert not infer_tasks(path, given=given).doubts  # the user has said what it is
    assert not infer_tasks(path, options=TableOptions(missing_values=["", mark])).doubts


@pytest.mark.parametrize("word", ["空", "缺失", "不知道", "未标注", "待定"])
def test_words_for_unknown_are_pointed_out(table, word):
    path = table(kind=["a", "b", word, "a"], other=["0", "1", "0", "1"])
    assert f"cells {word!r} are taken as they are" in infer_tasks(path).notes["kind"]


@pytest.mark.parametrize("word", ["none", "无", "keine"])
def test_a_name_that_says_that_none_holds_is_pointed_out(table, word):
    path = table(tags=["a;b", word, "a", "b"])
    found = infer_tasks(path, options=TableOptions(separator=";"))
    assert f"--none-name {shlex.quote(word)}" in found.notes["tags"]
    assert "--missing-value" not in found.notes["tags"]
    assert (
        "无"
        not in infer_tasks(table(tags=["有", "无", "有"])).notes["tags"].split("classes")[1][:0]
    )


@pytest.mark.parametrize(
    "cells", [["2024年3月5日", "2023年12月1日"], ["10时5分", "9時30分"], ["3月5日", "12月1日"]]
)
def test_dates_and_times_in_east_asia_are_no_classes(table, cells):
    found = infer_tasks(table(when=cells * 2, x=["0", "1", "0", "1"]))
    assert "dates or times" in found.left_out["when"]


def test_a_table_in_another_encoding_is_read_as_it_is_said(table, tmp_path):
    path = table("gbk", 颜色=["红色", "绿色", "红色"], 数量=["1", "2", "3"])
    with pytest.raises(
        TableError, match=r"is not UTF-8.*--charset NAME.*'path,颜色,数量' with gbk"
    ):
        infer_tasks(path)
    found = labels_of(path, tmp_path, "--charset", "gbk")
    assert [row["颜色"] for row in found] == ["红色", "绿色", "红色"]
    with pytest.raises(ValueError, match="charset='gbq': expected one that Python knows"):
        TableOptions(charset="gbq")
    path = table("gbk", 颜色=["红色", "绿色"])
    with pytest.raises(TableError, match="its text is not BIG5|codec"):
        infer_tasks(path, options=TableOptions(charset="ascii"))


def test_names_that_differ_in_what_nobody_means_are_one_if_that_is_asked(table, tmp_path):
    cells = ["Round", "round", "ROUND ", "round", "square", "Squares", "square", ""]
    tags = ["red;Blue", "blue", "RED", "blue", "Reds", "red", "red", ""]
    path = table(shape=cells, tags=tags)
    found = infer_tasks(path, options=TableOptions(separator=";", merge_names=True))
    assert found.tasks["shape"].names == ("round", "square")
    assert found.tasks["tags"].names == ("blue", "red")
    assert found.counts["shape"] == {"round": 4, "square": 3}
    assert "nearly the same" not in str(found)
    rows = labels_of(path, tmp_path, "--merge-names", "--separator", ";")
    assert [row["shape"] for row in rows] == ["round"] * 4 + ["square"] * 3 + [None]
    assert rows[0]["tags"] == {"blue": 1, "red": 1}
    assert rows[4]["tags"] == {"blue": 0, "red": 1}
    faults = find_faults(path, tasks=found.tasks, separator=";", merge_names=True)
    assert faults.num_bad == 0


def test_marks_of_another_keyboard_in_options_are_understood(table, tmp_path):
    path = table(rim=["对", "错", "对"])
    found = labels_of(path, tmp_path, "--values", "rim： yes=对，no=错")
    assert [row["rim"] for row in found] == [1, 0, 1]
