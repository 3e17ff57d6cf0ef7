"""The records of .rec files: read at any place by any number of threads, or walked through.

`RecordReader` goes by the index, and reads sound files fast. `walk_records` goes by the bytes
alone, and finds what is sound in a file that is broken.
"""

from __future__ import annotations

import bisect
import functools
import logging
import os
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._files import Bytes, regular_handle
from ..._progress import progress
from ...tasks import TaskSet
from ._framing import (
    CHECKED,
    FIRST,
    FRAME,
    HEADER,
    LAST,
    MAGIC,
    MAX_LENGTH,
    WHOLE,
    ReadAt,
    Record,
    RecordError,
    read_index,
    read_record,
    scan_index,
    unpack_record,
    whole_frame,
)
from ._names import ENDING, NAMELESS, Names, RecordName
from ._prefix import listed_records

log = logging.getLogger(__name__)
KIND = 7  # the byte of a frame's head whose upper bits are its kind
BLOCK = 1 << 24  # bytes read at once without looking at the record's own length first
SEARCHED = (1 << 10, 1 << 20)  # bytes read at once in search of a record, at first and at most
MOST_WALKED = 1 << 26  # bytes that a file may be read beyond eight times its size
MOST_FRAMES = 1 << 16  # that one record is followed through


class RecordFile:
    """One .rec file, opened for reading at any offset; threads and forked processes may share it.

    `os.pread` rather than a memory map: a file that another program cuts short gives a named
    error, where a map kills the process, and what was read does not count as our memory.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        handle = regular_handle(path)
        self.close = weakref.finalize(self, os.close, handle)
        self.size = os.fstat(handle).st_size
        self._handle = handle

    def read(self, offset: int, size: int) -> bytes:
        """Read at most ``size`` bytes; less only at the end of the file."""
        # Bounded by the file: a damaged length must not become an allocation.
        size = max(min(size, self.size - offset), 0)
        data = os.pread(self._handle, size, offset)
        while len(data) < size:  # a signal, or a network file system
            more = os.pread(self._handle, size - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def head(self, offset: int, size: int) -> bytes:
        """Read the first ``size`` bytes of the record at an offset; less where it has not so many.

        What comes after them is left alone, but for a record that is cut into several frames.
        """
        data = self.read(offset, FRAME.size + size)
        if len(data) > KIND and data[KIND] >> 5 != WHOLE:
            return bytes(memoryview(self.record(offset)[0])[:size])
        return data[FRAME.size :]

    def record(
        self, offset: int, end: int | None = None, into: memoryview | None = None
    ) -> tuple[Bytes, int]:
        """Read the record at an offset: its bytes, and the offset of the next.

        ``end`` is where the next record is known to begin; nothing is read beyond it. A record
        that fits ``into`` a buffer is read there, and is gone when the next one is.
        """
        if end is None or end - offset > BLOCK:
            return read_record(self.read, offset)
        block = self._block(offset, end - offset, into)  # all of it in one call
        whole = whole_frame(block)
        if whole is not None:
            return whole, end
        return read_record(lambda at, size: block[at - offset : at - offset + size], offset)

    def _block(self, offset: int, size: int, into: memoryview | None) -> memoryview:
        if into is not None and size <= len(into):
            block = into[:size]
            if os.preadv(self._handle, [block], offset) == size:
                return block
        return memoryview(self.read(offset, size))


class RecordReader:
    """The records of some .rec files as one sequence of rows.

    Costs 12 bytes a record: its offset (8), its id (4; 8 where ids need it), and one bit.

    Parameters
    ----------
    paths : sequence of str
        The .rec files, in order. An .idx beside a file gives the order of its rows; without one
        the file is scanned.

    Raises
    ------
    RecordError
        If an index is damaged, or its file is empty.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.paths = list(paths)
        self._files = [RecordFile(path) for path in self.paths]
        indices = [_index(file) for file in self._files]
        self._starts = np.cumsum([0] + [len(ids) for ids, _ in indices]).tolist()
        self._ids = _smallest(_joined([ids for ids, _ in indices]))
        self._offsets = _joined([offsets for _, offsets in indices])
        # One bit a record. Threads may lose one another's: then it is verified once more.
        self._verified = bytearray(len(self._ids) // 8 + 1)
        # Our own files' records all have checksums, MXNet's never. One without, among others
        # that have it, is damaged.
        self._checked = [self._has_checksums(number) for number in range(len(self._files))]
        self._names: dict[int, Names | None] = {}  # by file, once they are asked for

    def __len__(self) -> int:
        return self._starts[-1]

    def __getstate__(self) -> dict[str, Any]:
        return {"paths": self.paths}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["paths"])  # type: ignore[misc]

    def close(self) -> None:
        """Close the files; reading after it raises `OSError`."""
        for file in self._files:
            file.close()

    def ids(self, rows: np.ndarray) -> np.ndarray:
        """Return the record ids of rows, int64."""
        return self._ids[rows].astype(np.int64)

    def where(self, row: int) -> tuple[str, int, int]:
        """Return a row's file, record id and byte offset."""
        return self._files[self._file_of(row)].path, int(self._ids[row]), int(self._offsets[row])

    def read(self, row: int, into: memoryview | None = None) -> Record:
        """Read one record; `RecordError` with file, record and offset if it is damaged.

        With a buffer to read ``into``, the record is good until that is used again.
        """
        number = self._file_of(row)
        file, offset = self._files[number], self._offsets.item(row)
        try:
            data, _ = file.record(offset, self._end(row, number), into)
            # A file's bytes are checked when they are first read, not in every epoch.
            known = self._verified[row >> 3] >> (row & 7) & 1
            record = unpack_record(data, verify=not known)
            self._check(record, row, number)
            self._verified[row >> 3] |= 1 << (row & 7)
        except (RecordError, OSError) as error:
            reason = error if isinstance(error, RecordError) else RecordError(str(error))
            raise reason.at(file.path, int(self._ids[row]), offset, str(self.name(row))) from None
        return record

    def error(self, row: int, reason: str) -> RecordError:
        """Make the error that names a row: file, record, picture, row of the table and offset."""
        return RecordError(reason).at(*self.where(row), str(self.name(row)))

    def name(self, row: int) -> RecordName:
        """Return where a row came from; `NAMELESS` where nobody noted it, as in older records."""
        number = self._file_of(row)
        names = self._names_of(number)
        if names is None:
            return NAMELESS
        try:
            return names.of(self._ids.item(row), row - self._starts[number])
        except RecordError:  # `verify_records` tells of it
            return NAMELESS

    @property
    def named(self) -> bool:
        """Whether there are names of any rows."""
        return any(self._names_of(number) is not None for number in range(len(self._files)))

    def names(self, index: np.ndarray | None = None) -> list[RecordName] | None:
        """Return the names of all rows, or of those with these ids, in order; None without any."""
        if not self.named:
            return None
        return [self.name(row) for row in self.rows_of(index).tolist()]

    def rows_of(self, index: np.ndarray | None = None) -> np.ndarray:
        """Return the rows of record ids in the order of the records; some may be left out."""
        if index is None or len(index) == len(self):
            return np.arange(len(self))
        rows, at = [], 0
        for record in index.tolist():
            at += int(np.argmax(self._ids[at:] == record))
            rows.append(at)
            at += 1
        return np.array(rows, np.int64)

    def pictures(self) -> np.ndarray:
        """Return 64 bits of each row's picture, by which they compare; 0 where not known."""
        parts = []
        for number, (start, end) in enumerate(zip(self._starts, self._starts[1:])):
            names, ids = self._names_of(number), self._ids[start:end].astype(np.int64)
            parts.append(np.zeros(len(ids), np.uint64) if names is None else names.pictures(ids))
        return _joined(parts)

    def _names_of(self, number: int) -> Names | None:
        if number not in self._names:
            self._names[number] = open_names(self._files[number].path)
        return self._names[number]

    def labels(
        self, label_width: int, rows: np.ndarray | None = None, *, shown: bool = False
    ) -> np.ndarray:
        """Read the labels of all rows, or of some, float32 (n, label_width), without their images.

        A row that cannot be read, or is of another width, is all NaN; `read` says why.
        """
        chosen = range(len(self)) if rows is None else rows.tolist()
        labels = np.full((len(chosen), label_width), np.nan, dtype=np.float32)
        size = HEADER.size + 4 * label_width
        for place, row in enumerate(progress(chosen, "labels", shown=shown)):
            head = self._head(row, size)
            if len(head) == size or (label_width == 1 and len(head) >= HEADER.size):
                flag = HEADER.unpack_from(head)[0]
                start = HEADER.size if flag else 4
                if max(flag, 1) == label_width:
                    labels[place] = np.frombuffer(head, "<f4", label_width, start)
        return labels

    def check_width(self, tasks: TaskSet) -> None:
        """Raise `ValueError` if a file's first record has not as many labels as the tasks take."""
        for number, file in enumerate(self._files):
            row = self._starts[number]
            head = self._head(row, HEADER.size)
            width = max(HEADER.unpack(head)[0], 1) if len(head) == HEADER.size else 0
            # A damaged one's turn comes, and on_error says what then happens.
            if width != tasks.label_width and self.readable(row):
                raise ValueError(
                    f"{file.path} was written for other tasks: its records have {width} labels, "
                    f"and these tasks take {tasks.label_width}: {tasks.columns}."
                )

    def readable(self, row: int) -> bool:
        """Tell whether `read` reads a row."""
        try:
            self.read(row)
        except RecordError:
            return False
        return True

    def _head(self, row: int, size: int) -> bytes:
        try:
            return self._files[self._file_of(row)].head(self._offsets.item(row), size)
        except RecordError:
            return b""  # `read` says why

    def _file_of(self, row: int) -> int:
        if len(self._files) == 1:
            return 0
        return bisect.bisect_right(self._starts, row) - 1

    def _end(self, row: int, number: int) -> int | None:
        if row + 1 < self._starts[number + 1]:
            end: int = self._offsets.item(row + 1)
            if end > self._offsets.item(row):
                return end
        return None

    def _check(self, record: Record, row: int, number: int) -> None:
        if record.id != self._ids.item(row):
            raise RecordError(f"the index says so, but record {record.id} stands here.")
        if self._checked[number] and not record.checked:
            raise RecordError("the checksum is gone, and other records of the file have theirs.")
        if not record.payload:
            raise RecordError("it holds no image.")

    def _has_checksums(self, number: int) -> bool:
        first, end = self._starts[number], self._starts[number + 1]
        found = []
        for row in range(first, min(first + 3, end)):
            head = self._head(row, HEADER.size)
            if len(head) == HEADER.size:
                found.append(HEADER.unpack(head)[3] >> 32 == CHECKED)
        return any(found)


def open_names(path: str) -> Names | None:
    """Open the names beside a .rec file; None where there are none, or (logged) damaged ones."""
    path = os.path.splitext(path)[0] + ENDING
    try:
        return Names(RecordFile(path))
    except FileNotFoundError:
        return None
    except (RecordError, OSError) as error:
        log.warning("%s Records are named by their numbers.", error)
        return None


def _smallest(ids: np.ndarray) -> np.ndarray:
    return ids.astype(np.uint32) if ids.max() < 1 << 32 else ids


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _index(file: RecordFile) -> tuple[np.ndarray, np.ndarray]:
    path = os.path.splitext(file.path)[0] + ".idx"
    if os.path.exists(path):
        ids, offsets = read_index(path, file.size)
        if file.size and not len(ids):
            name = os.path.basename(file.path)
            reason = f"it lists no record, and {name} is not empty."
            raise RecordError(f"{reason} Remove it: without an index {name} is scanned.", path)
    else:
        ids, offsets = scan_index(file.read, file.size, file.path)
    if not len(ids):
        raise RecordError("there is no record in it.", file.path)
    say_missing(file, len(ids), int(offsets.max()))
    return ids, offsets


def say_missing(file: RecordFile, number: int, last: int) -> None:
    """Warn of records that are in a file, or were, and are not read by its index."""
    listed, end = listed_records(file.path), frames_end(file, last)
    if listed is not None and number < listed:
        what = f"{number} records are read, and its manifest lists {listed}"
    elif end is not None and end < file.size:
        what = f"{file.size - end} bytes stand behind the last record that its index lists"
    else:
        return
    say(file.path, what)


@functools.lru_cache(maxsize=256)  # once, however often the file is opened
def say(path: str, what: str) -> None:
    """Warn of what is wrong with a file."""
    log.warning("%s: %s. Fetch it and its .idx again; mxmtl verify says more.", path, what)


def frames_end(file: RecordFile, offset: int) -> int | None:
    """Return where a record ends, by the heads of its frames; None if they are broken."""
    for _ in range(MOST_FRAMES):
        head = file.read(offset, FRAME.size)
        magic, word = FRAME.unpack(head) if len(head) == FRAME.size else (0, 0)
        if magic != MAGIC:
            return None
        length = word & MAX_LENGTH
        offset += FRAME.size + length + -length % 4
        if word >> 29 in (WHOLE, LAST):
            return offset
    return None


class FoundRecord(NamedTuple):
    """The bytes of a record, and where its frame begins."""

    offset: int
    data: bytes


def walk_records(file: RecordFile) -> Iterator[FoundRecord | RecordError]:
    """Yield the records of a file, and where one is broken, its error.

    After a broken one it goes on where the next one begins, sound or not: a length may be wrong,
    but the mark of a frame stands nowhere else, because records are cut where it would.
    """
    offset: int | None = 0
    left = MOST_WALKED + 8 * file.size  # bytes to read: broken lengths may overlap without end

    def read(at: int, size: int) -> bytes:
        nonlocal left
        data = file.read(at, size)
        left -= len(data) + FRAME.size
        return data

    while offset is not None and offset < file.size:
        try:
            if left < 0:
                raise RecordError("it is broken in so many places that the rest is not looked at.")
            data, following = read_record(read, offset)
            # A broken length may swallow the records behind it.
            unpack_record(data)
            yield FoundRecord(offset, data)
            offset = following
        except RecordError as error:
            yield error.at(file.path, None, offset)
            offset = None if left < 0 else _next_record(file, read, offset + 4)


def _next_record(file: RecordFile, read: ReadAt, start: int) -> int | None:
    """Return the first offset from ``start`` on where a record begins; None if none does."""
    size, most = SEARCHED  # more where it is far away
    while start <= file.size - FRAME.size:
        data = read(start, size + 4)
        words = np.frombuffer(data, "<u4", len(data) // 4)
        # The mark of a frame, and behind it the kind of one with which a record begins.
        found = np.flatnonzero((words[:-1] == MAGIC) & (words[1:] >> 29 <= FIRST))
        if len(found):
            return start + 4 * int(found[0])
        start, size = start + size, min(2 * size, most)
    return None
