"""Where a file, or the name of one, is not UTF-8, as all that is written here is."""

from __future__ import annotations

import os
from typing import Any

from .._errors import TableError


def not_utf8(path: str) -> TableError:
    """Make the error that names the first byte of a file that is not UTF-8.

    Reading it as text tells the place within a block, not the line.
    """
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
