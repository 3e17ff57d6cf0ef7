"""What may be wrong with a table, a row or an image; each message says where."""

from __future__ import annotations

from ..tasks import LabelError


class TableError(ValueError):
    """A table that cannot be read as a whole: no such column, no rows, not UTF-8, ..."""


class ImageError(ValueError):
    """Bytes that are no whole image, or an image file that is not there."""


class RowError(ValueError):
    """One row that cannot become a record; the message names table, row and reason.

    Attributes
    ----------
    source : str
        The table.
    row : int
        Row number as a spreadsheet shows it.
    path : str
        The row's image path; '' if it has none.
    reason : str
        What is wrong, without the place.
    """

    def __init__(self, source: str, row: int, path: str, reason: str) -> None:
        super().__init__(source, row, path, reason)  # what it is made of again, when unpickled
        self.source, self.row, self.path, self.reason = source, row, path, reason

    def __str__(self) -> str:
        mend = "on_error='skip' (--on-error skip) leaves such rows out, and lists them."
        return f"{self.source} row {self.row}, {self.reason} {mend}"


class RowLabelError(RowError, LabelError):
    """A row with a cell that is no label."""
