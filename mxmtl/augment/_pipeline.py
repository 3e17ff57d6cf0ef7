"""A list of augmentations, made ready for images of one size."""

from __future__ import annotations

from typing import Iterable, List, Optional, Sequence, Tuple

import numpy as np

from ._base import Augmentation, Draws, Geometric
from ._crop import CenterCrop
from ._view import View


class Pipeline:
    """What happens to every image of a data set, as a function of the record's draws.

    Geometry comes first, as one map sampled once; what is not yet of the output's size after it
    is scaled to it.

    Parameters
    ----------
    augmentations : iterable of Augmentation, optional
        In order. By default the middle of the image, as large as fits.
    size : (int, int)
        Height and width of the output.

    Attributes
    ----------
    draws : int
        How many random numbers a record takes.
    """

    def __init__(
        self, augmentations: Optional[Iterable[Augmentation]], size: Tuple[int, int]
    ) -> None:
        steps: List[Augmentation] = [CenterCrop()] if augmentations is None else list(augmentations)
        self.size, self.draws = size, 0
        self._geometry: List[Tuple[Geometric, slice]] = []
        for step in steps:
            if not isinstance(step, Augmentation):
                raise TypeError(f"augment: {step!r} is no augmentation of mxmtl.augment.")
            span = slice(self.draws, self.draws + step.draws)
            self.draws += step.draws
            if isinstance(step, Geometric):
                self._geometry.append((step, span))

    def view(self, height: int, width: int, draws: Draws) -> View:
        """Return how the output lies over an image of a given size."""
        view = View(height, width)
        for step, span in self._geometry:
            view = step.view(view, self.size, draws[span])
        return view.resize(*self.size)

    def finish(
        self, image: np.ndarray, label: np.ndarray, draws: Sequence[float]
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Do what comes after sampling, and to the label; neither argument is changed."""
        for step, span in self._geometry:
            relabelled = step.relabel(label, draws[span])
            label = label if relabelled is None else relabelled
        return image, label
