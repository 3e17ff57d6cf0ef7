"""All records of a .rec file in the order of its bytes, whatever is broken in between."""

from __future__ import annotations

from typing import Iterator, NamedTuple, Optional, Union

import numpy as np

from ._framing import FRAME, MAGIC_BYTES, unpack_record
from ._reader import RecordFile
from ._record_error import RecordError

BLOCK = 1 << 20


class Found(NamedTuple):
    """The bytes of a record, and where its frame begins."""

    offset: int
    data: bytes


def walk(file: RecordFile) -> Iterator[Union[Found, RecordError]]:
    """Yield the records of a file; where one is broken, its error, and then the next whole one."""
    offset = 0
    while offset < file.size:
        try:
            data, following = file.record(offset)
            # A broken length may swallow the records behind it.
            unpack_record(data)
            yield Found(offset, data)
            offset = following
        except RecordError as error:
            yield error.at(file.path, None, offset)
            found = next_record(file, offset + 4)
            if found is None:
                return
            offset = found


def next_record(file: RecordFile, start: int) -> Optional[int]:
    """Return the first offset from ``start`` on where a whole record stands; None if none does."""
    for offset in magics(file, start):
        try:
            unpack_record(file.record(offset)[0])
            return offset
        except RecordError:
            continue
    return None


def magics(file: RecordFile, start: int) -> Iterator[int]:
    """Yield the multiples of four at which the mark of a frame stands."""
    word = np.frombuffer(MAGIC_BYTES, "<u4")[0]
    for block in range(start, file.size - FRAME.size + 1, BLOCK):
        data = file.read(block, BLOCK)
        words = np.frombuffer(data, "<u4", len(data) // 4)
        yield from (block + 4 * np.flatnonzero(words == word)).tolist()
