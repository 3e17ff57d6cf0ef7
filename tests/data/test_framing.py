"""Our frames against MXNet's own writer and reader, byte by byte."""

import zlib

import mxmtl
from mxmtl.data.records import (
    MAGIC_BYTES,
    MAX_LENGTH,
    frame_record,
    framed_again,
    pack_frames,
    pack_record,
    read_record,
    split_at_magic,
    unpack_record,
)

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ._records import same

# Bytes that hold the magic number now and then, at any alignment.
PAYLOADS = st.lists(st.one_of(st.binary(max_size=9), st.just(MAGIC_BYTES)), max_size=8).map(
    b"".join
)


def reader_of(data: bytes):
    return lambda offset, size: data[offset : offset + size]


@settings(max_examples=60)
@given(st.lists(PAYLOADS, min_size=1, max_size=6))
def test_files_are_those_of_mxnet(tmp_path_factory, payloads):
    path = str(tmp_path_factory.mktemp("rec") / "a.rec")
    writer = mx.recordio.MXRecordIO(path, "w")
    for payload in payloads:
        writer.write(payload)
    writer.close()
    with open(path, "rb") as stream:
        theirs = stream.read()
    assert b"".join(pack_frames(payload) for payload in payloads) == theirs
    offset = 0
    for payload in payloads:
        data, offset = read_record(reader_of(theirs), offset)
        assert data == payload
    assert offset == len(theirs)


# Labels and ids that hold the magic number now and then as well.
CELLS = st.lists(st.sampled_from([b"\0\0\x80\xbf", b"\x0f\0\xc0\x7f", MAGIC_BYTES]), min_size=1)
IDS = st.sampled_from([0, 5, int.from_bytes(MAGIC_BYTES, "little"), 2**63 - 1])


@settings(max_examples=100)
@given(CELLS.map(b"".join), IDS, PAYLOADS)
def test_a_framed_record_is_what_mxnet_writes_of_it(tmp_path_factory, cells, record_id, payload):
    label = np.frombuffer(cells, "<f4")
    packed = pack_record(label, record_id, payload)
    path = str(tmp_path_factory.mktemp("rec") / "a.rec")
    writer = mx.recordio.MXRecordIO(path, "w")
    writer.write(packed)
    writer.close()
    with open(path, "rb") as stream:
        theirs = stream.read()
    framed = frame_record(label, record_id, payload)
    assert b"".join(framed.parts) == theirs
    assert framed.size == len(theirs)
    assert framed.checksum == zlib.crc32(packed[24:], zlib.crc32(packed[:16]))
    assert framed_again(theirs)[1:] == framed[1:]


@settings(max_examples=100)
@given(PAYLOADS, st.data())
def test_no_bit_of_a_framed_record_changes_unnoticed(payload, data):
    frames = bytearray(b"".join(frame_record(np.float32([1, -1]), 5, payload).parts))
    bit = data.draw(st.integers(0, 8 * len(frames) - 1))
    frames[bit // 8] ^= 1 << bit % 8
    with pytest.raises(mxmtl.RecordError):
        framed_again(bytes(frames))


@given(
    st.lists(st.floats(width=32), min_size=1, max_size=9),
    st.integers(0, 2**63 - 1),
    st.binary(max_size=40),
)
def test_mxnet_unpacks_our_records(label, record_id, payload):
    label = np.array(label, dtype=np.float32)
    packed = pack_record(label, record_id, payload)
    header, image = mx.recordio.unpack(packed)
    assert (header.id, image) == (record_id, payload)
    np.testing.assert_array_equal(np.atleast_1d(np.float32(header.label)), label)
    record = unpack_record(packed)
    assert (record.id, bytes(record.payload), record.checked) == (record_id, payload, True)
    assert same(record.label, label)


@pytest.mark.parametrize("label", [3.0, [3.0], [1.0, -1.0, float("nan")]])
def test_we_unpack_the_records_of_mxnet(label):
    packed = mx.recordio.pack(mx.recordio.IRHeader(0, label, 9, 0), b"image")
    record = unpack_record(packed)
    assert (record.id, bytes(record.payload), record.checked) == (9, b"image", False)
    np.testing.assert_array_equal(record.label, np.atleast_1d(np.float32(label)))


def test_bits_of_a_label_survive():
    bits = np.array([0x7FC00001, 0xFFC12345, 0x80000000, 1, 0x4B800001], dtype=np.uint32)
    for label in (bits, bits[:1], bits[1:2]):
        label = label.view(np.float32)
        assert same(unpack_record(pack_record(label, 0, b"x")).label, label)


@given(st.data())
def test_no_flipped_bit_goes_unnoticed(data):
    packed = bytearray(pack_record(np.float32([1, 2, -1]), 5, b"some image file"))
    bit = data.draw(st.integers(0, 8 * len(packed) - 1))
    packed[bit // 8] ^= 1 << bit % 8
    if 192 - 32 <= bit < 192:  # the mark that says that there is a checksum
        assert not unpack_record(bytes(packed)).checked
        return
    with pytest.raises(mxmtl.RecordError, match="checksum"):
        unpack_record(bytes(packed))


def test_parts_are_cut_at_multiples_of_four_only():
    assert split_at_magic(b"abcd" + MAGIC_BYTES + b"ef") == [b"abcd", b"ef"]
    assert split_at_magic(b"abc" + MAGIC_BYTES) == [b"abc" + MAGIC_BYTES]
    assert split_at_magic(MAGIC_BYTES * 2) == [b"", b"", b""]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file ends where a record should begin"),
        (b"\x0a\x23\xd7", "the file ends where a record should begin"),
        (b"12345678", "found 0x34333231, expected 0xced7230a"),
        (MAGIC_BYTES + b"\x09\0\0\0" + b"12345678", "takes 9 bytes, and the file ends after 8"),
        (MAGIC_BYTES + b"\0\0\0\xe0", "7 is no kind of frame"),
        (MAGIC_BYTES + b"\0\0\0\x60", "a part of a record begins here"),
        (MAGIC_BYTES + b"\0\0\0\x20" + MAGIC_BYTES + b"\0\0\0\0", "last part is missing"),
        (MAGIC_BYTES + b"\0\0\0\x20", "the file ends where a record should begin"),
    ],
)
def test_what_is_no_frame_is_named(data, message):
    with pytest.raises(mxmtl.RecordError, match=message):
        read_record(reader_of(data), 0)


def test_what_is_no_image_record_is_named():
    with pytest.raises(mxmtl.RecordError, match="10 bytes are no image record"):
        unpack_record(b"1234567890")
    packed = mx.recordio.pack(mx.recordio.IRHeader(0, [1.0, 2.0], 9, 0), b"")
    with pytest.raises(mxmtl.RecordError, match="promises 2 labels, but the record ends before"):
        unpack_record(packed[:-1])


def test_what_cannot_be_packed_is_named():
    with pytest.raises(ValueError, match="record id -1 does not fit"):
        pack_record(np.float32([1]), -1, b"")
    with pytest.raises(ValueError, match=rf"{2**63} does not fit: expected 0 to 2\*\*63 - 1\."):
        pack_record(np.float32([1]), 2**63, b"")
    with pytest.raises(ValueError, match="record 3: a label needs at least one float"):
        pack_record(np.float32([]), 3, b"")
    with pytest.raises(ValueError, match=f"a record holds {MAX_LENGTH}"):
        pack_record(np.float32([1]), 0, bytearray(MAX_LENGTH))
