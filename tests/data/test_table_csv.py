"""CSV and TSV tables: what spreadsheets and pandas write is read; what is broken is named."""

from __future__ import annotations

import csv

from mxmtl.data import TableError, TableOptions
from mxmtl.data.tables import _delimited, open_table

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st


def rows(path, **options):
    return list(open_table(path, TableOptions(**options)).rows())


@pytest.fixture
def table(tmp_path):
    def write(text, name="t.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return str(path)

    return write


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_delimiter_and_byte_order_mark_are_found_out(table, mark, encoding):
    path = table(f"path{mark} breed \n1.jpg{mark} 犬 \n", encoding=encoding)
    assert [row.cells for row in rows(path)] == [{"path": "1.jpg", "breed": "犬"}]


def test_a_delimiter_in_a_quoted_header_does_not_count(table):
    path = table('path;"a,b,c,d";x\n1.jpg;1;2\n')
    assert rows(path)[0].cells == {"path": "1.jpg", "a,b,c,d": "1", "x": "2"}


def test_a_delimiter_can_be_given(table):
    assert rows(table("path|x\na|b\n"), delimiter="|")[0].cells == {"path": "a", "x": "b"}


def test_row_numbers_are_those_of_a_spreadsheet(table):
    path = table('path,x\r\n1.jpg,"two\nlines"\r\n\r\n3.jpg,\r\n')
    assert [(row.number, row.record_id, row.path) for row in rows(path)] == [
        (2, 0, "1.jpg"),
        (4, 1, "3.jpg"),
    ]


def test_pandas_index_column_is_passed_over(table):
    found = open_table(table(",path,x,\n0,1.jpg,5,\n"), TableOptions())
    assert found.columns == ["path", "x"]
    assert next(found.rows()).path == "1.jpg"


def test_missing_values_become_empty_cells(table):
    path = table("path,x,y\nNA.jpg,NA,nan\n")
    assert rows(path)[0].cells["x"] == "NA"
    row = rows(path, missing_values=["", "NA", "nan"])[0]
    assert (row.path, row.cells["x"], row.cells["y"]) == ("NA.jpg", "", "")


def test_the_path_is_kept_even_if_it_looks_like_a_missing_value(table):
    assert rows(table("path,x\n?,?\n"), missing_values=["?"])[0].path == "?"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("path,x\n1.jpg\n", "it has 1 cells, but the header names 2 columns."),
        ("path,x\n1.jpg,1,2\n", "it has 3 cells, but the header names 2 columns."),
        ("path,x\n ,1\n", "column 'path': the cell is empty; expected an image file."),
    ],
)
def test_a_bad_row_says_so_and_is_not_lost(table, text, problem):
    (row,) = rows(table(text))
    assert (row.number, row.problem) == (2, problem)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the first row is empty; expected column names."),
        ("path,x,x\n", r"the header names \['x'\] more than once"),
        ("images,x\n", r"no column 'path' among \['images', 'x'\]. .* as path_column"),
        ('path,x\n1.jpg,"a\n', r"row 2: unexpected end of data"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(table, text, message):
    with pytest.raises(TableError, match=message):
        rows(table(text))


def test_the_byte_that_is_not_utf8_is_named(table):
    lines = ["path,x\n", *(f'{row}.jpg,"a\nb"\n' for row in range(100)), "100.jpg,né\n"]
    path = table("".join(lines), encoding="latin-1")
    expected = (
        r"t.csv line 202, byte 10: 0xe9 is not UTF-8 \(.*\)\. Save the table as UTF-8, or say .*"
        r" reads '100.jpg,né' with cp1252"
    )
    with pytest.raises(TableError, match=expected):
        rows(path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_text_is_read_by_its_byte_order_mark(table, encoding):
    (row,) = rows(table("path,x\n1.jpg,é\n", encoding=encoding))
    assert row.cells == {"path": "1.jpg", "x": "é"}


def test_a_delimiter_at_the_end_of_every_row_is_no_cell(table):
    text = "path,x\n1.jpg,5,\n\n2.jpg,6, \n3.jpg,7\n4.jpg,8,9\n5.jpg,6,,\n"
    found = rows(table(text))
    assert [row.cells.get("x") for row in found[:3]] == ["5", "6", "7"]
    assert [row.problem for row in found] == [
        *(None, None, None),
        "it has 3 cells, but the header names 2 columns.",
        "it has 4 cells, but the header names 2 columns.",
    ]


def test_a_delimiter_at_the_end_of_one_row_is_a_problem(table):
    problems = [row.problem for row in rows(table("path,x\n1.jpg,5\n2.jpg,6,\n"))]
    assert problems == [None, "it has 3 cells, but the header names 2 columns."]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"missing_values": "NA"}, "missing_values='NA' is one string"),
        ({"delimiter": "::"}, "expected one character"),
        ({"separator": ""}, "separator='': expected what stands between names, such as ';'"),
        ({"empty_names": "all"}, "empty_names='all': expected one of"),
    ],
)
def test_options_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        TableOptions(**options)


CELL = st.sampled_from(["0", "1", "", " 1", "-1.0", "a long cell, of words", "é", 'qu"ote', "x\ny"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(CELL, min_size=3, max_size=3), min_size=1, max_size=12),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["", "\n", "1,2\n"]),
)
def test_blocks_of_bytes_are_read_as_rows_are(tmp_path_factory, lines, end, tail):
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    with open(path, "w", encoding="utf-8", newline="") as stream:
        stream.write(f"path,x,y{end}")
        csv.writer(stream, lineterminator=end).writerows(lines)
        stream.write(tail)
    found = []
    for wide, size in ((99, 9), (1, 16)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(_delimited, "WIDE", wide)
            patch.setattr(_delimited, "BYTES", size)
            found.append(rows(path))
    assert found[0] == found[1]


@pytest.mark.parametrize("kept", [0, 100, 1 << 20])
def test_a_wide_table_is_the_same_when_it_is_read_again(table, monkeypatch, kept):
    monkeypatch.setattr(_delimited, "BYTES", 100)
    monkeypatch.setattr(_delimited, "KEPT", kept)
    names = ["path", *(f"c{at}" for at in range(40)), "about"]
    lines = [
        [f"picture number {row}.jpg", *(str((row * at) % 3) for at in range(40)), f"é{row}" * 9]
        for row in range(30)
    ]
    path = table("\n".join(",".join(line) for line in [names, *lines]) + "\n")
    opened = open_table(path, TableOptions())
    next(opened.chunks())  # and no further
    read = [[[*row.cells.values()] for row in opened.rows()] for _ in range(3)]
    assert read == [lines] * 3
    assert len(list(opened.chunks())) > 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "ID,left,right\n1,1l.jpg,1r.jpg\n2,2l.jpg,2r.jpg\n",
            "'left' and 'right' name image files",
        ),
        ("url,x\nhttps://a.b/1.jpg?s,1\nhttps://a.b/2.jpg?s,1\n", "If 'url' does, .*--path url"),
        ("galaxy,x\n100008,1\n100023,1\n", "If 'galaxy' does, as '100008': --path galaxy."),
        ("n,shot no,x\n1,0001,1\n2,0002,1\n", "If 'shot no' does, as '0001': --path 'shot no'."),
        ("1025794,Airbus\n1340192,Boeing\n", r"looks like data.*\(--header path,label\)"),
        ("Airbus,1.jpg,3\nBoeing,b,2\n", r"looks like data.*\(--header label_1,path,label_2\)"),
        ("pie/100\npie/101\n", "--header path --path-pattern '{class}/\\*'"),
        ("n,id,text\n1,1,a b\n2,2,c d\n", "If 'id' does, as '1': --path id."),
        ("n,text\n1,a b\n1,c d\n", "Another name can be given as path_column"),
    ],
)
def test_a_table_of_no_known_column_says_which_may_name_the_images(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(TableError, match=said):
        open_table(tmp_path / "t.csv", TableOptions())


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("id,x\n15970,a\n39386,b\n59263,c\n", "id"),
        ("Foto,x\nIMG_1.JPG,a\nIMG_2.JPG,b\nIMG_3.JPG,a\nIMG_4.JPG,b\nSum: 4,\n", "Foto"),
        ("shot,x\n1.JPG,a\n2.JPG,b\n3.JPG,a\n4.JPG,b\nsum: 4,\n", "shot"),
    ],
)
def test_the_column_of_the_images_is_found(tmp_path, text, column):
    (tmp_path / "t.csv").write_text(text)
    assert open_table(tmp_path / "t.csv", TableOptions()).path_column == column


@pytest.mark.parametrize(
    ("text", "paths", "columns"),
    [
        ("1025794 Airbus\n1340192 Boeing\n", ["1025794", "1340192"], ["id", "t"]),
        ("Pug_1 1 1 1\nOwl_1 2 2 1\n", ["Pug_1", "Owl_1"], ["id", "t.1", "t.2", "t.3"]),
        ("image 0 1\na 1 0\nb 0 1\n", ["a", "b"], ["image", "0", "1"]),
        ("71 British Air\n93 Airbus\n95 Air\n", ["71", "93", "95"], ["id", "t"]),
        ("71 male  hat\n93 hat\n95 male\n", ["71", "93", "95"], ["id", "t"]),
    ],
)
def test_plain_text_without_a_header_needs_no_ending(tmp_path, text, paths, columns):
    (tmp_path / "t.txt").write_text(text)
    table = open_table(tmp_path / "t.txt", TableOptions())
    assert list(table.columns) == columns
    assert [row.path for row in table.rows()] == paths


def test_the_last_cell_of_plain_text_may_be_some_words(tmp_path):
    (tmp_path / "t.txt").write_text("71 British  Air \n93 Airbus\n")
    table = open_table(tmp_path / "t.txt", TableOptions())
    assert [row.cells["t"] for row in table.rows()] == ["British  Air", "Airbus"]
    (tmp_path / "t.txt").write_text("71 1 0\n93 1\n")  # which lacks a cell
    table = open_table(tmp_path / "t.txt", TableOptions())
    assert "it has 2 cells" in str(list(table.rows())[1].problem)


@pytest.mark.parametrize("width", [2, 3, 40])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("hollow", [",", ",,,,", ""])
def test_rows_of_empty_cells_are_empty_lines(tmp_path, width, end, hollow):
    hollow = "," * (width - 1) if hollow == "," else hollow
    more = ",1" * (width - 2)
    names = "".join(f",y{at}" for at in range(width - 2))
    lines = [f"path,x{names}", f"a.jpg,1{more}", hollow, f"b.jpg,0{more}", hollow, hollow]
    (tmp_path / "t.csv").write_bytes("".join(f"{line}{end}" for line in lines).encode())
    table = open_table(tmp_path / "t.csv", TableOptions())
    for _ in range(2):
        rows = list(table.rows())
        assert [
            (row.number, row.record_id, row.path, row.cells["x"], row.problem) for row in rows
        ] == [
            (2, 0, "a.jpg", "1", None),
            (4, 1, "b.jpg", "0", None),
        ]


def test_comments_above_the_header_are_counted(tmp_path):
    text = "# of 2026\n# ours, and theirs\npath,x\n" + "".join(f"{at}.jpg,1\n" for at in range(20))
    (tmp_path / "t.csv").write_text(text.replace("path", "image"))
    with pytest.raises(TableError, match=r"skip_lines=2 \(--skip-lines 2\)"):
        open_table(tmp_path / "t.csv", TableOptions())
    table = open_table(tmp_path / "t.csv", TableOptions(skip_lines=2))
    assert len(list(table.rows())) == 20
