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
from ...augment import Pipeline, Rectangle, View
from .._errors import ImageError
from ._image_info import read_info
from ._jpeg import BASELINE, PROGRESSIVE, JpegHead, jpeg_head, rows_of_unit

RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # newer OpenCV decodes to RGB at no cost
COLOR = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
         8: cv2.IMREAD_REDUCED_COLOR_8}  # fmt: skip
GRAY = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}  # fmt: skip
# A JPEG stores some bits for every 8 x 8 pixels. A head that promises more than this was damaged,
# and would make OpenCV allocate whatever it says.
PIXELS_PER_BYTE = 1024
LEAST = 16  # pixels an edge; simplejpeg's choice of a scale is not sure in smaller images


def decode_whole(payload: memoryview, channels: int, reduction: int = 1) -> np.ndarray:
    """Decode an image file: uint8, (height, width, 3) RGB or (height, width) grey.

    The EXIF orientation is applied, as MXNet's reader does. With ``reduction`` 2, 4 or 8 the image
    is that much smaller; a JPEG is then decoded at that scale, which takes less time. Raises
    `ImageError` for bytes that OpenCV does not decode.
    """
    flags = (COLOR if channels == 3 else GRAY)[reduction]
    if RGB and channels == 3:
        flags = flags & ~cv2.IMREAD_COLOR | RGB  # the order is one or the other, says OpenCV 5
    try:
        image = cv2.imdecode(np.frombuffer(payload, np.uint8), flags)
    except cv2.error as error:
        raise refused(error) from None
    if image is None:
        raise ImageError(f"its {len(payload)} bytes are no image that OpenCV decodes.")
    return image if RGB or channels == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode_view(
    payload: memoryview,
    pipeline: Pipeline,
    draws: Sequence[float],
    channels: int,
    into: np.ndarray | None = None,
) -> np.ndarray:
    """Return what a pipeline's view shows of an image file; `ImageError` if that is broken.

    The result may lie in ``into``, flat uint8 memory for pixels, which the next image needs.
    OpenCV completes a file cut short in grey without a word: where no checksum has shown that it
    is as it was written, `check_whole` comes first.
    """
    head = jpeg_head(payload)
    if head is None:
        image = decode_whole(payload, channels)
        view = pipeline.view(image.shape[0], image.shape[1], draws)
        return cut(view, image, view.rectangle(image.shape[0], image.shape[1]))
    size = head.size
    check_plausible(size, payload)
    view = pipeline.view(size[0], size[1], draws)
    reduction = view.reduction()
    if reduction > 1:
        reduced = (-(-size[0] // reduction), -(-size[1] // reduction))  # as libjpeg rounds
        view, size = view.reduced(size, reduced), reduced
    part = view.rectangle(*size)
    rows = 0 if part is None else part[1]
    found = decode_rows(payload, head, channels, reduction=reduction, rows=rows, into=into)
    if found is None:
        return cut(view, decode_whole(payload, channels, reduction), part)
    return cut(view, found, part, None if into is None else into[found.size :])


def cut(
    view: View,
    image: np.ndarray,
    part: Rectangle | None,
    into: np.ndarray | None = None,
) -> np.ndarray:
    """Compute what a view shows of an image, as `View.cut` does; `ImageError` if OpenCV cannot."""
    try:
        return view.cut(image, part, into)
    except cv2.error as error:
        raise refused(error) from None


def refused(error: cv2.error) -> ImageError:
    """Make the error for what OpenCV does not do with an image."""
    return ImageError(f"OpenCV refuses the image: {getattr(error, 'err', error)}.")


def check_whole(payload: memoryview) -> None:
    """Raise `ImageError` for a file that is cut short, or whose structure is broken."""
    read_info(bytes(payload))


def check_plausible(size: tuple[int, int], payload: memoryview) -> None:
    """Refuse a JPEG head that promises more pixels than its bytes can hold."""
    if size[0] * size[1] > PIXELS_PER_BYTE * len(payload):
        raise ImageError(f"{len(payload)} bytes cannot hold the {size[0]} x {size[1]} pixels.")


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
