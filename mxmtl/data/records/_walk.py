"""All records of a .rec file in the order of its bytes, whatever is broken in between."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional, Union

import numpy as np

from ._framing import FIRST, FRAME, MAGIC_BYTES, WHOLE, unpack_record
from ._reader import RecordFile
from ._record_error import RecordError

LEAST, BLOCK = 1 << 14, 1 << 20  # bytes read at once in search of a record


class Found(NamedTuple):
    """The bytes of a record, and where its frame begins."""

    offset: int
    data: bytes


def walk(file: RecordFile) -> Iterator[Union[Found, RecordError]]:
    """Yield the records of a file, and where one is broken, its error.

    After a broken one it goes on where the next one begins, sound or not: a length may be wrong,
    but the mark of a frame stands nowhere else, because records are cut where it would.
    """
    offset: Optional[int] = 0
    while offset is not None and offset < file.size:
        try:
            data, following = file.record(offset)
            # A broken length may swallow the records behind it.
            unpack_record(data)
            yield Found(offset, data)
            offset = following
        except RecordError as error:
            yield error.at(file.path, None, offset)
            offset = next_record(file, offset + 4)


def next_record(file: RecordFile, start: int) -> Optional[int]:
    """Return the first offset from ``start`` on where a record begins; None if none does."""
    for offset in magics(file, start):
        kind = FRAME.unpack(file.read(offset, FRAME.size))[1] >> 29
        if kind in (WHOLE, FIRST):
            return offset
    return None


def magics(file: RecordFile, start: int) -> Iterator[int]:
    """Yield the multiples of four at which the mark of a frame stands."""
    word = np.frombuffer(MAGIC_BYTES, "<u4")[0]
    size = LEAST  # and more where it is far away
    while start <= file.size - FRAME.size:
        data = file.read(start, size)
        words = np.frombuffer(data, "<u4", len(data) // 4)
        offsets = start + 4 * np.flatnonzero(words == word)
        yield from offsets[offsets <= file.size - FRAME.size].tolist()
        start, size = start + size, min(2 * size, BLOCK)
