"""A second table: by which columns or pictures its rows are found, and what is said of the rest."""

from __future__ import annotations

import re

import mxmtl
from mxmtl.data import TableError, TableOptions, infer_tasks
from mxmtl.data.tables import open_table

import pytest

from ._images import write_images

FILES = ["cat/0.jpg", "cat/1.jpg", "dog/2.jpg", "dog/3.jpg"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two class folders, of pictures of different names; the current folder is above them."""
    (tmp_path / "pets").mkdir()
    names = write_images(tmp_path / "jpg", len(FILES))
    for old, new in zip(names, FILES):
        (tmp_path / "pets" / new).parent.mkdir(exist_ok=True)
        (tmp_path / "jpg" / old).rename(tmp_path / "pets" / new)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def opened(table, second, on="", **options):
    """Open a table joined with lines of a second one."""
    with open("more.csv", "w", encoding="utf-8") as stream:
        stream.write("\n".join(second))
    return open_table(table, TableOptions(join=(f"more.csv{on}",), **options))


def cells_of(table, name):
    return [row.cells[name] for row in table.rows()]


@pytest.mark.parametrize("on", ["", " on=path,file"])
@pytest.mark.parametrize("pattern", [None, "{class}/{file}", "{class}/{name}.*", "{class}/*"])
@pytest.mark.parametrize(
    "names",
    [
        FILES,
        [f"./{name}" for name in FILES],
        [f"D:\\pets\\{name[:3]}\\{name[4:]}" for name in FILES],
        [name[4:] for name in FILES],
        [name[4:-4] for name in FILES],
    ],
    ids=["folders", "dots", "windows", "names", "stems"],
)
def test_a_folder_of_classes_is_joined_by_its_pictures(folder, names, pattern, on):
    second = ["file,age", *(f"{name},{age}" for age, name in enumerate(names))]
    table = opened("pets", second, on, path_pattern=pattern)
    assert cells_of(table, "age") == ["0", "1", "2", "3"]
    assert cells_of(table, "class") == ["cat", "cat", "dog", "dog"]
    assert [row.path for row in table.rows()] == FILES
    found = infer_tasks(table)
    assert {"class", "age"} <= {*found.tasks.names}
    assert not found.doubts
    assert "table" not in found.notes


def test_a_name_in_several_folders_is_told_apart_by_the_class_or_is_an_error(folder):
    (folder / "pets" / "cat" / "1.jpg").rename(folder / "pets" / "cat" / "2.jpg")
    second = ["file,class,age", "0.jpg,cat,5", "2.jpg,dog,6", "2.jpg,cat,7", "3.jpg,dog,8"]
    table = opened("pets", second)
    assert cells_of(table, "age") == ["5", "7", "6", "8"]
    assert infer_tasks(table).tasks.names == ["class", "age"]
    with pytest.raises(TableError, match=r"more.csv: '2.jpg' may be 'cat/2.jpg' or 'dog/2.jpg' of"):
        cells_of(opened("pets", ["file,age", "0.jpg,1", "2.jpg,2"]), "age")
    with pytest.raises(TableError, match=r"more.csv: '2.jpg' has 'dog' and 'cat' in column"):
        opened("pets", second, " on=path,file")


def test_a_picture_that_two_rows_name_is_an_error(folder):
    second = ["file,age", "x/0.jpg,1", "y/0.jpg,2"]
    (folder / "t.csv").write_text("path,kind\n0.jpg,cat\n")
    with pytest.raises(TableError, match=r"t.csv: '0.jpg' may be 'x/0.jpg' or 'y/0.jpg' of more"):
        cells_of(opened("t.csv", second), "age")
    second += ["0.jpg,3", "0,3"]
    assert cells_of(opened("t.csv", second), "age") == ["3"]  # the one that is called as it is


@pytest.mark.parametrize(
    ("columns", "second", "on"),
    [
        ("id,image", "file,age", ""),  # both name their pictures, in columns of different names
        ("image,kind", "kind,file,age", " on=image,file"),
        ("path,kind", "path,age", ""),
        ("id,path", "id,age", ""),  # a column that both have is what it was
    ],
)
def test_tables_are_joined_by_pictures_where_their_columns_say_so(folder, columns, second, on):
    of = {"id": "a{}", "image": "cat/{}.jpg", "path": "cat/{}.jpg", "kind": "k{}"}
    more = {"file": "{}.jpg", "path": "{}.jpg", "id": "a{}", "age": "{}", "kind": "other"}
    lines = [",".join(of[one].format(at) for one in columns.split(",")) for at in range(3)]
    (folder / "t.csv").write_text("\n".join([columns, *lines]))
    rows = [",".join(more[one].format(at) for one in second.split(",")) for at in (2, 0, 1)]
    assert cells_of(opened("t.csv", [second, *rows], on), "age") == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("partners", "unused", "doubt"), [(4, 3, False), (3, 0, False), (2, 1, False), (1, 1, True)]
)
def test_rows_without_a_partner_are_counted(folder, partners, unused, doubt):
    """They are noted; where most are without one, it is a doubt, unless tasks are in words."""
    lines = [
        *(f"{at}.jpg,{at}" for at in range(partners)),
        *(f"x{at}.jpg,9" for at in range(unused)),
    ]
    table = opened("pets", ["file,age", *lines])
    found = infer_tasks(table)
    said = found.doubts.get("table", "") if doubt else found.notes.get("table", "")
    assert ("table" in found.doubts) == doubt
    assert ("table" in found.notes) == (partners < 4 and not doubt)
    if partners < 4:
        start = (
            f"{partners} of 4 rows have a partner in more.csv, by ['path'] and ['file']; the others"
        )
        assert said.startswith(start)
        assert f"such as row {partners + 1} ('{FILES[partners]}'), have empty cells" in said
        left = f"No row takes {unused} of its {len(lines)} rows, such as that of 'x0.jpg'."
        assert (left in said) == (unused > 0)
    given = infer_tasks(table, given=[{"type": "Regression", "name": "age"}])
    assert not given.doubts
    assert ("1 of 4 rows have a partner" in given.notes.get("table", "")) == doubt


@pytest.mark.parametrize(
    ("second", "on", "message"),
    [
        (["file,age", "x.jpg,1"], "", "no row is in more.csv, by ['path'] and ['file']. "),
        (["file,age", "0.jpg,1"], " on=file", "no column 'file' among ['class', 'path'], to join"),
        (["file,age", "0.jpg,1"], " on=path,name", "more.csv: no column 'name' among ['file', "),
    ],
)
def test_a_join_that_finds_nothing_says_how_to_say_it(folder, second, on, message):
    with pytest.raises(TableError, match=re.escape(message)):
        cells_of(opened("pets", second, on), "age")


def test_what_the_mend_of_a_join_says_works(folder):
    with pytest.raises(TableError, match="no row is in more.csv") as error:
        cells_of(opened("pets", ["other,age", "a b,9", "dog,4"], " on=path,other"), "age")
    assert "(--join 'more.csv on=COLUMN,COLUMN'); path is the picture." in str(error.value)
    table = opened("pets", ["other,age", "a b,9", "dog,4"], " on=class,other")
    assert cells_of(table, "age") == ["", "", "4", "4"]


def test_rows_of_no_picture_are_taken_by_none(folder):
    table = opened("pets", ["file,age", ",1", ",2", *(f"{at}.jpg,{at}" for at in range(4))])
    assert cells_of(table, "age") == ["0", "1", "2", "3"]


def test_records_hold_what_was_joined(folder):
    table = opened("pets", ["file,age", *(f"{at}.jpg,{at}" for at in range(4))])
    mxmtl.write_records(table, prefix="out", tasks=infer_tasks(table).tasks)
    data = mxmtl.RecordDataset("out")
    assert [data.tasks.decode(data[at][1])["age"] for at in range(4)] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("cells", "lines"),
    [
        (["n03", "n01", "n02"], "n01\towl, brown\nn02\twren\nn03\tkite, red\n"),
        (["n01", "n02"], "n01\towl, brown\nn02\twren\n"),  # without a header, as WordNet has it
        (["0", "1"], "name,kind\n'owl, brown',0\nwren,1\n".replace("'", '"')),
        (["10", "20"], 'name,kind\n"owl, brown",10\nwren,20\n'),
        (["0", "1"], "owl, brown;0\nwren;1\n"),
        (["0", "1"], "owl\u3001 brown 0\nwren 1\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_names_are_of_their_codes_whichever_stands_first(tmp_path, cells, lines, end):
    (tmp_path / "t.csv").write_text("path,kind\n" + "".join(f"{c}.jpg,{c}\n" for c in cells))
    (tmp_path / "names.txt").write_bytes(lines.replace("\n", end).encode())
    table = open_table(tmp_path / "t.csv", TableOptions(names=(str(tmp_path / "names.txt"),)))
    names = [one.replace("\u3001", ",") for one in cells_of(table, "kind")]
    assert names[-2:] == ["owl, brown", "wren"]
    assert not table.notes


def test_a_name_that_ends_in_a_number_is_no_code(tmp_path):
    (tmp_path / "t.csv").write_text("path,kind\n1.jpg,1\n2.jpg,2\n")
    (tmp_path / "names.txt").write_text("Boeing 707\nFokker 100\n")
    table = open_table(tmp_path / "t.csv", TableOptions(names=(str(tmp_path / "names.txt"),)))
    assert cells_of(table, "kind") == ["Boeing 707", "Fokker 100"]


def test_files_of_codes_are_those_of_the_second_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("id,kind\n70,owl\n93,wren\n")
    table = opened("t.csv", ["id,file_name", "93,b.jpg", "70,a.jpg"])
    assert [row.path for row in table.rows()] == ["a.jpg", "b.jpg"]
    assert infer_tasks(table).tasks.names == ["kind"]
    table = opened("t.csv", ["id,weather", "93,wet", "70,dry"])
    assert [row.path for row in table.rows()] == ["70", "93"]


def test_codes_that_are_numbers_are_called_as_such(tmp_path):
    rows = ["path,kind", "1.jpg,1.0", "2.jpg,", "3.jpg,0.0"]  # as pandas writes them beside a gap
    (tmp_path / "t.csv").write_text("\n".join(rows))
    (tmp_path / "names.json").write_text('["owl", "wren"]')
    table = open_table(tmp_path / "t.csv", TableOptions(names=(str(tmp_path / "names.json"),)))
    assert cells_of(table, "kind") == ["wren", "", "owl"]
    assert not table.notes
