"""The one EXIF entry that changes what an image looks like: its orientation."""

from __future__ import annotations

import struct

ORIENTATION, SHORT = 0x0112, 3


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
