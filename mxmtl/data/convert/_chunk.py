"""A line of the journal: what became of some rows, and how to be sure that they are the same."""

from __future__ import annotations

import zlib
from typing import Any, Dict, List, Tuple

from ..records import Framed
from ._output import Outcome, Skipped, Stored
from ._plan import row_bytes
from ._work import Job

UNREAD = Framed([], 0, 0)


class Chunk:
    """Rows that were completed, in order.

    Beside what became of each row it holds a checksum of the rows themselves (number, path, label
    and split), by which a run that resumes notices a changed table, and one of the bytes written.
    """

    def __init__(self) -> None:
        self._rows = self._bytes = 0
        self._outcomes: List[Any] = []

    def __len__(self) -> int:
        return len(self._outcomes)

    def add(self, job: Job, outcome: Outcome) -> None:
        """Note a row and what became of it."""
        self._rows = zlib.crc32(b"%d" % job.split, zlib.crc32(row_bytes(job.item), self._rows))
        if isinstance(outcome, Stored):
            self._bytes = zlib.crc32(b"%d" % outcome.framed.checksum, self._bytes)
        self._outcomes.append(to_json(outcome))

    def entry(self) -> Dict[str, Any]:
        """Return what to write into the journal."""
        return {"rows": self._rows, "bytes": self._bytes, "outcomes": self._outcomes}


def to_json(outcome: Outcome) -> Any:
    """Return an outcome as JSON-able data: the size of the frames instead of the frames."""
    return outcome.reason if isinstance(outcome, Skipped) else [outcome.framed.size, *outcome[1:]]


def from_json(entry: Any) -> Tuple[Outcome, int]:
    """Return the outcome, with no bytes in it, and the size of its frames."""
    if isinstance(entry, str):
        return Skipped(entry), 0
    return Stored(UNREAD, *entry[1:]), entry[0]
