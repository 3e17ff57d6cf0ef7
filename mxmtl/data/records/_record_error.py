"""What a damaged record, or a damaged file of records, is reported as."""

from __future__ import annotations

from typing import Optional


class RecordError(ValueError):
    """A record, or a file of records, that cannot be read.

    Attributes
    ----------
    reason : str
        What is wrong.
    path : str
        The file; empty where it is not known (bytes that were never in a file).
    record : int or None
        The record's id.
    offset : int or None
        Where the record's frame begins in the file, in bytes.
    """

    def __init__(
        self,
        reason: str,
        path: str = "",
        record: Optional[int] = None,
        offset: Optional[int] = None,
    ) -> None:
        super().__init__(reason, path, record, offset)
        self.reason, self.path, self.record, self.offset = reason, path, record, offset

    def __str__(self) -> str:
        place = [self.path] if self.path else []
        place += [] if self.record is None else [f"record {self.record}"]
        place += [] if self.offset is None else [f"byte {self.offset}"]
        return f"{', '.join(place)}: {self.reason}" if place else self.reason

    def at(
        self, path: str, record: Optional[int] = None, offset: Optional[int] = None
    ) -> RecordError:
        """Return the same error with the place where it was found; what is known stays."""
        return RecordError(
            self.reason,
            self.path or path,
            record if self.record is None else self.record,
            offset if self.offset is None else self.offset,
        )
