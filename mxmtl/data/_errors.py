"""What may be wrong with a table, a row or an image; each message says where."""

from __future__ import annotations

import contextlib
import os
from typing import Any

from ..tasks import LabelError

CHARSETS = ("gbk", "cp1252")  # of Excel in China, and in Western Europe
SHOWN = 40  # characters of a line


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

    mend = "on_error='skip' (--on-error skip) leaves such rows out, and lists them."

    def __init__(self, source: str, row: int, path: str, reason: str) -> None:
        super().__init__(source, row, path, reason)  # what it is made of again, when unpickled
        self.source, self.row, self.path, self.reason = source, row, path, reason

    def __str__(self) -> str:
        return f"{self.source} row {self.row}, {self.reason} {self.mend}"


class RowLabelError(RowError, LabelError):
    """A row with a cell that is no label."""

    mend = (
        "on_error='blank' (--on-error blank) makes such cells missing, on_error='skip' leaves such "
        "rows out; both list them. --dry-run shows all that is wrong."
    )


def cut_short(what: str, position: int | None = None) -> ImageError:
    """Make the error for a file that ends too early."""
    at = "" if position is None else f" (at byte {position})"
    return ImageError(f"the {what} file is cut short{at}. Fetch it again.")


def not_utf8(path: str) -> TableError:
    """Make the error that names the first byte of a file that is not UTF-8.

    Reading it as text tells the place within a block, not the line. What the line would be in
    other encodings is shown, for the user to choose.
    """
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return TableError(
                    f"{path} line {number}, byte {error.start + 1}: 0x{line[error.start]:02x} is "
                    f"not UTF-8 ({error.reason}). Save the table as UTF-8"
                    f"{in_charsets(line)}."
                )
    return TableError(f"{path}: not UTF-8. Save the table as UTF-8.")


def in_charsets(line: bytes) -> str:
    """Say what a line would be in encodings that spreadsheets write; '' if in none of them."""
    readings: dict[str, str] = {}
    for charset in CHARSETS:
        with contextlib.suppress(UnicodeDecodeError):
            text = line.decode(charset).strip()
            if text.isprintable() and text not in readings.values():
                readings[charset] = text
    shown = ", and ".join(f"{text[:SHOWN]!r} with {name}" for name, text in readings.items())
    return (
        f", or say in what it is: charset='NAME' (--charset NAME). This line reads {shown}"
        * bool(shown)
    )


def escaped(path: str) -> str:
    r"""Return a path with the bytes that are not UTF-8 written as those of a file are.

    >>> print(escaped("caf\udce9.jpg"))
    caf\xe9.jpg
    """
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def bad_name(path: str) -> str:
    """Say that a path is not UTF-8, so that no list or manifest can hold it; '' if it is."""
    shown = escaped(path)
    return "" if shown == path else f"'{shown}': the name is not UTF-8. Rename it."


def check_names(**paths: Any) -> None:
    """Raise `ValueError` for an argument, by its name, that is a path and not UTF-8."""
    for argument, path in paths.items():
        trouble = bad_name(os.fspath(path))
        if trouble:
            raise ValueError(f"{argument}={trouble}")
