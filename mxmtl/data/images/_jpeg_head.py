"""The size of a JPEG image, from its first segments alone."""

from __future__ import annotations

from typing import Optional, Tuple

from ..records._framing import Bytes
from ._exif import exif_orientation

SOI, APP1, SOS = 0xD8, 0xE1, 0xDA
NOT_FRAMES = (0xC4, 0xC8, 0xCC)  # tables among the codes of frame headers, C0 to CF
TRANSPOSED = 5  # EXIF orientations from here on swap height and width


def jpeg_size(data: Bytes) -> Optional[Tuple[int, int]]:
    """Return height and width as OpenCV shows the image (EXIF orientation applied).

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
            return (width, height) if orientation >= TRANSPOSED else (height, width)
        length = data[position + 2] << 8 | data[position + 3]
        if marker == APP1 and data[position + 4 : position + 10] == b"Exif\0\0":
            exif = bytes(data[position + 10 : position + 2 + length])
            orientation = exif_orientation(exif)
        position += 2 + length
    return None
