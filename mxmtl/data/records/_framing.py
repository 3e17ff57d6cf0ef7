"""RecordIO, the container format of MXNet, and the image record within it.

A file is a row of frames, each beginning at a multiple of four bytes::

    uint32 MAGIC | uint32 (kind << 29 | length) | length bytes | 0 to 3 zero bytes

A record is one whole frame. Where its bytes hold MAGIC at a multiple of four they are cut there,
the MAGIC is left out, and the parts become a first, middle... and last frame. An image record is::

    uint32 flag | float32 label | uint64 id | uint64 id2 | flag x float32 labels | image file

with ``flag`` 0 where there is one label, in the header. MXNet keeps ``id2`` for the user; here it
holds a mark and the CRC-32 of all other bytes, so that no flipped bit becomes a label unnoticed.
Numbers are little-endian. Formats: dmlc/recordio.h and mxnet/python/mxnet/recordio.py.
"""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from ..._files import Bytes, PathLike, atomic_write, open_regular

MAGIC = 0xCED7230A
MAGIC_BYTES = struct.pack("<I", MAGIC)
MAX_LENGTH = (1 << 29) - 1  # bytes in a frame: the upper three bits of the word are its kind
IDS = 1 << 63  # as NumPy counts, and those who read an index; MXNet writes some that are larger
WHOLE, FIRST, MIDDLE, LAST = range(4)
MOST_INDEX = 1 << 26  # bytes of an .idx file beyond twice those of its .rec
CHECKED = 0x6D786D74  # "mxmt", the upper half of an id2 whose lower half is a checksum

FRAME = struct.Struct("<II")
HEADER = struct.Struct("<IfQQ")
_HEAD = struct.Struct("<I4sQ")  # the label as bytes: a NaN keeps its bits

ReadAt = Callable[[int, int], Bytes]  # (offset, size) -> at most that many bytes


class RecordError(ValueError):
    """A record, or a file of records, that cannot be read.

    Attributes
    ----------
    reason : str
        What is wrong.
    path : str
        The file; empty where it is not known (bytes that were never in a file).
    record : int or None
        The record's id.
    offset : int or None
        Where the record's frame begins in the file, in bytes.
    name : str
        The picture and the row of the table that the record came from; empty where none is known.
    """

    def __init__(
        self,
        reason: str,
        path: str = "",
        record: int | None = None,
        offset: int | None = None,
        name: str = "",
    ) -> None:
        super().__init__(reason, path, record, offset, name)
        self.reason, self.path, self.record, self.offset = reason, path, record, offset
        self.name = name

    def __str__(self) -> str:
        place = [self.path] if self.path else []
        name = f" ({self.name})" if self.name else ""
        place += [] if self.record is None else [f"record {self.record}{name}"]
        place += [] if self.offset is None else [f"byte {self.offset}"]
        return f"{', '.join(place)}: {self.reason}" if place else self.reason

    def at(
        self, path: str, record: int | None = None, offset: int | None = None, name: str = ""
    ) -> RecordError:
        """Return the same error with the place where it was found; what is known stays."""
        return RecordError(
            self.reason,
            self.path or path,
            record if self.record is None else self.record,
            offset if self.offset is None else self.offset,
            self.name or name,
        )


class Record(NamedTuple):
    """One image record.

    Attributes
    ----------
    id : int
        Its key in the .idx file.
    label : numpy.ndarray
        float32, (label_width,), read-only.
    payload : memoryview
        The image file: JPEG, PNG, ...
    checked : bool
        Whether it carried a checksum (which was right, else there would be no Record).
    """

    id: int
    label: np.ndarray
    payload: memoryview
    checked: bool


class Framed(NamedTuple):
    """An image record in frames, as it is appended to a .rec file.

    Attributes
    ----------
    parts : list of bytes
        To be written one after the other; the image is not copied.
    size : int
        Bytes of all parts.
    checksum : int
        CRC-32 of the record, which it holds itself.
    """

    parts: list[Bytes]
    size: int
    checksum: int


def pack_record(label: np.ndarray, record_id: int, payload: Bytes) -> bytes:
    """Make an image record, with checksum, from a label (label_width,) and an image file.

    MXNet's own ``recordio.unpack`` and ``ImageRecordIter(label_width=...)`` read it. Raises
    `ValueError` for an id outside [0, 2**63), an empty label, and more bytes than a frame holds.

    >>> record = unpack_record(pack_record(np.float32([-1, 2.5]), 7, b"an image file"))
    >>> record.id, record.label, bytes(record.payload), record.checked
    (7, array([-1. ,  2.5], dtype=float32), b'an image file', True)
    """
    head, _ = _pack_head(label, record_id, payload)
    return b"".join((head, payload))


def frame_record(label: np.ndarray, record_id: int, payload: Bytes) -> Framed:
    """Make an image record as `pack_record` does, and put it into frames as `pack_frames` does.

    >>> record = np.float32([-1, 2.5]), 7, b"an image file"
    >>> b"".join(frame_record(*record).parts) == pack_frames(pack_record(*record))
    True
    """
    head, check = _pack_head(label, record_id, payload)
    # The head is a multiple of four bytes long, so MAGIC lies in the one or in the other.
    if len(split_at_magic(head)) > 1 or len(split_at_magic(payload)) > 1:
        frames = pack_frames(b"".join((head, payload)))
        return Framed([frames], len(frames), check)
    length = len(head) + len(payload)
    padding = -length % 4
    parts: list[Bytes] = [FRAME.pack(MAGIC, length) + head, payload]
    if padding:
        parts.append(bytes(padding))
    return Framed(parts, FRAME.size + length + padding, check)


def framed_again(frames: bytes) -> Framed:
    """Take what was read back from a file for what `frame_record` made; else `RecordError`."""
    data, _ = read_record(lambda at, size: frames[at : at + size], 0)
    record = unpack_record(data)
    framed = frame_record(record.label, record.id, record.payload)
    if b"".join(framed.parts) != frames:
        raise RecordError("these are not the bytes that were written.")
    return framed


def _pack_head(label: np.ndarray, record_id: int, payload: Bytes) -> tuple[bytes, int]:
    """Make what stands before the image in a record, and its checksum."""
    cells = np.ascontiguousarray(label, dtype="<f4").reshape(-1)
    if not 0 <= record_id < IDS:
        raise ValueError(f"record id {record_id} does not fit: expected 0 to 2**63 - 1.")
    if cells.size == 0:
        raise ValueError(f"record {record_id}: a label needs at least one float.")
    if cells.size == 1:  # as im2rec writes it
        head, tail = _HEAD.pack(0, cells.tobytes(), record_id), b""
    else:
        head, tail = _HEAD.pack(cells.size, bytes(4), record_id), cells.tobytes()
    if HEADER.size + len(tail) + len(payload) > MAX_LENGTH:
        raise ValueError(
            f"record {record_id}: {len(payload)} bytes of image; a record holds {MAX_LENGTH}."
        )
    check = zlib.crc32(payload, zlib.crc32(tail, zlib.crc32(head)))
    return b"".join((head, struct.pack("<II", check, CHECKED), tail)), check


def unpack_record(record: Bytes, *, verify: bool = True) -> Record:
    """Take an image record apart; `RecordError` if it is too short or its checksum is wrong.

    Records without checksum (written by MXNet) are read as well. Nothing is copied: label and
    payload are views of the record. ``verify=False`` leaves the checksum alone.
    """
    view = memoryview(record)
    if len(view) < HEADER.size:
        raise RecordError(f"{len(view)} bytes are no image record: its header takes {HEADER.size}.")
    flag, _, record_id, id2 = HEADER.unpack_from(view)
    start = HEADER.size + 4 * flag
    checked = id2 >> 32 == CHECKED
    if checked and verify and checksum(view) != id2 & 0xFFFFFFFF:
        raise RecordError("the checksum is wrong: bytes changed after the record was written.")
    if start > len(view):
        raise RecordError(f"the header promises {flag} labels, but the record ends before.")
    cells = view[HEADER.size : start] if flag else view[4:8]
    return Record(record_id, np.frombuffer(cells, dtype="<f4"), view[start:], checked)


def check_id(record_id: int) -> None:
    """Raise `RecordError` for the id of a record that no index holds."""
    if record_id >= IDS:
        raise RecordError(f"id {record_id} is not in [0, 2^63). Write the record with another id.")


def checksum(record: Bytes) -> int:
    """Return the CRC-32 of all bytes of an image record but ``id2``, which holds it."""
    view = memoryview(record)
    return zlib.crc32(view[HEADER.size :], zlib.crc32(view[: _HEAD.size]))


def pack_frames(record: Bytes) -> bytes:
    """Put a record into frames, ready to be appended to a .rec file.

    >>> len(pack_frames(b"12345")), len(pack_frames(MAGIC_BYTES))
    (16, 16)
    """
    parts = split_at_magic(record)
    out: list[Bytes] = []
    for index, part in enumerate(parts):
        kind = LAST if index == len(parts) - 1 else MIDDLE
        kind = FIRST if index == 0 else kind
        kind = WHOLE if len(parts) == 1 else kind
        if len(part) > MAX_LENGTH:
            raise ValueError(f"a frame of {len(part)} bytes; it holds {MAX_LENGTH}.")
        out += [FRAME.pack(MAGIC, kind << 29 | len(part)), part, bytes(-len(part) % 4)]
    return b"".join(out)


def split_at_magic(record: Bytes) -> list[Bytes]:
    """Cut where MAGIC stands at a multiple of four bytes; the MAGICs are left out."""
    words = np.frombuffer(record, "<u4", len(record) // 4)
    cuts = (4 * np.flatnonzero(words == MAGIC)).tolist()
    starts, ends = [0, *(cut + 4 for cut in cuts)], [*cuts, len(record)]
    return [record[start:end] for start, end in zip(starts, ends)] if cuts else [record]


def read_record(read: ReadAt, offset: int) -> tuple[Bytes, int]:
    """Read the record whose frame begins at a byte offset: its bytes, and the next offset.

    ``read(offset, size)`` returns at most ``size`` bytes, less only at the end of the file. Raises
    `RecordError` if no record begins there, or if it does not end in the file.
    """
    kind, part, offset = read_frame(read, offset)
    if kind == WHOLE:
        return part, offset
    if kind != FIRST:
        raise RecordError("a part of a record begins here, not a record.")
    parts = [part]
    while kind != LAST:
        kind, part, offset = read_frame(read, offset)
        if kind not in (MIDDLE, LAST):
            raise RecordError("the record's last part is missing.")
        parts += [MAGIC_BYTES, part]
    return b"".join(parts), offset


def whole_frame(block: memoryview) -> memoryview | None:
    """Return the record in a block that is one whole frame, as nearly all are; None for others."""
    if len(block) < FRAME.size:
        return None
    magic, length = FRAME.unpack_from(block)  # WHOLE is 0, so the word is the length alone
    if magic != MAGIC or FRAME.size + length + -length % 4 != len(block):
        return None
    return block[FRAME.size : FRAME.size + length]


def read_frame(read: ReadAt, offset: int) -> tuple[int, Bytes, int]:
    """Read one frame: its kind (WHOLE, FIRST, MIDDLE, LAST), its bytes, and the next offset."""
    head = read(offset, FRAME.size)
    if len(head) < FRAME.size:
        raise RecordError("the file ends where a record should begin.")
    magic, word = FRAME.unpack(head)
    if magic != MAGIC:
        raise RecordError(f"no record begins here: found {magic:#010x}, expected {MAGIC:#010x}.")
    kind, length = word >> 29, word & MAX_LENGTH
    if kind > LAST:
        raise RecordError(f"no record begins here: {kind} is no kind of frame.")
    part = read(offset + FRAME.size, length)
    if len(part) < length:
        raise RecordError(f"the record takes {length} bytes, and the file ends after {len(part)}.")
    return kind, part, offset + FRAME.size + length + -length % 4


# -- the .idx file beside a .rec: one line a record, ``id<TAB>offset`` -----------------------------
def write_index(path: PathLike, ids: Iterable[int], offsets: Iterable[int]) -> None:
    """Write an .idx file; it appears only when it is complete."""
    with atomic_write(path) as stream:
        for record_id, offset in zip(ids, offsets):
            stream.write(b"%d\t%d\n" % (record_id, offset))


def read_index(path: PathLike, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Read ids and offsets, int64 (n,) each, in the order of the file.

    ``size`` is that of the .rec file. Raises `RecordError`, naming the line where it can, unless
    every line has two numbers, offsets are multiples of four inside the file, and no id and no
    offset stands there twice, and no id is 2**63 or more.
    """
    path = os.fspath(path)
    most = MOST_INDEX + 2 * size  # a line has two numbers, a record 32 bytes or more
    with open_regular(path) as stream:
        length = os.fstat(stream.fileno()).st_size
        if length > most:
            raise RecordError(
                f"{length} bytes are no index of a .rec file of {size} bytes. Are .idx and .rec of "
                "the same run?",
                path,
            )
        text = stream.read(length)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # NumPy warns, and goes on, where a number is broken
        try:
            numbers = np.fromstring(text, dtype=np.int64, sep="\t") if text.strip() else _EMPTY
        except (DeprecationWarning, ValueError, OverflowError):
            raise RecordError(f"{_bad_line(text)} is not 'id<TAB>offset'.", path) from None
    lines = text.count(b"\n") + (not text.endswith(b"\n") and bool(text))
    if len(numbers) != 2 * lines or text.count(b"\t") != lines:
        raise RecordError(f"{_bad_line(text)} is not 'id<TAB>offset'.", path)
    ids, offsets = numbers[::2].copy(), numbers[1::2].copy()
    _check_ids(ids, text, path)
    _check(ids, offsets, size, path)
    return ids, offsets


_EMPTY = np.empty(0, dtype=np.int64)


def _bad_line(text: bytes) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        cells = line.split(b"\t")
        if len(cells) != 2 or not all(is_number(cell) for cell in cells):
            return f"line {number}, {line[:40].decode('utf-8', 'replace')!r},"
    return "a line"


def is_number(cell: bytes) -> bool:
    """Tell whether a cell is a number that an index may hold."""
    return cell.isdigit() and len(cell) < 20 and int(cell) < 1 << 63


def _check_ids(ids: np.ndarray, text: bytes, path: str) -> None:
    # NumPy reads the largest number that it has for all that are larger.
    largest = np.flatnonzero(ids == np.iinfo(np.int64).max).tolist()
    lines = text.splitlines() if largest else []
    for line in largest:
        try:
            check_id(int(lines[line].split(b"\t")[0][:40]))
        except RecordError as error:
            raise RecordError(f"line {line + 1}: {error.reason}", path) from None


def _check(ids: np.ndarray, offsets: np.ndarray, size: int, path: str) -> None:
    outside = np.flatnonzero((offsets < 0) | (offsets % 4 != 0) | (offsets >= size) | (ids < 0))
    if outside.size:
        line = int(outside[0])
        raise RecordError(
            f"line {line + 1}: no record can begin at byte {offsets[line]} of a .rec file of "
            f"{size} bytes. Are .idx and .rec of the same run?",
            path,
            int(ids[line]),
        )
    for what, values in (("id", ids), ("offset", offsets)):
        if np.all(np.diff(values) > 0):  # the usual case, without a sort
            continue
        sorted_ = np.sort(values)
        twice = sorted_[1:][np.diff(sorted_) == 0]
        if twice.size:
            raise RecordError(f"{what} {twice[0]} stands there more than once.", path)


def scan_index(read: ReadAt, size: int, path: str = "") -> tuple[np.ndarray, np.ndarray]:
    """Make the index of a .rec file without .idx by walking its frames; slower than reading one."""
    ids, offsets, offset = [], [], 0
    while offset < size:
        try:
            record_id, following = _peek(read, offset)
        except RecordError as error:
            raise error.at(path, None, offset) from None
        ids.append(record_id)
        offsets.append(offset)
        offset = following
    return np.array(ids, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _peek(read: ReadAt, offset: int) -> tuple[int, int]:
    record: Bytes
    record, following = read_record(read, offset)
    if len(record) < HEADER.size:
        raise RecordError(f"{len(record)} bytes are no image record; its header takes 24.")
    record_id = int(HEADER.unpack_from(record)[2])
    check_id(record_id)
    return record_id, following
