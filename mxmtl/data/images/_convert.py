"""Image files as records hold them: set upright, composed, resized and encoded.

`convert_image` keeps a file's bytes where nothing has to change.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ...augment import power_of_two
from .._errors import ImageError
from .._options import ImageOptions
from ._image_info import JPEG, OTHER, PNG, WEBP, ImageInfo, read_info, still
from ._jpeg import TRANSPOSED
from ._pixels import Rendering, decode_image, refusal

QUALITY = {
    JPEG: cv2.IMWRITE_JPEG_QUALITY,
    PNG: cv2.IMWRITE_PNG_COMPRESSION,
    WEBP: cv2.IMWRITE_WEBP_QUALITY,
}
LONGEST = {JPEG: 65500, PNG: 1_000_000, WEBP: 16383}  # edges that OpenCV writes
MOST = 1 << 30  # pixels that it reads
ENCODINGS = (JPEG, PNG, WEBP)
DEFAULT_QUALITY = {JPEG: 95, PNG: 3, WEBP: 95}


class Encoded(NamedTuple):
    """An image file for a record, its size and kind, and whether its bytes were kept.

    ``brightest`` is the highest sample, of 255, of a file that may have had 16 bits a sample; -1 of
    others.
    """

    data: bytes
    width: int
    height: int
    encoding: str
    kept: bool
    brightest: int = -1


def convert_image(data: bytes, options: ImageOptions) -> Encoded:
    """Check an image file, and change what the options ask for; `ImageError` if it is broken."""
    info = read_info(data)
    data = still(data, info)
    if options.passthrough == "always" or not changes(info, options):
        if options.check == "decode" or not info.sure:
            height, width = decode_image(data, info, "unchanged").shape[:2]
            info = info._replace(width=width, height=height)
        return Encoded(data, info.width, info.height, info.format, True)
    encoding = options.encoding or (info.format if info.format in ENCODINGS else JPEG)
    keep_alpha = options.color == "unchanged" and encoding != JPEG
    how = Rendering(None if keep_alpha else options.background, options.bits)
    factor = reduction(info, options.resize)
    image = decode_image(data, info, options.color, how, factor)
    brightest = int(image.max()) if info.depth > 8 or info.format == OTHER else -1
    image = crop_and_resize(image, options.resize, options.center_crop, info, encoding)
    quality = DEFAULT_QUALITY[encoding] if options.quality is None else options.quality
    height, width = image.shape[:2]
    data = encode_image(image, encoding, quality)
    return Encoded(data, width, height, encoding, False, brightest)


def changes(info: ImageInfo, options: ImageOptions) -> list[str]:
    """Name what has to change about an image; nothing means that its bytes can be kept."""
    short, long = sorted((info.width, info.height))
    reasons = {
        "asked for": options.passthrough == "never" or options.quality is not None,
        "encoding": info.format not in ENCODINGS or options.encoding not in (None, info.format),
        "orientation": info.orientation != 1,
        "depth": info.depth > 8,
        "alpha": info.alpha and options.color != "unchanged",
        "inks": info.format == JPEG and info.channels == 4,
        "gray": options.color == "gray" and info.channels != 1,
        "size": options.resize not in (0, short) or (options.center_crop and short != long),
    }
    return [reason for reason, holds in reasons.items() if holds]


def reduction(info: ImageInfo, short_edge: int) -> int:
    """Return by which power of two an image is averaged before its shorter edge gets a length."""
    return power_of_two(min(info.width, info.height) / short_edge) if short_edge else 1


def crop_and_resize(
    image: np.ndarray, short_edge: int, center_crop: bool, info: ImageInfo, encoding: str
) -> np.ndarray:
    """Cut out the middle square if asked for, and give the shorter edge its length (0: as is).

    Raises `ImageError` for what the encoding, or the memory, has no room for.
    """
    height, width = image.shape[:2]
    if center_crop:
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        image, height, width = image[top : top + side, left : left + side], side, side
    elif info.width:  # in proportion to the file, which was perhaps decoded at a fraction
        upright_size = (info.height, info.width)
        height, width = upright_size[::-1] if info.orientation >= TRANSPOSED else upright_size
    short = min(height, width)
    if short_edge in (0, short):
        return image
    size = tuple(max(1, (2 * edge * short_edge + short) // (2 * short)) for edge in (width, height))
    reason = too_large(size[0], size[1], encoding)
    if reason:
        raise ImageError(f"resize={short_edge} makes it {reason}")
    try:
        return cv2.resize(image, size)
    except cv2.error as error:
        raise refusal("resize", error) from error


def too_large(width: int, height: int, encoding: str) -> str:
    """Say why no file of an encoding holds so many pixels; '' if one does.

    >>> too_large(65501, 1, "jpg")
    '65501 x 1 pixels; a jpg file has at most 65500 on an edge.'
    """
    if max(width, height) > LONGEST[encoding]:
        limit = f"a {encoding} file has at most {LONGEST[encoding]} on an edge."
    elif width * height > MOST:
        limit = f"at most {MOST} are read by OpenCV."
    else:
        return ""
    return f"{width} x {height} pixels; {limit}"


def encode_image(image: np.ndarray, encoding: str, quality: int) -> bytes:
    """Encode pixels as jpg, png or webp."""
    reason = too_large(image.shape[1], image.shape[0], encoding)
    if reason:
        raise ImageError(f"it has {reason}")
    try:
        whole, data = cv2.imencode(f".{encoding}", image, [QUALITY[encoding], quality])
    except cv2.error as error:
        raise refusal("encode", error) from error
    if not whole:
        raise ImageError(f"OpenCV cannot encode {image.shape} pixels as {encoding}.")
    return data.tobytes()
