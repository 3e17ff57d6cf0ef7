"""A JPEG file's upper rows, decoded by libjpeg-turbo into memory that is there already.

OpenCV uses the same library and settings, so the pixels are the same to the last bit. It decodes
all rows, though, and into new memory for every image.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
import simplejpeg

from ..records import Bytes
from ._jpeg_head import BASELINE, PROGRESSIVE, JpegHead, rows_of_unit

LEAST = 16  # pixels an edge; simplejpeg's choice of a scale is not sure in smaller images


def decode_rows(
    payload: memoryview,
    head: JpegHead,
    channels: int,
    *,
    reduction: int = 1,
    rows: int = 0,
    into: Optional[np.ndarray] = None,
) -> Optional[np.ndarray]:
    """Decode to uint8, (height, width, 3) RGB or (height, width) grey; None for what OpenCV must.

    That is what is turned by its EXIF orientation, coded in a rare way, or broken.

    Parameters
    ----------
    payload : memoryview
        The file. Where it is writable, its height may be changed.
    head : JpegHead
        Of the file.
    channels : int
        3 or 1.
    reduction : int
        1, 2, 4 or 8: how much smaller the image becomes.
    rows : int
        At least so many rows of the reduced image are right, and what is below them may not be
        there; 0 for all.
    into : numpy.ndarray, optional
        uint8, flat; an image that fits is decoded there, and is gone when the next one is.
    """
    if (
        head.orientation != 1
        or min(head.height, head.width) < LEAST
        or head.marker not in (*BASELINE, PROGRESSIVE)
    ):
        return None
    height = head.height
    data: Bytes = payload
    if rows and head.marker in BASELINE:
        unit = rows_of_unit(payload, head)
        # One row more, because the colours of a row are mixed with those of the next.
        height = min(-(-(rows + 1) * reduction // unit) * unit, head.height)
        if height < head.height:
            data = with_height(payload, head, height)
    tall, wide = -(-height // reduction), -(-head.width // reduction)
    fits = into is not None and tall * wide * channels <= len(into)
    try:
        image = simplejpeg.decode_jpeg(
            data,
            "RGB" if channels == 3 else "GRAY",
            min_height=tall if reduction > 1 else 0,
            min_width=wide if reduction > 1 else 0,
            buffer=into if fits else None,
            strict=False,  # bytes are left over where the height was changed
        )
    except ValueError:
        return None
    if image.shape != (tall, wide, channels):
        return None
    return image if channels == 3 else image[:, :, 0]


def with_height(payload: memoryview, head: JpegHead, height: int) -> Bytes:
    """Return the file with another height in its frame header, changed in place where it may be.

    The decoder stops after so many rows. What is coded above them does not depend on those below.
    """
    data = bytearray(payload) if payload.readonly else payload
    data[head.frame + 5], data[head.frame + 6] = height >> 8, height & 255
    return data
