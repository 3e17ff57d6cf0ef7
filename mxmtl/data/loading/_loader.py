"""Batches in order, decoded ahead by a pool of threads."""

from __future__ import annotations

import collections
import concurrent.futures
import logging
import os
import weakref
from typing import Deque, Optional, Set

import numpy as np

from ..records import RecordError
from ._buffers import BufferPool
from ._job import Job
from ._order import Order
from ._source import Source

log = logging.getLogger(__name__)

ON_ERROR = ("raise", "skip")


class Loader:
    """The batches of one epoch after the other.

    The good rows of an epoch's order, cut into batches: what a batch holds depends neither on
    the number of threads nor on how far they are ahead.

    Parameters
    ----------
    source : Source
        Where rows come from.
    order : Order
        Which rows, and how many a batch.
    missing : numpy.ndarray
        Label of a padded row, float32 (label_width,).
    on_error : {"raise", "skip"}
        What a damaged record leads to.
    threads : int
        How many decode.
    prefetch : int
        How many batches are decoded ahead.
    """

    def __init__(
        self,
        source: Source,
        order: Order,
        missing: np.ndarray,
        *,
        on_error: str = "raise",
        threads: int = 1,
        prefetch: int = 2,
    ) -> None:
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error={on_error!r} is not one of {ON_ERROR}.")
        self._source, self._order, self._missing = source, order, missing
        self._skip, self._threads, self._prefetch = on_error == "skip", threads, prefetch
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, "mxmtl-decode")
        self._jobs: Deque[Job] = collections.deque()
        self._damaged: Set[int] = set()
        self._last_error: Optional[RecordError] = None
        shape = (order.batch_size, *source.normalize.data_shape)
        self.buffers = BufferPool(shape, source.normalize.stored, keep=prefetch + 2)
        self._process = os.getpid()
        self._stop = weakref.finalize(self, _stop, self._pool, self._jobs, self._process)
        self.begin(0)

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return not self._stop.alive

    def close(self) -> None:
        """End the threads, and wait for them."""
        self._stop()
        if os.getpid() == self._process:  # else the threads stayed behind
            self._pool.shutdown(wait=True)

    def begin(self, epoch: int, cursor: int = 0, batch: int = 0, skipped: int = 0) -> None:
        """Go to a place in an epoch; what was decoded ahead is thrown away."""
        self._drop_jobs()
        self.epoch, self.cursor, self.batch, self.skipped = epoch, cursor, batch, skipped
        self._rows, self._repeats = self._order.rows(epoch)

    def next(self) -> Optional[Job]:
        """Return the next batch, or None at the end of the epoch.

        Raises `RecordError` for a damaged record (the batch after it comes next), or, where they
        are skipped, if there is no other. An exception in a user's augmentation is raised as it
        is; after it, or Ctrl-C, the same batch comes again.
        """
        self._fill_jobs(1 + self._prefetch)
        if not self._jobs:
            return None
        job = self._jobs[0]
        try:
            job.wait()
        except Exception:
            self._drop_jobs()  # they are made anew: the error may not come again
            raise
        self._jobs.popleft()
        if job.errors and self._skip:
            self._replace(job)
        self.batch, self.cursor = self.batch + 1, job.end
        self.skipped += job.skipped
        if job.errors:
            self.buffers.give(job.pixels)
            raise job.errors[min(job.errors)]
        return None if self._ends_with(job) else job

    def _ends_with(self, job: Job) -> bool:
        """Tell whether damaged records left too few for this batch, which there is then not."""
        if self._last_error and self.skipped == len(self._rows):
            reason = f"none of {self.skipped} records can be read. This is the last of them."
            raise RecordError(f"{self._last_error.reason} ({reason})").at(
                self._last_error.path, self._last_error.record, self._last_error.offset
            )
        if self._order.num_parts > 1:  # the other parts go on, so this one does
            return False
        least = self._order.batch_size if self._order.last_batch == "discard" else 1
        return len(job.rows) < least

    def _fill_jobs(self, ahead: int) -> None:
        while len(self._jobs) < ahead:
            batch = self.batch + len(self._jobs)
            start = self._jobs[-1].end if self._jobs else self.cursor
            left = len(self._rows) - start
            if batch >= self._order.num_batches or (not left and self._order.num_parts == 1):
                return
            job = Job(self._source, self.buffers.take(), self._missing, start)
            self._submit(job, self._order.take(batch, left))
            self._jobs.append(job)

    def _submit(self, job: Job, count: int) -> None:
        """Give a job as many rows as are left, without those known to be damaged."""
        places = np.empty(0, dtype=np.int64)
        while len(places) < count and job.end < len(self._rows):
            more = np.arange(job.end, min(job.end + count - len(places), len(self._rows)))
            job.end = int(more[-1]) + 1
            if self._damaged:
                known = np.isin(self._rows[more], list(self._damaged))
                job.skipped += int(known.sum())
                more = more[~known]
            places = np.concatenate([places, more])
        job.submit(self._pool, self._threads, self.epoch, self._rows[places], self._repeats[places])

    def _replace(self, job: Job) -> None:
        """Put the rows that come next in the order into the place of damaged ones."""
        wanted = len(job.rows)
        self._drop_jobs()
        while job.errors:
            for slot, error in sorted(job.errors.items()):
                log.warning("skipped: %s", error)
                self._last_error = error
                self._damaged.add(int(job.rows[slot]))
            job.skipped += len(job.errors)
            job.compact()
            self._submit(job, wanted - len(job.rows))
            job.wait()

    def _drop_jobs(self) -> None:
        while self._jobs:
            job = self._jobs.popleft()
            job.cancel()
            self.buffers.give(job.pixels)


def _stop(pool: concurrent.futures.ThreadPoolExecutor, jobs: Deque[Job], process: int) -> None:
    # Waits for nothing: the garbage collector may call it, in one of these very threads.
    if os.getpid() != process:  # forked: the threads stayed behind
        return
    while jobs:
        jobs.popleft().stop()
    pool.shutdown(wait=False)
