"""Every kind of damage is found, and the record that has it is named; the others are kept."""

from __future__ import annotations

import re
import struct

import mxmtl
from mxmtl.cli import main
from mxmtl.data import RecordError, TableError, inspect_records, repair_records, verify_records
from mxmtl.data.records import pack_frames, pack_record, read_index, write_index

import mxnet as mx
import numpy as np
import pytest

from ._images import TASKS, encoded, pixels, random_rows, read_by_mxnet, write_csv, write_images
from ._records import write

ROWS = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    write_csv(folder / "t.csv", random_rows(ROWS, write_images(folder / "jpg", 10)))
    mxmtl.write_records(folder / "t.csv", folder / "jpg", prefix=folder / "d", tasks=TASKS)
    return folder


@pytest.fixture
def records(made, tmp_path):
    """A copy to be damaged: (prefix, bytes of the .rec file, ids, offsets)."""
    for name in ("d.rec", "d.idx", "d.tasks.json", "d.manifest.json"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    data = bytearray((tmp_path / "d.rec").read_bytes())
    _, offsets = read_index(tmp_path / "d.idx", len(data))
    return tmp_path / "d", data, offsets.tolist()


def found(prefix, data=None):
    if data is not None:
        prefix.with_suffix(".rec").write_bytes(data)
    return verify_records(prefix)


def test_nothing_is_found_where_nothing_is_wrong(made):
    verification = verify_records(made / "d")
    assert (verification.num_records, verification.damage) == (ROWS, ())
    assert str(verification) == f"{ROWS} records are sound, nothing damaged."


@pytest.mark.parametrize("shift", [0, 4, 9, 16, 24, 33, 40, 60, 300])
def test_a_changed_byte_is_found_wherever_it_stands(records, shift):
    prefix, data, offsets = records
    data[offsets[20] + shift] ^= 0x04
    verification = found(prefix, data)
    assert verification.num_records == ROWS - 1
    assert [(error.record, error.offset) for error in verification.damage] == [(20, offsets[20])]
    assert str(verification).startswith(f"{prefix}.rec, record 20, byte {offsets[20]}: ")


def test_every_single_bit_of_a_record_counts(records):
    prefix, data, offsets = records
    begin, end = offsets[1], offsets[2]
    for at in [*range(begin, begin + 64), *range(begin + 64, end, 41)]:
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        damage = found(prefix, changed).damage
        assert len(damage) == 1, at
        padding = at >= begin + 8 + struct.unpack_from("<I", data, begin + 4)[0]
        assert damage[0].record == (None if padding else 1)
        assert "SHA-256" in str(damage[0]) if padding else damage[0].offset == begin


@pytest.mark.parametrize("shift", [4, 400])
def test_a_file_cut_short_names_every_lost_record(records, shift):
    prefix, data, offsets = records
    verification = found(prefix, data[: offsets[50] + shift])
    assert verification.num_records == 50
    index = [e for e in verification.damage if e.path.endswith(".idx")]
    lost = {error.record for error in verification.damage if error.record is not None}
    assert index or lost == set(range(50, ROWS))


def test_a_length_that_swallows_records_names_each_of_them(records):
    prefix, data, offsets = records
    struct.pack_into("<I", data, offsets[5] + 4, offsets[9] - offsets[5] - 8)
    verification = found(prefix, data)
    assert verification.num_records == ROWS - 1
    assert {error.record for error in verification.damage} == {5}


def test_noise_in_between_names_what_it_took(records):
    prefix, data, offsets = records
    noise = np.random.RandomState(0).bytes(offsets[13] - offsets[10])
    data[offsets[10] : offsets[13]] = noise
    verification = found(prefix, data)
    assert verification.num_records == ROWS - 3
    assert {error.record for error in verification.damage} == {10, 11, 12}


@pytest.mark.parametrize("index", [True, False])
@pytest.mark.parametrize("rows", [(20, 21), (20, 21, 22), (0, 1), (58, 59)])
@pytest.mark.parametrize("shift", [60, 4])
def test_damaged_neighbours_are_named_each(records, rows, index, shift):
    prefix, data, offsets = records
    for row in rows:
        data[offsets[row] + shift] ^= 1
    if not index:
        prefix.with_suffix(".idx").unlink()
    verification = found(prefix, data)
    assert verification.num_records == ROWS - len(rows)
    damage = [error for error in verification.damage if error.path.endswith(".rec")]
    assert [error.offset for error in damage] == [offsets[row] for row in rows]
    assert [error.record for error in damage] == [row if index else None for row in rows]
    assert not any("no record stands here" in error.reason for error in damage)
    if shift == 60:
        assert all("the checksum is wrong" in error.reason for error in damage)


def test_a_record_of_several_frames_is_named_once(tmp_path):
    labels = np.uint32([[0xCED7230A, 0], [0, 0xCED7230A], [0, 0]]).view(np.float32)
    write(tmp_path / "a", labels, tasks=None)
    data = bytearray((tmp_path / "a.rec").read_bytes())
    _, offsets = read_index(tmp_path / "a.idx", len(data))
    for row in (0, 1):
        data[offsets[row + 1] - 5] ^= 1
    (tmp_path / "a.rec").write_bytes(data)
    verification = verify_records(tmp_path / "a")
    assert verification.num_records == 1
    assert [error.record for error in verification.damage] == [0, 1]


def test_an_empty_file_is_damage(records):
    prefix = records[0]
    prefix.with_suffix(".idx").write_bytes(b"")
    (error,) = found(prefix).damage
    assert str(error) == f"{prefix}.idx: it lists no record, and 60 stand in the .rec file."
    (error,) = found(prefix, b"").damage
    assert str(error) == f"{prefix}.rec: there is no record in it: the file is empty."
    assert main(["verify", str(prefix)]) == 1


def rewrite(prefix, change):
    """Write all records anew, each label and payload as ``change(id, label, payload)`` has it."""
    offsets, data = [], b""
    items = read_by_mxnet(prefix)
    for key, (label, payload) in items.items():
        offsets.append(len(data))
        data += pack_frames(pack_record(*change(key, label.copy(), payload)))
    prefix.with_suffix(".rec").write_bytes(data)
    write_index(prefix.with_suffix(".idx"), items, offsets)
    (prefix.parent / "d.manifest.json").unlink()
    return found(prefix)


def test_labels_out_of_range_are_named(records):
    def change(key, label, payload):
        label[:] = [2, 1, 0, 1, -1, np.inf] if key == 3 else label
        label[0] = 4 if key == 7 else label[0]
        return label, key, payload

    assert [str(error).split(": ", 1)[1] for error in rewrite(records[0], change).damage] == [
        f"{what}, or {missing} where it is unknown."
        for what, missing in [
            ("inf is no label of task 'age' (age); expected a finite number", "nan"),
            ("4 is no label of task 'breed' (breed); expected 0 to 3", "-1"),
        ]
    ]


def test_a_label_of_another_width_is_named(records):
    verification = rewrite(
        records[0], lambda key, label, data: (label[: 5 + (key != 9)], key, data)
    )
    assert [(e.record, e.reason) for e in verification.damage] == [
        (9, "it has 5 labels; expected 6.")
    ]


def test_images_are_decoded(records):
    def change(key, label, payload):
        return label, key, {4: b"<html>", 5: payload[:-30], 6: b""}.get(key, payload)

    damage = rewrite(records[0], change).damage
    assert [error.record for error in damage] == [4, 5, 6]
    for error, message in zip(damage, ("does not decode", "cut short", "is empty")):
        assert message in error.reason


def test_an_id_that_stands_twice_is_named(records):
    verification = rewrite(records[0], lambda key, label, data: (label, key - (key == 12), data))
    reasons = [error.reason for error in verification.damage]
    assert "another record has this id." in reasons


def test_a_checksum_that_is_gone_is_named(records):
    prefix, data, offsets = records
    data[offsets[8] + 28 : offsets[8] + 32] = bytes(4)
    assert [str(e.reason) for e in found(prefix, data).damage] == [
        "it has no checksum, and the others do."
    ]


def test_the_index_is_compared(records):
    prefix, data, offsets = records
    ids = list(range(ROWS))
    ids[3], ids[4] = 4, 3
    write_index(f"{prefix}.idx", ids[:-1], offsets[:-1])
    damage = found(prefix).damage
    assert [(error.record, error.reason) for error in damage] == [
        (4, "the index says so, but 3 stands here."),
        (3, "the index says so, but 4 stands here."),
        (59, "it is not in the index."),
    ]


@pytest.mark.parametrize(
    ("text", "message"), [(b"1\tx\n", "line 1"), (None, "no such file; MXNet needs it")]
)
def test_a_broken_index_is_named_once(records, text, message):
    prefix = records[0]
    prefix.with_suffix(".idx").unlink()
    if text is not None:
        prefix.with_suffix(".idx").write_bytes(text)
    verification = found(prefix)
    assert verification.num_records == ROWS
    (error,) = verification.damage
    assert message in str(error)


def test_a_file_that_the_manifest_does_not_know(records):
    prefix = records[0]
    manifest = prefix.parent / "d.manifest.json"
    manifest.write_text(manifest.read_text("utf-8").replace('"d.rec"', '"e.rec"'), "utf-8")
    assert [e.reason for e in found(prefix).damage] == ["the manifest does not name this file."]


def test_records_of_mxnet_need_no_tasks(tmp_path):
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "m.idx"), str(tmp_path / "m.rec"), "w")
    image = encoded(pixels(9, 9), ".jpg")
    for key in range(5):
        payload = image if key != 2 else image[:-50]
        header = mx.recordio.IRHeader(0, [1.0, 2.0], key, 0)
        writer.write_idx(key, mx.recordio.pack(header, payload))
    writer.close()
    verification = verify_records(tmp_path / "m")
    assert verification.num_records == 4
    assert [error.record for error in verification.damage] == [2]
    _, summary = repair_records(tmp_path / "m", tmp_path / "good")
    assert list(read_by_mxnet(tmp_path / "good")) == [0, 1, 3, 4]
    assert not (tmp_path / "good.tasks.json").exists()
    assert summary.num_records == 4


@pytest.mark.parametrize("indexed", [True, False])
def test_an_id_that_no_index_holds_is_named(tmp_path, indexed):
    image, prefix = encoded(pixels(9, 9), ".jpg"), tmp_path / "m"
    writer = mx.recordio.MXIndexedRecordIO(f"{prefix}.idx", f"{prefix}.rec", "w")
    for key in (2**63 - 1, 2**64 - 1):
        header = mx.recordio.IRHeader(0, 1.0, key, 0)
        writer.write_idx(key, mx.recordio.pack(header, image))
    writer.close()
    tasks = mxmtl.TaskSet([mxmtl.Binary("b")])
    if not indexed:
        (tmp_path / "m.idx").unlink()
    reason = f"id {2**64 - 1} is not in [0, 2^63). Write the record with another id."
    with pytest.raises(RecordError, match=re.escape(reason)):
        inspect_records(prefix, tasks=tasks)
    verification, summary = repair_records(prefix, tmp_path / "good", tasks=tasks)
    damage = verification.damage[-1]
    assert (damage.record, damage.reason) == (2**64 - 1, reason)
    assert verification.num_records == summary.num_records == 1
    assert list(read_by_mxnet(tmp_path / "good")) == [2**63 - 1]


def test_repair_keeps_what_is_sound(records, made):
    prefix, data, offsets = records
    data[offsets[20] + 60] ^= 1
    data[offsets[30] + 4] ^= 1
    found(prefix, data)
    target = prefix.parent / "good"
    verification, summary = repair_records(prefix, target)
    assert len(verification.damage) == 2
    assert summary.num_records == ROWS - 2
    before, after = read_by_mxnet(made / "d"), read_by_mxnet(target)
    assert set(before) - set(after) == {20, 30}
    for key, (label, payload) in after.items():
        assert label.tobytes() == before[key][0].tobytes()
        assert payload == before[key][1]
    assert verify_records(target).damage == ()
    assert mxmtl.TaskSet.load(f"{target}.tasks.json") == TASKS
    assert prefix.with_suffix(".rec").read_bytes() == data


def test_repair_refuses_what_makes_no_sense(records):
    prefix = records[0]
    with pytest.raises(ValueError, match="give another prefix"):
        repair_records(prefix, prefix)
    repair_records(prefix, prefix.parent / "good")
    with pytest.raises(FileExistsError, match="good.rec exists"):
        repair_records(prefix, prefix.parent / "good")
    prefix.with_suffix(".rec").write_bytes(b"no record at all")
    with pytest.raises(TableError, match="no record is sound"):
        repair_records(prefix, prefix.parent / "none")
    assert not list(prefix.parent.glob("none*"))


def test_no_records_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="d.rec: no such file"):
        verify_records(tmp_path / "d")


def test_errors_are_record_errors(records):
    prefix, data, offsets = records
    data[offsets[0]] ^= 1
    assert all(isinstance(error, RecordError) for error in found(prefix, data).damage)
