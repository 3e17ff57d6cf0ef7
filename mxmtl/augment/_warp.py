"""Augmentations that mirror, rotate, zoom or shear."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, ClassVar, Optional, Tuple

import numpy as np

from ._base import Draws, Geometric, check_interval, check_range
from ._view import View

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
    relabel_mirrored: Optional[Relabel] = None
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomMirror", "probability", self.probability, 0.0, 1.0)

    def view(self, view: View, size: Tuple[int, int], draws: Draws) -> View:
        return view.mirror() if draws[0] < self.probability else view

    def relabel(self, label: np.ndarray, draws: Draws) -> Optional[np.ndarray]:
        if self.relabel_mirrored is None or draws[0] >= self.probability:
            return None
        changed: Optional[np.ndarray] = self.relabel_mirrored(label.copy())
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

    def view(self, view: View, size: Tuple[int, int], draws: Draws) -> View:
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

    def view(self, view: View, size: Tuple[int, int], draws: Draws) -> View:
        inverse = self.least**-1 * (self.least / self.most) ** draws[0]
        return view.about_center(inverse, 0.0, 0.0, inverse)


@dataclass(frozen=True)
class RandomShear(Geometric):
    """Slant sideways by an angle from [-degrees, degrees]."""

    degrees: float
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomShear", "degrees", self.degrees, 0.0, 80.0)

    def view(self, view: View, size: Tuple[int, int], draws: Draws) -> View:
        slope = math.tan(math.radians(self.degrees * (2 * draws[0] - 1)))
        return view.about_center(1.0, slope, 0.0, 1.0)
