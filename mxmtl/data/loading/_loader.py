"""Batches in order, decoded ahead by a pool of threads.

What a batch holds must depend neither on the number of threads nor on how far they are ahead,
not even where records are damaged and left out. So batches are jobs in a queue, in the epoch's
order, each with the rows that it takes from that order; threads fill the slots of a job in any
order. When a job turns out to hold damaged rows that are to be skipped, the rows that come next
in the order take their places: all jobs behind it, which had taken those, are thrown away and
made again, as if the damaged rows had been known before. That happens once a damaged row, for
later epochs know them.

An error in a user's augmentation, or Ctrl-C, leaves the place where it was: the same batch is
made again when it is asked for.
"""

from __future__ import annotations

import collections
import concurrent.futures
import logging
import os
import weakref
from collections.abc import Iterator

import mxnet as mx
import numpy as np

from ..records import RecordError
from ._order import Order
from ._source import Source

log = logging.getLogger(__name__)

ALIGNMENT = 64  # bytes: a cache line, and what vector instructions like


class BufferPool:
    """Arrays of one shape and type; fresh memory costs as much as a third of decoding into it.

    Parameters
    ----------
    shape : tuple of int
        Of every array.
    dtype : str
        Of every array.
    keep : int
        How many unused arrays are kept.
    """

    def __init__(self, shape: tuple[int, ...], dtype: str, keep: int) -> None:
        self._shape, self._dtype = shape, np.dtype(dtype)
        self._unused: collections.deque[np.ndarray] = collections.deque(maxlen=keep)

    def take(self) -> np.ndarray:
        """Return an array that nobody uses; what is in it is undefined."""
        try:
            return self._unused.pop()
        except IndexError:
            size = int(np.prod(self._shape)) * self._dtype.itemsize
            raw = np.empty(size + ALIGNMENT, np.uint8)
            start = -raw.ctypes.data % ALIGNMENT
            return raw[start : start + size].view(self._dtype).reshape(self._shape)

    def give(self, array: np.ndarray) -> None:
        """Take an array back that nobody uses any more."""
        self._unused.append(array)

    def share(self, array: np.ndarray) -> mx.nd.NDArray:
        """Make an NDArray of an array, without a copy; the array comes back when it dies.

        MXNet keeps it alive for its own pending operations, and so do slices of the NDArray.
        """
        view = array[:]
        # The pool, not a bound method of it in a cycle: it may die before its arrays.
        weakref.finalize(view, self._unused.append, array).atexit = False
        return mx.nd.from_numpy(view)


class BatchJob:
    """A batch whose rows are being decoded.

    Attributes
    ----------
    rows, repeats : numpy.ndarray
        What is decoded into the first slots.
    end : int
        How much of the epoch's order is used up once this batch is read; it began at ``start``.
    skipped : int
        How many of those rows were damaged.
    pixels : numpy.ndarray
        (batch_size, channels, height, width), to be filled.
    labels : numpy.ndarray
        float32 (batch_size, label_width).
    errors : dict
        {slot: RecordError}; complete once `wait` has returned.
    """

    def __init__(self, source: Source, pixels: np.ndarray, missing: np.ndarray, start: int) -> None:
        self.source, self.end, self.skipped = source, start, 0
        self.pixels = pixels
        self.labels = np.tile(missing, (len(pixels), 1))
        self._stored = self.labels.copy()  # before augmentation; those of damaged records stay
        self._first = 0  # slots before it are checked
        self.rows = np.empty(0, dtype=np.int64)
        self.errors: dict[int, RecordError] = {}
        self._futures: list[concurrent.futures.Future[None]] = []
        self._slots: Iterator[int] = iter(())
        self._failed: dict[int, Exception] = {}

    def submit(
        self,
        pool: concurrent.futures.ThreadPoolExecutor,
        threads: int,
        epoch: int,
        rows: np.ndarray,
        repeats: np.ndarray,
    ) -> None:
        """Let the threads decode rows into the slots after those that are taken."""
        first = self._first = len(self.rows)
        self.rows = np.concatenate([self.rows, rows])
        numbers = self.source.numbers(epoch, rows, repeats)
        # Each thread takes the next slot when it has done one, so that all end at the same time.
        # Taking from an iterator is one step of the interpreter: no slot goes to two.
        self._slots = iter(range(first, len(self.rows)))
        for _ in range(min(threads, len(rows))):
            self._futures.append(pool.submit(self._fill, self._slots, first, numbers))

    def _fill(self, slots: Iterator[int], first: int, numbers: np.ndarray) -> None:
        source = self.source
        with source.scratch() as scratch:
            for slot in slots:
                try:
                    row, stored = self.rows.item(slot), self._stored[slot]
                    image, label = source.load(row, numbers[slot - first], scratch, stored)
                    self.labels[slot] = label
                    source.normalize(image, scratch.planes, self.pixels[slot])
                except RecordError as error:
                    self.errors[slot] = error
                except Exception as error:  # noqa: BLE001 (a user's code; `wait` raises it)
                    self._failed[slot] = error
                    collections.deque(slots, maxlen=0)

    def wait(self) -> None:
        """Wait for the threads, and check the labels that they have read.

        An error that is no `RecordError` (in a user's code) is raised.
        """
        for future in self._futures:
            future.result()
        self._futures = []
        if self._failed:  # the first in the batch, whichever thread was faster
            raise self._failed[min(self._failed)]
        first, end = self._first, len(self.rows)
        rows, stored = self.rows[first:], self._stored[first:end]
        for place, error in self.source.illegal(rows, stored).items():
            self.errors.setdefault(first + place, error)
        good = [slot for slot in range(first, end) if slot not in self.errors]
        self.source.check_augmented(self.rows[good], self._stored[good], self.labels[good])

    def cancel(self) -> None:
        """Take back what no thread has begun, and wait for what one has."""
        self.stop()
        concurrent.futures.wait(self._futures)

    def stop(self) -> None:
        """Take back what no thread has begun."""
        collections.deque(self._slots, maxlen=0)
        for future in self._futures:
            future.cancel()

    def compact(self) -> None:
        """Close the gaps that damaged records left."""
        good = [slot for slot in range(len(self.rows)) if slot not in self.errors]
        for to, slot in enumerate(good):
            if to != slot:
                self.pixels[to], self.labels[to] = self.pixels[slot], self.labels[slot]
        self.rows, self.errors = self.rows[good], {}

    def pad(self, missing: np.ndarray) -> int:
        """Fill the slots that are left with the batch's rows, unlabelled. Return their number."""
        taken, size = len(self.rows), len(self.pixels)
        for slot in range(taken, size):
            self.pixels[slot] = self.pixels[slot % taken] if taken else 0
        self.labels[taken:] = missing
        return size - taken


class BatchLoader:
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
    on_error, threads, prefetch
        As in `LoadingOptions`; the number of threads itself.
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
        self._source, self._order, self._missing = source, order, missing
        self._skip, self._threads, self._prefetch = on_error == "skip", threads, prefetch
        self._pool = concurrent.futures.ThreadPoolExecutor(threads, "mxmtl-decode")
        self._jobs: collections.deque[BatchJob] = collections.deque()
        self._damaged: set[int] = set()
        self._last_error: RecordError | None = None
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

    def next(self) -> BatchJob | None:
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

    def _ends_with(self, job: BatchJob) -> bool:
        """Tell whether damaged records left too few for this batch, which there is then not."""
        if self._last_error and self.skipped == len(self._rows):
            reason = f"none of {self.skipped} records can be read. This is the last of them."
            raise RecordError(f"{self._last_error.reason} ({reason})").at(
                self._last_error.path,
                self._last_error.record,
                self._last_error.offset,
                self._last_error.name,
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
            job = BatchJob(self._source, self.buffers.take(), self._missing, start)
            self._submit(job, self._order.take(batch, left))
            self._jobs.append(job)

    def _submit(self, job: BatchJob, count: int) -> None:
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

    def _replace(self, job: BatchJob) -> None:
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


def _stop(
    pool: concurrent.futures.ThreadPoolExecutor, jobs: collections.deque[BatchJob], process: int
) -> None:
    # Waits for nothing: the garbage collector may call it, in one of these very threads.
    if os.getpid() != process:  # forked: the threads stayed behind
        return
    while jobs:
        jobs.popleft().stop()
    pool.shutdown(wait=False)
