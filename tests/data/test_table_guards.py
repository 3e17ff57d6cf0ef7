"""What a table leaves in doubt is said, and what cannot be read is named, before it costs."""

from __future__ import annotations

import gzip
import json

import mxmtl
from mxmtl.cli import main
from mxmtl.data import RowError, TableError, TableOptions, infer_tasks
from mxmtl.data.convert import PictureFinder

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ._images import write_csv, write_images
from .test_front_door import stored


@pytest.fixture
def table(tmp_path):
    def write(paths=None, **columns):
        count = len(next(iter(columns.values())))
        named = {"path": paths or [f"{row}.jpg" for row in range(count)], **columns}
        rows = [dict(zip(named, cells)) for cells in zip(*named.values())]
        return write_csv(tmp_path / "t.csv", rows, list(named))

    return write


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["0", "1", "-1"] * 3, "-1 is a class of its own. If it means unknown: --values"),
        (["Cat", "cat", "dog"], "nearly the same names: 'Cat' and 'cat'"),
        (["cats", "cat", "dog"], "nearly the same names: 'cat' and 'cats'"),
        (["caf\u00e9", "cafe\u0301", "x"], "nearly the same names"),
        (["a b", "a  b", "x"], "nearly the same names"),
        (["München", "Munchen", "x"], "nearly the same names: 'Munchen' and 'München'"),
        (["(a)", "b", "c"], "names with brackets or quotes: '(a)'"),
        (["a c", "a", "b a", "b"], "looks like several names. If it is: --separator space."),
        (["1", "1", ""], "every known cell says yes"),
        ([str(5 * age) for age in range(18)], "18 whole numbers are taken as amounts"),
        (
            [str(root) for root in range(30)] * 2,
            "30 whole numbers are taken as amounts; as classes",
        ),
        (["2", "4", "6", "8", "10", "12"], "6 numbers are classes without an order"),
        ([str(row) for row in range(1, 61)], "its cells count the rows"),
        (
            ["男", "女", "未知"],
            "cells '未知' are taken as they are. If that means unknown: --missing-",
        ),
        (["ja", "nein", "k.A."], "as yes and no: --values 'x: yes=ja,no=nein'."),
        (["Y", "N", "U"], "as yes and no: --values 'x: yes=Y,no=N,missing=U'."),
        ([*map(str, range(20, 60)), "-1"], "-1 stands apart from the other numbers. If it means"),
        ([*map(str, range(20, 60)), "999"], "--values 'x: missing=999'"),
        (["0", "1", "9"], "9 stands apart from the other numbers"),
        (["0-2", "03-Sep", "Oct-19"], "'03-Sep', 'Oct-19' among other names: were they ranges"),
        (["{'a': 1, 'b': 2}", "{'a': 2, 'b': 2}"] * 2, "Were they lists?"),
        ([*(f"{row / 10 - 2}" for row in range(30)), "-999"], "-999 stands apart from the other"),
        ([*(f"{row / 15 - 0.9}" for row in range(27)), "-2"], "-2 stands apart from the other"),
        (["WAHR", "FALSCH"], "as yes and no: --values 'x: yes=WAHR,no=FALSCH'."),
        (["1.5", "2.5", "1.5.2"], "'1.5.2' among amounts such as '1.5'"),
        (["a/b", "a", "b"], "'a/b' looks like several names. If it is: --separator /."),
        (
            [f"P{row // 2}" for row in range(60)],
            "30 classes of 60 rows: are they names, or groups?",
        ),
    ],
)
def test_a_note_is_said_and_stops_nothing(table, cells, said):
    inference = infer_tasks(table(x=cells, y=["0", "1"] + ["0"] * (len(cells) - 2)))
    assert said in inference.notes["x"]
    assert not inference.doubts


def test_rows_that_all_contradict_each_other_are_no_list_of_labels(table):
    paths = [f"{row // 2}.jpg" for row in range(40)]
    assert not infer_tasks(table(paths, x=["a", "b"] * 20)).doubts
    cells = ["a", "b"] * 19 + ["a", "a"]  # as a list, it would tell one image from the others
    doubts = infer_tasks(table(paths, x=cells)).doubts
    assert "of 19 of them the rows differ in 'x' ('0.jpg' is the first)" in doubts["rows"]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "-1", "1"], "its cells are 1 and -1. If it means unknown: --values 'x: missing=-1'"),
        (["a|b", "a", "b|a", "b"], "looks like several names. If it is: --separator '|'."),
        (
            [*(f"{row}.5" for row in range(60)), "wet", "60.5"],
            "61 of 62 cells are numbers, but not 'wet' (row 62). If that means unknown: "
            "--missing-value wet",
        ),
    ],
)
def test_a_doubt_waits_for_its_answer(table, cells, said, tmp_path, capsys):
    path = table(x=cells, y=["0", "1"] + ["0"] * (len(cells) - 2))
    (doubt,) = infer_tasks(path).doubts.values()
    assert said in doubt
    assert main(["convert", str(path), "--prefix", str(tmp_path / "o"), "--yes"]) == 2
    assert "doubt" in capsys.readouterr().err
    assert not list(tmp_path.glob("o*"))
    given = [{"type": "Binary", "name": "y"}]
    assert not infer_tasks(path, given=given).doubts


def sheet(path, rows):
    """Write rows as CSV, or as an Excel workbook if the path's name says so."""
    if path.suffix == ".csv":
        path.write_text("".join(",".join(map(str, row)) + "\n" for row in rows))
        return path
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append([cell if cell != "" else None for cell in row])
    book.save(path)
    return path


CELLS = [["1.jpg", "cat", 3.5], ["2.jpg", "dog", 4.5], ["3.jpg", "cat", 5.5]]


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_columns_without_a_name_are_named_and_an_index_is_not(tmp_path, name):
    path = sheet(tmp_path / name, [["image", "", "price"], *CELLS])
    note = infer_tasks(path).notes["table"]
    called = "B" if name == "t.xlsx" else "number 2"
    assert f"not read: {called} ('cat', 'dog')." in note
    assert "To read them: --header image,column_2,price --skip-lines 1." in note
    read = TableOptions(header=("image", "column_2", "price"), skip_lines=1)
    assert infer_tasks(path, options=read).tasks.names == ["column_2", "price"]
    index = [["", "image", "price"], *([at, row[0], row[2]] for at, row in enumerate(CELLS))]
    assert not infer_tasks(sheet(tmp_path / name, index)).notes
    empty = [["image", "", "price"], *([row[0], "", row[2]] for row in CELLS)]
    assert not infer_tasks(sheet(tmp_path / name, empty)).notes


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
def test_names_in_two_rows_are_a_doubt(tmp_path, name):
    rows = [["file", "product", ""], ["", "kind", "price"], *CELLS]
    path = sheet(tmp_path / name, rows)
    doubt = infer_tasks(path).doubts["table"]
    assert "the row below the header seems to name columns as well ('kind', 'price')" in doubt
    assert "If so: --header file,kind,price --skip-lines 2." in doubt
    read = TableOptions(header=("file", "kind", "price"), skip_lines=2)
    assert infer_tasks(path, options=read).tasks.names == ["kind", "price"]
    rows[1][2] = 7.5  # a row like the others, but for its picture
    assert "table" not in infer_tasks(sheet(tmp_path / name, rows)).doubts


@pytest.mark.parametrize("name", ["t.csv", "t.xlsx"])
@pytest.mark.parametrize("between", [0, 1, 2])
def test_a_title_is_skipped_with_what_stands_below_it(tmp_path, name, between):
    header = ["image", "kind", "price"]
    title = [["Products of spring", "", ""], *[["", "", ""]] * between]
    path = sheet(tmp_path / name, [*title, header, *CELLS])
    said = rf"If that is a title .*skip_lines={between + 1} \(--skip-lines {between + 1}\)"
    with pytest.raises(TableError, match=said):
        infer_tasks(path)
    options = TableOptions(skip_lines=between + 1)
    assert infer_tasks(path, options=options).tasks.names == ["kind", "price"]
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", classes=["cat", "fox"])])
    with pytest.raises(RowError, match=f"row {between + 4}"):  # as the spreadsheet shows it
        mxmtl.write_records(
            path, prefix=tmp_path / "o", tasks=tasks, skip_lines=between + 1, progress=False
        )


@pytest.mark.parametrize(
    "name",
    "id fold PatientID is_train in_train split lesion_id cv_fold MRN case_no url".split()
    + ["Fold ID"],
)
def test_what_tells_of_rows_is_no_task(table, name):
    inference = infer_tasks(table(**{name: ["1", "2", "3", "4"], "y": ["0", "1", "0", "1"]}))
    assert inference.tasks.names == ["y"]
    assert "--task" in inference.left_out[name]


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["2026-11-30", "2026-12-01"], "dates or times"),
        (["30.11.2026 12:30", "1.12.2026 9:00"], "dates or times"),
        (["1/22/24", "10/10/24", "12/7/24"], "dates or times"),
        (["1.12.24", "31.01.23 9:30"], "dates or times"),
        (["12:30", "9:05:10"], "dates or times"),
        (["3-Sep", "Oct-19", "1 January 2024"], "dates or times"),
        (["https://example.org/1", "https://example.org/2"], "web addresses"),
        (["Train", "val", "TEST"], "splits (--split-column x)"),
    ],
)
def test_what_tells_of_rows_by_its_cells_is_no_task(table, cells, said):
    inference = infer_tasks(table(x=cells, y=["0", "1", "0"][: len(cells)]))
    assert inference.left_out["x"].startswith(f"its cells are {said}")
    told = infer_tasks(table(x=cells), given=[{"type": "Multiclass", "name": "x"}])
    assert told.labelled == {"x": len(cells)}


@pytest.mark.parametrize(("cells", "kind"), [(["Y", "n", ""], "Binary"), (["F", "M"], "Multiclass"),
                                             (["1", "2", "4+"], "Multiclass"),
                                             (["<50", ">50"], "Multiclass"),
                                             (["2D", "3D"], "Multiclass"),
                                             (["grade A"] + ["grade B"] * 9, "Multiclass"),
                                             (["Opaque", "No Opaque / Not Normal", "Normal"],
                                              "Multiclass"),
                                             (["-2", "-1", "0", "1", "2"], "Multiclass"),
                                             ([f"{x / 9 - 1}" for x in range(17)], "Regression"),
                                             ])  # fmt: skip
def test_words_are_what_they_are_among_the_others(table, cells, kind):
    inference = infer_tasks(table(x=cells))
    assert type(inference.tasks["x"]).__name__ == kind
    assert not inference.notes


def test_a_mark_is_yes_and_an_empty_cell_no_if_that_is_said(table):
    path = table(x=["x", "", "x"], y=["0", "1", "1"])
    reason = "every cell is 'x', or empty. If that means yes and no: --values 'x: yes=x,no='"
    assert infer_tasks(path).left_out["x"] == reason
    options = TableOptions(values={"x": {"yes": "x", "no": ""}})
    opened = mxmtl.data.tables.open_table(path, options)
    tasks = infer_tasks(opened).tasks
    encoder = mxmtl.data.tables.LabelEncoder(opened, tasks)
    rows = mxmtl.data.tables.labelled_rows(opened, encoder)
    assert [row.label.tolist() for row in rows] == [[1, 0], [0, 1], [1, 1]]


def test_what_is_in_doubt_is_said_once(table):
    for cells in (["1", "-1", "1"], ["a|b", "a", "b|a", "b"], [*map(str, range(30)), "no"]):
        text = str(infer_tasks(table(x=cells, y=["0", "1"] + ["0"] * (len(cells) - 2))))
        assert sum(line.startswith("x ") and ": " in line for line in text.splitlines()) <= 2
        assert " note: " not in text
        assert " left out: " not in text


@pytest.mark.parametrize("cells", [["3,5", "4,0", "1"], ["1,200", "900"], ["45%", "5%"], ["$3.9"],
                                   ["39%", "NA"], ["3.5 kg", "4 kg"],
                                   ["1.5 kg", "39%"], ["<0.1", "2.5"], ["5,-", "7,50"],
                                   ["14厘米"] + [f"{n}厘米" for n in range(30, 60)],
                                   ["10292元", "８００元"], ["￥10292", "￥5"], ["14％", "8％"],
                                   ["1.2万", "3万"], ["10，004", "7"]])  # fmt: skip
def test_amounts_as_people_write_them_are_pointed_out(table, cells):
    inference = infer_tasks(table(x=cells, y=["0"] * len(cells)))
    assert "amounts as people write them" in inference.left_out["x"]


@pytest.mark.parametrize(("third", "said"), [("001", True), ("101", False), ("00 ", False)])
def test_columns_of_which_one_holds_in_each_row_are_pointed_out(table, third, said):
    path = table(
        NV=["1", "0", "0"],
        MEL=["0", "1", "0"],
        BCC=[*third.replace(" ", "")] + [""] * third.count(" "),
    )
    notes = infer_tasks(path).notes
    assert ("--task 'Multiclass NAME columns=2-4'." in notes.get("columns", "")) is said


def test_rows_of_one_picture_that_differ_are_in_doubt(table):
    path = table(["a", "a", "b"], label=["cat", "dog", "cat"], sure=["1", "0", "1"])
    (doubt,) = infer_tasks(path).doubts.values()
    assert doubt.startswith("1 row names an image that another row names: 'a' (rows 2, 3)")
    assert "--long label=label,value=sure" in doubt


def test_answers_that_are_one_number_do_not_differ(table):
    path = table(["a", "a", "b", "c"], x=["3.0", "3", "4.5", "5"], y=["1", "1.0", "0", "0"])
    inference = infer_tasks(path)
    assert not inference.doubts
    assert "Each row becomes a record" in inference.notes["rows"]
    assert "differ in 'x'" in infer_tasks(table([*"aab"], x=["3.0", "3.5", "3"])).doubts["rows"]


def test_one_row_a_label_is_proposed_for_one_column_of_names_alone(table):
    paths = ["a", "a", "b", "b"]
    wide = infer_tasks(table(paths, x=["u", "v", "u", "u"], y=["r", "s", "s", "s"])).doubts["rows"]
    assert "--long" not in wide
    assert "answers of several people: keep one row of each image" in wide
    one = infer_tasks(table(paths, x=["u", "v", "u", "u"])).doubts["rows"]
    assert "If a row is one label of its image: --long label=x." in one


@pytest.mark.parametrize(("name", "content"), [
    ("t.json", b'{"a": 1}'), ("t.mat", b"MATLAB 5.0 MAT-file"), ("t.npy", b"\x93NUMPY"),
    ("t.h5", b"\x89HDF\r\n"),
])  # fmt: skip
def test_the_way_on_for_what_is_not_read_goes_without_python_too(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match="save its rows as CSV") as caught:
        infer_tasks(tmp_path / name)
    assert "write_records" not in str(caught.value)


def test_rows_of_one_picture_stay_on_one_side_of_a_split(tmp_path):
    names = write_images(tmp_path, 12)
    rows = [{"path": name, "x": x} for name in names for x in "01"]
    table = write_csv(tmp_path / "t.csv", rows, ["path", "x"])
    shares = {"train": 0.5, "val": 0.5}
    tasks = mxmtl.TaskSet([mxmtl.Binary("x")])
    mxmtl.write_records(table, prefix=tmp_path / "d", tasks=tasks, split=shares)
    sides = [mxmtl.RecordDataset(str(tmp_path / f"d_{name}")) for name in shares]
    seen = [{side[at][0].asnumpy().tobytes() for at in range(len(side))} for side in sides]
    assert not seen[0] & seen[1]
    assert len(sides[0]) + len(sides[1]) == 24


@pytest.mark.parametrize(
    ("options", "note"),
    [
        ({"missing_values": ["", "-2"]}, "missing_values: no cell is '-2'"),
        ({"values": {"no": "-7"}}, "values: no cell is '-7'"),
        ({"values": {"x": {"no": 9}}}, "values of 'x': no cell is '9'"),
        ({"separator": "|"}, "separator: no cell has '|'"),
        ({"separator": {"x": "|"}}, "separator: no cell of 'x' has '|'"),
        ({"none_names": ["x: none"]}, "none_names: no cell is 'x: none'"),
    ],
)
def test_an_option_that_matched_nothing_is_said(table, options, note):
    inference = infer_tasks(table(x=["1.0", "-1.0"]), options=TableOptions(**options))
    assert inference.notes["options"] == note


@pytest.mark.parametrize(
    ("cells", "separator", "said"),
    [
        ([["a"], ["b"], None], None, True),
        ([["a"], ["b"], None, []], None, False),  # which says that none holds
        (["a|b", "b", ""], "|", True),
        (["a|b", "b", "", "|"], "|", False),
    ],
)
def test_an_empty_cell_among_lists_is_asked_about_where_no_list_is_empty(cells, separator, said):
    rows = [{"path": f"{at}.jpg", "tags": cell} for at, cell in enumerate(cells)]
    found = infer_tasks(rows, options=TableOptions(separator=separator))
    assert ("--empty-names none" in found.notes.get("tags", "")) is said


def test_numbers_compare_as_numbers(table):
    path = table(x=["1.0", "-1.0", "0", "-1"])
    for options in ({"missing_values": ["-1"]}, {"values": {"missing": -1}}):
        inference = infer_tasks(path, options=TableOptions(**options))
        assert (inference.labelled, inference.notes) == ({"x": 2}, {})


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"PK\x03\x04....", "a zip archive"),
        (b"MATLAB 5.0 MAT-file", "a MATLAB file"),
        (b"\x89HDF\r\n", "an HDF5 file"),
        (b"\x89PNG\r\n", "a picture"),
        (b"\x80\x04\x95", "a Python pickle"),
        (b"a" * 257 + b"ustar", "a tar archive"),
        (b'{"a": 1}', "JSON of a shape that is not known"),
        (b"[[1, 2]]", "JSON of a shape that is not known"),
        (b"<!DOCTYPE html><html>", "HTML, perhaps the page of a failed download"),
        (b"path\x00\x01", "this is no text"),
    ],
)
def test_what_is_no_table_is_named_by_its_first_bytes(tmp_path, head, said):
    (tmp_path / "t.csv").write_bytes(head + b"\n")
    with pytest.raises(TableError, match=said):
        infer_tasks(tmp_path / "t.csv")


def test_a_wide_header_is_not_quadratic_and_its_message_is_short(tmp_path):
    (tmp_path / "t.csv").write_text(",".join(f"c{at}" for at in range(100_000)) + "\n")
    with pytest.raises(TableError) as caught:
        infer_tasks(tmp_path / "t.csv")
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize(
    ("rows", "lists"), [([["b", "a"], ["b"], []], True), (["b|a", "b", "|"], False)]
)
def test_rows_in_memory_are_a_table(tmp_path, rows, lists):
    names = write_images(tmp_path, 3)
    records = [
        {"image": name, "tags": tags, "age": np.nan, "about": {"sex": at % 2}}
        for at, (name, tags) in enumerate(zip(names, rows))
    ]
    options = {} if lists else {"separator": "|"}
    tasks = infer_tasks(records, options=TableOptions(**options)).tasks
    assert tasks.columns == ["tags.a", "tags.b", "about.sex"]
    mxmtl.write_records(iter(records), tmp_path, prefix=tmp_path / "d", tasks=tasks, **options)
    cells = [tuple(row.values()) for row in stored(str(tmp_path / "d"))]
    assert cells == [("1", "1", "0"), ("0", "1", "1"), ("0", "0", "0")]


@pytest.mark.parametrize("kind", ["frame", "parquet", "xlsx", "csv.gz", "jsonl", "json"])
def test_the_same_rows_in_any_file_are_the_same_labels(tmp_path, kind):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "file_name": ["a.png", "b.png", "c.png"],
        "体 重": [1.5, None, 3.25],
        "kind": ["x", None, "y"],
        "ok": [True, False, None],
    })  # fmt: skip
    path = tmp_path / f"t.{kind}"
    if kind == "frame":
        path = frame
    elif kind == "parquet":
        pytest.importorskip("pyarrow")
        frame.to_parquet(path)
    elif kind == "xlsx":
        pytest.importorskip("openpyxl")
        frame.to_excel(path, index=False)
    elif kind == "csv.gz":
        path.write_bytes(gzip.compress(frame.to_csv(index=False).encode()))
    else:
        frame.to_json(path, orient="records", lines=kind == "jsonl", force_ascii=False)
    inference = infer_tasks(path)
    assert [task.to_dict() for task in inference.tasks] == [
        {"type": "Regression", "name": "体_重", "column": "体 重"},
        {"type": "Multiclass", "name": "kind", "classes": ["x", "y"]},
        {"type": "Binary", "name": "ok"},
    ]
    assert inference.labelled == {"体_重": 2, "kind": 2, "ok": 2}


def test_frames_with_nothing_known_of_a_cell_and_frames_of_others(tmp_path):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({
        "n": pandas.array([1, None, 3], dtype="Int64"),
        "ok": pandas.array([True, None, False], dtype="boolean"),
        "kind": pandas.Categorical(["a", None, "b"]),
        "when": pandas.to_datetime(["2026-01-01", None, "2026-02-01"]),
    }, index=["1.jpg", "2.jpg", "3.jpg"])  # fmt: skip
    inference = infer_tasks(frame)
    assert inference.labelled == {"n": 2, "ok": 2, "kind": 2}
    assert "dates" in inference.left_out["when"]
    arrow = pytest.importorskip("pyarrow").table({"path": ["1.jpg", "2.jpg"], "kind": [b"a", b"b"]})
    assert infer_tasks(arrow).tasks["kind"].names == ("a", "b")


@pytest.mark.parametrize("kind", ["frame", "arrow", "parquet", "xlsx", "csv"])
def test_two_columns_of_one_name_are_refused(tmp_path, kind):
    pandas, arrow = pytest.importorskip("pandas"), pytest.importorskip("pyarrow")
    pytest.importorskip("openpyxl")
    frame = pandas.DataFrame([["1.jpg", 1, 0]], columns=["path", "x", "x"])
    path = tmp_path / f"t.{kind}"
    if kind == "frame":
        path = frame
    elif kind in ("arrow", "parquet"):
        path = arrow.table([arrow.array([1]), arrow.array([0])], names=["x", "x"])
        if kind == "parquet":
            pytest.importorskip("pyarrow.parquet").write_table(path, tmp_path / "t.parquet")
            path = tmp_path / "t.parquet"
    elif kind == "xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False)
    with pytest.raises(TableError, match=r"\['x'\].* more than once. Rename or remove"):
        infer_tasks(path)


@pytest.mark.parametrize(
    ("index", "name", "row"),
    [
        ([0, 1, 2], "df.loc", 1),
        ([40, 17, 3], "df.loc", 17),  # as filtering and shuffling leave it
        ([5, 5, 5], "df.iloc", 1),
        (["a", "b", "c"], "df.iloc", 1),
        ([-1, -2, -3], "df.iloc", 1),
    ],
)
def test_rows_of_a_frame_are_called_as_pandas_finds_them(index, name, row):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"path": ["1.jpg"] * 3, "x": ["1", "bad", "0"]}, index=index)
    tasks = mxmtl.TaskSet([mxmtl.Binary("x")])
    with pytest.raises(RowError) as error:
        mxmtl.write_records(frame, prefix="d", tasks=tasks)
    assert str(error.value).startswith(f"the DataFrame (rows as in {name}) row {row}, task 'x'")
    assert error.value.row == row


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04....mimetypeapplication/vnd.oasis.opendocument.spreadsheet", "OpenDocument"),
        (b"<html><table><tr><td>image</td></tr></table></html>", "a table in HTML, as some"),
    ],
)
def test_tables_of_other_programs_say_how_to_save_them(tmp_path, content, said):
    (tmp_path / "t.xls").write_bytes(content)
    with pytest.raises(TableError, match=f"{said}.* as .xlsx or .csv"):
        infer_tasks(tmp_path / "t.xls")


def test_a_workbook_whose_first_sheet_is_no_table_names_the_others(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["About this workbook"])
    book.active.append(["Made by", "us"])
    book.create_sheet("labels").append(["image", "kind"])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(TableError, match=r"of the sheets \['Sheet', 'labels'\] the first is read"):
        infer_tasks(tmp_path / "t.xlsx")


def test_a_class_of_lists_and_a_table_of_images_alone_say_what_may_be_meant(tmp_path):
    rows = [{"path": f"{at}.jpg", "kind": [kind]} for at, kind in enumerate("ab")]
    with pytest.raises(TableError, match="'kind' holds lists of names.*--task 'Multilabel kind'"):
        infer_tasks(rows, given=[{"type": "Multiclass", "name": "kind"}])
    with pytest.raises(TableError, match="no column suggests a task beside.*--path-pattern"):
        infer_tasks([{"path": "cat/1.jpg"}, {"path": "dog/2.jpg"}])


def test_empty_rows_of_a_workbook_are_passed_over(tmp_path):
    path = sheet(tmp_path / "t.xlsx", [["image", "kind"], ["1.jpg", "a"], ["", ""], ["2.jpg", "b"]])
    rows = list(mxmtl.data.tables.open_table(path, TableOptions()).rows())
    assert [(row.number, row.path) for row in rows] == [(2, "1.jpg"), (4, "2.jpg")]


def test_a_workbook_that_is_broken_is_named(tmp_path):
    pytest.importorskip("openpyxl")
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(TableError, match="t.xlsx: no Excel workbook that can be read"):
        infer_tasks(tmp_path / "t.xlsx")


def test_a_library_that_is_missing_is_named_with_its_command(tmp_path, monkeypatch):
    (tmp_path / "t.parquet").write_bytes(b"PAR1....")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(TableError, match=r'pip install "mxmtl\[tables\]"'):
        infer_tasks(tmp_path / "t.parquet")


def test_two_files_that_may_be_meant_are_an_error(tmp_path):
    for folder in ("a", "b"):
        write_images(tmp_path / folder, 1)
    write_csv(tmp_path / "t.csv", [{"path": "0", "x": "1"}], ["path", "x"])
    with pytest.raises(mxmtl.data.RowError, match="2 that may be meant: 'a/0.jpg', 'b/0.jpg'"):
        mxmtl.write_records(
            tmp_path / "t.csv", prefix=tmp_path / "d", tasks=mxmtl.TaskSet([mxmtl.Binary("x")])
        )


@pytest.mark.parametrize(
    ("files", "path", "found"),
    [
        (["IMG_1.JPG"], "img_1.jpg", "IMG_1.JPG"),
        (["Cats/a.JPEG", "dogs/a.JPEG"], "cats/A.jpg", "Cats/a.JPEG"),
        (["Cats/a.jpg", "dogs/a.jpg"], "D:\\Pets\\CATS\\A.JPG", "Cats/a.jpg"),
        (["a.jpg", "A.jpg"], "A.jpg", "A.jpg"),
        (["x/a.jpg", "x/A.jpg"], "A", "x/A.jpg"),
        (["a.jpg", "A.jpg"], "a.JPG", "2 that may be meant"),
        (["x/a.jpg"], "x/b.jpg", ""),
        (["x/a.png"], "x/a.jpg", ""),  # perhaps a mask
        (["x/a.jpg", "y/A.jpg"], "y/a.jpg", "y/A.jpg"),
        (["x/a.jpg", "y/b.jpg"], "y/a.jpg", ""),
        (["100.jpg", "10.jpg"], "100.0", "100.jpg"),
        (["x/1_o.jpg"], "https://example.org/9/1_o.jpg?s=1", "x/1_o.jpg"),
        (["x/100.0.jpg", "100.jpg"], "100.0", "x/100.0.jpg"),
    ],
)
def test_capitals_and_the_two_endings_of_jpeg_tell_no_files_apart(tmp_path, files, path, found):
    for file in files:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"")
    find = PictureFinder(str(tmp_path))
    if "meant" in found:
        with pytest.raises(ValueError, match=found):
            find(path)
    else:
        assert find(path) == str(tmp_path / (found or path))


def test_a_file_that_is_missing_in_its_folder_is_not_taken_from_another(tmp_path):
    write_images(tmp_path / "a", 1)
    write_images(tmp_path / "b", 2)
    write_csv(tmp_path / "t.csv", [{"path": "a/1.jpg", "x": "1"}], ["path", "x"])
    with pytest.raises(mxmtl.data.RowError, match=r"no such file.* There are 'b/1.jpg'"):
        mxmtl.write_records(
            tmp_path / "t.csv", prefix=tmp_path / "d", tasks=mxmtl.TaskSet([mxmtl.Binary("x")])
        )


def test_a_column_that_speaks_of_train_is_asked_about(tmp_path):
    names = write_images(tmp_path, 4)
    rows = [{"path": name, "x": "1", "is_train": str(at % 2)} for at, name in enumerate(names)]
    path = write_csv(tmp_path / "t.csv", rows, ["path", "x", "is_train"])
    tasks = mxmtl.TaskSet([mxmtl.Binary("x")])
    common = {"prefix": tmp_path / "d", "tasks": tasks, "split_column": "is_train"}
    with pytest.raises(TableError, match=r"may mean train.*--split-values train=1,test=0"):
        mxmtl.write_records(path, **common)
    summary = mxmtl.write_records(path, **common, split_values={"train": 1, "test": 0})
    assert sorted(summary.prefixes) == [str(tmp_path / "d_test"), str(tmp_path / "d_train")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,label,v\na,x,1\na,x,0\n", r"1 labels are said to hold and not .* 'a' \('x'\)"),
        ("image,label,v\na,x,maybe\n", "row 2, column 'v': 'maybe' is not 0 or 1"),
        ("image,label,v\na,,1\n", "row 2, column 'label': the cell is empty.*--empty-names none"),
    ],
)
def test_a_long_table_that_contradicts_itself_is_refused(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    options = TableOptions(long={"label": "label", "value": "v"})
    with pytest.raises(TableError, match=said):
        infer_tasks(tmp_path / "t.csv", options=options)


@pytest.mark.parametrize(
    ("rows", "options", "cells"),
    [
        ("a,x|b,|c,y", {"empty_names": "none"}, ["10", "00", "01"]),
        ("a,x|b,ok|b,ok|c,y", {"none_names": "ok"}, ["10", "00", "01"]),
        ("a,x|b,ok|c,y", {"none_names": "label: ok"}, ["10", "00", "01"]),
        ("a,x,1|b,ok,1|c,y,0", {"none_names": "ok"}, ["1?", "00", "?0"]),
        ("a,x,1|b,ok,0|c,y,0", {"none_names": "ok"}, ["1?", "??", "?0"]),
        ("a,x|b,ok|c,y", {"none_names": "ok", "absent": "missing"}, ["1?", "00", "?1"]),
    ],
)
def test_a_long_table_may_say_that_none_holds(tmp_path, rows, options, cells):
    valued = rows.count(",") > 4
    (tmp_path / "t.csv").write_text(
        f"image,label{',v' * valued}\n" + rows.replace("|", "\n") + "\n"
    )
    options = {name: (one,) if name == "none_names" else one for name, one in options.items()}
    long = {"label": "label", **({"value": "v"} if valued else {})}
    table = mxmtl.data.tables.open_table(tmp_path / "t.csv", TableOptions(long=long, **options))
    inference = infer_tasks(table)
    assert "options" not in inference.notes
    encoder = mxmtl.data.tables.LabelEncoder(table, inference.tasks)
    found = mxmtl.data.tables.labelled_rows(table, encoder)
    assert ["".join("01?"[int(one)] for one in row.label) for row in found] == cells


def test_a_long_table_says_what_no_cell_was(tmp_path):
    (tmp_path / "t.csv").write_text("image,label\na,x\nb,\n")
    options = TableOptions(long={"label": "label"}, empty_names="none", none_names=("ok",))
    notes = infer_tasks(tmp_path / "t.csv", options=options).notes
    assert notes["options"] == "none_names: no cell is 'ok'"


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")),
        st.sampled_from([0, 1]),
        min_size=1,
    ),
    st.sampled_from(["auto", "no", "missing"]),
)
def test_a_long_table_says_of_each_image_what_its_rows_say(tmp_path_factory, said, absent):
    path = tmp_path_factory.getbasetemp() / "long.csv"
    text = "".join(f"{image},{label},{state}\n" for (image, label), state in said.items())
    path.write_text("image,label,v\n" + text)
    options = TableOptions(long={"label": "label", "value": "v"}, absent=absent)
    inference = infer_tasks(path, options=options)
    (task,) = inference.tasks
    otherwise = {"no": 0, "missing": -1, "auto": -1 if 0 in said.values() else 0}[absent]
    table = mxmtl.data.tables.open_table(path, options)
    encoder = mxmtl.data.tables.LabelEncoder(table, inference.tasks)
    rows = list(mxmtl.data.tables.labelled_rows(table, encoder))
    assert [row.row.path for row in rows] == list(dict.fromkeys(image for image, _ in said))
    for row in rows:
        expected = [said.get((row.row.path, label), otherwise) for label in task.labels]
        np.testing.assert_array_equal(row.label, np.float32(expected))
    assert inference.labelled[task.name] == sum((row.label >= 0).sum() for row in rows)


NAMES = st.sampled_from(
    ["Cat", "cat", "dog", "1", "-1", "0", "1.0", "a|b", "a", "3,5", "?", "yes", "", "39%", "未知"]
    + ["Y", "N", "999", "2026-01-01", "<5", "1.5 kg", "x", "train", "ja", "nein", "1.5", "90+"]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(NAMES, min_size=2, max_size=40))
def test_what_is_not_read_exactly_is_refused_or_noted(tmp_path_factory, cells):
    """A cell is read back as it was, as the number or the word that it is, or something is said."""
    path = tmp_path_factory.getbasetemp() / "generated.jsonl"
    rows = [{"path": f"{at}.jpg", "x": cell, "y": at % 2} for at, cell in enumerate(cells)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    inference = infer_tasks(path)
    if "x" not in inference.tasks:
        assert inference.left_out["x"]
        return
    table = mxmtl.data.tables.open_table(path, TableOptions())
    encoder = mxmtl.data.tables.LabelEncoder(table, inference.tasks)
    words = {"yes": 1.0, "Y": 1.0, "N": 0.0}
    for row, cell in zip(mxmtl.data.tables.labelled_rows(table, encoder), cells):
        back = inference.tasks.decode(row.label)["x"]
        same = back == cell or (cell and back and words.get(cell, cell) in (float(back), back))
        assert same or float(back) == float(cell)
    marks = {"-1", "a|b", "?", "未知", "39%", "3,5", "1.5 kg", "1.5"} & set(
        inference.tasks["x"].names
    )
    assert not marks or inference.notes.get("x") or inference.doubts.get("x")


@pytest.mark.parametrize(
    ("labels", "names"), [(2, ["a", "b"]), (["c", "a"], ["a", "c"]), ((), ["a", "b", "c"])]
)
@pytest.mark.parametrize("long", [False, True])
def test_labels_are_chosen_by_name_or_by_least_count(tmp_path, labels, names, long):
    held = [["a", "b"], ["a"], ["b", "c", "a"]]
    path = tmp_path / "t.csv"
    if long:
        rows = "".join(f"{at}.jpg,{name}\n" for at, own in enumerate(held) for name in own)
        path.write_text("path,x\n" + rows)
        options = TableOptions(labels=labels, long={"label": "x"})
    else:
        path.write_text(
            "path,x\n" + "".join(f"{at}.jpg,{';'.join(o)}\n" for at, o in enumerate(held))
        )
        options = TableOptions(labels=labels, separator=";")
    inference = infer_tasks(path, options=options)
    assert list(inference.tasks["x"].labels) == names
    table = mxmtl.data.tables.open_table(path, options)
    encoder = mxmtl.data.tables.LabelEncoder(table, inference.tasks)
    found = [row.label for row in mxmtl.data.tables.labelled_rows(table, encoder)]
    np.testing.assert_array_equal(found, [[name in own for name in names] for own in held])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": 9}, "no label has 9 rows; the most is 2"),
        ({"labels": "aa"}, r"label 'aa': expected one of \[a, b\] \(did you mean 'a'"),
        ({"join": ["second.csv"]}, "no row is in second.csv"),
        ({"join": ["second.csv on=z"]}, "no column 'z'"),
        ({"names": ["nope=second.csv"]}, "no column 'nope'"),
        ({"long": {"label": "nope"}}, "no column 'nope'"),
        ({"split_files": ["second.csv"]}, "expected NAME=FILE"),
        ({"path_column": "{nope}.jpg"}, "no column 'nope'"),
        ({"path_column": "{x:d}.jpg"}, r"path: 'a;b' of column 'x' as 'd'"),
        ({"names": ["x=twice.csv"]}, "twice.csv: code 'a' is 'owl' and 'wren'"),
        ({"split_files": ["test=second.csv"]}, "no row is in the lists of splits, such as 'path'"),
        ({"amounts": "comma", "separator": ","}, "a comma is one or the other"),
        ({"path_pattern": "{split"}, "expected names in braces"),
        ({"values": {"x": {"maybe": 1}}}, "expected {'yes': ..., 'no': ..., 'missing': ...}"),
        ({"values": {"X": {"no": 9}}}, r"values \(--values\) of 'X': there is no such column"),
        ({"separator": {"Tags": ";"}}, r"separator \(--separator\) of 'Tags': there is no such"),
        ({"amounts": {"Kg": "comma"}}, r"amounts \(--amounts\) of 'Kg': there is no such column"),
        ({"values": {"yes": 1, "no": "1.0"}}, "'1.0' says two things|1.0 says two things"),
        ({"long": {"labels": "x"}}, "expected image=..., label=..."),
    ],
)
def test_an_option_that_cannot_be_is_refused(tmp_path, monkeypatch, options, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("path,x\n1.jpg,a;b\n2.jpg,a\n3.jpg,b\n")
    (tmp_path / "second.csv").write_text("path,y\nz.jpg,1\n")
    (tmp_path / "twice.csv").write_text("code,name\na,owl\na,wren\n")
    with pytest.raises(ValueError, match=said):
        infer_tasks("t.csv", options=TableOptions(**{"separator": ";", **options}))


def test_an_order_that_nobody_has_said_is_no_order(table):
    path = table(x=["mild", "severe", "moderate"], y=["1", "3", "2"], z=["B", "A", "C"])
    given = [{"type": "Ordinal", "name": name} for name in "xyz"]
    with pytest.raises(TableError, match="order.*--task 'Ordinal x classes=mild,moderate,severe'"):
        infer_tasks(path, given=given)
    with pytest.raises(TableError, match="order"):
        infer_tasks(table(size=["S", "M", "L"]), given=[{"type": "Ordinal", "name": "size"}])
    path = table(x=["mild", "severe", "moderate"], y=["1", "3", "2"], z=["B", "A", "C"])
    given[0]["classes"] = ["mild", "moderate", "severe"]
    found = infer_tasks(path, given=given)
    assert not found.notes
    assert [task.names for task in found.tasks][1:] == [("1", "2", "3"), ("A", "B", "C")]


def test_images_of_a_list_that_no_row_has_are_said(tmp_path, table):
    (tmp_path / "test.txt").write_text("1.jpg\n77.jpg\n")
    path = table(x=["a", "b", "a"])
    options = TableOptions(split_files=[f"test={tmp_path / 'test.txt'}"])
    said = "1 of 2 images in lists of splits are in no row, such as '77.jpg'."
    assert infer_tasks(path, options=options).notes == {"table": said}


@pytest.mark.parametrize(("name", "said"), [("cat (1)", False), ("['a'", True), ("a]", True)])
def test_brackets_that_a_name_opens_and_closes_are_no_list(table, name, said):
    assert ("brackets" in str(infer_tasks(table(x=[name, "b", "c"])))) is said


@pytest.mark.parametrize("cells", [[["a"], ["b"], None], ["a|b", "b", ""]])
def test_empty_lists_are_known_if_that_is_said(cells):
    rows = [{"path": f"{at}.jpg", "tags": cell} for at, cell in enumerate(cells)]
    separator = "|" if isinstance(cells[0], str) else None
    options = TableOptions(separator=separator, empty_names="none")
    found = infer_tasks(rows, options=options)
    assert found.labelled == {"tags": 6}
    assert not found.notes


def test_a_question_of_a_survey_is_a_task(table):
    question = "Is the dog " + "very " * 60 + "happy?"
    (task,) = infer_tasks(table(**{question: ["yes", "no"] * 5})).tasks
    assert task.column == question
    assert len(task.name) > 250
