"""Where a file is not UTF-8: reading it as text tells the place within a block, not the line."""

from __future__ import annotations

from .._errors import TableError


def not_utf8(path: str) -> TableError:
    """Make the error that names the first byte of a file that is not UTF-8."""
    with open(path, "rb") as stream:
        for number, line in enumerate(stream, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                return TableError(
                    f"{path} line {number}, byte {error.start + 1}: 0x{line[error.start]:02x} is "
                    f"not UTF-8 ({error.reason}). Save the table as UTF-8."
                )
    return TableError(f"{path}: not UTF-8. Save the table as UTF-8.")
