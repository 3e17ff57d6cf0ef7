"""One launched process, as the launcher sees it: an agent at the other end of a pipe."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import Any, List, Optional, Sequence

from . import _agent
from ._output import Output
from ._plan import Launch, Node

AGENT = Path(_agent.__file__).read_bytes()
LOST = -1000  # exit code of a process whose agent did not tell one


class Process:
    """A node that runs.

    Parameters
    ----------
    node : Node
        What to run, and where.
    launch : Launch
        How to reach other machines.
    output : Output
        Gets what it prints.
    events : SimpleQueue
        Gets this object when it has ended.

    Attributes
    ----------
    code : int or None
        How it ended: an exit code, minus the number of a signal, or `LOST`; None while it runs.
    pid : str
        Its process id on its machine; empty before it is known.
    """

    def __init__(self, node: Node, launch: Launch, output: Output, events: SimpleQueue[Any]):
        self.node, self._output, self._events = node, output, events
        self.code: Optional[int] = None
        self.pid = ""
        self._heard = time.monotonic()
        self._stopped, self._writing = threading.Event(), threading.Lock()
        bin_folder = os.path.dirname(os.path.abspath(launch.python))
        self._agent = subprocess.Popen(
            agent_command(node, launch),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for the launcher alone
        )
        self._write(AGENT + json_line(node.spec(bin_folder)))
        threading.Thread(target=self._read, daemon=True).start()
        threading.Thread(target=self._beat, daemon=True).start()

    def signal(self, number: int) -> None:
        """Send a signal to the process and its group."""
        self._write(f"signal {number}\n".encode())

    def kill(self) -> None:
        """End it: its agent kills it when the pipe closes."""
        self._stopped.set()
        assert self._agent.stdin is not None
        with self._writing, contextlib.suppress(OSError):  # the agent is gone: so is the process
            self._agent.stdin.close()

    def abandon(self) -> None:
        """End the agent, too: it had its time."""
        if self._agent.poll() is None:
            os.killpg(self._agent.pid, signal.SIGKILL)

    def drop_if_silent(self, seconds: float) -> None:
        """Give it up if its agent has shown no sign of life for so long: its machine is gone."""
        if self.code is None and time.monotonic() - self._heard > seconds:
            self.abandon()

    @property
    def failed(self) -> bool:
        """Whether it has ended, and not well."""
        return self.code not in (None, 0)

    def end(self) -> str:
        """Say how it ended."""
        if self.code == LOST:
            return "was lost: the connection to it has ended, or nothing came through it"
        if self.code is not None and self.code < 0:
            return f"was killed by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"

    def _write(self, data: bytes) -> None:
        assert self._agent.stdin is not None
        # Where the agent or its pipe is gone the process is ending, and its reader tells.
        with self._writing, contextlib.suppress(OSError, ValueError):
            self._agent.stdin.write(data)
            self._agent.stdin.flush()

    def _beat(self) -> None:
        while not self._stopped.wait(_agent.BEATS):
            self._write(b"beat\n")

    def _read(self) -> None:
        code = LOST
        try:
            for kind, data in frames(self._agent.stdout):
                self._heard = time.monotonic()
                if kind in (_agent.OUT, _agent.ERR):
                    self._output.add(self.node.name, kind, data)
                elif kind == _agent.PID:
                    self.pid = data.decode()
                elif kind == _agent.EXIT:
                    code = int(data)
        finally:
            self._output.end(self.node.name)
            self.kill()
            self._agent.wait()
            self._agent.stdout.close()  # type: ignore[union-attr]
            self.code = code
            self._events.put(self)


def frames(stream: Any) -> Any:
    """Give the frames that an agent writes, until it ends."""
    while True:
        header = stream.read(_agent.HEADER.size)
        if len(header) < _agent.HEADER.size:
            return
        kind, length = _agent.HEADER.unpack(header)
        data = stream.read(length)
        if len(data) < length:
            return
        yield kind, data


def agent_command(node: Node, launch: Launch) -> Sequence[str]:
    """Return the command that starts a node's agent, here or over ssh."""
    begin = f"import sys;exec(sys.stdin.buffer.read({len(AGENT)}))"
    if not node.host.name:
        return [sys.executable, "-c", begin]
    line: List[str] = ["exec", launch.python, "-c", begin]
    return [*launch.ssh, node.host.name, " ".join(map(shlex.quote, line))]


def json_line(data: Any) -> bytes:
    """Return data as one line of JSON."""
    return json.dumps(data).encode() + b"\n"
