"""Labels that are none of their task: named or skipped by all who read records."""

import logging
import re
from pathlib import Path

import mxmtl
from mxmtl.augment import Apply, RandomMirror
from mxmtl.data import ClassAwareSampler, WeightedSampler, inspect_records

import mxnet as mx
import numpy as np
import pytest

from ._records import TASKS, encoded, picture, random_labels, same, whole_label, write

SHAPE = (3, 4, 4)
BAD = {3: (0, 3.0), 9: (0, 0.5), 10: (1, np.inf), 17: (2, 2.0), 18: (3, -2.0)}  # {row: cell}
SAYS = {
    3: r"3 is no label of task 'breed' \(breed\); expected 0 to 2, or -1 where it is unknown",
    9: "0.5 is no label of task 'breed'",
    10: r"inf is no label of task 'age' \(age\); expected a finite number, or nan where",
    17: r"2 is no label of task 'toys' \(toys.ball\); expected 0 or 1, or -1 where",
    18: r"-2 is no label of task 'toys' \(toys.rope\)",
}
GOOD = [row for row in range(20) if row not in BAD]


@pytest.fixture
def bad(tmp_path):
    """A file with labels out of range; images and checksums are right."""
    labels = random_labels(20)
    for row, (column, value) in BAD.items():
        labels[row, column] = value
    return write(tmp_path / "a", labels), labels


def errors_of(data):
    """The messages of all records that are refused, in batches of one."""
    found = {}
    for row in range(data.num_batches):
        try:
            next(data)
        except mxmtl.RecordError as error:
            found[row] = error
    return found


@pytest.mark.parametrize("steps", [None, [RandomMirror()]])
def test_a_label_out_of_range_is_named(bad, steps):
    prefix, _ = bad
    with mxmtl.RecordIter(prefix, 1, SHAPE, augment=steps) as data:
        found = errors_of(data)
    assert sorted(found) == sorted(BAD)
    for row, error in found.items():
        assert error.record == row
        assert error.path == f"{prefix}.rec"
        with pytest.raises(mxmtl.RecordError, match=rf"a.rec, record {row}, byte \d+: {SAYS[row]}"):
            raise error


def test_such_records_are_skipped_where_damaged_ones_are(bad, caplog):
    prefix, labels = bad
    options = {"on_error": "skip", "threads": 3, "shuffle": True}
    with mxmtl.RecordIter(prefix, 4, SHAPE, **options) as data:
        for _ in range(2):
            with caplog.at_level(logging.WARNING):
                batches = list(data)
            index = np.concatenate([batch.index[: 4 - batch.pad] for batch in batches])
            assert sorted(index.tolist()) == GOOD
            assert same(np.concatenate([whole_label(b) for b in batches]), labels[index])
            assert data.skipped == len(BAD)
            data.reset()
    assert "record 3, byte" in caplog.text


def test_a_record_of_mxnet_with_a_class_too_many(tmp_path):
    files = str(tmp_path / "m.idx"), str(tmp_path / "m.rec")
    writer = mx.recordio.MXIndexedRecordIO(*files, "w")
    for key in range(6):
        header = mx.recordio.IRHeader(0, float(key % 3), key, 0)
        writer.write_idx(key, mx.recordio.pack(header, encoded(picture(key))))
    writer.close()
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("c", ["a", "b"])])
    data = mxmtl.RecordIter(tmp_path / "m", 6, SHAPE, tasks=tasks)
    message = "record 2, byte .*: 2 is no label of task 'c'"
    with data, pytest.raises(mxmtl.RecordError, match=message):
        next(data)
    with mxmtl.RecordIter(tmp_path / "m", 6, SHAPE, tasks=tasks, on_error="skip") as data:
        assert next(data).index.tolist() == [0, 1, 3, 4, -1, -1]


def test_an_augmentation_may_soften_cells_but_no_class(tmp_path):
    prefix = write(tmp_path / "a", np.zeros((3, 4), np.float32))

    def soften(image, label, rng):
        return image, np.float32([2, 0.25, 0.25, 0.75])

    def soften_class(image, label, rng):
        return image, np.float32([0.25, 0, 0, 0])

    def beyond(image, label, rng):
        return image, np.float32([0, 0, 1.25, 0])

    with mxmtl.RecordIter(prefix, 3, SHAPE, augment=[Apply(soften)]) as data:
        np.testing.assert_array_equal(whole_label(next(data)), [[2, 0.25, 0.25, 0.75]] * 3)
    for function, says in (
        (soften_class, "0.25 is no label of task 'breed' (breed); expected 0 to 2, or -1"),
        (beyond, "1.25 is no label of task 'toys' (toys.ball); expected 0 to 1, or -1"),
    ):
        expected = pytest.raises(ValueError, match=f"after augmentation {re.escape(says)}")
        with mxmtl.RecordIter(prefix, 3, SHAPE, augment=[Apply(function)]) as data, expected:
            next(data)


@pytest.mark.parametrize("shape", [None, SHAPE])
def test_a_data_set_names_them_too(bad, shape):
    data = mxmtl.RecordDataset(bad[0], shape)
    for row in range(20):
        if row in BAD:
            place = rf"a.rec, record {row}, byte \d+: {SAYS[row]}"
            with pytest.raises(mxmtl.RecordError, match=place):
                data[row]
        else:
            assert same(data[row][1], bad[1][row])


SAMPLERS = [ClassAwareSampler(), WeightedSampler([1.0] * 20)]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_sampler_counts_no_such_label(bad, sampler):
    prefix, labels = bad
    with pytest.raises(mxmtl.RecordError, match=rf"a.rec, record 3, byte \d+: {SAYS[3]}"):
        mxmtl.RecordIter(prefix, 4, SHAPE, sampler=sampler)
    with mxmtl.RecordIter(prefix, 4, SHAPE, sampler=sampler, on_error="skip") as data:
        read = {i for batch in data for i in batch.index.tolist() if i >= 0}
    assert read <= set(GOOD)


def test_rows_that_are_never_read_may_hold_anything(bad):
    weights = [float(row in GOOD) for row in range(20)]
    with mxmtl.RecordIter(bad[0], 4, SHAPE, sampler=WeightedSampler(weights)) as data:
        assert {i for batch in data for i in batch.index.tolist()} <= {*GOOD, -1}


def test_a_sampler_that_is_asked_alone(bad):
    with pytest.raises(ValueError, match=f"row 3: {SAYS[3]}"):
        ClassAwareSampler().expected(TASKS, bad[1])


def test_a_damaged_label_is_damage_and_nothing_else(bad):
    prefix, labels = bad
    good = labels.copy()
    good[list(BAD)] = 0
    write(prefix, good)
    data = bytearray(Path(f"{prefix}.rec").read_bytes())
    at = len(data) // 20 * 5 + 32  # the class of record 5, in a file of records of one length
    data[at : at + 4] = np.float32(77).tobytes()
    Path(f"{prefix}.rec").write_bytes(data)
    assert inspect_records(prefix).num_measured == 19
    found = mxmtl.RecordIter(prefix, 20, SHAPE, sampler=WeightedSampler([1.0] * 20))
    with found, pytest.raises(mxmtl.RecordError, match="record 5, byte .*: the checksum is wrong"):
        next(found)


def test_inspect_names_task_and_record(bad):
    with pytest.raises(mxmtl.RecordError, match=rf"a.rec, record 3, byte \d+: {SAYS[3]}"):
        inspect_records(bad[0])
