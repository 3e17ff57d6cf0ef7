"""The .idx file: read in one go, and refused where it is broken."""

import mxmtl
from mxmtl.data.records import read_index, scan_index, write_index

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ._records import random_labels, write


@given(st.lists(st.integers(0, 2**62), min_size=1, unique=True, max_size=20))
def test_round_trip(tmp_path_factory, ids):
    path = tmp_path_factory.mktemp("idx") / "a.idx"
    offsets = [8 * place for place in range(len(ids))]
    write_index(path, ids, offsets)
    read_ids, read_offsets = read_index(path, 8 * len(ids))
    assert (read_ids.tolist(), read_offsets.tolist()) == (ids, offsets)


def test_the_index_of_mxnet_is_read_and_ours_by_mxnet(tmp_path):
    writer = mx.recordio.MXIndexedRecordIO(str(tmp_path / "a.idx"), str(tmp_path / "a.rec"), "w")
    for key in (5, 3, 9):
        writer.write_idx(key, mx.recordio.pack(mx.recordio.IRHeader(0, 1.0, key, 0), b"abc"))
    writer.close()
    size = (tmp_path / "a.rec").stat().st_size
    ids, offsets = read_index(tmp_path / "a.idx", size)
    assert (ids.tolist(), offsets.tolist()) == ([5, 3, 9], [0, 36, 72])
    write_index(tmp_path / "b.idx", ids, offsets)
    assert (tmp_path / "b.idx").read_bytes() == (tmp_path / "a.idx").read_bytes()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0\t0\nx\t8\n", r"a.idx: line 2, 'x\\t8', is not 'id<TAB>offset'"),
        ("0\t0\n1 8\n", r"line 2, '1 8', is not"),
        ("0\t0\n1\n\t8\n", r"line 2, '1', is not"),
        ("0\t0\n1\t8.5\n", r"line 2, '1\\t8.5', is not"),
        ("0\t0\n\n1\t8\n", r"line 2, '', is not"),
        ("0\t0\n1\t99999999999999999999\n", "no record can begin at byte 9"),
        ("\0\0\0\0", "line 1"),
        ("0\t0\n1\t6\n", "record 1: line 2: no record can begin at byte 6 of a .rec file of 100"),
        ("0\t0\n1\t100\n", "line 2: no record can begin at byte 100"),
        (
            "9223372036854775807\t0\n18446744073709551615\t8\n",
            r"a.idx: line 2: id 18446744073709551615 is not in \[0, 2\^63\)\. Write the record "
            "with another id.",
        ),
        ("0\t0\n0\t8\n", "id 0 stands there more than once"),
        ("0\t8\n1\t8\n", "offset 8 stands there more than once"),
    ],
)
def test_what_is_broken_is_named(tmp_path, text, message):
    (tmp_path / "a.idx").write_text(text)
    with pytest.raises(mxmtl.RecordError, match=message):
        read_index(tmp_path / "a.idx", 100)


def test_a_file_without_index_is_scanned(tmp_path):
    prefix = write(tmp_path / "a", random_labels(7), ids=[4, 2, 9, 1, 0, 7, 3])
    data = (tmp_path / "a.rec").read_bytes()
    ids, offsets = scan_index(lambda offset, size: data[offset : offset + size], len(data))
    expected = read_index(prefix + ".idx", len(data))
    np.testing.assert_array_equal(ids, expected[0])
    np.testing.assert_array_equal(offsets, expected[1])
    with pytest.raises(mxmtl.RecordError, match=r"a.rec, byte \d+: the record takes"):
        scan_index(lambda offset, size: data[:-4][offset : offset + size], len(data) - 4, "a.rec")
