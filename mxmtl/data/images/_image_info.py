"""What an image file says of itself, and whether it is whole, without decoding its pixels."""

from __future__ import annotations

import struct
import zlib
from typing import NamedTuple

from .._errors import ImageError, cut_short
from ._jpeg import JpegState, exif_orientation, read_jpeg

JPEG, PNG, WEBP, OTHER = "jpg", "png", "webp", "other"
PNG_CHUNK = struct.Struct(">I4s")
PNG_HEADER = struct.Struct(">IIBBBBB")
PALETTE, ALPHA = 3, 4
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # of a colour type
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


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
    transparent: int | None = None


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
    if data[:2] == b"\xff\xd8":
        return plausible(jpeg_info(read_jpeg(data)), 8 * len(data))
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


def jpeg_info(state: JpegState) -> ImageInfo:
    """Return what the segments of a JPEG file have said."""
    channels = len(state.components) or 3
    return ImageInfo(
        JPEG,
        state.width,
        state.height,
        channels,
        orientation=state.orientation,
        sure=state.sure,
    )


def read_png(data: bytes) -> ImageInfo:
    """Check every chunk's CRC up to the end chunk; `ImageError` if one is wrong or missing.

    Source: W3C PNG, section 5.
    """
    view, position, info, pixels, palette = memoryview(data), 8, None, 0, False
    while True:
        if position + 12 > len(data):
            raise cut_short("PNG", len(data))
        length, kind = PNG_CHUNK.unpack_from(data, position)
        end = position + 12 + length
        if end > len(data):
            raise cut_short("PNG", len(data))
        body = view[position + 8 : end - 4]
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ImageError(
                f"the PNG file is damaged: wrong checksum of the chunk at byte {position}."
            )
        if info is None:
            info = read_png_header(kind, body)
        elif kind == b"tRNS":
            info = info._replace(alpha=True, transparent=transparent_gray(info, body))
        elif kind == b"PLTE":
            palette = True
        elif kind == b"eXIf":
            info = info._replace(orientation=exif_orientation(bytes(body)))
        elif kind == b"IDAT":
            pixels += length
        elif kind == b"IEND":
            break
        position = end
    # CRCs hold, so what the encoder wrote is there; without pixels or palette it wrote no image.
    return info._replace(sure=pixels > 0 and (palette or data[25] != PALETTE))


def read_png_header(kind: bytes, body: memoryview) -> ImageInfo:
    """Read the IHDR chunk, which comes first."""
    if kind != b"IHDR" or len(body) != PNG_HEADER.size:
        raise ImageError("the PNG file is broken: its first chunk is no header.")
    width, height, depth, colour, compression, filters, interlace = PNG_HEADER.unpack(body)
    legal = depth in DEPTHS.get(colour, ()) and compression == filters == 0 and interlace < 2
    if not legal or not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        raise ImageError("the PNG file is broken: its header holds values that PNG does not have.")
    return ImageInfo(PNG, width, height, CHANNELS[colour], bool(colour & ALPHA), depth)


def transparent_gray(info: ImageInfo, body: memoryview) -> int | None:
    """Read the tRNS chunk of a grey image; None for that of others, which OpenCV reads."""
    if info.channels != 1 or len(body) != 2:
        return None
    highest = (1 << info.depth) - 1
    sample = int.from_bytes(body, "big") & highest
    return sample * 255 // highest if info.depth < 8 else sample  # OpenCV widens these to 8 bits


def read_webp(data: bytes) -> ImageInfo:
    """Check the chunk lengths of a WebP file; never `sure`, because it has no checksums.

    Source: RFC 9649.
    """
    size = 8 + int.from_bytes(data[4:8], "little")
    if size > len(data):
        raise cut_short("WebP", len(data))
    position, info = 12, ImageInfo(WEBP)
    while position + 8 <= size:
        kind = data[position : position + 4]
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        body = data[position + 8 : position + 8 + length]
        if len(body) < length or position + 8 + length > size:
            raise cut_short("WebP", len(data))
        if kind == b"VP8X" and length >= 10:
            info = info._replace(
                alpha=bool(body[0] & 0x10),
                width=1 + int.from_bytes(body[4:7], "little"),
                height=1 + int.from_bytes(body[7:10], "little"),
            )
        elif kind == b"ALPH":
            info = info._replace(alpha=True)
        elif kind == b"VP8 " and length >= 10:
            width = int.from_bytes(body[6:8], "little") & 0x3FFF
            height = int.from_bytes(body[8:10], "little") & 0x3FFF
            info = info._replace(width=width, height=height)
        elif kind == b"VP8L" and length >= 5:
            bits = int.from_bytes(body[1:5], "little")
            info = info._replace(
                width=(bits & 0x3FFF) + 1,
                height=(bits >> 14 & 0x3FFF) + 1,
                alpha=info.alpha or bool(bits >> 28 & 1),
            )
        elif kind == b"EXIF":
            info = info._replace(
                orientation=exif_orientation(body[body[:6] == b"Exif\0\0" and 6 :])
            )
        position += 8 + length + length % 2
    return info._replace(channels=4 if info.alpha else 3)
