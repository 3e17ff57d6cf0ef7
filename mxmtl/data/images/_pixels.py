"""The pixels of an image file: decoded, set upright, in 8 bits a sample, nothing transparent.

Whatever reads images comes through here, so that one picture is the same pixels by every way in.
And whatever comes from elsewhere does: how much memory and time a decoder takes is told from the
head that it goes by, before it sees the file.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import cv2
import numpy as np

from ...augment import View, averaged
from .._errors import ImageError
from ._bitmaps import why_not
from ._image_info import JPEG, ImageInfo, bare
from ._jpeg import PROGRESSIVE, TRANSPOSED, JpegHead, jpeg_head

Color = tuple[int, ...]
WHITE = (255, 255, 255)
COLOR = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
         8: cv2.IMREAD_REDUCED_COLOR_8}  # fmt: skip
GRAY = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}  # fmt: skip
MAX_PIXELS = 1 << 28  # 16,384 x 16,384
# Bytes a pixel that no decoder exceeds: those of WebP and of progressive JPEG keep what they read
# beside what they make of it.
MOST_BYTES = 12
LARGE = 1 << 20  # pixels from which an image waits until others leave room for it
# Each scan of a JPEG goes over the whole image. Cameras write 1, careful encoders 10 to 20.
MAX_SCANS = 100
SCANNED = 1 << 36  # bytes times pixels below which no number of scans takes long
# A JPEG stores some bits for every 8 x 8 pixels. A head that promises more than this was damaged.
PIXELS_PER_BYTE = 1024
AT_ONCE = contextlib.nullcontext()  # the room that a small image needs is always there
STRIPE = 64  # rows that are composed at once, so that wider numbers take little memory


class Rendering(NamedTuple):
    """How samples become 8 bits that a picture is made of.

    Attributes
    ----------
    background : tuple of int, optional
        Red, green, blue behind what is transparent; None keeps the alpha channel.
    bits : int
        How many of 16 bits a sample are used: 16, or such as 12 in medical images.
    """

    background: Color | None = WHITE
    bits: int = 16


class Room:
    """How many pixels one image, and all that are decoded at a time, may have.

    Memory is 12 bytes for each of them at most. An image waits until others leave room.
    """

    def __init__(self, most: int = MAX_PIXELS) -> None:
        self.most = most
        self._reset()
        os.register_at_fork(after_in_child=self._reset)  # whose threads stayed behind

    def _reset(self) -> None:
        self._free, self._changed = self.most, threading.Condition()

    def check(self, width: int, height: int) -> None:
        """Raise `ImageError` for an image that is too large."""
        if width * height > self.most:
            raise ImageError(f"{width} x {height} pixels; at most {self.most} are taken.")

    def take(self, width: int, height: int) -> contextlib.AbstractContextManager[None]:
        """Wait until an image may be decoded; `ImageError` for one that never could be."""
        self.check(width, height)
        pixels = width * height
        return AT_ONCE if pixels < LARGE else self._wait(pixels)

    @contextlib.contextmanager
    def _wait(self, pixels: int) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: self._free >= pixels)
            self._free -= pixels
        try:
            yield
        finally:
            with self._changed:
                self._free += pixels
                self._changed.notify_all()


ROOM = Room()


def check_jpeg(data: memoryview | bytes, head: JpegHead, room: Room = ROOM) -> int:
    """Raise `ImageError` for a JPEG that takes a decoder too long, or holds no such image.

    Returns how many pixels its decoder keeps at a time, whatever the scale.
    """
    pixels = head.height * head.width
    if pixels > PIXELS_PER_BYTE * len(data):
        raise ImageError(
            f"{len(data)} bytes cannot hold the {head.height} x {head.width} pixels of the head."
        )
    room.check(head.width, head.height)
    scans = 1
    if pixels >= LARGE or pixels * len(data) > SCANNED:
        scans = bytes(data[head.frame :]).count(b"\xff\xda")  # coded data never holds these two
        if scans > MAX_SCANS:
            raise ImageError(f"{scans} scans; a JPEG file is decoded up to {MAX_SCANS}.")
    return pixels if scans > 1 or head.marker == PROGRESSIVE else 0


def decode_image(
    data: bytes,
    info: ImageInfo,
    color: str,
    how: Rendering = Rendering(None),  # noqa: B008 (frozen)
    reduction: int = 1,
    room: Room = ROOM,
) -> np.ndarray:
    """Decode to uint8, upright: (height, width) or (height, width, 3 or 4), blue first.

    Parameters
    ----------
    data : bytes
        The file.
    info : ImageInfo
        Of the file.
    color : {"color", "gray", "unchanged"}
        Three channels, one, or as they are.
    how : Rendering
        What transparent and deep samples become.
    reduction : int
        A power of two: each pixel is the mean of so many rows and columns.
    room : Room
        What may be decoded.
    """
    with room.take(info.width, info.height):
        raw, factor = decoded(data, info, color, (reduction, reduction), room)
        raw = upright(raw, info.orientation)
        made = rendered(raw, info, how, (reduction // factor, reduction // factor))
    return made if color == "unchanged" else as_color(made, color)


def decode_shown(
    data: bytes,
    info: ImageInfo,
    view_of: Callable[[int, int], View],
    channels: int,
    how: Rendering = Rendering(),  # noqa: B008 (frozen)
    room: Room = ROOM,
) -> np.ndarray:
    """Decode what a view shows: uint8 (height, width, 3) RGB or (height, width) grey.

    ``view_of`` makes the view of an image of a (height, width) that is upright.
    """
    color = "color" if channels == 3 else "gray"
    with room.take(info.width, info.height):
        view, factors = None, (1, 1)
        if info.format == JPEG:  # of others only the decoder knows the size for certain
            turned = info.orientation >= TRANSPOSED
            size = (info.width, info.height) if turned else (info.height, info.width)
            view = view_of(*size)
            factors = view.reductions()
        raw, factor = decoded(data, info, color, factors, room)
        raw = upright(raw, info.orientation)
        if view is None:
            size = raw.shape[:2]
            view = view_of(*size)
            factors = view.reductions()
        made = rendered(raw, info, how, (factors[0] // factor, factors[1] // factor))
        del raw
    view = view.reduced(size, made.shape[:2])
    try:
        shown = view.cut(made, view.rectangle(made.shape[0], made.shape[1]))
    except cv2.error as error:
        raise refusal("scale", error) from error
    shown = as_color(shown, color)
    return cv2.cvtColor(shown, cv2.COLOR_BGR2RGB) if channels == 3 else shown


def decoded(
    data: bytes, info: ImageInfo, color: str, factors: tuple[int, int], room: Room
) -> tuple[np.ndarray, int]:
    """Decode as OpenCV does, and return by how much it was averaged, which of a JPEG costs less."""
    if not info.width or not info.height:
        raise ImageError(why_not(data))
    room.check(info.width, info.height)
    flags, factor = cv2.IMREAD_UNCHANGED, 1
    if info.format == JPEG:
        head = jpeg_head(data)
        if head is not None:
            check_jpeg(data, head, room)
        factor = min(*factors, 8)
        if color != "unchanged":
            flags = (COLOR if color == "color" else GRAY)[factor]
        else:
            factor = 1
    return imdecode(bare(data, info), flags, info), factor


def imdecode(data: bytes, flags: int, info: ImageInfo) -> np.ndarray:
    """Decode; `ImageError` for what OpenCV does not, but `MemoryError` if memory is short."""
    image: np.ndarray | None
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise refusal("decode", error) from error
    if image is None:
        np.empty(MOST_BYTES * info.width * info.height, np.uint8)  # is it memory that is short?
        raise ImageError(why_not(data))
    return image


def refusal(what: str, error: cv2.error) -> Exception:
    """Make the error for what OpenCV does not do with an image."""
    words = getattr(error, "err", "") or str(error)
    if getattr(error, "code", 0) == cv2.Error.StsNoMem:
        return MemoryError(f"not enough memory to {what} an image ({words}).")
    return ImageError(f"OpenCV cannot {what} it ({words}).")


def rendered(
    raw: np.ndarray, info: ImageInfo, how: Rendering, factors: tuple[int, int]
) -> np.ndarray:
    """Return 8 bits a sample, composed and averaged, a few rows at a time."""
    layers = info.transparent is not None or (raw.ndim == 3 and raw.shape[2] in (2, 4))
    if raw.dtype == np.uint8 and not layers:
        return np.ascontiguousarray(averaged(raw, *factors))
    down = factors[0]
    step = max(STRIPE // down, 1) * down
    made: np.ndarray | None = None
    for top in range(0, len(raw), step):
        part = np.ascontiguousarray(raw[top : top + step])
        if info.transparent is not None and part.ndim == 2:
            part = with_alpha(part, info.transparent)
        part = eight_bits(part, how.bits)
        if how.background is not None and part.ndim == 3 and part.shape[2] == 4:
            part = composed(part, how.background)
        part = averaged(part, *factors)
        if made is None:
            made = np.empty((-(-len(raw) // down), *part.shape[1:]), np.uint8)
        made[top // down : top // down + len(part)] = part
    assert made is not None  # an image has rows
    return made


def with_alpha(image: np.ndarray, transparent: int) -> np.ndarray:
    """Give a grey image, of 8 or 16 bits, the alpha channel that its transparent grey stands for.

    Returns (height, width, 4).
    """
    opaque = np.iinfo(image.dtype).max
    alpha = np.where(image == transparent, 0, opaque).astype(image.dtype)
    return np.dstack([image, image, image, alpha])


def eight_bits(image: np.ndarray, bits: int = 16) -> np.ndarray:
    """Bring 16 bits a sample to 8; `ImageError` for what is no 8 or 16 bit image.

    Where fewer ``bits`` are used, what is above them is white.
    """
    if image.dtype == np.uint16:
        narrow = cv2.convertScaleAbs(image, alpha=255 / ((1 << bits) - 1))
        if bits < 16 and image.ndim == 3 and image.shape[2] == 4:  # alpha always uses them all
            narrow[:, :, 3] = cv2.convertScaleAbs(image[:, :, 3], alpha=1 / 257)
        return narrow
    if image.dtype != np.uint8:
        raise ImageError(f"it holds {image.dtype} samples; expected 8 or 16 bits.")
    return image


def upright(image: np.ndarray, orientation: int) -> np.ndarray:
    """Undo an EXIF orientation (Exif 2.3, tag 274); the result is a view, and takes no memory."""
    if orientation == 1:
        return image
    if orientation >= TRANSPOSED:
        image = image.swapaxes(0, 1)
    down, across = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}.get(
        orientation, (1, 1)
    )
    return image[::down, ::across]


def composed(image: np.ndarray, background: Color) -> np.ndarray:
    """Lay an image with alpha channel on a colour (red, green, blue): (height, width, 3)."""
    alpha = image[:, :, 3:].astype(np.uint16)
    blend = image[:, :, :3] * alpha
    blend += np.array(background[::-1], np.uint16) * (255 - alpha)
    # 255 parts, rounded: exact at both ends, so opaque pixels keep their values. At most 65,152,
    # which 16 bits hold; and so they do what divides it by 255.
    blend += 127
    blend += (blend >> 8) + 1
    return (blend >> 8).astype(np.uint8)


def as_color(image: np.ndarray, color: str) -> np.ndarray:
    """Bring a composed image to three channels or to one."""
    channels = 1 if image.ndim == 2 else image.shape[2]
    if color == "color":
        return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if channels == 1 else image[:, :, :3]
    return image if channels == 1 else cv2.cvtColor(image[:, :, :3], cv2.COLOR_BGR2GRAY)
