"""How the pixels of an output lie over a source image: one affine map, sampled once.

Bilinear sampling looks at four pixels of the source. Where an image shrinks by more than two that
leaves most of them out, and fine patterns become false ones. So the source is averaged first, by
powers of two, which a JPEG decoder does at no cost: every pixel counts, in every format alike.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import cv2
import numpy as np

LONGEST = 32766  # pixels an edge of what OpenCV maps: it keeps places in 16 bits
STRIPE = 64  # rows that are averaged at once
Matrix = tuple[float, float, float, float, float, float]
Rectangle = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are outside


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

    def reductions(self) -> tuple[int, int]:
        """Return by which powers of two rows and columns can be averaged, with enough left."""
        if self.b == 0.0 and self.c == 0.0:
            down, across = abs(self.d), abs(self.a)
        else:
            down = across = min(math.hypot(self.a, self.c), math.hypot(self.b, self.d))
        if down < 2.0 and across < 2.0:
            return 1, 1
        return power_of_two(down), power_of_two(across)

    def reduced(self, size: tuple[int, ...], to: tuple[int, ...]) -> View:
        """Return the view over the same source, decoded at (height, width) ``to``, not ``size``."""
        if size[:2] == to[:2]:
            return self
        y, x = to[0] / size[0], to[1] / size[1]
        return self._replace(
            a=self.a * x, b=self.b * x, left=self.left * x,
            c=self.c * y, d=self.d * y, top=self.top * y,
        )  # fmt: skip

    def sample(self, image: np.ndarray) -> np.ndarray:
        """Compute the pixels: uint8 (height, width) or (height, width, 3).

        Averaged where they stand for several, then bilinear. Rectangles are rounded to whole
        pixels of what is averaged. Beyond the image its border is mirrored, so that no edge
        appears that is not in the picture.
        """
        reduced = averaged(image, *self.reductions())
        view = self.reduced(image.shape[:2], reduced.shape[:2])
        return view.cut(reduced, view.rectangle(*reduced.shape[:2]))

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


def cover(view: View, size: tuple[int, int], scale: float = 1.0) -> View:
    """Scale, keeping the aspect ratio, to the smallest size from which ``size`` can be cut.

    With ``scale`` below 1 it is that much larger, so that the cut takes that share of an edge.
    """
    height, width = size
    factor = max(height / view.height, width / view.width) / scale
    return view.resize(
        max(round(view.height * factor), height), max(round(view.width * factor), width)
    )


def middle(view: View, size: tuple[int, int], scale: float = 1.0) -> View:
    """Cut ``size`` out of the middle of what `cover` makes."""
    view = cover(view, size, scale)
    top, left = (view.height - size[0]) // 2, (view.width - size[1]) // 2
    return view.crop(top, left, *size)


def shown(low: float, high: float, length: int) -> tuple[int, int]:
    """Return which pixels of an edge show between two points, mirrored where they are beyond it.

    The first, and the one after the last; a few more than it takes, for interpolation.

    >>> shown(50.5, 60.5, 100), shown(-20.0, 5.0, 100), shown(90.0, 130.0, 100)
    ((48, 63), (0, 22), (68, 100))
    """
    first, end = math.floor(low) - 2, math.ceil(high) + 2
    return max(min(first, 2 * length - end), 0), min(max(end, -first), length)


def power_of_two(scale: float) -> int:
    """Return the largest power of two that is not above a scale; 1 at least.

    >>> power_of_two(0.3), power_of_two(7.9), power_of_two(8.0)
    (1, 4, 8)
    """
    return 1 << max(math.frexp(scale)[1] - 1, 0)


def averaged(image: np.ndarray, down: int, across: int) -> np.ndarray:
    """Return the means of blocks of ``down`` x ``across`` pixels, rounded; the last may be cut.

    What is missing of those repeats the border, as in a JPEG file.

    >>> averaged(np.uint8([[1, 3, 7], [1, 3, 7]]), 2, 2)
    array([[2, 7]], dtype=uint8)
    """
    if down == across == 1:
        return image
    height, width = -(-image.shape[0] // down), -(-image.shape[1] // across)
    means = np.empty((height, width, *image.shape[2:]), np.uint8)
    step = max(STRIPE // down, 1)  # rows of the result: so that little memory is taken
    for top in range(0, height, step):
        rows = np.ascontiguousarray(image[top * down : (top + step) * down])
        missing = -len(rows) % down, -rows.shape[1] % across
        if any(missing):
            rows = cv2.copyMakeBorder(rows, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE)
        size = width, len(rows) // down
        # OpenCV returns one channel without its axis.
        made = cv2.resize(rows, size, interpolation=cv2.INTER_AREA)
        means[top : top + step] = made.reshape(size[1], *means.shape[1:])
    return means
