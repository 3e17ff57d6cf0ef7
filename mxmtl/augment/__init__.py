"""Augmentations of images, and of labels that follow them.

Every random choice is a function of the seed, the epoch and the record, so the same seed gives
the same images whatever the number of threads.

>>> from mxmtl import augment
>>> steps = [augment.RandomResizedCrop(), augment.RandomMirror(), augment.ColorJitter(0.4, 0.4)]
>>> augment.Pipeline(steps, size=(224, 224)).draws
27
"""

from ._base import Augmentation as Augmentation
from ._base import Color as Color
from ._base import Geometric as Geometric
from ._base import Pixels as Pixels
from ._base import keys as keys
from ._base import split_mix as split_mix
from ._base import uniforms as uniforms
from ._base import whole_seed as whole_seed
from ._geometry import CenterCrop as CenterCrop
from ._geometry import RandomCrop as RandomCrop
from ._geometry import RandomMirror as RandomMirror
from ._geometry import RandomResizedCrop as RandomResizedCrop
from ._geometry import RandomRotation as RandomRotation
from ._geometry import RandomShear as RandomShear
from ._geometry import RandomZoom as RandomZoom
from ._geometry import ResizeShort as ResizeShort
from ._pipeline import Pipeline as Pipeline
from ._pipeline import evaluation as evaluation
from ._pipeline import training as training
from ._pixels import PCA_AXES as PCA_AXES
from ._pixels import PCA_STD as PCA_STD
from ._pixels import Apply as Apply
from ._pixels import ColorJitter as ColorJitter
from ._pixels import PCANoise as PCANoise
from ._pixels import RandomErasing as RandomErasing
from ._pixels import RandomGray as RandomGray
from ._pixels import on_cells as on_cells
from ._view import Rectangle as Rectangle
from ._view import View as View
from ._view import averaged as averaged
from ._view import middle as middle
from ._view import power_of_two as power_of_two
