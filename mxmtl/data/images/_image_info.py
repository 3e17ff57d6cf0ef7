"""What an image file says of itself, and whether it is whole, without decoding its pixels."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

from .._errors import ImageError, cut_short
from ._bitmaps import bitmap_size
from ._jpeg import exif_orientation, jpeg_head, read_jpeg

JPEG, PNG, WEBP, OTHER = "jpg", "png", "webp", "other"
MAX_CHUNKS = 1 << 17  # of a PNG or WebP file; more are no image, and take long to follow
ANIMATED = (b"acTL", b"fcTL", b"fdAT")  # a PNG's chunks, without which it is a still image
TEXTS = (b"zTXt", b"iTXt")  # of which a decoder makes up to 8 MB each
PNG_END = b"\0\0\0\0IEND\xaeB`\x82"
PNG_CHUNK = struct.Struct(">I4s")
PNG_HEADER = struct.Struct(">IIBBBBB")
PALETTE, ALPHA = 3, 4
PLAIN_PNG = struct.Struct(">16sII5s4xI4s")  # up to the kind of its second chunk
PNG_BEGIN = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
PLAIN = (b"\x08\0\0\0\0", b"\x08\x02\0\0\0")  # 8 bits, grey or colour, not interlaced
SMALL = 1 << 16  # bytes, and pixels
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
    animated : bool
        Whether there are further images in it: `still` leaves them out.
    texts : bool
        Whether there are texts in a PNG that may be compressed: `bare` leaves them out.
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
    animated: bool = False
    texts: bool = False


def read_info(data: bytes, *, whole: bool = True) -> ImageInfo:
    """Read an image file's head and check its structure to the end.

    The size is the one that the decoder will use, whatever else the file says. Where it is known
    to be ``whole``, as a checksum tells, a JPEG is not followed to its end, and a PNG's own
    checksums are not computed.

    JPEG: every segment, its tables, and the end marker. PNG: every chunk's CRC, and the end.
    Both notice a file cut short, which OpenCV decodes without a word. Damage among the entropy
    coded bytes of a JPEG, which have no checksum, is noticed by no decoder either.

    Raises
    ------
    ImageError
        The file is empty, of no known kind, cut short, or its structure is broken.
    """
    if data[:2] == b"\xff\xd8":
        return plausible(jpeg_info(data, whole), 8 * len(data))
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return plausible(read_png(data, whole), 8 * len(data))
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return read_webp(data)
    if not data:
        raise ImageError("the file is empty.")
    height, width = bitmap_size(data)
    return ImageInfo(OTHER, width, height)


def plausible(info: ImageInfo, bits: int) -> ImageInfo:
    """Refuse a head that promises more pixels than the file can hold, before a decoder allocates.

    No deflate stream holds more than 1,032 times its size, and no JPEG comes near that.
    """
    if info.width * info.height > 1032 * bits:
        raise ImageError(
            f"{bits // 8} bytes cannot hold the {info.width} x {info.height} pixels of the head."
        )
    return info


def jpeg_info(data: bytes, whole: bool) -> ImageInfo:
    """Return what the segments of a JPEG file say; `ImageError` for a head without an image."""
    head = jpeg_head(data)
    if head is None:
        if whole:
            read_jpeg(data)  # which says where one ends that is cut short
        raise ImageError("the JPEG file is broken: no size stands where its decoder looks for it.")
    found = ImageInfo(JPEG, head.width, head.height, head.components, orientation=head.orientation)
    return found._replace(sure=read_jpeg(data).sure) if whole else found


def still(data: bytes, info: ImageInfo) -> bytes:
    """Return an image file without what moves: the still image of a PNG, a WebP's first frame.

    A decoder that reads only what is there cannot stumble over the rest.
    """
    if not info.animated:
        return data
    return png_without(data, ANIMATED) if info.format == PNG else still_webp(data)


def bare(data: bytes, info: ImageInfo) -> bytes:
    """Return an image file for a decoder: `still`, and without texts, which may fill memory."""
    data = still(data, info)
    return png_without(data, TEXTS) if info.texts else data


def png_chunks(data: bytes, whole: bool) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of each chunk, to the last; `ImageError` if one is damaged."""
    view, position = memoryview(data), 8
    for _ in range(MAX_CHUNKS):
        if position + 12 > len(data):
            raise cut_short("PNG", len(data))
        length, kind = PNG_CHUNK.unpack_from(data, position)
        end = position + 12 + length
        if end > len(data):
            raise cut_short("PNG", len(data))
        stored = int.from_bytes(view[end - 4 : end], "big")
        if whole and zlib.crc32(view[position + 4 : end - 4]) != stored:
            raise ImageError(
                f"the PNG file is damaged: wrong checksum of the chunk at byte {position}."
            )
        yield kind, position, end
        if kind == b"IEND":
            return
        position = end
    raise ImageError(f"the PNG file is broken: it has more than {MAX_CHUNKS} chunks.")


def png_without(data: bytes, kinds: tuple[bytes, ...]) -> bytes:
    """Leave out chunks of a PNG."""
    kept = [data[start:end] for kind, start, end in png_chunks(data, False) if kind not in kinds]
    return b"".join([data[:8], *kept])


def is_plain_png(data: memoryview | bytes) -> bool:
    """Tell whether a PNG is a small opaque picture of 8 bits: a head, one chunk of pixels, an end.

    Nothing has to be followed then, which would take longer than to decode them.
    """
    size = len(data)
    if not PLAIN_PNG.size < size <= SMALL:
        return False
    signature, width, height, colour, length, kind = PLAIN_PNG.unpack_from(data)
    return (
        signature == PNG_BEGIN
        and kind == b"IDAT"
        and length == size - 57
        and colour in PLAIN
        and 0 < width * height <= SMALL
        and data[-12:] == PNG_END
    )


def read_png(data: bytes, whole: bool = True) -> ImageInfo:
    """Check every chunk's CRC up to the end chunk; `ImageError` if one is wrong or missing.

    Source: W3C PNG, section 5.
    """
    view, info, pixels, palette = memoryview(data), None, 0, False
    for kind, start, end in png_chunks(data, whole):
        body = view[start + 8 : end - 4]
        if info is None:
            info = read_png_header(kind, body)
        elif kind == b"IHDR":
            raise ImageError("the PNG file is broken: it has two headers.")
        elif kind == b"tRNS":
            info = info._replace(alpha=True, transparent=transparent_gray(info, body))
        elif kind == b"PLTE":
            palette = True
        elif kind == b"eXIf":
            info = info._replace(orientation=exif_orientation(bytes(body)))
        elif kind == b"IDAT":
            pixels += len(body)
        elif kind in ANIMATED:
            info = info._replace(animated=True)
        elif kind in TEXTS:
            info = info._replace(texts=True)
    assert info is not None  # the first chunk's turn always comes
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


def riff_chunks(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, begin and end of the contents of each chunk; `ImageError` if one is cut."""
    for _ in range(MAX_CHUNKS):
        if start + 8 > end:
            return
        length = int.from_bytes(data[start + 4 : start + 8], "little")
        if start + 8 + length > end:
            raise cut_short("WebP", len(data))
        yield data[start : start + 4], start + 8, start + 8 + length
        start += 8 + length + length % 2
    raise ImageError(f"the WebP file is broken: it has more than {MAX_CHUNKS} chunks.")


def read_webp(data: bytes) -> ImageInfo:
    """Check the chunk lengths of a WebP file; never `sure`, because it has no checksums.

    The first image in it counts, and must be of the canvas's size, because decoders take that.
    Source: RFC 9649.
    """
    size = 8 + int.from_bytes(data[4:8], "little")
    if size > len(data):
        raise cut_short("WebP", len(data))
    info, canvas, images = ImageInfo(WEBP), None, []
    for kind, start, end in riff_chunks(data, 12, size):
        body = data[start : min(end, start + 24)]
        if kind == b"VP8X" and canvas is None and len(body) >= 10:
            canvas = (
                1 + int.from_bytes(body[4:7], "little"),
                1 + int.from_bytes(body[7:10], "little"),
            )
            info = info._replace(alpha=bool(body[0] & 0x10), animated=bool(body[0] & 0x02))
        elif kind == b"ANMF":
            images.append((start + 16, end))
        elif kind in (b"VP8 ", b"VP8L"):
            images.append((start - 8, end))
        elif kind == b"ALPH":
            info = info._replace(alpha=True)
        elif kind == b"EXIF":
            exif = data[start:end]
            exif = exif[exif[:6] == b"Exif\0\0" and 6 :]
            info = info._replace(orientation=exif_orientation(exif))
    if len(images) > 1 and not info.animated:
        raise ImageError("the WebP file is broken: it has two images, and is not animated.")
    width, height, alpha = first_image(data, *images[0]) if images else (0, 0, False)
    if not width or canvas not in (None, (width, height)):
        raise ImageError(
            f"the WebP file is broken: its first image has {width} x {height} pixels, and its head "
            f"says {' x '.join(map(str, canvas)) if canvas else 'nothing'}."
        )
    info = info._replace(width=width, height=height, alpha=info.alpha or alpha)
    return info._replace(channels=4 if info.alpha else 3)


def first_image(data: bytes, start: int, end: int) -> tuple[int, int, bool]:
    """Return width, height and transparency by the first coded image; 0 where there is none."""
    transparent = False
    for kind, begin, last in riff_chunks(data, start, end):
        body = data[begin : min(last, begin + 10)]
        if kind == b"ALPH":
            transparent = True
        elif kind == b"VP8 " and len(body) == 10:
            width, height = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
            return width, height, transparent
        elif kind == b"VP8L" and len(body) >= 5:
            bits = int.from_bytes(body[1:5], "little")
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    return 0, 0, False


def still_webp(data: bytes) -> bytes:
    """Make a file of an animation's first frame."""
    size = 8 + int.from_bytes(data[4:8], "little")
    frames = (part for part in riff_chunks(data, 12, size) if part[0] == b"ANMF")
    start, end = next(((start + 16, end) for _, start, end in frames), (0, 0))
    width, height, alpha = first_image(data, start, end)
    if not width or not height:
        raise ImageError(
            "the WebP file is broken: its first frame has no image, or one of no size."
        )
    head = bytes([0x10 * alpha, 0, 0, 0]) + b"".join(
        (edge - 1).to_bytes(3, "little") for edge in (width, height)
    )
    kept = [b"WEBPVP8X", len(head).to_bytes(4, "little"), head]
    for kind, begin, last in riff_chunks(data, start, end):
        if kind in (b"ALPH", b"VP8 ", b"VP8L"):
            body = data[begin:last]
            kept += [kind, len(body).to_bytes(4, "little"), body, bytes(len(body) % 2)]
    content = b"".join(kept)
    return b"RIFF" + len(content).to_bytes(4, "little") + content
