"""What a JPEG file's first segments tell: size, orientation, and how it is coded."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from ..records import Bytes
from ._exif import exif_orientation

SOI, APP1, SOS, BASELINE, PROGRESSIVE = 0xD8, 0xE1, 0xDA, (0xC0, 0xC1), 0xC2
NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables among the codes of frame headers, C0 to CF
TRANSPOSED = 5  # EXIF orientations from here on swap height and width
BLOCK = 8  # rows of a block of coefficients


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
    """

    height: int
    width: int
    orientation: int
    frame: int
    marker: int

    @property
    def size(self) -> Tuple[int, int]:
        """Height and width as OpenCV shows the image."""
        if self.orientation >= TRANSPOSED:
            return self.width, self.height
        return self.height, self.width


def jpeg_head(data: Bytes) -> Optional[JpegHead]:
    """Read a JPEG file up to its frame header.

    None for what is no JPEG, or one whose segments are in disorder: decoding will tell.
    """
    if len(data) < 4 or data[0] != 0xFF or data[1] != SOI:
        return None
    position, orientation, end = 2, 1, len(data) - 9
    while position < end:
        marker = data[position + 1]
        if data[position] != 0xFF or marker == SOS:
            return None
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if 0xC0 <= marker <= 0xCF and marker not in NOT_FRAMES:
            height = data[position + 5] << 8 | data[position + 6]
            width = data[position + 7] << 8 | data[position + 8]
            if not height or not width:
                return None
            return JpegHead(height, width, orientation, position, marker)
        length = data[position + 2] << 8 | data[position + 3]
        if marker == APP1 and data[position + 4 : position + 10] == b"Exif\0\0":
            exif = bytes(data[position + 10 : position + 2 + length])
            orientation = exif_orientation(exif)
        position += 2 + length
    return None


def rows_of_unit(data: Bytes, head: JpegHead) -> int:
    """Return how many rows of pixels the smallest coded unit has: 8 or 16, in most files."""
    start = head.frame + 11  # of each component: number, sampling factors, table
    factors = bytes(data[start : start + 3 * data[head.frame + 9] : 3])
    return BLOCK * max((factor & 15 for factor in factors), default=1)
