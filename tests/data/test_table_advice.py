"""What messages advise works where it is pasted: each option that they propose is taken."""

from __future__ import annotations

import re
import shlex

from mxmtl.cli import main
from mxmtl.data import TableError, TableOptions, infer_tasks

import pytest

from ._images import write_csv

WORD = r"(?:'[^']*'|\"[^\"]*\"|[^\s'\"])+"
OPTION = re.compile(rf"--[a-z][a-z-]*(?:[= ]{WORD})?")
BLANKS = re.compile(r"\b(FILE|COLUMN|NUMBER|NAME,\.\.\.)")  # for the user to fill in
KEYWORDS = ("given", "ignore", "tasks", "split_column", "group")  # and no options of a table
CELLS = {
    "marks": ["-", "--", "N/A", "red", "blue", "red"],
    "unknown": ["unknown", "nan", "red", "blue", "red", "blue"],
    "lists": ["a;b", "a", "b;a", "a", "b", "a;b"],
    "spaces": ["a b", "a", "b a", "a", "b", "a b"],
    "words": ["Ja", "Nein", "unklar", "Ja", "Nein", "Ja"],
    "one word": ["x", "", "x", "", "", "x"],
    "signs": ["1", "-1", "1", "-1", "1", "1"],
    "minus": ["0", "1", "-1", "2", "0", "1"],
    "classes": ["1", "3", "5", "7", "10", "20"],
    "stand-ins": ["1.5", "2.5", "999", "3.5", "4", "5.5"],
    "amounts": ["3,5", "4,5", "5,5", "6,5", "7,5", "8,5"],
    "few amounts": [*map(str, range(50)), "3,5", "--"],
    "numbers": [*map(str, range(50)), "--", "unknown"],
    "rows": [*map(str, range(30)), "0", "1"],
    "dates": ["2024-01-02", "2024-01-03", "2024-01-02", "2024-01-03", "2024-01-05", "2024-01-02"],
    "splits": ["train", "val", "train", "val", "train", "train"],
    "yes": ["yes", "no", "--", "yes", "no", "n.d."],
}
NAMES = ["x", "On Sale?", 'Edema "left"', "it's", "a: b", "größe (cm)", "-x", "a\\b", "a=b, c"]


def proposed(text):
    """Return the words of every option in a text, as a shell cuts them."""
    for found in OPTION.findall(text):
        if not BLANKS.search(found):
            yield shlex.split(found.rstrip(".;:,)"))


def taken(capsys, path, words):
    """Tell whether ``mxmtl convert`` takes words, and reads the table by them."""
    out = path.parent / "tasks.json"
    code = main(
        ["convert", str(path), "--prefix", "p", "--write-tasks", str(out), "--force", *words]
    )
    return code == 0 or capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", CELLS)
def test_what_is_proposed_is_taken(tmp_path, capsys, kind, name):
    cells = CELLS[kind]
    rows = [{"path": f"{at}.jpg", name: one, "z": at % 2} for at, one in enumerate(cells)]
    path = write_csv(tmp_path / "t.csv", rows, ["path", name, "z"])
    found = infer_tasks(path)
    options = list(proposed(found.text()))
    assert options
    for words in options:
        assert taken(capsys, path, words) is True, words
    python = str(found).removeprefix(found.text())
    flags = {words[0].partition("=")[0] for words in options} - {"--missing-value"}
    assert all(flag in python for flag in flags)  # that one is said beside, in hints
    for keyword in re.findall(r" is (\w+=.*?)(?=, --|$)", python):
        given = eval(f"dict({keyword})", {"inference": found})
        of_table = {name: given.pop(name) for name in list(given) if name not in KEYWORDS}
        given = {name: value for name, value in given.items() if name in ("given", "ignore")}
        infer_tasks(path, options=TableOptions(**of_table), **given)


@pytest.mark.parametrize("name", ["x", "Star Rating", 'a "b"', "it's"])
@pytest.mark.parametrize("cells", [["1 star", "2 stars"], ["low", "middle"], ['"q"', "it's"]])
def test_an_order_is_said_as_it_can_be_said(tmp_path, capsys, name, cells):
    names = [f"{cell}{at}" for cell in cells for at in range(6)]  # more than are shown elsewhere
    rows = [{"path": f"{at}.jpg", name: cell} for at, cell in enumerate(names)]
    path = write_csv(tmp_path / "t.csv", rows, ["path", name])
    spec = {"type": "Ordinal", "name": "rating", "column": name}
    with pytest.raises(TableError, match="nobody has said the order") as error:
        infer_tasks(path, given=[spec])
    (words,) = proposed(str(error.value))
    assert taken(capsys, path, words) is True
    with pytest.raises(TableError, match=r"in a file of tasks: .*classes=\['a,b', 'c'\]"):
        infer_tasks(
            [{"path": "1", "x": "a,b"}, {"path": "2", "x": "c"}], given=[{**spec, "column": "x"}]
        )


def test_all_that_may_be_unknown_is_asked_about_at_once(tmp_path):
    """Answering the marks brought the words in the next round."""
    cells = ["-", "N/A", "unknown", "red", "blue", "Red"]
    found = infer_tasks([{"path": f"{at}.jpg", "x": one} for at, one in enumerate(cells)])
    assert "cells '-', 'N/A', 'unknown' would be classes" in found.doubts["x"]
    assert "nearly the same names: 'Red' and 'red'" in str(found)


def test_a_long_table_is_proposed_where_every_row_has_a_label():
    rows = [("1.jpg", "cat"), ("1.jpg", "dog"), ("2.jpg", "cat"), ("3.jpg", "fox")]
    frame = [{"path": path, "kind": kind} for path, kind in rows]
    assert "--long label=kind." in infer_tasks(frame).doubts["rows"]
    doubt = infer_tasks([*frame, {"path": "4.jpg", "kind": ""}]).doubts["rows"]
    assert "--long" not in doubt
