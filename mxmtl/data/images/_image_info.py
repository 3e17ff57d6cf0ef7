"""What an image file says of itself, and whether it is whole, without decoding its pixels."""

from __future__ import annotations

from typing import NamedTuple, Optional

from .._errors import ImageError

JPEG, PNG, WEBP, OTHER = "jpg", "png", "webp", "other"


class ImageInfo(NamedTuple):
    """What the head of an image file tells.

    Attributes
    ----------
    format : str
        ``"jpg"``, ``"png"``, ``"webp"``, or ``"other"`` for what only OpenCV may know.
    width, height : int
        Size in pixels as stored, before the orientation is applied; 0 where the head does not
        tell.
    channels : int
        1 grey, 2 grey and alpha, 3 colour, 4 colour and alpha (or CMYK in a JPEG).
    alpha : bool
        Whether pixels may be transparent.
    depth : int
        Bits a sample.
    orientation : int
        EXIF orientation, 1 to 8; 1 is upright.
    sure : bool
        Whether a whole structure proves that the file decodes. If not, decode it to know.
    transparent : int or None
        The grey of a PNG that is transparent wherever it stands, as OpenCV decodes it, which
        does not say so.
    """

    format: str
    width: int = 0
    height: int = 0
    channels: int = 3
    alpha: bool = False
    depth: int = 8
    orientation: int = 1
    sure: bool = False
    transparent: Optional[int] = None


def read_info(data: bytes) -> ImageInfo:
    """Read an image file's head and check its structure to the end.

    JPEG: every segment, its tables, and the end marker. PNG: every chunk's CRC, and the end.
    Both notice a file cut short, which OpenCV decodes without a word. Damage among the entropy
    coded bytes of a JPEG, which have no checksum, is noticed by no decoder either.

    Raises
    ------
    ImageError
        The file is empty, of no known kind, cut short, or its structure is broken.
    """
    # Here, because each of them needs ImageInfo.
    from ._jpeg import read_jpeg
    from ._png import read_png
    from ._webp import read_webp

    if data[:2] == b"\xff\xd8":
        return plausible(read_jpeg(data), 8 * len(data))
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return plausible(read_png(data), 8 * len(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    if not data:
        raise ImageError("the file is empty.")
    return ImageInfo(OTHER)


def plausible(info: ImageInfo, bits: int) -> ImageInfo:
    """Refuse a head that promises more pixels than the file can hold, before a decoder allocates.

    No deflate stream holds more than 1,032 times its size, and no JPEG comes near that.
    """
    if info.width * info.height > 1032 * bits:
        raise ImageError(
            f"{bits // 8} bytes cannot hold the {info.width} x {info.height} pixels of the head."
        )
    return info


def cut_short(what: str, position: Optional[int] = None) -> ImageError:
    """Make the error for a file that ends too early."""
    at = "" if position is None else f" (at byte {position})"
    return ImageError(f"the {what} file is cut short{at}. Fetch it again.")
