"""Augmentations that leave points where they are: colours, erasing, and functions of a user."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..tasks import TaskSet
from ._base import Color, Draws, Pixels, check_interval, check_range

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


Function = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class RandomErasing(Pixels):
    """Cover a random rectangle with one colour (Zhong et al. 2020).

    Parameters
    ----------
    probability : float
        Share of the images.
    area : (float, float)
        Least and greatest share of the image's area.
    ratio : (float, float)
        Least and greatest height divided by width.
    fill : (int, int, int)
        Red, green, blue, 0 to 255; by default ImageNet's mean, which normalization makes 0.
    """

    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 1 / 0.3)
    fill: tuple[int, int, int] = (124, 117, 104)
    draws: ClassVar[int] = 5

    def __post_init__(self) -> None:
        check_range("RandomErasing", "probability", self.probability, 0.0, 1.0)
        check_interval("RandomErasing", "area", self.area, 1.0)
        check_interval("RandomErasing", "ratio", self.ratio, math.inf)

    def apply(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> tuple[np.ndarray, np.ndarray]:
        if draws[0] >= self.probability:
            return image, label
        rows, columns = image.shape[:2]
        area = (self.area[0] + draws[1] * (self.area[1] - self.area[0])) * rows * columns
        low, high = math.log(self.ratio[0]), math.log(self.ratio[1])
        ratio = math.exp(low + draws[2] * (high - low))
        height = min(max(round(math.sqrt(area * ratio)), 1), rows)
        width = min(max(round(math.sqrt(area / ratio)), 1), columns)
        top, left = int(draws[3] * (rows - height + 1)), int(draws[4] * (columns - width + 1))
        fill = self.fill if image.ndim == 3 else sum(self.fill) // 3
        image[top : top + height, left : left + width] = fill
        return image, label


@dataclass(frozen=True)
class Apply(Pixels):
    """Call a function of yours; threads call it at the same time.

    Parameters
    ----------
    function : callable
        ``function(image, label, rng)`` returns image and label, of the same shapes and types:
        uint8 (height, width, 3), RGB, or (height, width), and float32 (label_width,). ``rng`` is
        a `numpy.random.Generator` that belongs to this record in this epoch; with no other
        source of chance the result is reproducible. The label is read only: change a copy. What
        comes back is checked; where records hold 0 or 1 it may lie between.
    """

    function: Function
    draws: ClassVar[int] = 1

    def apply(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.Generator(np.random.Philox(key=int(draws[0] * (1 << 53))))
        given = label.view()
        given.flags.writeable = False
        changed, relabelled = self.function(image, given, rng)
        return changed, label if relabelled is given else relabelled


def on_cells(
    tasks: TaskSet, change: Callable[[dict[str, str]], dict[str, str]]
) -> Callable[[np.ndarray], np.ndarray]:
    """Make a function of labels from one of table cells, for `RandomMirror` and `Apply`.

    Parameters
    ----------
    tasks : TaskSet
        What the labels mean.
    change : callable
        Given {column: text}, '' where missing, returns the same with other text.

    Examples
    --------
    >>> from mxmtl import Multilabel, TaskSet
    >>> tasks = TaskSet([Multilabel("collar", labels=["left", "right"])])
    >>> swap = on_cells(tasks, lambda cells: {
    ...     "collar.left": cells["collar.right"], "collar.right": cells["collar.left"]})
    >>> swap(np.float32([1, -1]))
    array([-1.,  1.], dtype=float32)
    """
    return lambda label: tasks.encode(change(tasks.decode(label)))
