"""Augmentations that move points: crops, scalings, mirrors, rotations, zooms and shears."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ._base import Draws, Geometric, check_interval, check_range
from ._view import View, cover, middle


@dataclass(frozen=True)
class ResizeShort(Geometric):
    """Scale so that the shorter edge has ``size`` pixels.

    >>> ResizeShort(256).view(View(375, 500), (224, 224), ())[:2]
    (256, 341)
    """

    size: int

    def __post_init__(self) -> None:
        check_range("ResizeShort", "size", self.size, 1, math.inf)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        scale = self.size / min(view.height, view.width)
        return view.resize(
            max(round(view.height * scale), self.size), max(round(view.width * scale), self.size)
        )


@dataclass(frozen=True)
class CenterCrop(Geometric):
    """Cut the middle out, as much of it as the output's shape allows.

    Parameters
    ----------
    fraction : float
        Share of the shorter edge to keep: 0.875 is scaling to 256 and cropping to 224. The
        default keeps all of it.
    """

    fraction: float = 1.0

    def __post_init__(self) -> None:
        check_range("CenterCrop", "fraction", self.fraction, 1e-3, 1.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        return middle(view, size, self.fraction)


@dataclass(frozen=True)
class RandomCrop(Geometric):
    """Cut a random place out, of the output's size; smaller images are scaled up first.

    Put `ResizeShort` before it, or ``fraction`` in it, to say how much of the image it takes.

    Parameters
    ----------
    fraction : float, optional
        Scale the image first, so that the crop takes this share of the shorter edge.
    """

    fraction: float = 0.0
    draws: ClassVar[int] = 2

    def __post_init__(self) -> None:
        check_range("RandomCrop", "fraction", self.fraction, 0.0, 1.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        if self.fraction or view.height < size[0] or view.width < size[1]:
            view = cover(view, size, self.fraction or 1.0)
        top = int(draws[0] * (view.height - size[0] + 1))
        left = int(draws[1] * (view.width - size[1] + 1))
        return view.crop(top, left, *size)


@dataclass(frozen=True)
class RandomResizedCrop(Geometric):
    """Cut a rectangle of random area and aspect ratio out, and scale it to the output's size.

    The crop of GoogLeNet (Szegedy et al. 2015), as most training recipes use it. After ten
    rectangles that do not fit it is the largest one in the middle.

    Parameters
    ----------
    area : (float, float)
        Least and greatest share of the image's area.
    ratio : (float, float)
        Least and greatest width divided by height.
    """

    area: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    draws: ClassVar[int] = 22

    def __post_init__(self) -> None:
        check_interval("RandomResizedCrop", "area", self.area, 1.0)
        check_interval("RandomResizedCrop", "ratio", self.ratio, math.inf)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        for trial in range(2, 22, 2):
            area = self.area[0] + draws[trial] * (self.area[1] - self.area[0])
            pixels = area * view.height * view.width
            ratio = math.exp(low + draws[trial + 1] * (high - low))
            height, width = round(math.sqrt(pixels / ratio)), round(math.sqrt(pixels * ratio))
            if 0 < height <= view.height and 0 < width <= view.width:
                top = int(draws[0] * (view.height - height + 1))
                left = int(draws[1] * (view.width - width + 1))
                return view.crop(top, left, height, width).resize(*size)
        ratio = min(max(view.width / view.height, self.ratio[0]), self.ratio[1])
        width = max(min(view.width, round(view.height * ratio)), 1)
        height = max(min(view.height, round(width / ratio)), 1)
        top, left = (view.height - height) // 2, (view.width - width) // 2
        return view.crop(top, left, height, width).resize(*size)


Relabel = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class RandomMirror(Geometric):
    """Swap left and right with a probability.

    Parameters
    ----------
    probability : float
        Share of the images to mirror.
    relabel_mirrored : callable, optional
        Given the label of a mirrored image, float32 (label_width,), returns what it becomes: a
        left collar is a right one in the mirror. `on_cells` makes one from column names.
    """

    probability: float = 0.5
    relabel_mirrored: Relabel | None = None
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomMirror", "probability", self.probability, 0.0, 1.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        return view.mirror() if draws[0] < self.probability else view

    def relabel(self, label: np.ndarray, draws: Draws) -> np.ndarray | None:
        if self.relabel_mirrored is None or draws[0] >= self.probability:
            return None
        changed: np.ndarray | None = self.relabel_mirrored(label.copy())
        if changed is None:  # for a pipeline that means a label that stays
            raise ValueError(
                "augment: RandomMirror's relabel_mirrored returned None; expected the label of the "
                "mirrored image. A function that changes it in place has to return it as well."
            )
        return changed


@dataclass(frozen=True)
class RandomRotation(Geometric):
    """Turn about the centre by an angle from [-degrees, degrees]."""

    degrees: float
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomRotation", "degrees", self.degrees, 0.0, 180.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        angle = math.radians(self.degrees * (2 * draws[0] - 1))
        cos, sin = math.cos(angle), math.sin(angle)
        return view.about_center(cos, sin, -sin, cos)


@dataclass(frozen=True)
class RandomZoom(Geometric):
    """Magnify about the centre by a factor from [least, most], drawn evenly in its logarithm."""

    least: float
    most: float
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_interval("RandomZoom", "factors", (self.least, self.most), 100.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        inverse = self.least**-1 * (self.least / self.most) ** draws[0]
        return view.about_center(inverse, 0.0, 0.0, inverse)


@dataclass(frozen=True)
class RandomShear(Geometric):
    """Slant sideways by an angle from [-degrees, degrees]."""

    degrees: float
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomShear", "degrees", self.degrees, 0.0, 80.0)

    def view(self, view: View, size: tuple[int, int], draws: Draws) -> View:
        slope = math.tan(math.radians(self.degrees * (2 * draws[0] - 1)))
        return view.about_center(1.0, slope, 0.0, 1.0)
