"""What a conversion writes beside the records: manifest, shards and splits."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import mxmtl
from mxmtl.data import RowError, TableError
from mxmtl.data.convert import ImageWorker

import numpy as np
import pytest

from ._images import COLUMNS, TASKS, random_rows, read_by_mxnet, write_csv, write_images

ROWS = 300


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Images and a table of random labels: (folder, rows)."""
    folder = tmp_path_factory.mktemp("made")
    rows = random_rows(ROWS, write_images(folder / "jpg", 40))
    write_csv(folder / "train.csv", rows)
    return folder, rows


def convert(folder, prefix, **options):
    options = {"tasks": TASKS, **options}
    return mxmtl.write_records(folder / "train.csv", folder / "jpg", prefix=prefix, **options)


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_says_what_is_there(made, tmp_path):
    folder, rows = made
    convert(folder, tmp_path / "train", shard_rows=128)
    manifest = json.loads((tmp_path / "train.manifest.json").read_text("utf-8"))
    labels = np.stack([TASKS.encode(row) for row in rows])
    breed, toys, age = labels[:, 0], labels[:, 2:5], labels[:, 5]
    tasks = manifest["tasks"]
    assert tasks["breed"]["counts"] == {
        name: int((breed == index).sum()) for index, name in enumerate(TASKS["breed"].names)
    }
    assert tasks["breed"]["missing"] == int((breed == -1).sum())
    assert list(tasks["toys"]["positive"].values()) == (toys == 1).sum(axis=0).tolist()
    assert list(tasks["toys"]["labels"].values()) == (toys >= 0).sum(axis=0).tolist()
    assert tasks["toys"]["labelled"] == int((toys >= 0).any(axis=1).sum())
    known = age[~np.isnan(age)].astype(np.float64)
    np.testing.assert_allclose(
        [tasks["age"][name] for name in ("min", "max", "mean", "std")],
        [known.min(), known.max(), known.mean(), known.std()],
    )
    assert manifest["images"]["width"] == {"min": 32, "median": 35, "max": 38}
    assert manifest["images"]["encodings"] == {"jpg": ROWS}
    assert manifest["images"]["kept"] == ROWS
    assert [shard["records"] for shard in manifest["shards"]] == [128, 128, 44]
    sums = [sha256(tmp_path / s["file"]) for s in manifest["shards"]]
    assert sums == [shard["sha256"] for shard in manifest["shards"]]
    assert manifest["source"]["sha256"] == sha256(folder / "train.csv")
    assert manifest["versions"]["mxmtl"] == mxmtl.__version__


@pytest.mark.parametrize("limit", [{"shard_rows": 70}, {"shard_bytes": 60_000}])
def test_shards_together_are_the_whole(made, tmp_path, limit):
    convert(made[0], tmp_path / "one")
    convert(made[0], tmp_path / "many", **limit)
    shards = sorted(tmp_path.glob("many-*.rec"))
    assert len(shards) > 3
    assert b"".join(path.read_bytes() for path in shards) == (tmp_path / "one.rec").read_bytes()
    if "shard_bytes" in limit:
        assert max(path.stat().st_size for path in shards) <= 60_000
    found = {}
    for path in shards:
        found.update(read_by_mxnet(path.with_suffix("")))
    assert list(found) == list(range(ROWS))


def test_a_record_larger_than_a_shard_has_one_of_its_own(made, tmp_path):
    summary = convert(made[0], tmp_path / "x", shard_bytes=10)
    assert len([path for path in summary.files if path.endswith(".rec")]) == ROWS


def test_splits_share_the_rows_out(made, tmp_path):
    folder, rows = made
    summary = convert(folder, tmp_path / "d", split={"train": 0.7, "val": 0.3}, seed=3)
    assert [Path(prefix).name for prefix in summary.prefixes] == ["d_train", "d_val"]
    train, val = (read_by_mxnet(prefix) for prefix in summary.prefixes)
    pictures = [{rows[key]["path"] for key in part} for part in (train, val)]
    assert not pictures[0] & pictures[1]  # rows of one picture stay together
    largest = max(Counter(row["path"] for row in rows).values())
    assert abs(len(train) - 210) <= largest
    assert sorted([*train, *val]) == list(range(ROWS))
    assert summary.labelled["age"] == sum(row["age"] != "" for row in rows)


def test_a_split_column_names_the_splits(tmp_path):
    names = write_images(tmp_path / "jpg", 4)
    rows = [{"path": n, "part": p} for n, p in zip(names, ("train", "1", "", "test"))]
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    summary = convert(tmp_path, tmp_path / "d", split_column="part")
    sizes = {Path(p).name: list(read_by_mxnet(p)) for p in summary.prefixes}
    assert sizes == {"d_train": [0, 2], "d_val": [1], "d_test": [3]}


def test_a_short_row_is_left_out_and_makes_no_split(tmp_path):
    write_images(tmp_path / "jpg", 3)
    text = "path,breed,part\n0.jpg,pug,x\n1.jpg,boxer,y\n2.jpg,pug\nnone,x\n"
    (tmp_path / "train.csv").write_text(text)
    options = {"tasks": mxmtl.TaskSet([TASKS["breed"]]), "split_column": "part"}
    summary = convert(tmp_path, tmp_path / "d", on_error="skip", **options)
    sizes = {Path(p).name: len(read_by_mxnet(p)) for p in summary.prefixes}
    assert sizes == {"d_x": 1, "d_y": 1}
    assert summary.num_skipped == 2
    assert '4,2.jpg,"it has 2 cells' in (tmp_path / "d_x.skipped.csv").read_text()


def test_no_cell_of_a_list_of_skipped_rows_is_a_formula(tmp_path):
    (name,) = write_images(tmp_path / "jpg", 1)
    (tmp_path / "train.csv").write_text(f"path,breed\n=2+2.png,pug\n{name},pug\n")
    options = {"tasks": mxmtl.TaskSet([TASKS["breed"]]), "on_error": "skip"}
    convert(tmp_path, tmp_path / "d", **options)
    assert "\n2,./=2+2.png," in (tmp_path / "d.skipped.csv").read_text()


def parted(folder, *parts):
    """Write a table that has these cells in its column ``part``."""
    rows = [{"path": n, "part": p} for n, p in zip(write_images(folder / "jpg", len(parts)), parts)]
    write_csv(folder / "train.csv", rows, [*COLUMNS, "part"])


def test_a_row_that_names_no_split_is_a_bad_row(tmp_path):
    parted(tmp_path, "", "fold0", "fold1", "")
    message = "train.csv row 2, column 'part': the cell is empty; expected a split, such as 'fold0'"
    with pytest.raises(RowError, match=message):
        convert(tmp_path, tmp_path / "out" / "d", split_column="part")
    assert not (tmp_path / "out").exists()
    summary = convert(tmp_path, tmp_path / "d", split_column="part", on_error="skip")
    sizes = {Path(p).name: list(read_by_mxnet(p)) for p in summary.prefixes}
    assert sizes == {"d_fold0": [1], "d_fold1": [2]}
    skipped = (tmp_path / "d_fold0.skipped.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in skipped[1:]] == [["2", "0.jpg"], ["5", "3.jpg"]]


def test_no_row_that_names_a_split(tmp_path):
    parted(tmp_path, "", "")
    message = r"its 2 rows 2 were skipped \(the first: row 2, column 'part': the cell is empty"
    with pytest.raises(TableError, match=message):
        convert(tmp_path, tmp_path / "d", split_column="part", on_error="skip")


def test_rows_that_are_not_for_validation_are_for_training(tmp_path):
    parted(tmp_path, "", "1", "")
    summary = convert(tmp_path, tmp_path / "d", split_column="part")
    sizes = {Path(p).name: list(read_by_mxnet(p)) for p in summary.prefixes}
    assert sizes == {"d_train": [0, 2], "d_val": [1]}


@pytest.mark.parametrize("cell", ["maybe", "train", "2"])
def test_the_split_of_pascal_is_yes_or_no(tmp_path, cell):
    write_images(tmp_path / "jpg", 3)
    text = f"fname,labels,is_valid\n0.jpg,car,True\n1.jpg,dog,{cell}\n2.jpg,dog,False\n"
    (tmp_path / "train.csv").write_text(text)
    tasks = mxmtl.TaskSet([mxmtl.Multilabel("labels", labels=["car", "dog"])])
    options = {"tasks": tasks, "layout": "pascal"}
    message = f"row 3, column 'is_valid': '{cell}' is not True or False"
    with pytest.raises(RowError, match=message):
        convert(tmp_path, tmp_path / "d", **options)
    summary = convert(tmp_path, tmp_path / "d", on_error="skip", **options)
    assert [Path(prefix).name for prefix in summary.prefixes] == ["d_val", "d_train"]
    assert summary.num_skipped == 1


def test_an_empty_split_is_an_error_before_any_work(tmp_path, monkeypatch):
    names = write_images(tmp_path / "jpg", 2)
    write_csv(tmp_path / "train.csv", [{"path": name} for name in names])
    monkeypatch.setattr(ImageWorker, "__call__", None)
    with pytest.raises(TableError, match="split 'b' would get none of its 2 rows"):
        convert(tmp_path, tmp_path / "d", split={"a": 0.9, "b": 0.1})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["jpg", "train.csv"]


def test_a_split_of_bad_rows_is_an_error(tmp_path):
    rows = [
        {"path": write_images(tmp_path / "jpg", 1)[0], "part": "a"},
        {"path": "none", "part": "b"},
    ]
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    with pytest.raises(TableError, match="split 'b' would be empty; of its 1 rows 1 were skipped"):
        convert(tmp_path, tmp_path / "d", split_column="part", on_error="skip")


@pytest.mark.parametrize("cell", ["a/x", "../up", "..", "two words", "a\\b"])
def test_a_split_column_with_a_cell_that_names_no_file_is_refused(tmp_path, cell):
    names = write_images(tmp_path / "jpg", 2)
    rows = [{"path": names[0], "part": "train"}, {"path": names[1], "part": cell}]
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    message = f"row 3, column 'part': {cell!r} cannot name a split: expected letters, digits"
    with pytest.raises(TableError, match=re.escape(message)):
        convert(tmp_path, tmp_path / "out" / "d", split_column="part")
    assert not (tmp_path / "out").exists()


def test_more_splits_than_a_byte_counts(tmp_path):
    name = write_images(tmp_path / "jpg", 1)[0]
    rows = [{"path": name, "part": f"p{number}"} for number in range(300)]
    write_csv(tmp_path / "train.csv", rows, [*COLUMNS, "part"])
    summary = convert(tmp_path, tmp_path / "d", split_column="part")
    assert len(summary.prefixes) == summary.num_records == 300


def test_force_leaves_a_data_set_whose_name_looks_like_a_shard(made, tmp_path):
    convert(made[0], tmp_path / "fold-00001")
    other = {path: path.read_bytes() for path in tmp_path.iterdir()}
    convert(made[0], tmp_path / "fold", force=True)
    message = "fold-00001.rec belongs to another data set, fold-00001"
    with pytest.raises(FileExistsError, match=message):
        convert(made[0], tmp_path / "fold", force=True, shard_rows=200)
    assert {path: path.read_bytes() for path in other} == other
