"""Image files as records hold them: decoded by OpenCV, set upright, composed, resized, encoded.

`convert_image` keeps a file's bytes where nothing has to change.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .._errors import ImageError
from .._options import ImageOptions
from ._image_info import JPEG, OTHER, PNG, WEBP, ImageInfo, read_info
from ._jpeg import TRANSPOSED

Color = tuple[int, ...]
FLAGS = {
    "color": cv2.IMREAD_COLOR,
    "gray": cv2.IMREAD_GRAYSCALE,
    "unchanged": cv2.IMREAD_UNCHANGED,
}
REDUCED = {  # JPEG decodes to a half, a quarter or an eighth at a fraction of the cost
    "color": {
        8: cv2.IMREAD_REDUCED_COLOR_8,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        2: cv2.IMREAD_REDUCED_COLOR_2,
    },
    "gray": {
        8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
        2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    },
}
KINDS = {b"GIF8": (0, "GIF"), b"ftypavif": (4, "AVIF"), b"ftyphei": (4, "HEIC"),
         b"%PDF": (0, "PDF"), b"<svg": (0, "SVG"), b"\xff\x0a": (0, "JPEG XL")}  # fmt: skip
TEXT = 20  # bytes at the begin of a file, by which text is known
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
    """An image file for a record, its size and kind, and whether its bytes were kept."""

    data: bytes
    width: int
    height: int
    encoding: str
    kept: bool


def convert_image(data: bytes, options: ImageOptions) -> Encoded:
    """Check an image file, and change what the options ask for; `ImageError` if it is broken."""
    info = read_info(data)
    if options.passthrough == "always" or not changes(info, options):
        if options.check == "decode" or not info.sure:
            height, width = decode_image(data, info, "unchanged", None).shape[:2]
            info = info._replace(width=width, height=height)
        return Encoded(data, info.width, info.height, info.format, True)
    encoding = options.encoding or (info.format if info.format in ENCODINGS else JPEG)
    keep_alpha = options.color == "unchanged" and encoding != JPEG
    image = decode_image(
        data, info, options.color, None if keep_alpha else options.background, options.resize
    )
    image = crop_and_resize(image, options.resize, options.center_crop, info, encoding)
    quality = DEFAULT_QUALITY[encoding] if options.quality is None else options.quality
    height, width = image.shape[:2]
    return Encoded(encode_image(image, encoding, quality), width, height, encoding, False)


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


def decode_image(
    data: bytes, info: ImageInfo, color: str, background: Color | None, short_edge: int = 0
) -> np.ndarray:
    """Decode to uint8, upright: (height, width) or (height, width, 3 or 4), blue first.

    Transparent pixels show the background (red, green, blue); None keeps the alpha channel.
    A JPEG file may come out at a half, a quarter or an eighth of its size, as long as its
    shorter edge stays at least ``short_edge`` long.
    """
    layers = info.alpha or info.format == OTHER
    flags = FLAGS["unchanged" if layers else color]
    if not layers and info.format == JPEG and short_edge and color in REDUCED:
        for factor, reduced in REDUCED[color].items():
            if min(info.width, info.height) >= factor * short_edge:
                flags = reduced
                break
    image: np.ndarray | None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise refused("decode", error) from error
    if image is None:
        raise ImageError(why_not(data))
    if info.transparent is not None and image.ndim == 2:
        image = with_alpha(image, info.transparent)
    image = upright(eight_bits(image), info.orientation)
    if background is not None and image.ndim == 3 and image.shape[2] == 4:
        image = compose(image, background)
    if layers and color != "unchanged":
        image = as_color(image, color)
    return image


def why_not(data: bytes) -> str:
    """Say what a file is that OpenCV does not decode, as far as its first bytes tell."""
    for begin, (start, name) in KINDS.items():
        if data[start:].startswith(begin):
            return (
                f"a {name} file, which OpenCV {cv2.__version__} does not read, or a damaged one. "
                "Convert it to JPEG or PNG."
            )
    text = data[:TEXT].decode("ascii", "replace")
    if text.isascii() and text.isprintable():
        return f"it does not decode: it begins with the text {text!r}."
    return "it does not decode: no image, or a damaged one."


def with_alpha(image: np.ndarray, transparent: int) -> np.ndarray:
    """Give a grey image, of 8 or 16 bits, the alpha channel that its transparent grey stands for.

    Returns (height, width, 4).
    """
    opaque = np.iinfo(image.dtype).max
    alpha = np.where(image == transparent, 0, opaque).astype(image.dtype)
    return np.dstack([image, image, image, alpha])


def eight_bits(image: np.ndarray) -> np.ndarray:
    """Bring 16 bits a sample to 8; `ImageError` for what is no 8 or 16 bit image."""
    if image.dtype == np.uint16:
        return cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        raise ImageError(f"it holds {image.dtype} samples; expected 8 or 16 bits.")
    return image


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (Exif 2.3, tag 274)."""
    if orientation >= TRANSPOSED:
        image = cv2.transpose(image)
    flips = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
    return cv2.flip(image, flips[orientation]) if orientation in flips else image


def compose(image: np.ndarray, background: Color) -> np.ndarray:
    """Lay an image with alpha channel on a colour (red, green, blue): (height, width, 3)."""
    alpha = image[:, :, 3:].astype(np.uint32)
    behind = np.array(background[::-1], np.uint32)
    # 255 parts, rounded: exact at both ends, so opaque pixels keep their values.
    blend = image[:, :, :3] * alpha + behind * (255 - alpha)
    return ((2 * blend + 255) // 510).astype(np.uint8)


def as_color(image: np.ndarray, color: str) -> np.ndarray:
    """Bring a composed image to three channels or to one."""
    channels = 1 if image.ndim == 2 else image.shape[2]
    if color == "color":
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if channels == 1 else image[:, :, :3]
    return image if channels == 1 else cv2.cvtColor(image[:, :, :3], cv2.COLOR_BGR2GRAY)


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
    # Below a half, interpolation would miss pixels and leave false patterns; an area misses none.
    method = cv2.INTER_AREA if 2 * short_edge < min(image.shape[:2]) else cv2.INTER_LINEAR
    try:
        return cv2.resize(image, size, interpolation=method)
    except cv2.error as error:
        raise refused("resize", error) from error


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


def refused(what: str, error: cv2.error) -> ImageError:
    """Make the error for what OpenCV does not do with an image."""
    return ImageError(f"OpenCV cannot {what} it ({error.err or error}).")


def encode_image(image: np.ndarray, encoding: str, quality: int) -> bytes:
    """Encode pixels as jpg, png or webp."""
    reason = too_large(image.shape[1], image.shape[0], encoding)
    if reason:
        raise ImageError(f"it has {reason}")
    try:
        whole, data = cv2.imencode(f".{encoding}", image, [QUALITY[encoding], quality])
    except cv2.error as error:
        raise refused("encode", error) from error
    if not whole:
        raise ImageError(f"OpenCV cannot encode {image.shape} pixels as {encoding}.")
    return data.tobytes()
