"""One process of a launch: what it runs, what it prints, and how it ends.

Each is the first of a process group of its own. When it ends, whatever it has started and left
behind is killed with its group; when the launcher itself is killed, a guard kills all groups.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from functools import partial
from pathlib import Path
from typing import Any, Deque, Mapping, Optional, Sequence, Tuple

from .._place import RANK, ROLE
from .._threads import THREADS

# Its name, what it runs, and what its environment has beside the launcher's.
Member = Tuple[str, Sequence[str], Mapping[str, str]]
LAST, WIDEST = 40, 500  # lines kept of each process for the message about its end; their bytes
LONGEST = 1 << 16  # bytes without an end of line after which a line ends
TERMINAL = threading.Lock()
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

    ``code`` is None while it runs, then its exit code, or minus the number of a signal.
    """

    def __init__(self, member: Member, guard: Any, logs: Optional[Path]) -> None:
        self.name, command, environment = member
        self.code: Optional[int] = None
        self.last: Deque[bytes] = deque(maxlen=LAST)  # lines of its standard error
        without = (RANK, ROLE, "DMLC_SERVER_ID", THREADS)
        inherited = {name: text for name, text in os.environ.items() if name not in without}
        # Commands that are installed beside Python are found.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        self._popen: Any = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**inherited, "PATH": path, **environment},
            start_new_session=True,  # Ctrl-C in the terminal is for the launcher alone
        )
        self.pid, self._guard = self._popen.pid, guard
        self._note("+")
        name = os.devnull if logs is None else str(logs / f"{self.name.replace(' ', '-')}.log")
        self._log = open(name, "wb", buffering=0)  # noqa: SIM115 (`close` does)
        self._pumps = [
            threading.Thread(target=self._pump, args=pipe_and_sink, daemon=True)
            for pipe_and_sink in (
                (self._popen.stdout, sys.stdout.buffer),
                (self._popen.stderr, sys.stderr.buffer),
            )
        ]
        for pump in self._pumps:
            pump.start()

    @property
    def over(self) -> bool:
        """Whether it has ended, and all that it has printed was read."""
        return self.code is not None and not any(pump.is_alive() for pump in self._pumps)

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
        """Close its log; a process that has left the group may still print."""
        if self.over:
            self._log.close()

    def _note(self, sign: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the guard was killed, which its code tells
            self._guard.stdin.write(f"{sign}{self.pid}\n".encode())

    def _pump(self, pipe: Any, sink: Any) -> None:
        # Whole lines for the terminal, with [worker 0] before each.
        with pipe:
            for line in iter(partial(pipe.readline, LONGEST), b""):
                self._log.write(line)
                if pipe is self._popen.stderr:
                    self.last.append(line[:WIDEST].rstrip(b"\n"))
                with TERMINAL, contextlib.suppress(
                    BrokenPipeError
                ):  # nobody reads; the log gets all
                    sink.write(b"[%s] %s\n" % (self.name.encode(), line.rstrip(b"\n")))
                    sink.flush()
