"""What an augmentation is, one of three kinds, each done in one go; and what it draws.

Random numbers belong to a record, not to the thread that happens to draw them. What geometric ones
change is a `View`: how the pixels of an output lie over a source image, one affine map, sampled
once.
"""

from __future__ import annotations

import abc
import math
import operator
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import cv2
import numpy as np

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
Draws = Sequence[float]
REDUCTIONS = (8, 4, 2)
LONGEST = 32766  # pixels an edge of what OpenCV maps: it keeps places in 16 bits
Matrix = tuple[float, float, float, float, float, float]
Rectangle = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are outside


def whole_seed(seed: Any) -> int:
    """Return a seed as an integer; `TypeError` if it is none."""
    try:
        return operator.index(seed)
    except TypeError:
        raise TypeError(
            f"seed={seed!r}: expected a whole number; the same one gives the same batches."
        ) from None


def split_mix(value: np.ndarray) -> np.ndarray:
    """Scramble uint64 values: the output function of SplitMix64 (Steele et al. 2014)."""
    value = value ^ (value >> np.uint64(30))
    value = value * np.uint64(0xBF58476D1CE4E5B9)
    value = value ^ (value >> np.uint64(27))
    value = value * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


def keys(seed: int, *counters: int | np.ndarray) -> np.ndarray:
    """Hash a seed and counters (integers or integer arrays of one shape) to uint64 keys."""
    key = split_mix(np.array([seed & 0xFFFFFFFFFFFFFFFF], dtype=np.uint64) + GOLDEN)
    for counter in counters:
        key = split_mix(key + GOLDEN + split_mix(np.atleast_1d(counter).astype(np.uint64) + GOLDEN))
    return key


def uniforms(key: np.ndarray, count: int) -> np.ndarray:
    """Draw ``count`` numbers from [0, 1) for each key: float64, (n, count).

    They are SplitMix64 streams: the same key gives the same numbers, on every machine and with
    every NumPy, and asking for more does not change the first ones.

    >>> uniforms(keys(0, 5, np.arange(2)), 3).shape
    (2, 3)
    """
    steps = np.arange(1, count + 1, dtype=np.uint64) * GOLDEN
    return (split_mix(key[:, None] + steps) >> np.uint64(11)) * (1.0 / (1 << 53))


# -- augmentations, of three kinds -----------------------------------------------------------------
class Augmentation:
    """One change of an image, decided by random numbers that are given to it.

    Attributes
    ----------
    draws : int
        How many numbers from [0, 1) it takes for each record. The numbers of a record depend on
        the seed, the epoch and the record alone.
    """

    draws: ClassVar[int] = 0


class Geometric(Augmentation, abc.ABC):
    """Abstract: moves points. All of a list become one map, so pixels are sampled once."""

    @abc.abstractmethod
    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        """Return the changed view; ``size`` is the (height, width) that is wanted in the end."""

    def relabel(self, label: np.ndarray, draws: Draws) -> np.ndarray | None:
        """Return the label that the changed image has, or None where it stays."""
        return None


class Color(Augmentation, abc.ABC):
    """Abstract: changes every pixel alike, linearly. All of a list become one matrix."""

    @abc.abstractmethod
    def matrix(self, mean: np.ndarray, draws: Draws) -> np.ndarray:
        """Return the (3, 4) matrix that maps (red, green, blue, 1), on the scale of 0 to 255.

        ``mean`` is the image's mean colour, (3,), as the changes before this one made it.
        """


class Pixels(Augmentation, abc.ABC):
    """Abstract: anything else, on the finished image."""

    @abc.abstractmethod
    def apply(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return image and label; the image, uint8 (height, width[, 3]), may be changed in place.

        The label, float32 (label_width,), is read only.
        """


def check_range(owner: str, option: str, value: float, low: float, high: float) -> None:
    """Raise `ValueError` unless a number is in [low, high]."""
    if not low <= value <= high:
        raise ValueError(f"{owner}: {option}={value!r} is not in [{low}, {high}].")


def check_interval(owner: str, option: str, interval: Sequence[float], most: float) -> None:
    """Raise `ValueError` unless there are two numbers, 0 < least <= greatest <= most."""
    if len(interval) != 2 or not 0 < interval[0] <= interval[1] <= most:
        raise ValueError(
            f"{owner}: {option}={interval!r}: expected two numbers, 0 < least <= greatest"
            f"{'.' if most == float('inf') else f' <= {most}.'}"
        )


# -- how the pixels of an output lie over a source image -------------------------------------------
class View(NamedTuple):
    """An image of which no pixel exists yet: its size, and where its points lie in the source.

    Point (x, y) of the view is point ``(a x + b y + left, c x + d y + top)`` of the source. Points
    are measured from the corner of the first pixel, so that a pixel's centre is at (.5, .5).

    Attributes
    ----------
    height, width : int
        Size of the view in pixels.
    """

    height: int
    width: int
    a: float = 1.0
    b: float = 0.0
    left: float = 0.0
    c: float = 0.0
    d: float = 1.0
    top: float = 0.0

    def map(self, height: int, width: int, matrix: Matrix) -> View:
        """Return the view of this view whose points lie at ``matrix`` (a, b, left, c, d, top)."""
        a, b, left, c, d, top = matrix
        return View(
            height,
            width,
            self.a * a + self.b * c,
            self.a * b + self.b * d,
            self.a * left + self.b * top + self.left,
            self.c * a + self.d * c,
            self.c * b + self.d * d,
            self.c * left + self.d * top + self.top,
        )

    def resize(self, height: int, width: int) -> View:
        """Scale to a size."""
        if (height, width) == (self.height, self.width):
            return self
        return self.map(height, width, (self.width / width, 0, 0, 0, self.height / height, 0))

    def crop(self, top: float, left: float, height: int, width: int) -> View:
        """Cut a rectangle out."""
        return self.map(height, width, (1, 0, left, 0, 1, top))

    def mirror(self) -> View:
        """Swap left and right."""
        return self.map(self.height, self.width, (-1, 0, self.width, 0, 1, 0))

    def about_center(self, a: float, b: float, c: float, d: float) -> View:
        """Rotate, zoom or shear by a 2x2 matrix that leaves the centre where it is."""
        x, y = self.width / 2, self.height / 2
        return self.map(self.height, self.width, (a, b, x - a * x - b * y, c, d, y - c * x - d * y))

    def reduction(self) -> int:
        """Return the largest of 8, 4, 2, 1 at which decoding still leaves pixels enough."""
        scale = min(math.hypot(self.a, self.c), math.hypot(self.b, self.d))
        if scale < REDUCTIONS[-1]:
            return 1
        return next(k for k in REDUCTIONS if scale >= k)

    def reduced(self, size: tuple[int, ...], to: tuple[int, ...]) -> View:
        """Return the view over the same source, decoded at (height, width) ``to``, not ``size``."""
        y, x = to[0] / size[0], to[1] / size[1]
        return self._replace(
            a=self.a * x, b=self.b * x, left=self.left * x,
            c=self.c * y, d=self.d * y, top=self.top * y,
        )  # fmt: skip

    def sample(self, image: np.ndarray) -> np.ndarray:
        """Compute the pixels: uint8 (height, width) or (height, width, 3), bilinear.

        Rectangles are rounded to whole pixels of the source. Beyond the image its border is
        mirrored, so that no edge appears that is not in the picture.
        """
        return self.cut(image, self.rectangle(image.shape[0], image.shape[1]))

    def rectangle(self, height: int, width: int) -> Rectangle | None:
        """Return which pixels of a source of that size are shown; None if they are no rectangle.

        Nor are they one where the view is turned, upside down, or reaches beyond the source.
        """
        if self.b != 0.0 or self.c != 0.0 or self.d <= 0:
            return None
        right = self.left + self.a * self.width
        x0, x1 = round(min(self.left, right)), round(max(self.left, right))
        y0, y1 = round(self.top), round(self.top + self.d * self.height)
        inside = 0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height
        return (y0, y1, x0, x1) if inside else None

    def cut(
        self,
        image: np.ndarray,
        rectangle: Rectangle | None,
        into: np.ndarray | None = None,
    ) -> np.ndarray:
        """Compute the pixels from a source of which rows below the rectangle may be missing.

        Those of a scaled rectangle may lie in ``into``, flat uint8 memory, if they fit: threads
        that ask for fresh memory at the same time wait for one another.
        """
        if rectangle is not None:
            top, bottom, left, right = rectangle
            part = image[top:bottom, left:right]
            if part.shape[:2] != (self.height, self.width):
                size = (self.height, self.width, *image.shape[2:])
                length = math.prod(size)
                fits = into is not None and length <= len(into)
                to = into[:length].reshape(size) if into is not None and fits else None
                part = cv2.resize(part, (self.width, self.height), dst=to)
            return cv2.flip(part, 1) if self.a < 0 else part
        if max(image.shape[:2]) > LONGEST:
            view, part = self.near(image)
            return view.shrunk(part)
        return self._warp(image)

    def near(self, image: np.ndarray) -> tuple[View, np.ndarray]:
        """Return the part of an image that the view shows, and the view over that alone."""
        x = [self.left + self.a * x + self.b * y for x in (0, self.width) for y in (0, self.height)]
        y = [self.top + self.c * x + self.d * y for x in (0, self.width) for y in (0, self.height)]
        top, bottom = shown(min(y), max(y), image.shape[0])
        left, right = shown(min(x), max(x), image.shape[1])
        view = self._replace(left=self.left - left, top=self.top - top)
        return view, image[top:bottom, left:right]

    def shrunk(self, image: np.ndarray) -> np.ndarray:
        """Compute the pixels from an image that is scaled first, where it is too long to map."""
        height, width = (min(length, LONGEST) for length in image.shape[:2])
        if (height, width) == image.shape[:2]:
            return self._warp(image)
        view = self.reduced(image.shape[:2], (height, width))
        return view._warp(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA))

    def _warp(self, image: np.ndarray) -> np.ndarray:
        matrix = np.array(
            [
                [self.a, self.b, self.left + (self.a + self.b - 1) / 2],
                [self.c, self.d, self.top + (self.c + self.d - 1) / 2],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpAffine(
            image, matrix, (self.width, self.height), flags=flags, borderMode=cv2.BORDER_REFLECT_101
        )


def shown(low: float, high: float, length: int) -> tuple[int, int]:
    """Return which pixels of an edge show between two points, mirrored where they are beyond it.

    The first, and the one after the last; a few more than it takes, for interpolation.

    >>> shown(50.5, 60.5, 100), shown(-20.0, 5.0, 100), shown(90.0, 130.0, 100)
    ((48, 63), (0, 22), (68, 100))
    """
    first, end = math.floor(low) - 2, math.ceil(high) + 2
    return max(min(first, 2 * length - end), 0), min(max(end, -first), length)
