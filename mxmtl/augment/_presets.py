"""Lists of augmentations to begin with."""

from __future__ import annotations

from typing import List, Tuple

from ._base import Augmentation
from ._color import ColorJitter, PCANoise
from ._crop import CenterCrop, RandomResizedCrop
from ._warp import RandomMirror


def training(
    area: Tuple[float, float] = (0.08, 1.0), mirror: bool = True, color: float = 0.4
) -> List[Augmentation]:
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
    steps: List[Augmentation] = [RandomResizedCrop(area=area)]
    steps += [RandomMirror()] if mirror else []
    steps += [ColorJitter(color, color, color), PCANoise(0.1)] if color else []
    return steps


def evaluation(fraction: float = 0.875) -> List[Augmentation]:
    """Return the middle of the image: scaled to 256 and cropped to 224, or the same in proportion.

    Parameters
    ----------
    fraction : float
        Share of the shorter edge that is kept.
    """
    return [CenterCrop(fraction)]
