"""Names of records: which file and which row of the table each picture came from.

Records hold an image and a label, and no name; so beside each .rec file, as its .idx, stands a
``.names`` file, in the order in which the records were written::

    8 bytes MARK | uint64 count | uint64 size of the text | the paths in UTF-8, without gaps
    count x (int64 record id | int64 row | uint64 digest of the picture | uint64 end of its path)

Entries are of one size, so that a name is found by two small reads among any number, and the text
comes first, so that a writer needs to hold nothing: entries wait in a file of their own. Numbers
are little-endian. Records of before, and MXNet's own, have no such file, and go by their ids.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import struct
from typing import IO, TYPE_CHECKING, NamedTuple

import numpy as np

from ..._files import Bytes
from ._framing import RecordError

if TYPE_CHECKING:
    from ._reader import RecordFile

ENDING = ".names"
MARK = b"mxmtlnm1"
HEAD = struct.Struct("<8sQQ")
ENTRY = struct.Struct("<qqQQ")
FIELDS = np.dtype([("id", "<i8"), ("row", "<i8"), ("picture", "<u8"), ("end", "<u8")])
LONGEST = 1 << 16  # bytes of a path; a damaged entry must not become an allocation
BLOCK = 1 << 16  # entries read at once


class RecordName(NamedTuple):
    """Where a record came from.

    Attributes
    ----------
    path : str
        The image file, as the table names it.
    row : int
        The row of the table, as a spreadsheet shows it, and messages of ``mxmtl convert``.
    picture : int
        A digest of the image's bytes in the record, by which equal pictures are found; 0 where
        it is not known.
    """

    path: str
    row: int
    picture: int = 0

    def __str__(self) -> str:
        return f"{self.path}, row {self.row}" if self.path else ""


NAMELESS = RecordName("", 0)


def picture_digest(payload: Bytes) -> int:
    """Return 64 bits by which pictures are compared, never 0.

    >>> picture_digest(b"one picture") == picture_digest(b"another")
    False
    """
    return int.from_bytes(hashlib.blake2b(payload, digest_size=8).digest(), "little") or 1


class NamesWriter:
    """Writes the names of one .rec file, record by record; holds none of them.

    Parameters
    ----------
    path : str
        The file; until `finish` there is another beside it.
    """

    def __init__(self, path: str) -> None:
        self._path, self._waiting = path, path + ".entries"
        self._text: IO[bytes] = open(path, "wb")  # noqa: SIM115 (kept open)
        self._entries: IO[bytes] = open(self._waiting, "w+b")  # noqa: SIM115
        self._count = self._end = 0
        self._text.write(bytes(HEAD.size))

    def add(self, record_id: int, name: RecordName) -> None:
        """Write the name of the next record."""
        text = name.path.encode("utf-8", "backslashreplace")
        self._text.write(text)
        self._count, self._end = self._count + 1, self._end + len(text)
        self._entries.write(ENTRY.pack(record_id, name.row, name.picture, self._end))

    def finish(self) -> int:
        """Complete the file, synced to disk; return its size, or 0: none is left without names."""
        named = self._end > 0
        if named:
            self._entries.seek(0)
            shutil.copyfileobj(self._entries, self._text, 1 << 20)
            self._text.seek(0)
            self._text.write(HEAD.pack(MARK, self._count, self._end))
            self._text.flush()
            os.fsync(self._text.fileno())
        self.abandon()
        os.unlink(self._waiting)
        if not named:
            os.unlink(self._path)
        return HEAD.size + self._end + self._count * ENTRY.size if named else 0

    def abandon(self) -> None:
        """Close the files as they are."""
        self._text.close()
        self._entries.close()


class Names:
    """The names of one .rec file, read as they are asked for.

    Raises `RecordError` if the file is damaged.
    """

    def __init__(self, file: RecordFile) -> None:
        self._file = file
        head = file.read(0, HEAD.size)
        mark, self.count, text = HEAD.unpack(head) if len(head) == HEAD.size else (b"", 0, 0)
        if (
            mark != MARK
            or not self.count
            or HEAD.size + text + self.count * ENTRY.size != file.size
        ):
            raise RecordError("no names of records, or cut short.", file.path)
        self._entries, self._order = HEAD.size + text, np.empty(0, np.int64)
        self._ids: np.ndarray | None = None

    def at(self, place: int) -> tuple[int, RecordName]:
        """Return the record id and the name at a place, from 0."""
        first = max(place - 1, 0)
        data = self._file.read(self._entries + first * ENTRY.size, (place - first + 1) * ENTRY.size)
        *before, entry = ENTRY.iter_unpack(data)
        start, (record_id, row, picture, end) = before[0][3] if before else 0, entry
        if not 0 <= end - start <= LONGEST or HEAD.size + end > self._entries:
            raise RecordError("the names of records are damaged.", self._file.path, record_id)
        path = self._file.read(HEAD.size + start, end - start).decode("utf-8", "replace")
        return record_id, RecordName(path, row, picture)

    def of(self, record_id: int, place: int) -> RecordName:
        """Return the name of a record that is likely to stand at a place; `NAMELESS` of none."""
        if place < self.count:
            found, name = self.at(place)
            if found == record_id:
                return name
        if self._ids is None:  # the records were put in another order, or some were taken out
            self._ids = self.column("id")
            self._order = np.argsort(self._ids, kind="stable")
        rank = int(np.searchsorted(self._ids, record_id, sorter=self._order))
        if rank == len(self._order) or self._ids[self._order[rank]] != record_id:
            return NAMELESS
        return self.at(int(self._order[rank]))[1]

    def column(self, field: str) -> np.ndarray:
        """Return one field of all entries: ``id``, ``row``, ``picture`` or ``end``."""
        values = np.empty(self.count, FIELDS[field])
        for start in range(0, self.count, BLOCK):
            number = min(BLOCK, self.count - start)
            data = self._file.read(self._entries + start * ENTRY.size, number * ENTRY.size)
            values[start : start + number] = np.frombuffer(data, FIELDS)[field]
        return values

    def pictures(self, ids: np.ndarray) -> np.ndarray:
        """Return the digests of records by their ids, uint64; 0 where it is not known."""
        known, digests = self.column("id"), self.column("picture")
        if np.array_equal(known, ids):
            return digests
        order = np.argsort(known, kind="stable")
        ranks = np.searchsorted(known, ids, sorter=order)
        places = order[np.minimum(ranks, len(order) - 1)]
        return np.where(known[places] == ids, digests[places], 0).astype(np.uint64)

    def check(self) -> None:
        """Raise `RecordError` unless every entry makes sense."""
        ends = self.column("end").astype(np.int64)
        if self.count and (np.diff(ends, prepend=0).min() < 0 or ends[-1] > self._entries):
            raise RecordError("the names of records are damaged.", self._file.path)
