"""The size of image files that only OpenCV decodes: BMP, GIF, TIFF and the portable bitmaps.

Others that it knows are refused, because its decoders of them do not stand damaged files (JPEG
2000, of 4,000 of which 79 ended the process), or because their size cannot be told beforehand.
"""

from __future__ import annotations

import re
import struct

from .._errors import ImageError

KINDS = {b"GIF8": (0, "GIF"), b"ftypavif": (4, "AVIF"), b"ftyphei": (4, "HEIC"),
         b"%PDF": (0, "PDF"), b"<svg": (0, "SVG"), b"\xff\x0a": (0, "JPEG XL"),
         b"jP  \r\n\x87\n": (4, "JPEG 2000"), b"\xff\x4f\xff\x51": (0, "JPEG 2000"),
         b"v/1\x01": (0, "OpenEXR"), b"#?RADIANCE": (0, "Radiance HDR"), b"P7\n": (0, "PAM"),
         b"\x59\xa6\x6a\x95": (0, "Sun raster")}  # fmt: skip
TEXT = 20  # bytes at the begin of a file, by which text is known
GAP = rb"(?:\s|#[^\n\r]*[\n\r])+"
PORTABLE = re.compile(rb"P[1-6]" + GAP + rb"(\d{1,10})" + GAP + rb"(\d{1,10})(?=[\s#])")
WIDTH, HEIGHT, BITS, ORIENTATION = 256, 257, 258, 274  # TIFF's tags
SHORT, LONG, LONG8 = 3, 4, 16
Size = tuple[int, int]  # height, width


def bitmap_size(data: bytes) -> Size:
    """Return height and width as OpenCV will decode them; (0, 0) for any other file."""
    try:
        if data[:2] == b"BM":
            return bmp_size(data)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return struct.unpack_from("<HH", data, 6)[::-1]  # type: ignore[return-value]
        if data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return tiff_size(data)
        found = PORTABLE.match(data)
        if found:
            return int(found.group(2)), int(found.group(1))
    except (struct.error, OverflowError):  # a place beyond all files
        raise ImageError("its head is cut short. Fetch the file again.") from None
    return 0, 0


def bmp_size(data: bytes) -> Size:
    """Read a bitmap's head; the height is negative where rows go downwards."""
    (size,) = struct.unpack_from("<I", data, 14)
    width, height = struct.unpack_from("<HH" if size == 12 else "<ii", data, 18)
    return abs(height), abs(width)


def tiff_size(data: bytes) -> Size:
    """Read a TIFF file's first directory: the page that is decoded."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2] + data[3] == 43
    (start,) = struct.unpack_from(order + ("Q" if big else "I"), data, 8 if big else 4)
    (count,) = struct.unpack_from(order + ("Q" if big else "H"), data, start)
    at, step, kinds = start + (8 if big else 2), 20 if big else 12, "QQ" if big else "II"
    found = {}
    for entry in range(at, at + step * min(count, 1 << 16), step):
        tag, kind, _, _ = struct.unpack_from(order + "HH" + kinds, data, entry)
        code = {SHORT: "H", LONG: "I", LONG8: "Q"}.get(kind)
        if tag in found or (tag in (WIDTH, HEIGHT) and not code):  # a decoder may take another
            raise ImageError(
                "the TIFF file is broken: its size is told twice, or as no whole number."
            )
        if tag in (WIDTH, HEIGHT, ORIENTATION) and code:
            (found[tag],) = struct.unpack_from(order + code, data, entry + step - (8 if big else 4))
    height, width = found.get(HEIGHT, 0), found.get(WIDTH, 0)
    return (width, height) if found.get(ORIENTATION, 1) > 4 else (height, width)


def why_not(data: bytes) -> str:
    """Say what a file is that is not decoded, as far as its first bytes tell."""
    for begin, (start, name) in KINDS.items():
        if data[start:].startswith(begin):
            return (
                f"a file of {name}, which is not read here, or a damaged one. Convert it to JPEG "
                "or PNG."
            )
    text = data[:TEXT].decode("ascii", "replace")
    if text.isascii() and text.isprintable():
        return f"it does not decode: it begins with the text {text!r}."
    return "it does not decode: no image, or a damaged one."
