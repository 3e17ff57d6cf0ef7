"""A layout of tables that is written outside the package takes part like one of ours."""

from __future__ import annotations

import json

import mxmtl
from mxmtl.cli import main
from mxmtl.data import (
    Row,
    TableError,
    TableOptions,
    TableReader,
    infer_tasks,
    layouts,
)
from mxmtl.data.tables import DelimitedTable, JsonLinesTable, open_table
from mxmtl.model import open_inputs

import numpy as np
import pytest

from ._images import read_by_mxnet, write_images

LINES = [
    {"file": "0.jpg", "labels": {"breed": "pug", "age": 3.5}},
    {"file": "1.jpg", "labels": {"breed": "boxer"}},
    {"file": "", "labels": {}},
    {"file": "2.jpg", "labels": {"age": -1}},
]
TASKS = mxmtl.TaskSet(
    [mxmtl.Multiclass("breed", classes=["boxer", "pug"]), mxmtl.Regression("age")]
)


@pytest.fixture
def json_lines():
    """A reader of one JSON object a line, known as long as the test takes."""

    class JsonLines(TableReader):
        layout, about, endings = "jsonl", "one JSON object a line", (".jsonl",)
        columns = ("breed", "age")

        def rows(self):
            with open(self.source, encoding="utf-8") as stream:
                for number, line in enumerate(stream):
                    data = json.loads(line)
                    cells = {name: str(data["labels"].get(name, "")) for name in self.columns}
                    problem = None if data["file"] else "it names no file."
                    yield Row(number + 1, number, data["file"], cells, problem=problem)

    yield JsonLines
    del TableReader.types["jsonl"]


@pytest.fixture
def table(tmp_path):
    write_images(tmp_path, 3)
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return path


def test_it_is_recognised_proposed_converted_and_predicted(json_lines, table, tmp_path):
    assert layouts()["jsonl"] == "one JSON object a line"
    assert type(open_table(table, TableOptions())) is json_lines
    assert infer_tasks(table).tasks == TASKS
    with pytest.raises(mxmtl.data.RowError, match=r"t.jsonl row 3, it names no file\."):
        mxmtl.write_records(table, prefix=tmp_path / "d", tasks=TASKS)
    summary = mxmtl.write_records(table, prefix=tmp_path / "d", tasks=TASKS, on_error="skip")
    assert (summary.num_records, summary.num_skipped) == (3, 1)
    labels = [label for label, _ in read_by_mxnet(tmp_path / "d").values()]
    np.testing.assert_array_equal(labels, np.float32([[1, 3.5], [0, np.nan], [-1, -1]]))
    items = list(open_inputs([table]).items)
    assert [(item.name, item.number, item.problem) for item in items] == [
        ("0.jpg", 1, ""),
        ("1.jpg", 2, ""),
        ("", 3, "no path"),
        ("2.jpg", 4, ""),
    ]


def test_the_command_knows_its_name(json_lines, table, tmp_path, capsys):
    command = ["convert", str(table), "--prefix", str(tmp_path / "d"), "--layout", "jsonl", "--yes"]
    assert main([*command, "--on-error", "skip"]) == 3
    assert "3 records" in capsys.readouterr().out
    assert main(["convert", "--help"]) == 0
    assert "jsonl (one JSON object a line)" in " ".join(capsys.readouterr().out.split())


def test_without_it_the_file_is_read_by_ours(table):
    assert "jsonl" not in layouts()
    assert type(open_table(table, TableOptions())) is JsonLinesTable
    with pytest.raises(ValueError, match="layout='jsonl': expected one of"):
        open_table(table, TableOptions(layout="jsonl"))


def test_first_bytes_may_decide_and_the_newest_layout_is_asked_first(tmp_path):
    class Marked(TableReader):
        layout, about = "marked", "begins with a mark"
        columns = ()

        @classmethod
        def recognises(cls, path, head):
            return head.startswith(b"#!")

        def rows(self):
            raise TableError(f"{self.source}: no rows.")

    try:
        (tmp_path / "a.csv").write_text("#! path\n")
        (tmp_path / "b.csv").write_text("path\n")
        assert type(open_table(tmp_path / "a.csv", TableOptions())) is Marked
        assert type(open_table(tmp_path / "b.csv", TableOptions())) is DelimitedTable
    finally:
        del TableReader.types["marked"]


def made_csv(folder):
    (folder / "b.csv").write_text("path,age\n1.jpg,3\n")
    return folder / "b.csv"


def test_a_layout_settles_options_of_its_own(tmp_path):
    class Piped(DelimitedTable):
        layout, about, endings = "piped", "cells between bars", (".bars",)
        settles = {"delimiter": "|"}  # noqa: RUF012 (nobody changes it)

    try:
        (tmp_path / "a.bars").write_text("path|age\n1.jpg|3\n")
        table = open_table(tmp_path / "a.bars", TableOptions(delimiter=","))
        assert (type(table), table.columns) == (Piped, ["path", "age"])
        assert table.options.delimiter == "|"
        assert type(open_table(made_csv(tmp_path), TableOptions())) is DelimitedTable
    finally:
        del TableReader.types["piped"]
