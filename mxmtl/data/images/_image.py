"""Image files -> image files for records: checked, and changed only where something must change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, NamedTuple, Optional, Tuple

from ._image_info import JPEG, PNG, WEBP, ImageInfo, read_info
from ._pixels import crop_and_resize, decode_image, encode_image

ENCODINGS = (JPEG, PNG, WEBP)
COLORS = ("color", "gray", "unchanged")
DEFAULT_QUALITY = {JPEG: 95, PNG: 3, WEBP: 95}
HIGHEST = {JPEG: 100, PNG: 9, WEBP: 100}


@dataclass(frozen=True)
class ImageOptions:
    """What the images in the records shall be; every field is an option of `write_records`.

    Parameters
    ----------
    resize : int
        Length of the shorter edge in pixels; 0 leaves the size.
    center_crop : bool
        Cut the middle square out, before resizing.
    encoding : str, optional
        ``"jpg"``, ``"png"`` or ``"webp"``. By default an image keeps its own, and those that
        are none of the three become jpg.
    quality : int, optional
        0 to 100 for jpg and webp (95 by default), 0 to 9 (compression) for png (3). Where it
        is given, every image is encoded anew.
    color : {"color", "gray", "unchanged"}
        Three channels; one; or as it is, with its alpha channel.
    background : tuple of int
        Red, green and blue, 0 to 255, behind transparent pixels.
    passthrough : {"auto", "always", "never"}
        Keep an image file's bytes where nothing has to change; always; or encode every image
        anew. Bytes that are kept are checked as well.
    check : {"structure", "decode"}
        How bytes that are kept are checked: the structure to its end (and the checksums of
        PNG), or by decoding every pixel too.
    """

    resize: int = 0
    center_crop: bool = False
    encoding: Optional[str] = None
    quality: Optional[int] = None
    color: str = "color"
    background: Tuple[int, int, int] = (255, 255, 255)
    passthrough: str = "auto"
    check: str = "structure"

    def __post_init__(self) -> None:
        choices = {
            "encoding": (None, *ENCODINGS),
            "color": COLORS,
            "passthrough": ("auto", "always", "never"),
            "check": ("structure", "decode"),
        }
        for option, allowed in choices.items():
            if getattr(self, option) not in allowed:
                raise ValueError(f"{option}={getattr(self, option)!r} is not one of {allowed}.")
        highest = HIGHEST[self.encoding or JPEG]
        if self.quality is not None and not 0 <= self.quality <= highest:
            raise ValueError(
                f"quality={self.quality} is not in 0 to {highest}, for {self.encoding or JPEG}."
            )
        if self.resize < 0:
            raise ValueError(f"resize={self.resize}: expected pixels, or 0 to leave the size.")
        object.__setattr__(self, "background", tuple(self.background))
        if len(self.background) != 3 or not all(0 <= level <= 255 for level in self.background):
            raise ValueError(f"background={self.background}: expected red, green, blue, 0 to 255.")


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


def changes(info: ImageInfo, options: ImageOptions) -> List[str]:
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
