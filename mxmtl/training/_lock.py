"""One process at a time trains in a run folder."""

from __future__ import annotations

import contextlib
import fcntl
from pathlib import Path
from typing import Iterator

from ..model import SYMBOL


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder; `ValueError` if another process does.

    The lock is the operating system's, on the symbol file: it ends with the process, however that
    ends, and leaves no file behind.
    """
    with open(folder / SYMBOL, "rb") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"{folder}: another process is training in this folder.") from error
        yield
