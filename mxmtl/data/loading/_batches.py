"""MXNet's two ways through batches: ``next()``, and ``iter_next()`` with ``getdata()``."""

from __future__ import annotations

import abc
from typing import Any, List, Optional

import mxnet as mx


class Batches(mx.io.DataIter, abc.ABC):  # type: ignore[misc]
    """Abstract: what a `mx.io.DataIter` is to its users, by `_advance` alone.

    The current batch is kept until the next one is asked for, or the epoch ends.
    """

    _current: Optional[mx.io.DataBatch] = None

    @abc.abstractmethod
    def _advance(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""

    def next(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""
        self._current = None  # its memory is free for the batches that are made now
        batch = self._current = self._advance()
        return batch  # which may not be the current one any more, where several threads ask

    def iter_next(self) -> bool:
        """Go to the next batch, for ``getdata`` and its like; False at the end of the epoch."""
        try:
            self.next()
        except StopIteration:
            return False
        return True

    def getdata(self) -> List[mx.nd.NDArray]:
        """Return the images of the current batch."""
        return self._batch_now().data  # type: ignore[no-any-return]

    def getlabel(self) -> List[mx.nd.NDArray]:
        """Return the labels of the current batch, one array a task."""
        return self._batch_now().label  # type: ignore[no-any-return]

    def getindex(self) -> Any:
        """Return the record ids of the current batch, -1 for padded rows: int64 (batch_size,)."""
        return self._batch_now().index

    def getpad(self) -> int:
        """Return how many rows of the current batch are padded."""
        return int(self._batch_now().pad)

    def _batch_now(self) -> mx.io.DataBatch:
        if self._current is None:
            raise ValueError("there is no current batch: call iter_next() or next() first.")
        return self._current
