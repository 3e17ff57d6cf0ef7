"""Where records came from: noted beside them, and told by whoever names a record."""

from __future__ import annotations

import os
import pickle
import shutil

import mxmtl
from mxmtl.data.records import Names, RecordError, RecordReader, picture_digest

import numpy as np
import pytest

from ._images import TASKS, random_rows, write_csv, write_images

ROWS = 40
ODD = "sub/käse 犬,\t;.png"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A table of forty rows, two of which are bad, over five images."""
    folder = tmp_path_factory.mktemp("names")
    names = write_images(folder / "jpg", 4)
    os.makedirs(folder / "jpg" / "sub")
    shutil.copy(folder / "jpg" / names[0], folder / "jpg" / ODD)
    rows = random_rows(ROWS, [*names, ODD])
    rows[3]["path"], rows[17]["breed"] = "gone.jpg", "cat"
    write_csv(folder / "t.csv", rows)
    return folder, rows


def convert(made, prefix, **options):
    options = {"on_error": "skip", **options}
    return mxmtl.write_records(
        made[0] / "t.csv", made[0] / "jpg", prefix=prefix, tasks=TASKS, **options
    )


def told(prefixes):
    """Return {record id: (path, row)} as the records tell."""
    reader = RecordReader(mxmtl.data.records.record_files(prefixes))
    ids = reader.ids(np.arange(len(reader))).tolist()
    return {key: tuple(reader.name(row))[:2] for row, key in enumerate(ids)}


def wanted(rows):
    """Return the same, from the table: its first row is row 2 of a spreadsheet."""
    return {at: (row["path"], at + 2) for at, row in enumerate(rows) if at not in (3, 17)}


@pytest.mark.parametrize("options", [{}, {"shard_rows": 7}, {"split": {"a": 0.6, "b": 0.4}}])
def test_every_record_is_traced_to_its_picture_and_its_row(made, tmp_path, options):
    summary = convert(made, tmp_path / "d", **options)
    assert told(summary.prefixes) == wanted(made[1])


def test_equal_pictures_have_equal_digests_whatever_they_are_called(made, tmp_path):
    convert(made, tmp_path / "d")
    reader = RecordReader([str(tmp_path / "d.rec")])
    digests = [picture_digest(reader.read(row).payload) for row in range(len(reader))]
    assert reader.pictures().tolist() == digests
    assert len(set(digests)) == 4  # of five names


def test_names_follow_records_that_were_put_in_another_order(made, tmp_path):
    convert(made, tmp_path / "d")
    lines = (tmp_path / "d.idx").read_text().splitlines()
    (tmp_path / "d.idx").write_text("\n".join([*lines[20:], *lines[:10]]) + "\n")
    found = told(tmp_path / "d")
    assert len(found) == 28
    assert found == {key: wanted(made[1])[key] for key in found}
    reader = RecordReader([str(tmp_path / "d.rec")])
    digests = [picture_digest(reader.read(row).payload) for row in range(len(reader))]
    assert reader.pictures().tolist() == digests
    assert reader.names(reader.ids(np.array([2, 5])))[1] == reader.name(5)


def test_errors_name_the_picture_and_its_row(made, tmp_path):
    convert(made, tmp_path / "d")
    data = bytearray((tmp_path / "d.rec").read_bytes())
    data[len(data) // 2] ^= 255
    (tmp_path / "d.rec").write_bytes(data)
    verification = mxmtl.data.verify_records(tmp_path / "d")
    (error,) = verification.damage
    path, row = wanted(made[1])[error.record]
    assert f"record {error.record} ({path}, row {row}), byte" in str(error)
    reader = RecordReader([str(tmp_path / "d.rec")])
    rows = reader.ids(np.arange(len(reader))).tolist()
    with pytest.raises(RecordError) as found:
        reader.read(rows.index(error.record))
    assert f"({path}, row {row})" in str(pickle.loads(pickle.dumps(found.value)))


def test_repaired_records_keep_their_names(made, tmp_path):
    convert(made, tmp_path / "d")
    os.unlink(tmp_path / "d.idx")
    mxmtl.data.repair_records(tmp_path / "d", tmp_path / "e")
    assert told(tmp_path / "e") == wanted(made[1])


def test_records_without_names_go_by_their_numbers(made, tmp_path):
    convert(made, tmp_path / "d")
    os.unlink(tmp_path / "d.names")
    reader = RecordReader([str(tmp_path / "d.rec")])
    assert (str(reader.name(0)), reader.names()) == ("", None)
    assert not reader.pictures().any()
    assert "record 0, byte 0: no" in str(reader.error(0, "no"))
    mxmtl.data.repair_records(tmp_path / "d", tmp_path / "e")
    assert not (tmp_path / "e.names").exists()
    assert not mxmtl.data.verify_records(tmp_path / "d").damage


@pytest.mark.parametrize("end", [10, -1, -40])
def test_names_that_are_cut_short_are_named_and_do_no_harm(made, tmp_path, end, caplog):
    convert(made, tmp_path / "d")
    data = (tmp_path / "d.names").read_bytes()
    (tmp_path / "d.names").write_bytes(data[:end])
    assert "d.names: no names of records, or cut short" in str(
        mxmtl.data.verify_records(tmp_path / "d").damage[0]
    )
    assert set(told(tmp_path / "d").values()) == {("", 0)}
    assert "d.names" in caplog.text


def test_no_entry_of_a_damaged_file_does_harm(made, tmp_path):
    convert(made, tmp_path / "d")
    data = bytearray((tmp_path / "d.names").read_bytes())
    rng = np.random.RandomState(0)
    for _ in range(60):
        damaged = bytearray(data)
        damaged[rng.randint(24, len(data))] ^= 1 << rng.randint(8)
        (tmp_path / "d.names").write_bytes(damaged)
        assert all(len(path) < 1 << 16 for path, _ in told(tmp_path / "d").values())


def test_a_name_is_found_by_two_small_reads(made, tmp_path):
    convert(made, tmp_path / "d")
    sizes = []

    class Counted(mxmtl.data.records.RecordFile):
        def read(self, offset, size):
            sizes.append(size)
            return super().read(offset, size)

    names = Names(Counted(str(tmp_path / "d.names")))
    del sizes[:]
    names.of(30, 28)
    assert (len(sizes), sum(sizes) < 200) == (2, True)
