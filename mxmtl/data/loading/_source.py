"""From a row and an epoch to an image and a label."""

from __future__ import annotations

import contextlib
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from ...augment import Pipeline, keys, uniforms
from ...tasks import TaskSet, illegal_labels
from ..images import decode_view
from ..records import Record, RecordError, RecordReader, check_label
from ._normalize import Normalize

BUFFER = 1 << 19  # bytes; larger records are read to memory of their own
PIXELS = 1 << 22  # bytes; larger images are decoded to memory of their own
AUGMENT = 0x61756767  # keeps these random numbers apart from the order's


class Room(NamedTuple):
    """Memory that a thread uses for one record after the other: it stays near the processor.

    Attributes
    ----------
    record : memoryview
        For the record's bytes.
    pixels : numpy.ndarray, optional
        For the image, uint8, flat; None where somebody may keep the image.
    planes : numpy.ndarray
        uint8 (channels, height, width), for what goes into a batch.
    """

    record: memoryview
    pixels: Optional[np.ndarray]
    planes: np.ndarray


class Source:
    """Records, and what becomes of them; shared by all threads, changed by none.

    Parameters
    ----------
    reader : RecordReader
        The records.
    pipeline : Pipeline
        What happens to an image and its label.
    normalize : Normalize
        How an image is written into a batch.
    seed : int
        Of the augmentation.
    tasks : TaskSet
        What the labels mean.
    """

    def __init__(
        self,
        reader: RecordReader,
        pipeline: Pipeline,
        normalize: Normalize,
        seed: int,
        tasks: TaskSet,
    ) -> None:
        self.reader, self.normalize, self.tasks = reader, normalize, tasks
        self._pipeline, self._seed, self._label_width = pipeline, seed, tasks.label_width
        self._rooms: List[Room] = []

    def numbers(self, epoch: int, rows: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        """Draw the random numbers of rows in an epoch: (n, draws), of each row alone."""
        draws = self._pipeline.draws
        if not draws:
            return np.empty((len(rows), 0))
        return uniforms(keys(self._seed, AUGMENT, epoch, rows, repeats), draws)

    @contextlib.contextmanager
    def room(self) -> Iterator[Room]:
        """Lend room for a thread's work, the same one as to other threads before."""
        try:
            room = self._rooms.pop()
        except IndexError:
            pixels = None if self._pipeline.shows_pixels else np.empty(PIXELS, np.uint8)
            room = Room(np.empty(BUFFER, np.uint8).data, pixels, self.normalize.planes())
        try:
            yield room
        finally:
            self._rooms.append(room)

    def load(
        self,
        row: int,
        numbers: np.ndarray,
        room: Optional[Room] = None,
        stored: Optional[np.ndarray] = None,
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Return a row's image, uint8 (height, width[, 3]), and label, float32 (label_width,).

        With a room for it, they are good until that is used again. The label as it stands in the
        record, before any augmentation, is written to ``stored``, for a check of many at once;
        without that it is checked here, and so is what the augmentation makes of it. Raises
        `RecordError` with file, record and offset if the record is damaged.
        """
        bytes_, pixels = (None, None) if room is None else (room.record, room.pixels)
        record = self.reader.read(row, bytes_)
        try:
            check_width(record, self._label_width)
            if stored is None:
                check_label(self.tasks, record.label)
            else:
                stored[:] = record.label
            draws = numbers.tolist()
            channels = self.normalize.data_shape[0]
            image = decode_view(record, self._pipeline, draws, channels, pixels)
        except RecordError as error:
            raise error.at(*self.reader.where(row)) from None
        try:
            image, label = self._pipeline.finish(image, record.label.copy(), draws)
        except StopIteration as error:  # which would end the epoch, and nobody would know
            reason = "an augmentation raised StopIteration, which only an iterator may."
            raise RuntimeError(str(self._at(row, reason))) from error
        if stored is None:
            self.check_augmented(np.array([row]), record.label[np.newaxis], label[np.newaxis])
        return image, label

    def illegal(self, rows: np.ndarray, stored: np.ndarray) -> Dict[int, RecordError]:
        """Return what is wrong with the stored labels (n, label_width) of rows: {place: error}."""
        found = illegal_labels(self.tasks, stored)
        return {place: self._at(rows.item(place), reason) for place, reason in found.items()}

    def check_augmented(self, rows: np.ndarray, stored: np.ndarray, labels: np.ndarray) -> None:
        """Raise `ValueError` if augmentation made of labels (n, label_width) what is none.

        That is no damage of the record, so it is never skipped.
        """
        bits = stored.view(np.uint32) != labels.view(np.uint32)  # where NaN is like NaN
        changed = np.flatnonzero(bits.any(axis=1))
        for place, reason in illegal_labels(self.tasks, labels[changed], soft=True).items():
            row = rows.item(changed.item(place))
            raise ValueError(str(self._at(row, f"after augmentation {reason}")))

    def _at(self, row: int, reason: str) -> RecordError:
        return RecordError(reason).at(*self.reader.where(row))


def check_width(record: Record, label_width: int) -> None:
    """Raise `RecordError` unless a record has as many labels as the tasks take."""
    if len(record.label) != label_width:
        raise RecordError(
            f"{len(record.label)} labels, and the tasks take {label_width}: the record was written "
            "for other tasks."
        )
