"""The training batches of a run: where it stands in them, and what is done to each.

``Module.fit`` asks for batches and says nothing about its place. A run that is to go on anywhere
needs the place of the batch that was trained last, not of the one that fit has read ahead; and it
needs all that is drawn at random for a batch to be a function of the place.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import mxnet as mx
import numpy as np

from ..augment import keys

Start = Callable[[], None]
Seed = Callable[[int, int], None]
Change = Callable[[mx.io.DataBatch, int, int], mx.io.DataBatch]
MIX = 0x6D697821  # keeps these random numbers apart from others of the same seed


class Stream(mx.io.DataIter):  # type: ignore[misc]
    """Hands the batches of an iterator to ``Module.fit``, which reads one ahead.

    Parameters
    ----------
    batches : mx.io.DataIter
        With ``epoch``, ``state_dict`` and ``load_state_dict``, as `mxmtl.RecordIter`; at the
        start of an epoch.
    change : callable
        Called with (batch, epoch, index of the batch) before each batch is handed out; returns
        the batch to hand out. What it draws at random must be a function of the last two, so
        that a run can resume there.
    seed : callable
        Called with (epoch, index of the batch) before that: begins MXNet's random numbers anew.
    on_start : callable
        Called once, when ``Module.fit`` has made parameters and optimizer and asks for the
        first batch.

    Attributes
    ----------
    epoch, index : int
        Where it stands: the next batch to hand out.
    place : dict
        State of the iterator before the batch that was handed out last. As fit reads one ahead,
        this is the place of the trainer when it calls ``batch_end_callback``.
    at_end : bool
        Whether the epoch has no batch left.
    """

    def __init__(
        self, batches: mx.io.DataIter, change: Change, seed: Seed, on_start: Start
    ) -> None:
        super().__init__(batches.batch_size)
        self.provide_data, self.provide_label = batches.provide_data, batches.provide_label
        self._batches, self._change, self._seed = batches, change, seed
        self._on_start: Start | None = on_start
        self.epoch, self.index = batches.epoch, 0
        self.place: dict[str, Any] = {}
        self.at_end = False

    def go_to(self, epoch: int, index: int = 0, place: dict[str, Any] | None = None) -> None:
        """Go to the start of an epoch, or to a place in the middle of it."""
        while self.epoch < epoch:
            self.reset()
        if index:
            assert place is not None
            self._batches.load_state_dict(place)
            self.index = index

    def whole_place(self) -> dict[str, Any]:
        """Return `place` for the batches of all workers together."""
        return dict(self._batches.whole_state(self.place))

    def __iter__(self) -> Stream:
        iter(self._batches)
        if self._on_start is not None:
            start, self._on_start = self._on_start, None
            start()
        return self

    def next(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""
        self.place = self._batches.state_dict()
        try:
            batch = self._batches.next()
        except StopIteration:
            self.at_end = True
            raise
        self._seed(self.epoch, self.index)
        batch = self._change(batch, self.epoch, self.index)
        self.index += 1
        return batch

    @contextlib.contextmanager
    def once_more(self) -> Iterator[None]:
        """Draw the random numbers of the batch that was trained last again, within this."""
        self._seed(self.epoch, self.index - (1 if self.at_end else 2))
        yield
        if not self.at_end:
            self._seed(self.epoch, self.index - 1)  # of the batch that fit has read ahead

    def reset(self) -> None:
        """Begin the next epoch."""
        self._batches.reset()
        self.epoch, self.index, self.at_end = self.epoch + 1, 0, False


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


def _paste(images: Any, others: Any, share: float, rng: np.random.RandomState) -> tuple[Any, float]:
    """Paste a rectangle of the others, of the area 1 - share where it fits; return what is so."""
    size: list[int] = list(images.shape[2:])
    sides = [length * np.sqrt(1 - share) for length in size]
    middle = [rng.uniform(0, length) for length in size]
    low = [max(0, round(m - s / 2)) for m, s in zip(middle, sides)]
    high = [min(n, round(m + s / 2)) for m, s, n in zip(middle, sides, size)]
    mixed = images.copy()
    (top, left), (bottom, right) = low, high
    if bottom > top and right > left:
        mixed[:, :, top:bottom, left:right] = others[:, :, top:bottom, left:right]
    return mixed, 1 - (bottom - top) * (right - left) / (size[0] * size[1])
