"""One batch in the making: its buffers, its rows, and the threads' results."""

from __future__ import annotations

import concurrent.futures
from typing import Dict, List

import numpy as np

from ..records._record_error import RecordError
from ._source import Source

CHUNK = 16  # most records in one task of a thread: enough to forget what a task costs


class Job:
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
        self.rows = np.empty(0, dtype=np.int64)
        self.errors: Dict[int, RecordError] = {}
        self._futures: List[concurrent.futures.Future[None]] = []

    def submit(
        self,
        pool: concurrent.futures.ThreadPoolExecutor,
        threads: int,
        epoch: int,
        rows: np.ndarray,
        repeats: np.ndarray,
    ) -> None:
        """Let the threads decode rows into the slots after those that are taken."""
        first = len(self.rows)
        self.rows = np.concatenate([self.rows, rows])
        numbers = self.source.numbers(epoch, rows, repeats)
        chunk = min(max(-(-len(rows) // (2 * threads)), 1), CHUNK)
        for at in range(0, len(rows), chunk):
            part = slice(at, at + chunk)
            self._futures.append(pool.submit(self._fill, first + at, rows[part], numbers[part]))

    def _fill(self, first: int, rows: np.ndarray, numbers: np.ndarray) -> None:
        source, planes = self.source, self.source.normalize.planes()
        buffer = source.buffer()
        for slot, (row, draws) in enumerate(zip(rows.tolist(), numbers), start=first):
            try:
                image, label = source.load(row, draws, buffer)
            except RecordError as error:
                self.errors[slot] = error
                continue
            self.labels[slot] = label
            source.normalize(image, planes, self.pixels[slot])

    def wait(self) -> None:
        """Wait for the threads; an error that is no `RecordError` (in a user's code) is raised."""
        for future in self._futures:
            future.result()
        self._futures = []

    def cancel(self) -> None:
        """Take back what no thread has begun, and wait for what one has."""
        for future in self._futures:
            future.cancel()
        concurrent.futures.wait(self._futures)

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
