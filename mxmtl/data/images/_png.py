"""The structure of a PNG file (W3C PNG, section 5)."""

from __future__ import annotations

import struct
import zlib
from typing import Optional

from .._errors import ImageError
from ._exif import exif_orientation
from ._image_info import PNG, ImageInfo, cut_short

CHUNK = struct.Struct(">I4s")
HEADER = struct.Struct(">IIBBBBB")
PALETTE, ALPHA = 3, 4
CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}  # of a colour type
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def read_png(data: bytes) -> ImageInfo:
    """Check every chunk's CRC up to the end chunk; `ImageError` if one is wrong or missing."""
    view, position, info, pixels, palette = memoryview(data), 8, None, 0, False
    while True:
        if position + 12 > len(data):
            raise cut_short("PNG", len(data))
        length, kind = CHUNK.unpack_from(data, position)
        end = position + 12 + length
        if end > len(data):
            raise cut_short("PNG", len(data))
        body = view[position + 8 : end - 4]
        if zlib.crc32(view[position + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise ImageError(
                f"the PNG file is damaged: wrong checksum of the chunk at byte {position}."
            )
        if info is None:
            info = read_header(kind, body)
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


def read_header(kind: bytes, body: memoryview) -> ImageInfo:
    """Read the IHDR chunk, which comes first."""
    if kind != b"IHDR" or len(body) != HEADER.size:
        raise ImageError("the PNG file is broken: its first chunk is no header.")
    width, height, depth, colour, compression, filters, interlace = HEADER.unpack(body)
    legal = depth in DEPTHS.get(colour, ()) and compression == filters == 0 and interlace < 2
    if not legal or not 0 < width < 1 << 31 or not 0 < height < 1 << 31:
        raise ImageError("the PNG file is broken: its header holds values that PNG does not have.")
    return ImageInfo(PNG, width, height, CHANNELS[colour], bool(colour & ALPHA), depth)


def transparent_gray(info: ImageInfo, body: memoryview) -> Optional[int]:
    """Read the tRNS chunk of a grey image; None for that of others, which OpenCV reads."""
    if info.channels != 1 or len(body) != 2:
        return None
    highest = (1 << info.depth) - 1
    sample = int.from_bytes(body, "big") & highest
    return sample * 255 // highest if info.depth < 8 else sample  # OpenCV widens these to 8 bits
