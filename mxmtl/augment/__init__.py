"""Augmentations of images, and of labels that follow them.

Every random choice is a function of the seed, the epoch and the record, so the same seed gives
the same images whatever the number of threads.
"""

from ._base import Augmentation as Augmentation
from ._base import Geometric as Geometric
from ._crop import CenterCrop as CenterCrop
from ._crop import RandomCrop as RandomCrop
from ._crop import RandomResizedCrop as RandomResizedCrop
from ._crop import ResizeShort as ResizeShort
from ._pipeline import Pipeline as Pipeline
from ._view import View as View
from ._warp import RandomMirror as RandomMirror
from ._warp import RandomRotation as RandomRotation
from ._warp import RandomShear as RandomShear
from ._warp import RandomZoom as RandomZoom
