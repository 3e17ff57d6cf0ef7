"""From the bytes of an image file to the pixels of an output, decoding no more than it takes.

Of a JPEG, libjpeg-turbo decodes the rows that are seen, at the scale that is asked for, into
memory that is there already. OpenCV uses the same library and settings, so the pixels are the
same to the last bit; but it decodes all rows, and into new memory for every image. It gets all
other files, and those that are coded in a rare way.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import simplejpeg

from ..._files import Bytes
from ...augment import Pipeline, View, averaged
from ._image_info import is_plain_png, read_info
from ._jpeg import BASELINE, PROGRESSIVE, JpegHead, jpeg_head, rows_of_unit
from ._pixels import (
    ROOM,
    Rendering,
    Room,
    as_color,
    check_jpeg,
    decode_image,
    decode_shown,
    refusal,
)

LEAST = 16  # pixels an edge; simplejpeg's choice of a scale is not sure in smaller images
DEEPEST = 8  # by how much a JPEG may be smaller when it comes out of its decoder
SHOWN = Rendering()


def decode_whole(
    payload: memoryview, channels: int, reduction: int = 1, how: Rendering = SHOWN
) -> np.ndarray:
    """Decode an image file: uint8, (height, width, 3) RGB or (height, width) grey.

    The EXIF orientation is applied, as MXNet's reader does. With ``reduction`` 2, 4 or 8 the image
    is that much smaller; a JPEG is then decoded at that scale, which takes less time. Raises
    `ImageError` for bytes that are not decoded.
    """
    data = bytes(payload)
    info = read_info(data, whole=False)
    image = decode_image(data, info, "color" if channels == 3 else "gray", how, reduction)
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB) if channels == 3 else image


def decode_view(
    payload: memoryview,
    pipeline: Pipeline,
    draws: Sequence[float],
    channels: int,
    into: np.ndarray | None = None,
    how: Rendering = SHOWN,
    room: Room = ROOM,
) -> np.ndarray:
    """Return what a pipeline's view shows of an image file; `ImageError` if that is broken.

    The result may lie in ``into``, flat uint8 memory for pixels, which the next image needs.
    OpenCV completes a file cut short in grey without a word: where no checksum has shown that it
    is as it was written, `check_whole` comes first.
    """
    head = jpeg_head(payload)
    found = None
    if head is not None and head.orientation == 1:
        found = view_of_jpeg(payload, head, pipeline, draws, channels, into, room)
    elif head is None and is_plain_png(payload):
        found = view_of_png(payload, pipeline, draws, channels, room)
    if found is not None:
        return found
    data = bytes(payload)

    def view_of(height: int, width: int) -> View:
        return pipeline.view(height, width, draws)

    return decode_shown(data, read_info(data, whole=False), view_of, channels, how, room)


def view_of_png(
    payload: memoryview, pipeline: Pipeline, draws: Sequence[float], channels: int, room: Room
) -> np.ndarray | None:
    """Return what `decode_shown` shows of a plain PNG file; None where that has to say why not."""
    try:
        image = cv2.imdecode(np.frombuffer(payload, np.uint8), cv2.IMREAD_UNCHANGED)
        if image is None:
            return None
        height, width = image.shape[:2]
        room.check(width, height)
        shown = pipeline.view(height, width, draws).sample(image)
    except cv2.error:
        return None
    if channels == 1:
        return as_color(shown, "gray")
    return cv2.cvtColor(shown, cv2.COLOR_GRAY2RGB if shown.ndim == 2 else cv2.COLOR_BGR2RGB)


def view_of_jpeg(
    payload: memoryview,
    head: JpegHead,
    pipeline: Pipeline,
    draws: Sequence[float],
    channels: int,
    into: np.ndarray | None,
    room: Room,
) -> np.ndarray | None:
    """Return what is shown of a JPEG file; None for what OpenCV must decode."""
    kept = check_jpeg(payload, head, room)
    view = pipeline.view(head.height, head.width, draws)
    down, across = view.reductions()
    factor = min(down, across, DEEPEST)
    if down > 1 or across > 1:
        size = (-(-head.height // down), -(-head.width // across))  # as libjpeg rounds
        view = view.reduced((head.height, head.width), size)
        part = view.rectangle(*size)
    else:
        part = view.rectangle(head.height, head.width)
    rows = 0 if part is None else part[1] * (down // factor)
    with room.take(kept, 1):
        found = decode_rows(payload, head, channels, reduction=factor, rows=rows, into=into)
    if found is None:
        return None
    memory = None if into is None else into[found.size :]
    if down > factor or across > factor:
        found, memory = averaged(found, down // factor, across // factor), None
    try:
        return view.cut(found, part, memory)
    except cv2.error as error:
        raise refusal("scale", error) from error


def check_whole(payload: memoryview) -> None:
    """Raise `ImageError` for a file that is cut short, or whose structure is broken."""
    read_info(bytes(payload))


def decode_rows(
    payload: memoryview,
    head: JpegHead,
    channels: int,
    *,
    reduction: int = 1,
    rows: int = 0,
    into: np.ndarray | None = None,
) -> np.ndarray | None:
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
    finally:
        if height < head.height:
            with_height(data, head, head.height)
    if image.shape != (tall, wide, channels):
        return None
    return image if channels == 3 else image[:, :, 0]


def with_height(payload: Bytes, head: JpegHead, height: int) -> Bytes:
    """Return the file with another height in its frame header, changed in place where it may be.

    The decoder stops after so many rows. What is coded above them does not depend on those below.
    """
    view = memoryview(payload)
    data: bytearray | memoryview = bytearray(payload) if view.readonly else view
    data[head.frame + 5], data[head.frame + 6] = height >> 8, height & 255
    return data
