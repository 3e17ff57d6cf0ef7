"""Mixup and CutMix for labels of any kind, of which some are missing."""

from __future__ import annotations

from typing import Any, List, Tuple

import mxnet as mx
import numpy as np

from ..augment import keys

MIX = 0x6D697821  # keeps these random numbers apart from others of the same seed


class Mix:
    """Mixes each image of a batch with another, and draws each label from one of the two.

    An image that is made to the share s of one image and 1 - s of another gets each of its labels
    from the first with probability s, else from the second. The expected gradient is that of
    s * loss(first label) + (1 - s) * loss(second label), which is what mixup (Zhang et al. 2018)
    and CutMix (Yun et al. 2019) minimize, whatever the task; a label that is missing adds nothing
    and takes nothing from the other. Rows of padding are mixed with nobody.

    Parameters
    ----------
    mixup, cutmix : float
        Parameter of the Beta distribution of s; 0 is never. If both are given, each batch gets
        one of them at random.
    seed : int
        What is drawn for a batch is a function of the seed and the place of the batch.
    """

    def __init__(self, mixup: float, cutmix: float, seed: int) -> None:
        self.mixup, self.cutmix, self.seed = mixup, cutmix, seed

    def __call__(self, batch: mx.io.DataBatch, epoch: int, index: int) -> mx.io.DataBatch:
        """Return the mixed batch."""
        rng = np.random.RandomState(int(keys(self.seed, MIX, epoch, index)[0]) & 0xFFFFFFFF)
        (images,) = batch.data
        rows = images.shape[0] - (batch.pad or 0)
        partner = np.arange(images.shape[0])
        partner[:rows] = rng.permutation(rows)
        blend = bool(self.mixup) and (not self.cutmix or rng.uniform() < 0.5)
        alpha = self.mixup if blend else self.cutmix
        share = float(rng.beta(alpha, alpha))
        others = mx.nd.take(images, mx.nd.array(partner, ctx=images.context))
        if blend:
            mixed = images * share + others * (1 - share)
        else:
            mixed, share = _paste(images, others, share, rng)
        labels = [_draw(label, partner, share, rng) for label in batch.label]
        return mx.io.DataBatch(
            [mixed], labels, batch.pad, batch.index,
            provide_data=batch.provide_data, provide_label=batch.provide_label,
        )  # fmt: skip


def _draw(label: Any, partner: np.ndarray, share: float, rng: np.random.RandomState) -> Any:
    values = label.asnumpy()
    own = rng.uniform(size=values.shape) < share
    return mx.nd.array(np.where(own, values, values[partner]), ctx=label.context)


def _paste(images: Any, others: Any, share: float, rng: np.random.RandomState) -> Tuple[Any, float]:
    """Paste a rectangle of the others, of the area 1 - share where it fits; return what is so."""
    size: List[int] = list(images.shape[2:])
    sides = [length * np.sqrt(1 - share) for length in size]
    middle = [rng.uniform(0, length) for length in size]
    low = [max(0, round(m - s / 2)) for m, s in zip(middle, sides)]
    high = [min(n, round(m + s / 2)) for m, s, n in zip(middle, sides, size)]
    mixed = images.copy()
    (top, left), (bottom, right) = low, high
    if bottom > top and right > left:
        mixed[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (size[0] * size[1])
