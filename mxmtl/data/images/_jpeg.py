"""The structure of a JPEG file (ITU-T T.81, annex B), walked from start to end."""

from __future__ import annotations

import re
from typing import Callable, Dict, Tuple

from . import _jpeg_tables as tables
from ._exif import exif_orientation
from ._image_info import JPEG, ImageInfo, cut_short
from ._jpeg_tables import Irregular, State

DHT, EOI, SOS, DQT, DRI, APP1 = 0xC4, 0xD9, 0xDA, 0xDB, 0xDD, 0xE1
FRAMES = (0xC0, 0xC1, 0xC2)  # baseline, extended, progressive: what every decoder knows
IGNORED = (*range(0xE0, 0xF0), 0xFE)  # application segments and comments
# In entropy coded data FF is followed by 00, by a restart marker or by fill bytes.
NEXT_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
MAX_PIXELS = 1 << 30  # OpenCV's own limit


def read_jpeg(data: bytes) -> ImageInfo:
    """Check a JPEG file's structure; `ImageError` if it ends before its end marker.

    A file whose structure is odd, but which has its end marker, is not `sure`: some of those
    decode, and only decoding tells.
    """
    state = State()
    try:
        walk(data, state)
        sure = bool(state.components) and state.scans > 0 and not state.odd
    except Irregular:
        if data.find(b"\xff\xd9", state.scan_start) < 0:
            raise cut_short("JPEG", len(data)) from None
        sure = False
    if state.width * state.height > MAX_PIXELS:
        sure = False
    channels = len(state.components) or 3
    return ImageInfo(JPEG, state.width, state.height, channels, False, 8, state.orientation, sure)


def walk(data: bytes, state: State) -> None:
    """Follow the segments from the first to the end marker; `Irregular` where that fails."""
    position = 2
    while True:
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


def next_segment(data: bytes, position: int) -> Tuple[int, int, int]:
    """Return the marker at a position, and where its contents begin and end."""
    while data[position : position + 2] == b"\xff\xff":  # fill bytes
        position += 1
    head = data[position : position + 4]
    if len(head) < 2 or head[0] != 0xFF:
        raise Irregular
    if head[1] == EOI:
        return EOI, position + 2, position + 2
    end = position + 2 + int.from_bytes(head[2:], "big")
    if len(head) < 4 or end < position + 4 or end > len(data):
        raise Irregular
    return head[1], position + 4, end


def read_exif(segment: bytes, marker: int, state: State) -> None:
    """Take the orientation from the first EXIF segment."""
    if segment[:6] == b"Exif\0\0" and state.orientation == 1:
        state.orientation = exif_orientation(segment[6:])


def read_restart(segment: bytes, marker: int, state: State) -> None:
    """Check the length of a restart interval."""
    if len(segment) != 2:
        raise Irregular


READERS: Dict[int, Callable[[bytes, int, State], None]] = {
    **dict.fromkeys(FRAMES, tables.read_frame),
    DHT: tables.read_huffman,
    DQT: tables.read_quantization,
    SOS: tables.read_scan,
    DRI: read_restart,
    APP1: read_exif,
}
