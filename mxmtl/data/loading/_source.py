"""From a row and an epoch to an image and a label."""

from __future__ import annotations

from typing import Optional, Tuple

import numpy as np

from ...augment import Pipeline
from ...augment._uniform import keys, uniforms
from ..images._decode import decode_view
from ..records._framing import Record
from ..records._reader import RecordReader
from ..records._record_error import RecordError
from ._normalize import Normalize

BUFFER = 1 << 19  # bytes; larger records are read to memory of their own
AUGMENT = 0x61756767  # keeps these random numbers apart from the order's


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
    label_width : int
        Labels of a record.
    """

    def __init__(
        self,
        reader: RecordReader,
        pipeline: Pipeline,
        normalize: Normalize,
        seed: int,
        label_width: int,
    ) -> None:
        self.reader, self.normalize = reader, normalize
        self._pipeline, self._seed, self._label_width = pipeline, seed, label_width

    def numbers(self, epoch: int, rows: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        """Draw the random numbers of rows in an epoch: (n, draws), of each row alone."""
        draws = self._pipeline.draws
        if not draws:
            return np.empty((len(rows), 0))
        return uniforms(keys(self._seed, AUGMENT, epoch, rows, repeats), draws)

    def buffer(self) -> memoryview:
        """Make room for a record; a thread reads one after the other into it, from near memory."""
        return np.empty(BUFFER, np.uint8).data

    def load(
        self, row: int, numbers: np.ndarray, into: Optional[memoryview] = None
    ) -> Tuple[np.ndarray, np.ndarray]:
        """Return a row's image, uint8 (height, width[, 3]), and label, float32 (label_width,).

        Raises `RecordError` with file, record and offset if it is damaged.
        """
        record = self.reader.read(row, into)
        try:
            check_width(record, self._label_width)
            draws = numbers.tolist()
            image = decode_view(record, self._pipeline, draws, self.normalize.data_shape[0])
        except RecordError as error:
            raise error.at(*self.reader.where(row)) from None
        return self._pipeline.finish(image, record.label.copy(), draws)


def check_width(record: Record, label_width: int) -> None:
    """Raise `RecordError` unless a record has as many labels as the tasks take."""
    if len(record.label) != label_width:
        raise RecordError(
            f"{len(record.label)} labels, and the tasks take {label_width}: the record was written "
            "for other tasks."
        )
