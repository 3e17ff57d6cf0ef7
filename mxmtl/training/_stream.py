"""The training batches, with a place that can be kept and gone back to."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

import mxnet as mx

Start = Callable[[], None]
Change = Callable[[mx.io.DataBatch, int, int], mx.io.DataBatch]


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

    def __init__(self, batches: mx.io.DataIter, change: Change, on_start: Start) -> None:
        super().__init__(batches.batch_size)
        self.provide_data, self.provide_label = batches.provide_data, batches.provide_label
        self._batches, self._change = batches, change
        self._on_start: Optional[Start] = on_start
        self.epoch, self.index = batches.epoch, 0
        self.place: Dict[str, Any] = {}
        self.at_end = False

    def go_to(self, epoch: int, index: int = 0, place: Optional[Dict[str, Any]] = None) -> None:
        """Go to the start of an epoch, or to a place in the middle of it."""
        while self.epoch < epoch:
            self.reset()
        if index:
            assert place is not None
            self._batches.load_state_dict(place)
            self.index = index

    def whole_place(self) -> Dict[str, Any]:
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
        batch = self._change(batch, self.epoch, self.index)
        self.index += 1
        return batch

    def reset(self) -> None:
        """Begin the next epoch."""
        self._batches.reset()
        self.epoch, self.index, self.at_end = self.epoch + 1, 0, False
