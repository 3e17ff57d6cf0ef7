"""A bad cell does not cost its row, and all that is wrong with a table is told at once."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import mxmtl
from mxmtl.cli import main

import numpy as np
import pandas as pd
import pytest

from ._images import write_images

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("kind", classes=["cat", "dog"]),
        mxmtl.Regression("ink"),
        mxmtl.Multilabel("toys", labels=["ball", "rope"]),
    ]
)
BAD = {  # row of the table, from 0: what is changed
    2: {"kind": "cta"},
    5: {"ink": "34,5", "kind": "cta"},
    9: {"toys": "ball;kite"},
    11: {"path": "gone.jpg"},
    12: {"path": ""},
}
AMOUNTS = {5: "34,5", 6: "1,200", 7: "45%", 8: "45%", 9: "4 or 5", 10: "old"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A table of twenty rows, of which five are bad, as the working folder."""
    names = write_images(tmp_path / "jpg", 20)
    rows = [
        {"path": n, "kind": ("cat", "dog", "")[i % 3], "ink": str(i / 4), "toys": "ball;rope"}
        for i, n in enumerate(names)
    ]
    for at, cells in BAD.items():
        rows[at].update(cells)
    pd.DataFrame(rows).to_csv(tmp_path / "t.csv", index=False)
    TASKS.save(tmp_path / "k.json")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(prefix="d", **options):
    options = {"tasks": TASKS, "separator": ";", **options}
    return mxmtl.write_records("t.csv", "jpg", prefix=prefix, **options)


def test_a_bad_cell_is_missing_and_listed_and_the_others_are_kept(folder):
    summary = convert(on_error="blank")
    assert (summary.num_records, summary.num_skipped, summary.num_blanked) == (18, 2, 4)
    with open("d.blanked.csv", newline="") as stream:
        listed = [(row["row"], row["path"], row["column"]) for row in csv.DictReader(stream)]
    assert listed == [
        ("4", "2.jpg", "kind"),
        ("7", "5.jpg", "kind"),
        ("7", "5.jpg", "ink"),
        ("11", "9.jpg", "toys"),
    ]
    data = mxmtl.RecordDataset("d")
    table = pd.read_csv("t.csv", dtype=str, keep_default_na=False).drop(index=[11, 12])
    for row, (_, cells) in enumerate(table.iterrows()):
        kind = {"cat": 0.0, "dog": 1.0}.get(cells["kind"], -1.0)
        ink = np.nan if "," in cells["ink"] else np.float32(cells["ink"])
        toys = [-1.0, -1.0] if "kite" in cells["toys"] else [1.0, 1.0]
        np.testing.assert_array_equal(data[row][1], np.float32([kind, ink, *toys]))
    manifest = json.loads((folder / "d.manifest.json").read_text("utf-8"))
    assert manifest["blanked"] == {"cells": 4, "file": "d.blanked.csv"}
    assert "4 cells are missing, being no label: see d.blanked.csv" in str(summary)
    convert(force=True, on_error="skip")
    assert not (folder / "d.blanked.csv").exists()


def test_one_bad_row_in_a_run_that_shall_stop_names_the_ways_on(folder):
    with pytest.raises(ValueError, match=r"t.csv row 4, .*'cta'.*--on-error blank.*--dry-run"):
        convert()


def test_stored_values_are_blanked_too(tmp_path):
    names = write_images(tmp_path / "jpg", 2)
    (tmp_path / "t.lst").write_text(f"0\t7\t0.5\t1\t2\t{names[0]}\n1\t1\t0.5\t1\t0\t{names[1]}\n")
    options = {"tasks": TASKS, "on_error": "blank", "prefix": tmp_path / "d"}
    summary = mxmtl.write_records(tmp_path / "t.lst", tmp_path / "jpg", **options)
    assert summary.num_blanked == 2
    data = mxmtl.RecordDataset(str(tmp_path / "d"))
    np.testing.assert_array_equal(data[0][1], np.float32([-1, 0.5, -1, -1]))
    np.testing.assert_array_equal(data[1][1], np.float32([1, 0.5, 1, 0]))


def test_a_stopped_run_lists_the_same_cells(folder, monkeypatch):
    convert("a", on_error="blank")
    monkeypatch.setattr("mxmtl.data.convert._conversion.CHUNK", 4)
    kept = mxmtl.data.convert.Output.flush
    times = iter(range(100))

    def stop(self):
        kept(self)
        if next(times) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(mxmtl.data.convert.Output, "flush", stop)
    with pytest.raises(KeyboardInterrupt):
        convert("b", on_error="blank")
    convert("b", on_error="blank", resume=True)
    for ending in ("rec", "names", "blanked.csv", "skipped.csv"):
        assert (folder / f"a.{ending}").read_bytes() == (folder / f"b.{ending}").read_bytes()


def test_numbers_as_people_write_them_are_one_fault(folder):
    table = pd.read_csv("t.csv", dtype=str, keep_default_na=False)
    table.loc[list(AMOUNTS), "ink"] = list(AMOUNTS.values())
    table.to_csv("t.csv", index=False)
    faults = mxmtl.data.find_faults("t.csv", "jpg", tasks=TASKS, separator=";")
    found = [str(each).strip() for each in faults.places["column 'ink'"].values()]
    assert len(found) == 3
    assert found[0].startswith("4 x task 'ink': '34,5' is not a finite number (as 1200, 3.5 or 45")
    assert found[0].endswith("(rows 7, 8, 9, 10; 3 different cells like it)")
    assert found[1].startswith("1 x task 'ink': '4 or 5' is not a finite number")
    assert found[2].startswith("1 x task 'ink': 'old' is not a finite number. Leave")


def test_all_faults_are_told_at_once_and_nothing_is_written(folder, capsys):
    before = sorted(folder.iterdir())
    line = "convert t.csv --images jpg --prefix out/d --tasks k.json --separator ; --dry-run"
    assert main([*line.split(), "--split", "train=0.5,val=0.5"]) == 3
    assert sorted(folder.iterdir()) == before
    said = capsys.readouterr().out
    assert "t.csv: 20 rows, something is wrong in 5 of them" in said
    assert "column 'kind': 2\n       2 x task 'kind': 'cta' is not one of" in said
    assert "(rows 4, 7)" in said
    for part in ("'34,5' is not", "'kite' is not", "no such file. (row 13)", "empty; expected"):
        assert part in said
    faults = mxmtl.data.find_faults("t.csv", "jpg", tasks=TASKS, separator=";")
    assert faults.splits == {"": 18}
    assert {place: sum(one.count for one in kinds.values()) for place, kinds in
            faults.places.items()} == {
        "column 'kind'": 2, "column 'ink'": 1, "column 'toys'": 1, "images": 1, "rows": 1,
    }  # fmt: skip


def test_a_sound_table_is_said_to_be_so(folder, capsys):
    table = pd.read_csv("t.csv", dtype=str, keep_default_na=False).drop(index=list(BAD))
    table.to_csv("t.csv", index=False)
    line = "convert t.csv --images jpg --prefix d --tasks k.json --separator ; --dry-run"
    assert main(line.split()) == 0
    assert "t.csv: 15 rows, none is refused" in capsys.readouterr().out


def test_a_dry_run_shows_doubts_and_faults_and_a_folder_that_is_not_there_ends_at_once(
    folder, capsys
):
    Path("d.csv").write_text("path,a\nnone.jpg,1\n0.jpg,-1\n1.jpg,1\n", "utf-8")
    line = "convert d.csv --images jpg --prefix d --dry-run"
    assert main(line.split()) == 2
    told = capsys.readouterr()
    assert "first answer what is in doubt" in told.err
    assert "d.csv: 3 rows, something is wrong" in told.out
    assert main("convert d.csv --images jqg --prefix d --yes".split()) == 1
    assert "--images jqg: no such folder." in capsys.readouterr().err
