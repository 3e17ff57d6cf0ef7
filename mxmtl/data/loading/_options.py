"""How records become batches: what a `RecordIter` can be told beside what it reads."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Optional

import mxnet as mx

from ..._options import Options, option
from ...augment import Augmentation
from ._samplers import Sampler
from ._source import Levels


@dataclass(frozen=True)
class LoadingOptions(Options):
    """How records become batches; every field is an option of `RecordIter`.

    Parameters
    ----------
    sampler : Sampler, optional
        How often an epoch reads each row: see `WeightedSampler` and `ClassAwareSampler`. The order
        is random then.
    augment : iterable of Augmentation, optional
        See `mxmtl.augment`. By default the middle of the image, as large as fits.
    mean, std : float or sequence of float, optional
        Images become ``(pixel - mean) / std``, on the scale of 0 to 255.
    num_parts, part_index : int
        Read one of so many parts. In each epoch every row is in one part, all have as many
        batches, and batch k of all parts together has the rows of batch k of one iterator with
        ``num_parts`` times the batch size.
    last_batch : {"pad", "discard"}
        Whether rows that fill no batch make a padded one or are left out.
    on_error : {"raise", "skip"}
        What a damaged record leads to, or one with what is no label of its task.
    threads : int
        Decoding threads; 0 for as many as there are processors for this process.
    prefetch : int
        Batches that are decoded ahead.
    dtype : {"float32", "uint8"}
        Of the images. ``"uint8"`` leaves them as they are, in a quarter of the bytes.
    data_name : str
        What the network calls the images.
    ctx : mx.Context, optional
        Send batches there ahead of their use: images as bytes, which are scaled there.
    """

    sampler: Optional[Sampler] = None
    augment: Optional[Iterable[Augmentation]] = None
    mean: Levels = None
    std: Levels = None
    num_parts: int = 1
    part_index: int = 0
    last_batch: str = "pad"
    on_error: str = "raise"
    threads: int = option(0, "decoding threads; 0: one for each processor", low=0)
    prefetch: int = option(2, "batches that are decoded ahead", low=0)
    dtype: str = "float32"
    data_name: str = "data"
    ctx: Optional[mx.Context] = None
