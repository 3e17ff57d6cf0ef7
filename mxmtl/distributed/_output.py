"""What the processes print: prefixed lines for the terminal, a file for each process."""

from __future__ import annotations

import collections
import contextlib
import threading
from pathlib import Path
from typing import IO, Deque, Dict, List, Optional

LAST = 40  # lines kept of each process, for the message about its end
LONGEST = 1 << 16  # bytes without an end of line after which a line ends


class Output:
    """Writes the lines of many processes, whole.

    Parameters
    ----------
    out, err : binary files
        Where lines of standard output and standard error go, with ``[worker 0]`` before them.
    folder : Path, optional
        Gets a file for each process, without prefixes.
    """

    def __init__(self, out: IO[bytes], err: IO[bytes], folder: Optional[Path]) -> None:
        self._streams = {b"o": out, b"e": err}
        self._folder = folder
        self._files: Dict[str, IO[bytes]] = {}
        self._partial: Dict[str, bytes] = collections.defaultdict(bytes)
        self._last: Dict[str, Deque[bytes]] = {}
        self._lock = threading.Lock()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, kind: bytes, data: bytes) -> None:
        """Take bytes that process ``name`` wrote to its standard output or error."""
        with self._lock:
            if self._folder is not None:
                self._file(name).write(data)
            *lines, rest = (self._partial[name + kind.decode()] + data).split(b"\n")
            if len(rest) > LONGEST:
                lines, rest = [*lines, rest], b""
            self._partial[name + kind.decode()] = rest
            for line in lines:
                self._write(name, kind, line)

    def end(self, name: str) -> None:
        """Write what a process that has ended left without an end of line."""
        with self._lock:
            for kind in self._streams:
                rest = self._partial.pop(name + kind.decode(), b"")
                if rest:
                    self._write(name, kind, rest)

    def last(self, name: str) -> List[str]:
        """Return the last lines of a process's standard error."""
        with self._lock:
            return [line.decode("utf-8", "replace") for line in self._last.get(name, ())]

    def close(self) -> None:
        """Close the files."""
        with self._lock:
            for stream in self._files.values():
                stream.close()
            self._files.clear()
            self._folder = None  # what comes too late is shown only

    def _file(self, name: str) -> IO[bytes]:
        if name not in self._files:
            assert self._folder is not None
            path = self._folder / f"{name.replace(' ', '-')}.log"
            self._files[name] = path.open("wb", buffering=0)
        return self._files[name]

    def _write(self, name: str, kind: bytes, line: bytes) -> None:
        if kind == b"e":
            self._last.setdefault(name, collections.deque(maxlen=LAST)).append(line)
        stream = self._streams[kind]
        with contextlib.suppress(BrokenPipeError):  # nobody reads any more; the files get all
            stream.write(f"[{name}] ".encode() + line + b"\n")
            stream.flush()
