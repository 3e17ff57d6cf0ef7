"""Augmentations that change colours; each is a matrix on (red, green, blue, 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ._base import Color, Draws, check_range

LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, as in JPEG
TO_YIQ = np.array([LUMA, [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
FROM_YIQ = np.linalg.inv(TO_YIQ)
# Principal components of the colours of ImageNet, on the scale of 0 to 255: AlexNet's
# (Krizhevsky et al. 2012), as MXNet and others list them.
PCA_STD = np.array([55.46, 4.794, 1.148])
PCA_AXES = np.array(
    [[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]]
)


def linear(matrix: np.ndarray) -> np.ndarray:
    """Give a (3, 3) matrix the column that adds nothing."""
    return np.concatenate([matrix, np.zeros((3, 1))], axis=1)


def then(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the (3, 4) matrix that does one after the other."""
    both: np.ndarray = second[:, :3] @ first
    both[:, 3] += second[:, 3]
    return both


@dataclass(frozen=True)
class ColorJitter(Color):
    """Change brightness, contrast, saturation and hue at random, in this order.

    Parameters
    ----------
    brightness, contrast, saturation : float
        Each multiplies by a factor from [1 - x, 1 + x].
    hue : float
        Turns the colours by at most this share of half a turn.
    """

    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    draws: ClassVar[int] = 4

    def __post_init__(self) -> None:
        for option in ("brightness", "contrast", "saturation", "hue"):
            check_range("ColorJitter", option, getattr(self, option), 0.0, 1.0)

    def matrix(self, mean: np.ndarray, draws: Draws) -> np.ndarray:
        spans = (self.brightness, self.contrast, self.saturation)
        bright, contrast, saturation = (
            1 + span * (2 * draw - 1) for span, draw in zip(spans, draws)
        )
        matrix = linear(bright * contrast * np.eye(3))
        matrix[:, 3] = (1 - contrast) * bright * (LUMA @ mean)
        if self.saturation:
            gray = np.tile(LUMA, (3, 1))
            matrix = then(matrix, linear(saturation * np.eye(3) + (1 - saturation) * gray))
        if self.hue:
            angle = math.pi * self.hue * (2 * draws[3] - 1)
            turn = np.eye(3)
            turn[1:, 1:] = [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
            matrix = then(matrix, linear(FROM_YIQ @ turn @ TO_YIQ))
        return matrix


@dataclass(frozen=True)
class RandomGray(Color):
    """Take the colour out of a share of the images."""

    probability: float = 0.1
    draws: ClassVar[int] = 1

    def __post_init__(self) -> None:
        check_range("RandomGray", "probability", self.probability, 0.0, 1.0)

    def matrix(self, mean: np.ndarray, draws: Draws) -> np.ndarray:
        return linear(np.tile(LUMA, (3, 1)) if draws[0] < self.probability else np.eye(3))


@dataclass(frozen=True)
class PCANoise(Color):
    """Add noise along the principal components of natural colours (Krizhevsky et al. 2012).

    Parameters
    ----------
    std : float
        Standard deviation, as a share of each component's own.
    """

    std: float = 0.1
    draws: ClassVar[int] = 4

    def __post_init__(self) -> None:
        check_range("PCANoise", "std", self.std, 0.0, math.inf)

    def matrix(self, mean: np.ndarray, draws: Draws) -> np.ndarray:
        # Box and Muller: two uniform numbers make two normal ones.
        radius = [math.sqrt(-2 * math.log(1 - draw)) for draw in draws[:2]]
        angle = [2 * math.pi * draw for draw in draws[2:4]]
        normal = [
            radius[0] * math.cos(angle[0]),
            radius[0] * math.sin(angle[0]),
            radius[1] * math.cos(angle[1]),
        ]
        matrix = linear(np.eye(3))
        matrix[:, 3] = PCA_AXES @ (PCA_STD * self.std * np.array(normal))
        return matrix
