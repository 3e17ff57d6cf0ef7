"""Runs one process for the launcher, on this machine or another, and ends it with the launcher.

Sent as text through a pipe (`bootstrap`), so that it needs nothing but Python where it runs; it
imports nothing of mxmtl. Its standard input brings one line of JSON (what to run), then lines
``signal N``. When the input ends, because the launcher closed it, died, or the connection broke,
or when nothing comes for too long, the process and all of its group are killed. Its standard
output carries frames: a kind, a length, that many bytes.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import subprocess
import sys
import threading
from typing import IO, Any, Dict

HEADER = struct.Struct(">cI")
OUT, ERR, PID, EXIT, BEAT = b"o", b"e", b"p", b"x", b"h"
BEATS = 2.0  # seconds between signs of life, both ways
PR_SET_PDEATHSIG = 1


class Agent:
    """One process, its output and its end."""

    def __init__(self, source: IO[bytes], sink: IO[bytes]) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()
        self._heard = threading.Event()
        self._process: Any = None

    def run(self) -> None:
        """Run the process that the first line tells of; return when it has ended."""
        spec = json.loads(self._source.readline())
        try:
            self._process = start(spec)
        except (OSError, ValueError) as error:
            self.send(ERR, f"cannot run {spec['command'][0]!r}: {error}\n".encode())
            self.send(EXIT, b"127")
            return
        self.send(PID, str(self._process.pid).encode())
        pumps = [
            threading.Thread(target=self._pump, args=pump, daemon=True)
            for pump in ((OUT, self._process.stdout), (ERR, self._process.stderr))
        ]
        others = [
            threading.Thread(target=self._listen, daemon=True),
            threading.Thread(target=self._beat, daemon=True),
            threading.Thread(target=self._watch, args=(spec["silence"],), daemon=True),
        ]
        for thread in pumps + others:
            thread.start()
        code = self._process.wait()
        self.kill()  # what it started and left behind
        for thread in pumps:
            thread.join(2.0)
        self.send(EXIT, str(code).encode())

    def send(self, kind: bytes, data: bytes = b"") -> None:
        """Write a frame; without a launcher to read it, end."""
        try:
            with self._lock:
                self._sink.write(HEADER.pack(kind, len(data)) + data)
                self._sink.flush()
        except (OSError, ValueError):
            self.kill()

    def kill(self) -> None:
        """Kill the process and all of its group."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):  # all of them are gone
                os.killpg(self._process.pid, signal.SIGKILL)

    def _pump(self, kind: bytes, stream: IO[bytes]) -> None:
        while True:
            data = os.read(stream.fileno(), 65536)
            if not data:
                return
            self.send(kind, data)

    def _listen(self) -> None:
        for line in iter(self._source.readline, b""):
            self._heard.set()
            word, _, number = line.decode().strip().partition(" ")
            if word == "signal" and self._process.poll() is None:
                os.killpg(self._process.pid, int(number))
        self.kill()

    def _beat(self) -> None:
        wait = threading.Event()
        while not wait.wait(BEATS):
            self.send(BEAT)

    def _watch(self, silence: float) -> None:
        while self._heard.wait(silence):
            self._heard.clear()
        self.kill()


def start(spec: Dict[str, Any]) -> Any:
    """Start the process: a group of its own, which the kernel kills if this program dies."""
    environment = {k: v for k, v in os.environ.items() if k not in spec["without"]}
    environment.update(spec["environment"])
    if spec["path"]:  # commands that are installed beside Python
        environment["PATH"] = os.pathsep.join([spec["path"], environment.get("PATH", os.defpath)])
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)

    return subprocess.Popen(
        spec["command"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=spec["folder"],
        env=environment,
        start_new_session=True,
        preexec_fn=prepare,
    )


def main() -> None:
    """Be an agent on the standard streams."""
    Agent(sys.stdin.buffer, sys.stdout.buffer).run()
    sys.stdout.buffer.flush()
    os._exit(0)  # threads that still read must not hold it up


if __name__ == "__main__":
    main()
