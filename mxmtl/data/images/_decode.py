"""From the bytes of an image file to the pixels of an output, decoding no more than it takes."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import cv2
import numpy as np

from ...augment import Pipeline, Rectangle, View
from .._errors import ImageError
from ..records import Record, RecordError
from ._image_info import read_info
from ._jpeg_head import jpeg_head
from ._jpeg_rows import decode_rows

RGB = getattr(cv2, "IMREAD_COLOR_RGB", None)  # newer OpenCV decodes to RGB at no cost
COLOR = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
         8: cv2.IMREAD_REDUCED_COLOR_8}  # fmt: skip
GRAY = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}  # fmt: skip
# A JPEG stores some bits for every 8 x 8 pixels. A head that promises more than this was damaged,
# and would make OpenCV allocate whatever it says.
PIXELS_PER_BYTE = 1024


def decode_record(payload: memoryview, channels: int, reduction: int = 1) -> np.ndarray:
    """Decode an image file: uint8, (height, width, 3) RGB or (height, width) grey.

    The EXIF orientation is applied, as MXNet's reader does. With ``reduction`` 2, 4 or 8 the image
    is that much smaller; a JPEG is then decoded at that scale, which takes less time. Raises
    `RecordError` for bytes that OpenCV does not decode.
    """
    flags = (COLOR if channels == 3 else GRAY)[reduction]
    if RGB and channels == 3:
        flags |= RGB
    try:
        image = cv2.imdecode(np.frombuffer(payload, np.uint8), flags)
    except cv2.error as error:
        raise refused(error) from None
    if image is None:
        raise RecordError(f"its {len(payload)} bytes are no image that OpenCV decodes.")
    return image if RGB or channels == 1 else cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def decode_view(
    record: Record,
    pipeline: Pipeline,
    draws: Sequence[float],
    channels: int,
    into: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Return what a pipeline's view shows of a record's image; `RecordError` if that is broken.

    The result may lie in ``into``, flat uint8 memory for pixels, which the next image needs.
    """
    check_image(record)
    payload = record.payload
    head = jpeg_head(payload)
    if head is None:
        image = decode_record(payload, channels)
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
        return cut(view, decode_record(payload, channels, reduction), part)
    return cut(view, found, part, None if into is None else into[found.size :])


def cut(
    view: View,
    image: np.ndarray,
    part: Optional[Rectangle],
    into: Optional[np.ndarray] = None,
) -> np.ndarray:
    """Compute what a view shows of an image, as `View.cut` does; `RecordError` if OpenCV cannot."""
    try:
        return view.cut(image, part, into)
    except cv2.error as error:
        raise refused(error) from None


def refused(error: cv2.error) -> RecordError:
    """Make the error for what OpenCV does not do with an image."""
    return RecordError(f"OpenCV refuses the image: {getattr(error, 'err', error)}.")


def check_image(record: Record) -> None:
    """Notice images cut short, which OpenCV completes in grey without a word.

    Where the record's checksum was right the image is what was written, and that was checked.
    """
    if not record.checked:
        try:
            read_info(bytes(record.payload))
        except ImageError as error:
            raise RecordError(str(error)) from None


def check_plausible(size: Tuple[int, int], payload: memoryview) -> None:
    """Refuse a JPEG head that promises more pixels than its bytes can hold."""
    if size[0] * size[1] > PIXELS_PER_BYTE * len(payload):
        raise RecordError(f"{len(payload)} bytes cannot hold the {size[0]} x {size[1]} pixels.")
