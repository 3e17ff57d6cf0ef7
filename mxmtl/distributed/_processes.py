"""One process of a launch: what it runs, what it prints, and how it ends.

Each is the first of a process group of its own. When it ends, whatever it has started and left
behind is killed with its group; when the launcher itself is killed, a guard kills all groups.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from functools import partial
from pathlib import Path
from typing import IO, Any, Deque, Dict, List, Mapping, Optional, Sequence, Tuple

from .._threads import THREADS
from ._place import RANK, ROLE

# Its name, what it runs, and what its environment has beside the launcher's.
Member = Tuple[str, Sequence[str], Mapping[str, str]]
LAST, WIDEST = 40, 500  # lines kept of each process for the message about its end; their bytes
LONGEST = 1 << 16  # bytes without an end of line after which a line ends
GUARD = """
import os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:  # the launcher has died: it kills its guard when it ends by itself
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        pass
"""


def start_guard() -> Any:
    """Start a small process that kills the groups that it was told of when this process dies."""
    command = [sys.executable, "-I", "-S", "-c", GUARD]
    return subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True, bufsize=0)


class Process:
    """A member that runs; `OSError` if it cannot.

    ``code`` is None while it runs, then its exit code, or minus the number of a signal. The
    selector gets its pipes, with functions to call when there is something to read.
    """

    def __init__(self, member: Member, selector: Any, guard: Any, logs: Optional[Path]) -> None:
        self.name, command, environment = member
        self._selector, self._guard = selector, guard
        self.code: Optional[int] = None
        self.last: Deque[bytes] = deque(maxlen=LAST)  # lines of its standard error
        without = (RANK, ROLE, "DMLC_SERVER_ID", THREADS)
        inherited = {name: text for name, text in os.environ.items() if name not in without}
        # Commands that are installed beside Python are found.
        path = [
            os.path.dirname(os.path.abspath(sys.executable)),
            os.environ.get("PATH", os.defpath),
        ]
        self._popen = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, "PATH": os.pathsep.join(path), **environment},
            start_new_session=True,  # Ctrl-C in the terminal is for the launcher alone
        )
        self.pid = self._popen.pid
        self._note("+")
        self._log: Optional[IO[bytes]] = None
        if logs is not None:
            self._log = (logs / f"{self.name.replace(' ', '-')}.log").open("wb", buffering=0)
        self._rest: Dict[Any, bytes] = {self._popen.stdout: b"", self._popen.stderr: b""}
        for pipe in self._rest:
            selector.register(pipe, selectors.EVENT_READ, partial(self._read, pipe))

    @property
    def over(self) -> bool:
        """Whether it has ended, and all that it has printed was read."""
        return self.code is not None and not self._rest

    @property
    def end(self) -> str:
        """How it ended, in words."""
        if self.code is not None and self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    def signal(self, number: int) -> None:
        """Send a signal to its group."""
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def reap(self) -> bool:
        """Look whether it has ended; True the first time."""
        look = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if self.code is not None or os.waitid(os.P_PID, self.pid, look) is None:
            return False
        self.signal(signal.SIGKILL)  # the rest of the group, while its number is still taken
        self.code = self._popen.wait()
        self._note("-")
        return True

    def close(self) -> None:
        """Read no more."""
        for pipe in list(self._rest):
            self._close(pipe)
        if self._log is not None:
            self._log.close()

    def _note(self, sign: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the guard was killed, which its code tells
            self._guard.stdin.write(f"{sign}{self.pid}\n".encode())

    def _read(self, pipe: IO[bytes]) -> None:
        data = os.read(pipe.fileno(), 1 << 16)
        if self._log is not None:
            self._log.write(data)
        *lines, self._rest[pipe] = (self._rest[pipe] + data).split(b"\n")
        self._show(pipe, lines)
        if len(self._rest[pipe]) > LONGEST:
            self._show(pipe, [self._rest[pipe]])
            self._rest[pipe] = b""
        if not data:
            self._close(pipe)

    def _close(self, pipe: IO[bytes]) -> None:
        rest = self._rest.pop(pipe)  # without an end of line
        self._show(pipe, [rest] if rest else [])
        self._selector.unregister(pipe)
        pipe.close()

    def _show(self, pipe: IO[bytes], lines: List[bytes]) -> None:
        # Whole lines for the terminal, with [worker 0] before each.
        sink = sys.stdout.buffer
        if pipe is self._popen.stderr:
            sink = sys.stderr.buffer
            self.last.extend(line[:WIDEST] for line in lines)
        with contextlib.suppress(BrokenPipeError):  # nobody reads any more; the file gets all
            sink.write(b"".join(b"[%s] %s\n" % (self.name.encode(), line) for line in lines))
            sink.flush()
