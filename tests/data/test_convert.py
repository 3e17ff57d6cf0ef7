"""From a table to records: every label kept, every bad row told of, nothing half written."""

from __future__ import annotations

import errno
import io
import os
import sys

import mxmtl
from mxmtl.cli import main
from mxmtl.data import RowError, TableError
from mxmtl.data.convert import Stage, read_file
from mxmtl.data.records import read_manifest

import mxnet as mx
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


def convert(folder, prefix, table="train.csv", **options):
    options = {"tasks": TASKS, **options}
    return mxmtl.write_records(folder / table, folder / "jpg", prefix=prefix, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_labels_come_back_bit_for_bit(made, tmp_path):
    folder, rows = made
    summary = convert(folder, tmp_path / "train")
    records = read_by_mxnet(tmp_path / "train")
    assert summary.num_records == len(records) == ROWS
    for index, row in enumerate(rows):
        label, payload = records[index]
        assert label.tobytes() == TASKS.encode(row).tobytes()
        assert payload == (folder / "jpg" / row["path"]).read_bytes()
    assert mxmtl.TaskSet.load(tmp_path / "train.tasks.json") == TASKS


def test_labels_are_dropped_on_purpose_of_the_training_split_alone(made, tmp_path):
    folder, rows = made
    way = "random(share=0.6, seed=3)"
    command = ["convert", str(folder / "train.csv"), "--images", str(folder / "jpg")]
    command += ["--split", "train=0.8,val=0.2", "--drop-labels", way]
    TASKS.save(tmp_path / "tasks.json")
    command += ["--tasks", str(tmp_path / "tasks.json"), "--prefix", str(tmp_path / "d")]
    assert main(command) == 0
    labels = np.stack([TASKS.encode(row) for row in rows])
    parts = {name: read_by_mxnet(tmp_path / f"d_{name}") for name in ("train", "val")}
    assert set(parts["train"]) | set(parts["val"]) == set(range(ROWS))
    for name, records in parts.items():
        index = sorted(records)
        found = np.stack([records[row][0] for row in index])
        left = mxmtl.drop_labels(labels[index], TASKS, share=0.6, seed=3)
        np.testing.assert_array_equal(found, left if name == "train" else labels[index])
    (tmp_path / "t.lst").write_text("0\t1\t0.jpg\n1\t0\t1.jpg\n", "utf-8")
    with pytest.raises(ValueError, match="drop_labels needs tasks"):
        convert(folder, tmp_path / "x", tmp_path / "t.lst", tasks=None, drop_labels="single")
    manifest = read_manifest(str(tmp_path / "d_train"))
    assert manifest["options"]["drop_labels"] == way
    assert (
        "drop_labels" not in read_manifest(convert(folder, tmp_path / "w").prefixes[0])["options"]
    )


def test_mxnet_iterates_over_the_labels_and_pixels(made, tmp_path):
    folder, rows = made
    convert(folder, tmp_path / "train", resize=24, encoding="png")
    batches = mx.io.ImageRecordIter(
        path_imgrec=str(tmp_path / "train.rec"),
        path_imgidx=str(tmp_path / "train.idx"),
        data_shape=(3, 24, 24),
        label_width=TASKS.label_width,
        batch_size=ROWS,
    )
    batch = batches.next()
    expected = np.stack([TASKS.encode(row) for row in rows])
    assert batch.label[0].asnumpy().tobytes() == expected.tobytes()
    payload = read_by_mxnet(tmp_path / "train")[5][1]
    image = mx.image.imdecode(payload).asnumpy()
    left = (image.shape[1] - 24) // 2
    np.testing.assert_array_equal(
        batch.data[0][5].asnumpy().transpose(1, 2, 0), image[:, left : left + 24]
    )


def test_a_task_of_one_cell_is_read_as_a_plain_label(made, tmp_path):
    folder, rows = made
    tasks = mxmtl.TaskSet([TASKS["breed"]])
    convert(folder, tmp_path / "one", tasks=tasks)
    expected = [tasks.encode(row)[0] for row in rows]
    labels = [label for label, _ in read_by_mxnet(tmp_path / "one").values()]
    np.testing.assert_array_equal(np.concatenate(labels), expected)


@pytest.mark.parametrize("options", [{}, {"resize": 20, "shard_rows": 70}])
def test_bytes_do_not_depend_on_the_number_of_workers(made, tmp_path, options):
    found = []
    for workers in (1, 2, 5):
        target = tmp_path / str(workers)
        convert(made[0], target / "train", workers=workers, **options)
        found.append(contents(target))
    assert found[0] == found[1] == found[2]


def test_defaults_take_the_folder_of_the_table(tmp_path):
    names = write_images(tmp_path, 3)
    write_csv(tmp_path / "t.csv", [{"path": name} for name in names])
    summary = mxmtl.write_records(tmp_path / "t.csv", prefix=str(tmp_path / "t"), tasks=TASKS)
    assert summary.num_records == 3
    assert set(summary.labelled.values()) == {0}


def test_tasks_may_be_a_file(made, tmp_path):
    TASKS.save(tmp_path / "t.json")
    convert(made[0], tmp_path / "train", tasks=tmp_path / "t.json")
    assert mxmtl.TaskSet.load(tmp_path / "train.tasks.json") == TASKS


def test_a_bad_cell_names_table_row_task_and_cell(made, tmp_path):
    rows = [dict(row) for row in made[1]]
    rows[15]["breed"] = "bull"
    table = write_csv(tmp_path / "train.csv", rows)
    message = (
        "train.csv row 17, task 'breed': 'bull' is not one of [beagle, boxer, pug, 犬]. "
        "Leave the cell empty if it is unknown. on_error='blank' (--on-error blank) makes such "
        "cells missing, on_error='skip' leaves such rows out; both list them. --dry-run shows all "
        "that is wrong."
    )
    with pytest.raises(mxmtl.LabelError) as caught:
        mxmtl.write_records(table, made[0] / "jpg", prefix=tmp_path / "x", tasks=TASKS)
    assert str(caught.value).endswith(message)
    assert (caught.value.row, caught.value.path) == (17, rows[15]["path"])
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]


HEIC = b"\0\0\0\x18ftypheic" + bytes(40)  # newer releases of OpenCV read GIF and AVIF
BAD = {
    3: ("breed", "bull", "task 'breed': 'bull' is not one of"),
    7: ("path", "none.jpg", "none.jpg': no such file."),
    8: ("path", "half.jpg", "half.jpg': the JPEG file is cut short"),
    9: (
        "path",
        "page.jpg",
        "page.jpg': it does not decode: it begins with the text '<html>",
    ),
    10: ("path", "", "column 'path': the cell is empty"),
    11: ("path", "folder", "folder': a folder, a pipe or a device, and no file."),
    12: ("age", "old", "task 'age': 'old' is not a finite number"),
    13: ("path", "pipe.jpg", "pipe.jpg': a folder, a pipe or a device, and no file."),
    14: ("path", f"{'long' * 100}.jpg", ".jpg': File name too long."),
    15: ("path", "loop.jpg", "loop.jpg': Too many levels of symbolic links."),
    16: ("path", "0.jpg/x.jpg", "0.jpg/x.jpg': Not a directory."),
    17: ("path", "phone.heic", "phone.heic': a file of HEIC, which is not read here"),
}


@pytest.fixture
def broken(tmp_path):
    """A table with one bad row of each kind; returns (folder, rows)."""
    names = write_images(tmp_path / "jpg", 20)
    whole = (tmp_path / "jpg" / "0.jpg").read_bytes()
    (tmp_path / "jpg" / "half.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "jpg" / "page.jpg").write_text("<html>404</html>")
    (tmp_path / "jpg" / "folder").mkdir()
    (tmp_path / "jpg" / "loop.jpg").symlink_to("loop.jpg")
    (tmp_path / "jpg" / "phone.heic").write_bytes(HEIC)
    os.mkfifo(tmp_path / "jpg" / "pipe.jpg")
    rows = random_rows(20, names)
    for index, (column, cell, _) in BAD.items():
        rows[index][column] = cell
    write_csv(tmp_path / "train.csv", rows)
    return tmp_path, rows


def test_skipped_rows_are_listed_and_the_others_kept(broken):
    folder, rows = broken
    summary = convert(folder, folder / "out" / "train", on_error="skip")
    assert (summary.num_records, summary.num_skipped) == (20 - len(BAD), len(BAD))
    records = read_by_mxnet(folder / "out" / "train")
    assert set(records) == set(range(20)) - set(BAD)
    listed = (folder / "out" / "train.skipped.csv").read_text("utf-8").splitlines()
    assert listed[0] == "row,path,reason"
    assert len(listed) == 1 + len(BAD)
    for line, (index, (_, _, reason)) in zip(listed[1:], BAD.items()):
        assert line.startswith(f"{index + 2},")
        assert reason in line
    assert f"{len(BAD)} rows skipped: see" in str(summary)


def test_opencv_adds_nothing_to_what_is_listed(broken, capfd):
    folder, _ = broken
    convert(folder, folder / "out" / "train", on_error="skip")
    assert capfd.readouterr() == ("", "")


def test_what_the_machine_lacks_is_no_bad_row(broken, monkeypatch):
    def no_handles(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "open", no_handles)
    with pytest.raises(OSError, match="Too many open files"):
        read_file("0.jpg")


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path, monkeypatch):
    path, content = tmp_path / "a.jpg", bytes(range(250)) * 4000
    path.write_bytes(content[:10])
    about = os.stat(path)
    path.write_bytes(content)
    monkeypatch.setattr(os, "fstat", lambda handle: about)
    assert read_file(str(path)) == content


def test_a_read_that_takes_a_part_only_is_gone_on_with(tmp_path, monkeypatch):
    path, content = tmp_path / "a.jpg", bytes(range(250)) * 400
    path.write_bytes(content)
    read = os.read
    monkeypatch.setattr(os, "read", lambda handle, size: read(handle, min(size, 999)))
    assert read_file(str(path)) == content


@pytest.mark.parametrize("index", list(BAD))
def test_each_bad_row_stops_a_strict_run_and_leaves_nothing(broken, index):
    folder, rows = broken
    write_csv(folder / "one.csv", [rows[0], rows[index]])
    with pytest.raises(RowError) as caught:
        convert(folder, folder / "out" / "train", table="one.csv")
    assert f"one.csv row 3, {'image' if 'jpg' in BAD[index][1] else ''}" in str(caught.value)
    assert BAD[index][2] in str(caught.value)
    assert list((folder / "out").iterdir()) == [] if (folder / "out").exists() else True


def test_nothing_but_bad_rows_is_an_error(broken):
    folder, rows = broken
    write_csv(folder / "bad.csv", [rows[7], rows[8]])
    message = r"the output would be empty; of its 2 rows 2 were skipped \(the first: row 2, image"
    with pytest.raises(TableError, match=message):
        convert(folder, folder / "out" / "train", table="bad.csv", on_error="skip")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("path\n1.jpg\n", r"no column 'breed' for task 'breed' among \['path'\]"),
        (",".join(COLUMNS) + "\n", "train.csv: no rows."),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path, text, message):
    (tmp_path / "train.csv").write_text(text)
    with pytest.raises(TableError, match=message):
        convert(tmp_path, tmp_path / "train")


@pytest.mark.parametrize("change", [lambda lines: lines[:-1], lambda lines: lines + lines[1:2]])
def test_a_table_that_changes_meanwhile_is_noticed(made, tmp_path, monkeypatch, change):
    table = tmp_path / "train.csv"
    lines = (made[0] / "train.csv").read_text("utf-8").splitlines()
    table.write_text("\n".join(lines), "utf-8")
    enter = Stage.__enter__

    def change_and_enter(stage):  # all is planned now, and nothing written
        table.write_text("\n".join(change(lines)), "utf-8")
        return enter(stage)

    monkeypatch.setattr(Stage, "__enter__", change_and_enter)
    with pytest.raises(TableError, match="train.csv: it changed while it was being read"):
        mxmtl.write_records(table, made[0] / "jpg", prefix=tmp_path / "x", tasks=TASKS)


def test_an_index_that_stands_twice_in_a_list_is_refused(made, tmp_path):
    (tmp_path / "a.lst").write_text("1\t0\t0.jpg\n1\t1\t1.jpg\n")
    with pytest.raises(TableError, match="index 1 stands there more than once"):
        mxmtl.write_records(tmp_path / "a.lst", made[0], prefix=tmp_path / "a", tasks=None)


def test_what_is_there_is_not_overwritten_unless_asked(made, tmp_path):
    convert(made[0], tmp_path / "train", shard_rows=100)
    before = contents(tmp_path)
    with pytest.raises(FileExistsError, match=r"train-00000.rec exists. force=True \(--force\)"):
        convert(made[0], tmp_path / "train")
    assert contents(tmp_path) == before
    convert(made[0], tmp_path / "train", force=True)
    assert sorted(contents(tmp_path)) == [
        "train.idx",
        "train.manifest.json",
        "train.names",
        "train.rec",
        "train.tasks.json",
    ]


def test_options_that_do_not_exist_are_refused_with_a_hint(made, tmp_path):
    with pytest.raises(TypeError, match="no option 'qualty'; did you mean 'quality'?"):
        convert(made[0], tmp_path / "train", qualty=90)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"on_error": "ignore"}, r"on_error='ignore': expected one of \[raise, skip, blank\]"),
        ({"workers": -1}, "workers=-1: expected 0 or more"),
        ({"split": {"a": 0.5}}, "add up to 0.5, not to 1"),
        ({"split": {"a/b": 1.0}}, "split name 'a/b'"),
        ({"split": {"a": 2.0, "b": -1.0}}, "split 'a': share 2.0"),
        ({"split": {"a": 1.0}, "split_column": "x"}, "give one of them"),
        ({"group": "x"}, "say how to split"),
        ({"split": {"a": 1.0}, "group": "x"}, "column 'x' is not one of"),
        ({"split_column": "x"}, "column 'x' is not one of"),
        ({"drop_labels": "randon"}, r"way='randon': expected .*did you mean 'random'"),
        ({"drop_labels": "random(share=2)"}, "share=2: expected 0 or more, at most 1"),
        ({"drop_labels": "random:0.8"}, "drop_labels='random:0.8'|way='random:0.8'"),
    ],
)
def test_options_are_checked(made, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        convert(made[0], tmp_path / "train", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(made, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(OSError, match=r"No space left on device: .*train.part'"):
        convert(made[0], tmp_path / "train")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_prefix_that_is_a_folder_is_refused(made, tmp_path, name):
    with pytest.raises(ValueError, match="names a folder; expected .* such as .*train'"):
        convert(made[0], os.path.join(tmp_path, name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", ["table", "images", "prefix"])
def test_what_the_manifest_cannot_name_is_refused_at_once(made, tmp_path, option):
    (tmp_path / "t\udce9.csv").write_bytes((made[0] / "train.csv").read_bytes())
    (tmp_path / "jpg\udce9").symlink_to(made[0] / "jpg")
    before = sorted(os.listdir(tmp_path))
    given = {"table": made[0] / "train.csv", "images": made[0] / "jpg", "prefix": tmp_path / "d"}
    names = {"table": "t\udce9.csv", "images": "jpg\udce9", "prefix": "d\udce9"}
    given[option] = tmp_path / names[option]
    expected = rf"{option}='{tmp_path}/\w+\\xe9(\.csv)?': the name is not UTF-8\. Rename it\."
    with pytest.raises(ValueError, match=expected):
        mxmtl.write_records(tasks=TASKS, **given)
    assert sorted(os.listdir(tmp_path)) == before


def test_an_image_whose_name_is_not_utf8_is_skipped_and_listed(tmp_path):
    (tmp_path / "jpg").mkdir()
    for name in ("pug", "boxer"):
        write_images(tmp_path / "jpg" / name, 2)
    (tmp_path / "jpg" / "pug" / "1.jpg").rename(tmp_path / "jpg" / "pug" / "\udce9.jpg")
    arguments = ["convert", str(tmp_path / "jpg"), "--prefix", str(tmp_path / "d"), "--yes"]
    assert main([*arguments, "--on-error", "skip"]) == 3
    assert len(read_by_mxnet(tmp_path / "d")) == 3
    skipped = (tmp_path / "d.skipped.csv").read_text("utf-8").splitlines()[1:]
    assert skipped == [
        r"4,pug/\xe9.jpg,image 'pug/\xe9.jpg': the name is not UTF-8. Rename it.",
    ]


@pytest.mark.parametrize("name", [".rec", "a/.rec"])
def test_a_prefix_that_names_no_file_is_refused(made, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.rec' has no name before its ending; .*train'"):
        convert(made[0], os.path.join(tmp_path, name))
    assert list(tmp_path.iterdir()) == []


def test_a_write_that_takes_a_part_only_is_gone_on_with(made, tmp_path, monkeypatch):
    convert(made[0], tmp_path / "a" / "train")
    rng = np.random.RandomState(0)

    def part(handle, parts):
        data = b"".join(parts)
        return os.write(handle, data[: rng.randint(1, len(data) + 1)])

    monkeypatch.setattr(os, "writev", part)
    convert(made[0], tmp_path / "b" / "train")
    assert contents(tmp_path / "a") == contents(tmp_path / "b")


def test_a_progress_bar_shows_only_on_a_terminal(made, tmp_path, capfd):
    convert(made[0], tmp_path / "train")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


class Terminal(io.StringIO):
    """Something that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_rate_and_time_left(made, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stderr", Terminal())
    convert(made[0], tmp_path / "a", progress=False)
    assert sys.stderr.getvalue() == ""
    convert(made[0], tmp_path / "b")
    assert sys.stderr.getvalue() == ""  # it ended within two seconds
    monkeypatch.setattr("mxmtl._progress.DELAY", 0.0)
    convert(made[0], tmp_path / "c")
    assert f"/{ROWS} [" in sys.stderr.getvalue()
    assert "rows/s]" in sys.stderr.getvalue()
