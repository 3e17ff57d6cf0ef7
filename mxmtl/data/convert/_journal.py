"""What a conversion has completed so far, so that another run can go on from there."""

from __future__ import annotations

import fcntl
import json
import os
from typing import IO, Any, Dict, Iterator, Optional, Tuple

NAME = "journal"


class Journal:
    """A file of JSON lines: the options first, then one line for each completed chunk of rows.

    A line that was cut off by the end of its run does not count. Two runs cannot hold the same
    journal: the second gets `BlockingIOError`.

    Parameters
    ----------
    folder : str
        Where the parts of the output are; made if need be.
    """

    def __init__(self, folder: str) -> None:
        os.makedirs(folder, exist_ok=True)
        path = os.path.join(folder, NAME)
        self._stream: IO[bytes] = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            fcntl.flock(self._stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._stream.close()
            raise BlockingIOError(
                f"{folder}: another conversion is writing there. Wait for its end, or choose "
                "another prefix."
            ) from error
        first = self._read_line()
        self.options: Optional[Dict[str, Any]] = first[0] if first else None
        self._end = self._stream.tell() if first else 0

    def begin(self, options: Dict[str, Any]) -> None:
        """Forget all, and note the options of a new run."""
        self._end = 0
        self.options = options
        self.add(options)

    def chunks(self) -> Iterator[Dict[str, Any]]:
        """Read the completed chunks; those not asked for are forgotten by the next `add`."""
        position = self._end
        while True:
            self._stream.seek(position)
            line = self._read_line()
            if line is None:
                return
            entry, position = line
            yield entry
            self._end = position

    def add(self, entry: Dict[str, Any]) -> None:
        """Append a line; once this returns, it outlives the process."""
        self._stream.seek(self._end)
        self._stream.truncate()
        self._stream.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._stream.flush()
        self._end = self._stream.tell()

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def _read_line(self) -> Optional[Tuple[Dict[str, Any], int]]:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            return None
        try:
            return json.loads(line), self._stream.tell()
        except ValueError:
            return None


def is_ours(folder: str) -> bool:
    """Tell whether a folder is what a run has left, however early it was stopped."""
    names, path = os.listdir(folder), os.path.join(folder, NAME)
    if not os.path.isfile(path):
        return not names
    with open(path, "rb") as stream:
        begin = stream.read(1)
    return begin == b"{" or (not begin and names == [NAME])
