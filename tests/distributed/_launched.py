"""A launch as its user sees it: a command line, its exit code, its output, its processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from mxmtl.distributed import Launch, Launcher, Nodes, meet

PROMISE = 10.0  # seconds within which everything ends when one process has died
PATIENCE = 240.0  # seconds after which a test gives up: busy machines are slow


class Launched:
    """``mxmtl launch`` as a process."""

    def __init__(self, folder: Path, *arguments: str, name: str = "launch") -> None:
        command = [sys.executable, "-m", "mxmtl", "launch", "--logs", str(folder / f"{name}-logs")]
        self.output = folder / f"{name}.txt"
        with self.output.open("wb") as stream:
            self.process = subprocess.Popen(
                [*command, *arguments],
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment(),
            )

    @property
    def text(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, text: str) -> None:
        """Wait until the output has a text."""
        until = time.monotonic() + PATIENCE
        while text not in self.text:
            assert self.process.poll() is None, self.text
            assert time.monotonic() < until, self.text
            time.sleep(0.02)

    def find(self, role: str, index: int = 0) -> int:
        """Return the process id of a worker, a server or the scheduler."""
        name = {"worker": "DMLC_WORKER_ID", "server": "DMLC_SERVER_ID"}.get(role)
        for pid in descendants(self.process.pid):
            found = environment_of(pid)
            if found.get("DMLC_ROLE") == role and (not name or found[name] == str(index)):
                return pid
        raise AssertionError(f"no {role} {index} in\n{self.text}")

    def end(self, timeout: float = PATIENCE) -> int:
        """Wait for it; return its exit code. Nothing that it started may be left."""
        below = descendants(self.process.pid)
        code = self.process.wait(timeout)
        until = time.monotonic() + PROMISE
        while any(alive(pid) for pid in below) and time.monotonic() < until:
            time.sleep(0.02)
        left = [pid for pid in below if alive(pid)]
        assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        return code

    def kill(self, role: str, index: int = 0) -> float:
        """Kill a process with SIGKILL; return after how many seconds the launch had ended."""
        pid = self.process.pid if role == "launcher" else self.find(role, index)
        began = time.monotonic()
        os.kill(pid, signal.SIGKILL)
        self.end()
        return time.monotonic() - began


def launch_members(what: Launch, members: list, logs: Path | None = None) -> int:
    """Launch as `mxmtl.distributed.launch` does, but these programs: (name, command, variables)."""
    where, size = (what.master_addr, what.master_port), (what.workers, what.servers or 1)
    *_, links = meet(what.nnodes, what.node_rank, where, size)
    return Launcher(what, logs, Nodes(what.node_rank, links)).run(members)


def environment() -> dict[str, str]:
    """Return the environment of a launch: this one, with the tests in reach."""
    without = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    return {**without, "PYTHONPATH": str(Path(__file__).parents[2])}


def free_port() -> int:
    """Return a port of the loopback that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def descendants(pid: int) -> list[int]:
    """Return the ids of the processes that a process started, and they in turn."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        parent = parent_of(int(entry.name)) if entry.name.isdigit() else None
        if parent is not None:
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def environment_of(pid: int) -> dict[str, str]:
    try:
        data = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (part.decode("utf-8", "replace").partition("=") for part in data.split(b"\0"))
    return {name: value for name, _, value in pairs}
