"""JPEG files: their head, read quickly, and their structure, checked to the end (ITU-T T.81).

A JPEG has no checksum, and decoding every file to know that it is whole costs several times as
much as converting it (docs/benchmarks/convert.md). So the segments are followed from the first to
the end marker, and the tables without which nothing decodes are checked (annexes B and C): that
finds what decoding finds. What is odd, and no error by that, is left to a decoder.
"""

from __future__ import annotations

import functools
import re
import struct
from collections.abc import Callable
from typing import NamedTuple

from ..._files import Bytes
from .._errors import cut_short
from ._bitmaps import ORIENTATION, SHORT

APP1, DHT, DQT, DRI, EOI, SOI, SOS = 0xE1, 0xC4, 0xDB, 0xDD, 0xD9, 0xD8, 0xDA
BASELINE, PROGRESSIVE = (0xC0, 0xC1), 0xC2
FRAMES = (*BASELINE, PROGRESSIVE)  # what every decoder knows
NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables among the codes of frame headers, C0 to CF
IGNORED = (*range(0xE0, 0xF0), 0xFE)  # application segments and comments
# In entropy coded data FF is followed by 00, by a restart marker or by fill bytes.
FILL = re.compile(rb"\xff+")
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# A byte FF, perhaps repeated, and what it marks: none of FF 00, which stands for a byte.
MARKER = re.compile(rb"\xff[\x01-\xfe]")
ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
MAX_SEGMENTS = 1 << 16  # before the image; more take long to follow, and no camera writes them
MOST_DECODED = 1 << 30  # OpenCV's own limit
MAX_BLOCKS = 10  # of an interleaved scan's unit (T.81, B.2.3)
BLOCK = 8  # rows of a block of coefficients
TRANSPOSED = 5  # EXIF orientations from here on swap height and width


def exif_orientation(exif: bytes) -> int:
    """Return the orientation, 1 to 8, from an EXIF block that begins with its TIFF header.

    1, upright, where there is none or the block is broken: EXIF is a hint, not the image.
    Source: Exif 2.3, section 4.6 (TIFF tag 274).
    """
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if tag == ORIENTATION:
                return value if kind == SHORT and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


class JpegHead(NamedTuple):
    """Where the frame header of a JPEG file stands, and what it says.

    Attributes
    ----------
    height, width : int
        As stored, before the EXIF orientation is applied.
    orientation : int
        EXIF orientation, 1 to 8; 1 is upright.
    frame : int
        Position of the frame header's marker.
    marker : int
        Its second byte: 0xC0 for baseline, 0xC2 for progressive, ...
    components : int
        1 for grey, 3 for colour, 4 for inks.
    """

    height: int
    width: int
    orientation: int
    frame: int
    marker: int
    components: int

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as OpenCV shows the image."""
        if self.orientation >= TRANSPOSED:
            return self.width, self.height
        return self.height, self.width


def jpeg_head(data: Bytes) -> JpegHead | None:
    """Read a JPEG file up to its frame header, as libjpeg does.

    None for what is no JPEG, or one in which libjpeg finds no frame header either.
    """
    if len(data) < 4 or data[0] != 0xFF or data[1] != SOI:
        return None
    position, orientation, end = 2, 0, len(data) - 9
    for _ in range(MAX_SEGMENTS):
        if position >= end:
            return None
        marker = data[position + 1]
        if data[position] != 0xFF or marker in (0x00, 0xFF):  # what libjpeg passes over
            found = MARKER.search(data, position)
            if found is None:
                return None
            position, marker = found.end() - 2, data[found.end() - 1]
            if position >= end:
                return None
        if 0xC0 <= marker <= 0xCF and marker not in NOT_FRAMES:
            height = data[position + 5] << 8 | data[position + 6]
            width = data[position + 7] << 8 | data[position + 8]
            if not height or not width:
                return None
            return JpegHead(height, width, orientation or 1, position, marker, data[position + 9])
        if marker in (SOS, EOI, SOI):
            return None
        if marker in ALONE:
            position += 2
            continue
        length = data[position + 2] << 8 | data[position + 3]
        if length < 2:
            return None
        if marker == APP1 and not orientation and data[position + 4 : position + 10] == b"Exif\0\0":
            orientation = exif_orientation(bytes(data[position + 10 : position + 2 + length]))
        position += 2 + length
    return None


def rows_of_unit(data: Bytes, head: JpegHead) -> int:
    """Return how many rows of pixels the smallest coded unit has: 8 or 16, in most files."""
    start = head.frame + 11  # of each component: number, sampling factors, table
    factors = bytes(data[start : start + 3 * data[head.frame + 9] : 3])
    return BLOCK * max([1, *(factor & 15 for factor in factors)])  # 0 only in what is broken


class Irregular(Exception):  # noqa: N818 (no error: only decoding will tell)
    """The file is not what the standard describes."""


class JpegState:
    """What the segments have said so far."""

    def __init__(self) -> None:
        self.width = self.height = 0
        self.progressive = self.odd = False
        self.components: dict[int, tuple[int, int, int]] = {}
        self.quantization: set[int] = set()
        self.huffman: set[int] = set()  # 0-3 for DC, 16-19 for AC
        self.scans, self.scan_start = 0, 2
        self.sure = False  # a whole structure: the file decodes


def read_jpeg(data: bytes) -> JpegState:
    """Check a JPEG file's structure; `ImageError` if it ends before its end marker.

    A file whose structure is odd, but which has its end marker, is not `sure`: some of those
    decode, and only decoding tells.
    """
    state = JpegState()
    try:
        walk_segments(data, state)
        state.sure = bool(state.components) and state.scans > 0 and not state.odd
    except Irregular:
        if data.find(b"\xff\xd9", state.scan_start) < 0:
            raise cut_short("JPEG", len(data)) from None
    state.sure &= state.width * state.height <= MOST_DECODED
    return state


def walk_segments(data: bytes, state: JpegState) -> None:
    """Follow the segments from the first to the end marker; `Irregular` where that fails."""
    position = 2
    for _ in range(MAX_SEGMENTS):
        marker, start, end = next_segment(data, position)
        if marker == EOI:
            return
        segment = data[start:end]
        if marker in READERS:
            READERS[marker](segment, marker, state)
        elif marker not in IGNORED:
            raise Irregular
        if marker == SOS:
            state.scan_start = end
            found = NEXT_MARKER.search(data, end)
            if found is None:
                raise Irregular
            end = found.start()
        position = end
    raise Irregular


def next_segment(data: bytes, position: int) -> tuple[int, int, int]:
    """Return the marker at a position, and where its contents begin and end."""
    if data[position : position + 2] == b"\xff\xff":  # fill bytes
        position = FILL.match(data, position).end() - 1  # type: ignore[union-attr]
    head = data[position : position + 4]
    if len(head) < 2 or head[0] != 0xFF:
        raise Irregular
    if head[1] == EOI:
        return EOI, position + 2, position + 2
    end = position + 2 + int.from_bytes(head[2:], "big")
    if len(head) < 4 or end < position + 4 or end > len(data):
        raise Irregular
    return head[1], position + 4, end


def read_restart(segment: bytes, marker: int, state: JpegState) -> None:
    """Check the length of a restart interval."""
    if len(segment) != 2:
        raise Irregular


def read_frame(segment: bytes, marker: int, state: JpegState) -> None:
    """Read size and components; 8 bits, one or three components, whole sampling ratios."""
    if state.components or len(segment) < 6 or len(segment) != 6 + 3 * segment[5]:
        raise Irregular
    state.height = int.from_bytes(segment[1:3], "big")
    state.width = int.from_bytes(segment[3:5], "big")
    state.progressive = marker == PROGRESSIVE
    for at in range(6, len(segment), 3):
        number, sampling, table = segment[at : at + 3]
        state.components[number] = (sampling >> 4, sampling & 15, table)
    state.odd = len(state.components) != segment[5] or segment[5] not in (1, 3)
    state.odd |= segment[0] != 8 or not state.width or not state.height
    for axis in (0, 1):
        factors = [component[axis] for component in state.components.values()]
        state.odd |= not all(1 <= one <= 4 and max(factors) % one == 0 for one in factors)


@functools.lru_cache(maxsize=256)  # most files of a set share their tables
def huffman_tables(segment: bytes) -> frozenset[int]:
    """Check the Huffman tables of a segment; return their numbers, AC ones plus 16."""
    numbers, at = set(), 0
    while at < len(segment):
        number, counts = segment[at], segment[at + 1 : at + 17]
        total = sum(counts)
        symbols = segment[at + 17 : at + 17 + total]
        if number & 0xEC or len(counts) < 16 or total > 256 or len(symbols) < total:
            raise Irregular
        if number < 16 and any(symbol > 15 for symbol in symbols):
            raise Irregular
        free = 1  # codes of the present length that no shorter code has taken
        for count in counts:
            free = 2 * free - count
            # The code of all ones is kept free (T.81, annex C), and so is one at the end.
            if free < 1:
                raise Irregular
        numbers.add(number)
        at += 17 + total
    return frozenset(numbers)


def read_huffman(segment: bytes, marker: int, state: JpegState) -> None:
    """Note which Huffman tables there are."""
    state.huffman |= huffman_tables(segment)


@functools.lru_cache(maxsize=256)
def quantization_tables(segment: bytes) -> frozenset[int]:
    """Check the quantization tables of a segment; return their numbers."""
    numbers, at = set(), 0
    while at < len(segment):
        wide, number = segment[at] >> 4, segment[at] & 15
        at += 65 + 64 * wide
        if wide > 1 or number > 3 or at > len(segment):
            raise Irregular
        numbers.add(number)
    return frozenset(numbers)


def read_quantization(segment: bytes, marker: int, state: JpegState) -> None:
    """Note which quantization tables there are."""
    state.quantization |= quantization_tables(segment)


def read_scan(segment: bytes, marker: int, state: JpegState) -> None:
    """Check that a scan's components and tables exist."""
    if not segment or len(segment) != 4 + 2 * segment[0] or not 1 <= segment[0] <= 4:
        raise Irregular
    start, end, high, low = segment[-3], segment[-2], segment[-1] >> 4, segment[-1] & 15
    if state.progressive:
        whole = (start == 0 and end == 0) or (segment[0] == 1 and 0 < start <= end <= 63)
        if not whole or low > 13 or (high and low != high - 1):
            raise Irregular
    seen, blocks = set(), 0
    for at in range(1, len(segment) - 3, 2):
        component = state.components.get(segment[at])
        if component is None or segment[at] in seen or component[2] not in state.quantization:
            raise Irregular
        seen.add(segment[at])
        blocks += component[0] * component[1]
        dc, ac = segment[at + 1] >> 4, 16 + (segment[at + 1] & 15)
        needed = {dc, ac} if not state.progressive else {ac} if start else set() if high else {dc}
        if not needed <= state.huffman:
            raise Irregular
    if len(seen) > 1 and blocks > MAX_BLOCKS:
        raise Irregular
    state.scans += 1


READERS: dict[int, Callable[[bytes, int, JpegState], None]] = {
    **dict.fromkeys(FRAMES, read_frame),
    DHT: read_huffman,
    DQT: read_quantization,
    SOS: read_scan,
    DRI: read_restart,
}
