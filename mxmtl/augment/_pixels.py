"""Augmentations of finished images: erasing, and the user's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable, ClassVar, Dict, Tuple

import numpy as np

from ..tasks import TaskSet
from ._base import Draws, Pixels, check_interval, check_range

Function = Callable[[np.ndarray, np.ndarray, np.random.Generator], Tuple[np.ndarray, np.ndarray]]


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
    area: Tuple[float, float] = (0.02, 0.33)
    ratio: Tuple[float, float] = (0.3, 1 / 0.3)
    fill: Tuple[int, int, int] = (124, 117, 104)
    draws: ClassVar[int] = 5

    def __post_init__(self) -> None:
        check_range("RandomErasing", "probability", self.probability, 0.0, 1.0)
        check_interval("RandomErasing", "area", self.area, 1.0)
        check_interval("RandomErasing", "ratio", self.ratio, math.inf)

    def apply(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> Tuple[np.ndarray, np.ndarray]:
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
    ) -> Tuple[np.ndarray, np.ndarray]:
        rng = np.random.Generator(np.random.Philox(key=int(draws[0] * (1 << 53))))
        given = label.view()
        given.flags.writeable = False
        changed, relabelled = self.function(image, given, rng)
        return changed, label if relabelled is given else relabelled


def on_cells(
    tasks: TaskSet, change: Callable[[Dict[str, str]], Dict[str, str]]
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
