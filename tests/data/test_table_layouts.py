"""Lists, class folders, FashionAI and PASCAL tables."""

from __future__ import annotations

import os

import mxmtl
from mxmtl.data import TableError, TableOptions, infer_tasks
from mxmtl.data.tables import LabelEncoder, open_table

import numpy as np
import pytest

from ._images import write_images


def opened(path, layout="auto"):
    return open_table(path, TableOptions(layout=layout))


def test_list_labels_are_the_floats_that_stand_there(tmp_path):
    path = tmp_path / "a.lst"
    path.write_text("7\t1.000000\t-1\tnan\ta b.jpg\n\n3\t2\t16777217\t0.1\tc.jpg\n")
    table = opened(path)
    first, second = table.rows()
    assert table.stored_width == 3
    assert (first.record_id, first.path, second.number) == (7, "a b.jpg", 3)
    np.testing.assert_array_equal(first.label, np.float32([1, -1, np.nan]))
    assert second.label.tobytes() == np.float32([2, 16777216, 0.1]).tobytes()
    assert second.problem == (
        "label 2: '16777217' would be stored as 16777216, in float32. Subtract an offset from the "
        "whole column, or give it in another unit."
    )


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("x\t1\ta.jpg", "invalid literal"),
        ("1\tdog\ta.jpg", "could not convert"),
        ("1\t1\t2\ta.jpg", "it has 2 labels, but the first row with any has 1."),
        ("-1\t1\ta.jpg", "index -1 is not in"),
        ("1\t1e-50\ta.jpg", "label 1: '1e-50' would be stored as 0, in float32."),
        ("1\t-1e-400\ta.jpg", "label 1: '-1e-400' would be stored as 0, in float32."),
        ("1", "it has no label; expected index, label and path, separated by tabs."),
        ("1\ta.jpg", "it has no label; expected index, label and path, separated by tabs."),
        ("1 2 a.jpg", "it has no label; expected index, label and path, separated by tabs."),
    ],
)
def test_a_bad_line_of_a_list_is_a_row_with_a_problem(tmp_path, line, problem):
    path = tmp_path / "a.lst"
    path.write_text(f"0\t1\ta.jpg\n{line}\n")
    rows = list(opened(path).rows())
    assert rows[0].problem is None
    assert problem in rows[1].problem


@pytest.mark.parametrize("lines", ["\n", " \t \n\n", "5\t5.jpg\n"])
def test_the_width_of_a_list_is_that_of_the_first_line_with_labels(tmp_path, lines):
    (tmp_path / "a.lst").write_text(lines + "0\t1\t2\ta.jpg\n1\t1\t2\tb.jpg\n")
    table = opened(tmp_path / "a.lst")
    assert table.stored_width == 2
    good = [row for row in table.rows() if row.problem is None]
    assert [(row.number, row.record_id) for row in good] == [
        (lines.count("\n") + 1, 0),
        (lines.count("\n") + 2, 1),
    ]


@pytest.mark.parametrize("text", ["0\ta.jpg\n1\tb.jpg\n", "0 1 a.jpg\n1 2 b.jpg\n"])
def test_a_list_without_labels_is_no_table_of_records(tmp_path, text):
    (tmp_path / "a.lst").write_text(text)
    with pytest.raises(TableError, match=r"a.lst: its rows have no label; expected index, label"):
        mxmtl.write_records(tmp_path / "a.lst", prefix=tmp_path / "a", tasks=None)
    with pytest.raises(TableError, match=r"a.lst: its rows have no label; expected index, label"):
        infer_tasks(tmp_path / "a.lst")


def test_paths_of_a_list_without_labels_can_be_read(tmp_path):
    (tmp_path / "a.lst").write_text("0\ta.jpg\n1\tb.jpg\n")
    assert [row.path for row in opened(tmp_path / "a.lst").rows()] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_an_empty_list_is_an_error(tmp_path, text):
    (tmp_path / "a.lst").write_text(text)
    with pytest.raises(TableError, match="no rows"):
        opened(tmp_path / "a.lst")


def test_folders_are_classes_in_a_fixed_order(tmp_path):
    for name in ("pug", "beagle"):
        write_images(tmp_path / name, 2)
    (tmp_path / "pug" / "old").mkdir()
    (tmp_path / "pug" / "1.jpg").rename(tmp_path / "pug" / "old" / "1.JPG")
    (tmp_path / "pug" / "notes.txt").write_text("no image")
    rows = list(opened(tmp_path).rows())
    assert [(row.path, row.cells["class"]) for row in rows] == [
        ("beagle/0.jpg", "beagle"),
        ("beagle/1.jpg", "beagle"),
        ("pug/0.jpg", "pug"),
        ("pug/old/1.JPG", "pug"),
    ]


def test_an_image_in_no_class_folder_is_told_of(tmp_path):
    write_images(tmp_path / "pug", 1)
    write_images(tmp_path, 1)
    problems = [row.problem for row in opened(tmp_path).rows()]
    assert problems == ["the image stands in no class folder.", None]


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["0", "1"], ["0", "1"]),
        (["no", "yes"], ["no", "yes"]),
        ([str(number) for number in range(25)], [str(number) for number in range(25)]),
        (["001", "002", "010"], ["001", "002", "010"]),
        (["1", "1.0", "2"], ["1", "1.0", "2"]),
        (["3", "inf", "nan"], ["3", "inf", "nan"]),
        (["9007199254740992", "9007199254740993"], ["9007199254740992", "9007199254740993"]),
    ],
)
def test_names_of_folders_are_classes_whatever_they_look_like(tmp_path, names, classes):
    for name in names:
        write_images(tmp_path / name, 1)
    inference = infer_tasks(tmp_path)
    assert inference.tasks == mxmtl.TaskSet([mxmtl.Multiclass("class", classes=classes)])
    assert not inference.notes
    encode = LabelEncoder(opened(tmp_path), inference.tasks)
    assert [int(encode(row)[0]) for row in opened(tmp_path).rows()] == [
        classes.index(name) for name in sorted(names)
    ]


def test_one_class_folder_is_no_task_and_the_folder_is_named(tmp_path):
    write_images(tmp_path / "pug", 2)
    with pytest.raises(TableError, match=rf"{tmp_path}: every picture is in one folder, 'pug'"):
        infer_tasks(tmp_path)


@pytest.mark.parametrize(
    ("pictures", "tables", "said"),
    [
        (
            ["x y/cat/1.jpg", "x y/dog/1.jpg"],
            [],
            "Its folders may be the classes: .*convert '.*x y'.",
        ),
        (
            ["train/1.jpg", "test/1.jpg"],
            [],
            "'test', 'train' are called as splits are, and hold no",
        ),
        (["train/1.jpg", "test/1.jpg"], [], r"path_pattern='\{class\}/\*'"),
        (
            ["train_images/1.jpg", "testImages/1.jpg"],
            ["test.csv", "train.csv"],
            r"If their labels are in 'train.csv', mxmtl convert .*train.csv reads them",
        ),
        (["1.jpg"], ["_annotations.csv"], "in '_annotations.csv', mxmtl"),
        (["images/1.jpg"], ["more/t.json"], "in 'more/t.json', mxmtl .*t.json --images .* reads"),
    ],
)
def test_a_folder_whose_folders_are_no_classes_says_what_may_be_meant(
    tmp_path, pictures, tables, said
):
    for name in (*pictures, *tables):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    with pytest.raises(TableError, match=said):
        infer_tasks(tmp_path)
    if "splits" in said:
        found = infer_tasks(tmp_path, options=TableOptions(path_pattern="{class}/*"))
        assert found.tasks["class"].names == ("test", "train")


@pytest.mark.parametrize(
    ("inner", "pattern", "tasks"),
    [
        (["train", "Val"], "{class}/{split}/*", {"class": ("cat", "dog")}),
        (["apple", "pear"], "{set}/{class}/*", {"set": ("cat", "dog"), "class": ("apple", "pear")}),
        (["images"], "", {}),
    ],
)
def test_folders_that_every_class_has_are_pointed_out(tmp_path, inner, pattern, tasks):
    for path in (tmp_path / one / two for one in ("cat", "dog") for two in inner):
        path.mkdir(parents=True)
        write_images(path, 1)
    notes = infer_tasks(tmp_path).notes
    assert (f"--path-pattern '{pattern}'" in notes.get("table", "")) is bool(pattern)
    if pattern:
        found = infer_tasks(tmp_path, options=TableOptions(path_pattern=pattern))
        assert {task.name: task.names for task in found.tasks} == tasks


def test_every_ending_that_opencv_reads_is_an_image(tmp_path):
    endings = (
        ".BMP .dib .gif .jfif .jp2 .jpe .jpeg .jpg .pbm .pgm .png .pnm .ppm .tif .TIFF .webp"
    ).split()
    (tmp_path / "pug").mkdir()
    for ending in endings:
        (tmp_path / "pug" / f"1{ending}").write_bytes(b"")
    assert [row.path for row in opened(tmp_path).rows()] == sorted(f"pug/1{e}" for e in endings)


def test_files_that_are_no_images_are_told_of_once(tmp_path, caplog):
    write_images(tmp_path / "pug", 1)
    for name in ("a.txt", "B.TXT", "notes.json", ".hidden.txt", "README"):
        (tmp_path / "pug" / name).write_text("no image")
    for _ in range(2):
        assert len(list(opened(tmp_path).rows())) == 1
    expected = (
        f"{tmp_path}: 4 files were left out: .txt (2), .json (1), no ending (1). "
        "By their names they are no images."
    )
    assert caplog.messages == [expected]


def test_an_image_whose_name_is_not_utf8_is_a_row_with_a_problem(tmp_path, caplog):
    write_images(tmp_path / "pug", 2)
    write_images(tmp_path / "beagle\udcff", 1)
    (tmp_path / "pug" / "1.jpg").rename(tmp_path / "pug" / "caf\udce9.jpg")
    rows = list(opened(tmp_path).rows())
    assert [(row.path, row.cells["class"], row.problem) for row in rows] == [
        (
            r"beagle\xff/0.jpg",
            r"beagle\xff",
            r"image 'beagle\xff/0.jpg': the name is not UTF-8. Rename it.",
        ),
        ("pug/0.jpg", "pug", None),
        (
            r"pug/caf\xe9.jpg",
            "pug",
            r"image 'pug/caf\xe9.jpg': the name is not UTF-8. Rename it.",
        ),
    ]
    assert not caplog.text  # the folder is not empty


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    for name in ("beagle", "pug"):
        write_images(tmp_path / name, 1)
    scandir = os.scandir

    def refuse(folder):
        if os.path.basename(folder) == "pug":
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refuse)
    expected = rf"{tmp_path}/pug: the folder cannot be read \(Permission denied\). Make it"
    with pytest.raises(TableError, match=expected):
        list(opened(tmp_path).rows())


def test_links_to_folders_are_followed_but_never_back(tmp_path):
    root = tmp_path / "jpg"
    for folder in (root / "cat", root / "dog", tmp_path / "more"):
        folder.mkdir(parents=True)
        (folder / "1.jpg").write_bytes(b"")
    (root / "cat" / "loop").symlink_to(root / "cat")  # itself
    (root / "cat" / "up").symlink_to("..")  # the root
    (root / "dog" / "above").symlink_to(tmp_path)  # what the root stands in
    (root / "dog" / "more").symlink_to(tmp_path / "more")
    (tmp_path / "more" / "back").symlink_to(root / "dog")  # back on the way
    (root / "fox").symlink_to(root / "cat")
    assert [row.path for row in opened(root).rows()] == [
        "cat/1.jpg",
        "dog/1.jpg",
        "dog/more/1.jpg",
        "fox/1.jpg",
    ]


def test_fashionai_labels_one_task_a_row(tmp_path):
    path = tmp_path / "label.csv"
    path.write_text(
        "Images/a.jpg,skirt_length_labels,nnynnn\n"
        "Images/b.jpg,neck_design_labels,mynnn\n"
        "Images/c.jpg,neck_design_labels,?\n"
    )
    table = opened(path, "fashionai")
    cells = [row.cells for row in table.rows()]
    assert table.columns == ["skirt_length", "neck_design"]
    assert cells == [
        {"skirt_length": "2", "neck_design": ""},
        {"skirt_length": "", "neck_design": "1"},
        {"skirt_length": "", "neck_design": ""},
    ]
    tasks = infer_tasks(path, options=TableOptions(layout="fashionai")).tasks
    assert [task.num_classes for task in tasks] == [6, 5]


def test_fashionai_empty_lines_and_spaces_do_not_matter(tmp_path):
    path = tmp_path / "label.csv"
    path.write_text("a.jpg , neck_labels , nny \n\nb.jpg,neck_labels,ynn  \n  \n\n")
    rows = list(opened(path, "fashionai").rows())
    assert [(row.number, row.record_id, row.path, row.cells, row.problem) for row in rows] == [
        (1, 0, "a.jpg", {"neck": "2"}, None),
        (3, 1, "b.jpg", {"neck": "0"}, None),
    ]


@pytest.mark.parametrize("letters", ["nnnn", "yynn", "nyn", "nyxn"])
def test_fashionai_letters_are_checked(tmp_path, letters):
    path = tmp_path / "label.csv"
    path.write_text(f"a.jpg,neck_labels,nnyn\nb.jpg,neck_labels,{letters}\n")
    problem = list(opened(path, "fashionai").rows())[1].problem
    assert problem == f"task 'neck': {letters!r} is not 4 letters n or m and one y."


@pytest.mark.parametrize("name", ["", "_labels", "neck design", "-_labels"])
def test_a_fashionai_row_whose_task_has_no_name_is_a_row_with_a_problem(tmp_path, name):
    path = tmp_path / "label.csv"
    path.write_text(f"a.jpg,neck_labels,nny\nb.jpg,{name},ny\nc.jpg,{name},?\n", encoding="utf-8")
    table = opened(path, "fashionai")
    assert table.columns == ["neck"]
    shown = name.replace("_labels", "")
    expected = f"task name {shown!r}: expected letters, digits, '_' and '-'."
    assert [row.problem for row in table.rows()] == [None, expected, expected]


def test_the_row_of_an_open_quote_is_named_in_fashionai(tmp_path):
    path = tmp_path / "label.csv"
    path.write_text('a.jpg,neck_labels,nny\n\n"b.jpg,neck_labels,nny\n')
    with pytest.raises(TableError, match=r"label.csv row 3: unexpected end of data\."):
        opened(path, "fashionai")


def test_another_table_is_no_fashionai(tmp_path):
    (tmp_path / "t.csv").write_text("path,breed\n1.jpg,pug\n")
    with pytest.raises(TableError, match="no rows of the form"):
        opened(tmp_path / "t.csv", "fashionai")


@pytest.mark.parametrize(
    ("name", "layout", "text"),
    [
        ("a.lst", "lst", "0\t1\ta.jpg\n1\t1\té.jpg\n"),
        ("a.csv", "fashionai", "a.jpg,neck_labels,ny\né.jpg,neck_labels,yn\n"),
    ],
)
def test_the_byte_that_is_not_utf8_is_named(tmp_path, name, layout, text):
    (tmp_path / name).write_bytes(text.encode("latin-1"))
    place = text.split("\n")[1].index("é") + 1
    expected = rf"{name} line 2, byte {place}: 0xe9 is not UTF-8 .*\. Save the table as UTF-8"
    with pytest.raises(TableError, match=expected):
        list(opened(tmp_path / name, layout).rows())


def test_pascal_names_are_separated_by_spaces_and_the_split_is_known(tmp_path):
    (tmp_path / "train.csv").write_text(
        "fname,labels,is_valid\n1.jpg,car person,True\n2.jpg,horse,False\n"
    )
    table = opened(tmp_path / "train.csv", "pascal")
    assert (table.options.path_column, table.options.separator) == ("fname", " ")
    assert table.split_column == "is_valid"
    inference = infer_tasks(tmp_path / "train.csv", options=TableOptions(layout="pascal"))
    assert inference.tasks.columns == ["labels.car", "labels.horse", "labels.person"]


@pytest.mark.parametrize(
    ("name", "layout", "message"),
    [
        ("none.csv", "auto", "no such table"),
        (".", "table", "is a folder, which does not go with layout='table'"),
        ("t.csv", "folder", "is no folder"),
        (".", "folder", "no class folders in it"),
        ("t.csv", "xml", "layout='xml': expected one of"),
    ],
)
def test_a_layout_that_does_not_fit_is_named(tmp_path, name, layout, message):
    (tmp_path / "t.csv").write_text("path\n1.jpg\n")
    with pytest.raises(ValueError, match=message):
        opened(tmp_path / name, layout)
