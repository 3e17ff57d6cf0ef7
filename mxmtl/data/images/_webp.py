"""The head of a WebP file (RFC 9649)."""

from __future__ import annotations

from ._exif import exif_orientation
from ._image_info import WEBP, ImageInfo, cut_short


def read_webp(data: bytes) -> ImageInfo:
    """Check the chunk lengths of a WebP file; never `sure`, because it has no checksums."""
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
