"""One batch in the making: its buffers, its rows, and the threads' results."""

from __future__ import annotations

import collections
import concurrent.futures
from typing import Dict, Iterator, List

import numpy as np

from ..records import RecordError
from ._source import Source


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
        self._stored = self.labels.copy()  # before augmentation; those of damaged records stay
        self._first = 0  # slots before it are checked
        self.rows = np.empty(0, dtype=np.int64)
        self.errors: Dict[int, RecordError] = {}
        self._futures: List[concurrent.futures.Future[None]] = []
        self._slots: Iterator[int] = iter(())
        self._failed: Dict[int, Exception] = {}

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
        with source.room() as room:
            for slot in slots:
                try:
                    row, stored = self.rows.item(slot), self._stored[slot]
                    image, label = source.load(row, numbers[slot - first], room, stored)
                    self.labels[slot] = label
                    source.normalize(image, room.planes, self.pixels[slot])
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
