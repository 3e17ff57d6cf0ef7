"""600 mutations of record files: a named error or a counted skip, never a wrong label."""

import mxmtl
from mxmtl.data.records import FRAME, MAX_LENGTH

import mxnet as mx
import numpy as np
import pytest

from ._records import encoded, picture, random_labels, same, whole_label, write

ROWS, MUTATIONS = 12, 300  # of each of the two kinds of file; tools/fuzz.py tries thousands
SHAPE = (3, 4, 4)


def pack_plain(label, record_id, payload):
    return mx.recordio.pack(mx.recordio.IRHeader(0, label, record_id, 0), payload)


def image(row):
    return encoded(picture(row, 10, 12), (".jpg", ".png")[row % 2])


def flip_bits(rng, rec, idx):
    for _ in range(rng.randint(1, 4)):
        rec[rng.randint(len(rec))] ^= 1 << rng.randint(8)


def overwrite(rng, rec, idx):
    start = rng.randint(len(rec))
    end = min(start + rng.randint(1, 200), len(rec))
    rec[start:end] = bytes(end - start) if rng.randint(2) else rng.bytes(end - start)


def cut(rng, rec, idx):
    del rec[rng.randint(len(rec)) :]


def cut_out(rng, rec, idx):
    start = rng.randint(len(rec))
    del rec[start : start + rng.randint(1, 100)]


def swap_lengths(rng, rec, idx):
    offsets = [int(line.split(b"\t")[1]) for line in bytes(idx).splitlines()]
    one, other = (offsets[place] + 4 for place in rng.choice(len(offsets), 2, replace=False))
    rec[one : one + 4], rec[other : other + 4] = rec[other : other + 4], rec[one : one + 4]


def any_length(rng, rec, idx):
    offset = int(rng.choice(bytes(idx).splitlines()).split(b"\t")[1])
    length = [0, 1, 4 * rng.randint(100), rng.randint(MAX_LENGTH), MAX_LENGTH][rng.randint(5)]
    FRAME.pack_into(rec, offset, 0xCED7230A, rng.randint(8) << 29 | int(length))


def damage_index(rng, rec, idx):
    where = rng.randint(len(idx))
    idx[where : where + rng.randint(1, 5)] = rng.choice([b"0", b"", b"\t", b"\n", b"\0\0", b"77"])


def zero_offset(rng, rec, idx):
    lines = bytes(idx).splitlines()
    lines[rng.randint(len(lines))] = b"%d\t0" % rng.randint(ROWS)
    idx[:] = b"\n".join(lines)


def split_record(rng, rec, idx):
    at = 4 * rng.randint(len(rec) // 4)
    rec[at:at] = FRAME.pack(0xCED7230A, rng.randint(4) << 29 | 4 * rng.randint(20))


MUTATE = [flip_bits, overwrite, cut, cut_out, swap_lengths, any_length, damage_index, zero_offset,
          split_record]  # fmt: skip


@pytest.fixture(scope="module", params=["with checksums", "of MXNet"])
def file(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    labels = random_labels(ROWS)
    pack = {} if request.param == "with checksums" else {"pack": pack_plain}
    write(folder / "a", labels, image, **pack)
    return folder, labels, not pack


def read(folder, on_error):
    """Read the file: {record id: label}, how many were skipped; or the error."""
    try:
        with mxmtl.RecordIter(folder / "a", 5, SHAPE, on_error=on_error, threads=1) as data:
            found = {}
            for batch in data:
                index = [i for i in batch.index.tolist() if i >= 0]
                found.update(zip(index, whole_label(batch)))
            return found, data.skipped, data.num_records, None
    except mxmtl.RecordError as error:
        return {}, 0, 0, error


@pytest.mark.timeout(240)
def test_mutations(file):
    folder, labels, checked = file
    originals = (folder / "a.rec").read_bytes(), (folder / "a.idx").read_bytes()
    rng = np.random.RandomState(20)
    outcomes = {"refused": 0, "skipped": 0, "whole": 0}
    for number in range(MUTATIONS):
        mutate = MUTATE[number % len(MUTATE)]
        rec, idx = map(bytearray, originals)
        mutate(rng, rec, idx)
        (folder / "a.rec").write_bytes(rec)
        (folder / "a.idx").write_bytes(idx)
        found, skipped, num_records, error = read(folder, "skip")
        if error is not None:
            outcomes["refused"] += 1
            assert error.path.startswith(str(folder))
            continue
        outcomes["skipped" if skipped else "whole"] += 1
        assert len(found) + skipped == num_records, mutate
        for record, label in found.items():
            if checked:  # MXNet's format alone cannot tell a flipped bit from a label
                assert record < ROWS, mutate
                assert same(label, labels[record]), mutate
        if skipped:
            _, _, _, error = read(folder, "raise")
            assert error.record is not None, mutate
            assert error.offset is not None, mutate
    assert min(outcomes["refused"], outcomes["skipped"]) > MUTATIONS // 10, outcomes
