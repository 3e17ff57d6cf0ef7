"""Rows of one or several files, by number, from many threads."""

import concurrent.futures
import os
import pickle
from functools import partial

import mxmtl
from mxmtl.data.records import MAGIC_BYTES, RecordReader, record_files

import mxnet as mx
import numpy as np
import pandas as pd
import pytest

from ._records import TASKS, encoded, picture, random_labels, same, write


def test_every_label_and_byte_comes_back(tmp_path):
    labels = random_labels(50)
    write(tmp_path / "a", labels, lambda row: encoded(picture(row)), ids=range(100, 150))
    reader = RecordReader([str(tmp_path / "a.rec")])
    assert len(reader) == 50
    for row in range(50):
        record = reader.read(row)
        assert record.id == 100 + row
        assert same(record.label, labels[row])
        assert bytes(record.payload) == encoded(picture(row))
    assert same(reader.labels(4), labels)


def test_threads_do_not_disturb_one_another(tmp_path):
    labels = random_labels(200)
    write(tmp_path / "a", labels, lambda row: encoded(picture(row)))
    reader = RecordReader([str(tmp_path / "a.rec")])
    rows = np.random.RandomState(0).randint(200, size=2000).tolist()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for row, record in zip(rows, pool.map(reader.read, rows)):
            assert record.id == row
            assert same(record.label, labels[row])


def test_the_order_is_that_of_the_index(tmp_path):
    labels = random_labels(9)
    write(tmp_path / "a", labels)
    lines = (tmp_path / "a.idx").read_text().splitlines(keepends=True)
    (tmp_path / "a.idx").write_text("".join(lines[::-2]))
    reader = RecordReader([str(tmp_path / "a.rec")])
    assert reader.ids(np.arange(5)).tolist() == [8, 6, 4, 2, 0]
    assert [reader.read(row).id for row in range(5)] == [8, 6, 4, 2, 0]


def test_several_files_are_one_and_survive_pickling(tmp_path):
    labels = random_labels(10)
    write(tmp_path / "a", labels[:4])
    write(tmp_path / "b", labels[4:])
    reader = RecordReader(record_files([tmp_path / "a", tmp_path / "b"]))
    for again in (reader, pickle.loads(pickle.dumps(reader))):
        assert same(np.stack([again.read(row).label for row in range(10)]), labels)
    assert reader.where(4) == (str(tmp_path / "b.rec"), 0, 0)


def test_ids_that_need_eight_bytes(tmp_path):
    write(tmp_path / "a", random_labels(2), ids=[2**40, 1])
    reader = RecordReader([str(tmp_path / "a.rec")])
    assert [reader.read(row).id for row in range(2)] == [2**40, 1]


@pytest.mark.parametrize("label", [2.0, [1.0, -1.0]])
def test_files_of_mxnet_are_read(tmp_path, label):
    files = str(tmp_path / "a.idx"), str(tmp_path / "a.rec")
    writer = mx.recordio.MXIndexedRecordIO(*files, "w")
    for key in range(5):
        header = mx.recordio.IRHeader(0, label, key, 0)
        writer.write_idx(key, mx.recordio.pack(header, encoded(picture(key))))
    writer.close()
    reader = RecordReader([files[1]])
    assert reader.read(3).label.tolist() == np.atleast_1d(label).tolist()
    assert reader.labels(np.size(label)).shape == (5, np.size(label))


def test_damage_is_named_with_file_record_and_offset(tmp_path):
    write(tmp_path / "a", random_labels(5), ids=range(10, 15))
    data = bytearray((tmp_path / "a.rec").read_bytes())
    offset = len(data) // 5 * 3
    data[offset + 40] ^= 1
    (tmp_path / "a.rec").write_bytes(data)
    reader = RecordReader([str(tmp_path / "a.rec")])
    with pytest.raises(mxmtl.RecordError) as caught:
        reader.read(3)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.path, error.record, error.offset) == (str(tmp_path / "a.rec"), 13, offset)
    assert str(error).startswith(f"{tmp_path / 'a.rec'}, record 13, byte {offset}: the checksum")
    assert reader.read(4).id == 14


def test_an_index_of_another_file_is_noticed(tmp_path):
    write(tmp_path / "a", random_labels(3), ids=[0, 1, 2])
    lines = (tmp_path / "a.idx").read_text()
    (tmp_path / "a.idx").write_text(lines.replace("1\t", "7\t"))
    with pytest.raises(mxmtl.RecordError, match="record 7, .* but record 1 stands here"):
        RecordReader([str(tmp_path / "a.rec")]).read(1)


def test_a_header_wiped_out_is_no_unlabelled_record(tmp_path):
    # 24 zero bytes are a legal header of MXNet's: label 0, id 0.
    write(tmp_path / "a", np.float32([[1], [2], [1]]), tasks=None)
    data = bytearray((tmp_path / "a.rec").read_bytes())
    data[8:32] = bytes(24)
    (tmp_path / "a.rec").write_bytes(data)
    with pytest.raises(mxmtl.RecordError, match="the checksum is gone"):
        RecordReader([str(tmp_path / "a.rec")]).read(0)


def test_a_file_cut_short_while_it_is_read(tmp_path):
    write(tmp_path / "a", random_labels(5))
    reader = RecordReader([str(tmp_path / "a.rec")])
    os.truncate(tmp_path / "a.rec", 100)
    with pytest.raises(mxmtl.RecordError, match="the file ends"):
        reader.read(4)


def test_an_empty_file_and_no_file(tmp_path):
    write(tmp_path / "a", random_labels(0))
    with pytest.raises(mxmtl.RecordError, match="a.rec: there is no record in it"):
        RecordReader([str(tmp_path / "a.rec")])
    write(tmp_path / "a", random_labels(3))
    (tmp_path / "a.idx").write_bytes(b"")
    with pytest.raises(mxmtl.RecordError, match=r"a.idx: it lists no record, and a.rec is not em"):
        RecordReader([str(tmp_path / "a.rec")])
    (tmp_path / "a.idx").unlink()
    assert len(RecordReader([str(tmp_path / "a.rec")])) == 3
    with pytest.raises(FileNotFoundError, match=r"b.rec: no such file, given as records \(did you"):
        record_files(tmp_path / "b")


@pytest.mark.parametrize("ending", [".rec", ".idx", ".names", ".tasks.json", ".manifest.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "sparse"])
def test_what_never_ends_is_not_waited_for(tmp_path, ending, kind):
    write(tmp_path / "a", random_labels(5))
    path = tmp_path / f"a{ending}"
    if kind == "sparse":
        path.touch()
        os.truncate(path, 1 << 40)
    else:
        path.unlink(missing_ok=True)
        os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    if ending in (".names", ".manifest.json") or (ending, kind) == (".rec", "sparse"):
        assert len(RecordReader(record_files(tmp_path / "a")).names() or "12345") == 5
    else:
        with pytest.raises(
            (OSError, ValueError), match=rf"a pipe or a device.*a{ending}|a{ending}: "
        ):
            mxmtl.RecordIter(tmp_path / "a", 1, data_shape=(3, 8, 8))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (pd.DataFrame({"path": ["a.jpg"]}), "records: a DataFrame is no records. Write them first"),
        (3, "records=3: expected a prefix of records, as 'data/train', or several"),
        ([None], r"records=\[None\]: expected a prefix of records"),
    ],
)
def test_what_is_no_prefix_is_said(given, message):
    for read in (record_files, partial(mxmtl.RecordIter, batch_size=1, data_shape=(3, 8, 8))):
        with pytest.raises(TypeError, match=message):
            read(given)


def test_shards_stand_for_one_file(tmp_path):
    labels = random_labels(9)
    for shard in range(3):
        rows = range(3 * shard, 3 * shard + 3)
        write(tmp_path / f"a-{shard:05d}", labels[rows], tasks=None, ids=rows)
    assert record_files(tmp_path / "a") == [
        str(tmp_path / f"a-0000{shard}.rec") for shard in range(3)
    ]
    reader = RecordReader(record_files(tmp_path / "a"))
    assert same(reader.labels(4), labels)
    (tmp_path / "a-00001.rec").rename(tmp_path / "kept")
    with pytest.raises(FileNotFoundError, match=r"a-00001.rec is missing; .*a-00002.rec is there"):
        record_files(tmp_path / "a")
    write(tmp_path / "a", labels, tasks=None)
    with pytest.raises(ValueError, match="both .* exist; name the one to read"):
        record_files(tmp_path / "a")
    assert record_files(tmp_path / "a.rec") == [str(tmp_path / "a.rec")]
    with pytest.raises(ValueError, match="was given twice"):
        record_files([tmp_path / "a.rec", tmp_path / "a.rec"])
    (tmp_path / "linked.rec").symlink_to(tmp_path / "a.rec")
    for other in (f"{tmp_path}/./a.rec", tmp_path / "linked"):
        with pytest.raises(ValueError, match="was given twice"):
            record_files([tmp_path / "a.rec", other])
    with pytest.raises(ValueError, match="no prefix was given"):
        record_files([])


@pytest.mark.parametrize("width", [1, 2, 5])
def test_labels_of_records_that_are_cut_at_the_magic_word(tmp_path, width):
    magic = np.uint32([0xCED7230A]).view(np.float32)[0]  # -1804698880, a legal value
    labels = np.arange(4 * width, dtype=np.float32).reshape(4, width)
    labels[0, 0] = labels[2, -1] = labels[3, :] = magic
    tasks = mxmtl.TaskSet([mxmtl.Regression(f"r{column}") for column in range(width)])
    prefix = write(tmp_path / "a", labels, tasks=tasks, ids=[0, 1, 0xCED7230A, 3])
    assert (tmp_path / "a.rec").read_bytes().count(MAGIC_BYTES) > 4
    reader = RecordReader([prefix + ".rec"])
    reader.check_width(tasks)
    assert same(reader.labels(width), labels)
    assert np.isnan(reader.labels(width + 1)).all()
    with mxmtl.RecordIter(prefix, 4, (3, 4, 4)) as data:
        assert same(np.stack([one.asnumpy() for one in next(data).label], axis=1), labels)


def test_labels_of_a_record_that_is_cut_and_broken_are_unknown(tmp_path):
    labels = np.uint32([[0xCED7230A, 0], [0, 0]]).view(np.float32)
    write(tmp_path / "a", labels, tasks=None)
    data = bytearray((tmp_path / "a.rec").read_bytes())
    second = data.index(MAGIC_BYTES, 4)
    data[second + 7] = 0  # a last part that says it is whole
    (tmp_path / "a.rec").write_bytes(data)
    found = RecordReader([str(tmp_path / "a.rec")]).labels(2)
    assert np.isnan(found[0]).all()
    assert same(found[1], labels[1])


def test_index_memory(tmp_path):
    write(tmp_path / "a", random_labels(64))
    reader = RecordReader([str(tmp_path / "a.rec")])
    held = reader._offsets.nbytes + reader._ids.nbytes + len(reader._verified)
    assert held <= 16 * len(reader)
    assert TASKS.label_width == 4
