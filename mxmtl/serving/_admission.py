"""Whether bytes are an image that may be decoded: said by their head, before memory is spent."""

from __future__ import annotations

from ..data import ImageError
from ..data.images import OTHER, read_info
from ._errors import RequestError


def check_image(data: bytes, max_pixels: int) -> None:
    """Raise `RequestError`: 413 for too many pixels, 415 for an unknown kind, 422 for damage."""
    try:
        info = read_info(data)
    except ImageError as error:
        raise RequestError(422, f"the image is damaged: {error}") from None
    if info.format == OTHER:
        raise RequestError(415, "the body is no JPEG, PNG or WebP file.")
    if not info.width or not info.height:
        raise RequestError(422, "the image does not say how large it is.")
    if info.width * info.height > max_pixels:
        raise RequestError(
            413, f"the image has {info.width} x {info.height} pixels; {max_pixels} are allowed."
        )
