"""A list of augmentations made ready for images of one size, and two lists to begin with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeVar

import cv2
import numpy as np

from ._base import Augmentation, Color, Draws, Geometric, Pixels
from ._geometry import CenterCrop, RandomMirror, RandomResizedCrop
from ._pixels import LUMA, ColorJitter, PCANoise, linear, then
from ._view import View

Step = TypeVar("Step", bound=Augmentation)
REMEMBERED = 4096  # sizes of images for which a view without chance is kept


class Pipeline:
    """What happens to every image of a data set, as a function of the record's draws.

    First all that moves points, as one map that is sampled once; what is not of the output's
    size after it is scaled to it. Then all that changes colours, as one matrix. Then the rest,
    in order.

    Parameters
    ----------
    augmentations : iterable of Augmentation, optional
        By default the middle of the image, as large as fits.
    size : (int, int)
        Height and width of the output.

    Attributes
    ----------
    draws : int
        How many random numbers a record takes.
    shows_pixels : bool
        Whether images come into the hands of steps that may be a user's, and may keep them.
    """

    def __init__(self, augmentations: Iterable[Augmentation] | None, size: tuple[int, int]) -> None:
        steps: list[Augmentation] = [CenterCrop()]
        steps = steps if augmentations is None else list(augmentations)
        for step in steps:
            if not isinstance(step, Geometric | Color | Pixels):
                raise TypeError(
                    f"augment: {step!r} is none of mxmtl.augment's; wrap a function in Apply."
                )
        self.size, self.draws = size, sum(step.draws for step in steps)
        self._geometry = _with_spans(steps, Geometric)  # type: ignore[type-abstract]
        self._colors = _with_spans(steps, Color)  # type: ignore[type-abstract]
        self._pixels = _with_spans(steps, Pixels)  # type: ignore[type-abstract]
        self.shows_pixels = bool(self._pixels)
        self._fixed = not any(step.draws for step, _ in self._geometry)
        self._views: dict[tuple[int, int], View] = {}

    def view(self, height: int, width: int, draws: Draws = ()) -> View:
        """Return how the output lies over an image of a given size."""
        known = self._views.get((height, width)) if self._fixed else None
        if known is not None:
            return known
        view = View(height, width)
        for step, span in self._geometry:
            view = step.view(view, self.size, draws[span])
        view = view.resize(*self.size)
        if self._fixed and len(self._views) < REMEMBERED:
            self._views[height, width] = view
        return view

    def finish(
        self, image: np.ndarray, label: np.ndarray, draws: Draws
    ) -> tuple[np.ndarray, np.ndarray]:
        """Do what comes after sampling, and to the label, which is not changed in place."""
        for geometric, span in self._geometry:
            relabelled = geometric.relabel(label, draws[span])
            if relabelled is not None:
                check_alike(geometric, "label", label, relabelled)
                label = relabelled
        if self._colors:
            image = self._recolor(image, draws)
        for step, span in self._pixels:
            changed, relabelled = step.apply(image, label, draws[span])
            check_alike(step, "image", image, changed)
            check_alike(step, "label", label, relabelled)
            image, label = changed, relabelled
        return image, label

    def _recolor(self, image: np.ndarray, draws: Draws) -> np.ndarray:
        gray = image.ndim == 2
        mean = np.array(cv2.mean(image)[:3])
        mean = np.repeat(mean[:1], 3) if gray else mean
        matrix = linear(np.eye(3))
        for step, span in self._colors:
            now = matrix[:, :3] @ mean + matrix[:, 3]
            matrix = then(matrix, step.matrix(now, draws[span]))
        if gray:  # what the colours (v, v, v) become, in grey again
            matrix = (LUMA @ np.stack([matrix[:, :3].sum(axis=1), matrix[:, 3]], axis=1))[None]
        recolored: np.ndarray = cv2.transform(image, matrix)
        return recolored


def check_alike(step: Augmentation, what: str, before: np.ndarray, after: Any) -> None:
    """Raise `ValueError` unless a step returned an array like the one that it was given."""
    if getattr(after, "shape", None) != before.shape or after.dtype != before.dtype:
        got = f"{getattr(after, 'dtype', type(after))} {getattr(after, 'shape', '')}"
        raise ValueError(
            f"augment: {step!r} returned as {what} {got}; expected {before.dtype} {before.shape}."
        )


def _with_spans(steps: list[Augmentation], kind: type[Step]) -> list[tuple[Step, slice]]:
    found, start = [], 0
    for step in steps:
        if isinstance(step, kind):
            found.append((step, slice(start, start + step.draws)))
        start += step.draws
    return found


def training(
    area: tuple[float, float] = (0.08, 1.0), mirror: bool = True, color: float = 0.4
) -> list[Augmentation]:
    """Return what image classifiers are usually trained with.

    Parameters
    ----------
    area : (float, float)
        Least and greatest share of the image that a crop takes; raise the first where the things
        to see are small, or where most of the picture matters.
    mirror : bool
        Whether left and right are alike. Not where a label, or writing, tells them apart.
    color : float
        How much brightness, contrast and saturation change; 0 leaves the colours alone.
    """
    steps: list[Augmentation] = [RandomResizedCrop(area=area)]
    steps += [RandomMirror()] if mirror else []
    steps += [ColorJitter(color, color, color), PCANoise(0.1)] if color else []
    return steps


def evaluation(fraction: float = 0.875) -> list[Augmentation]:
    """Return the middle of the image: scaled to 256 and cropped to 224, or the same in proportion.

    Parameters
    ----------
    fraction : float
        Share of the shorter edge that is kept.
    """
    return [CenterCrop(fraction)]
