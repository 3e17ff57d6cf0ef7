"""Start everything on this machine, watch it, and end everything as soon as one part has failed.

Threads read what the processes print and what other launchers say; this one looks, fifty times a
second, whether a process has ended, and ends the others. Only what it starts needs MXNet.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from threading import Lock, Thread, current_thread, main_thread
from typing import Any

from .._options import Options, option
from .._threads import LOCAL_COUNT, THREADS, threads_asked_for
from .._worker_rank import COUNT, LOCAL_RANK, RANK, ROLE
from ._nodes import Nodes, meet

# MXNet runs a scheduler or a server inside its import, and ends the process after it. It takes
# scikit-learn along where that is installed, which a service has no use for.
SERVICE = "import sys; sys.modules['sklearn'] = None; import mxmtl, mxnet"
TOGETHER = 1.0  # seconds for others to end by themselves, so that their messages are seen
AFTER = 15.0  # seconds for the rest, once the first process has ended as it should
KILLED = 4.0  # seconds for the kernel to end what is killed
several = partial(option, group="several machines, or NNODES, NODE_RANK, MASTER_ADDR, MASTER_PORT")
# Its name, what it runs, and what its environment has beside the launcher's.
Member = tuple[str, Sequence[str], Mapping[str, str]]
LAST, WIDEST = 40, 500  # lines kept of each process for the message about its end; their bytes
LONGEST = 1 << 16  # bytes without an end of line after which a line ends
TERMINAL = Lock()
GUARD = """
import contextlib, os, signal, sys
groups = set()
for line in sys.stdin:
    (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
for group in groups:  # the launcher has died: it kills its guard when it ends by itself
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
"""


@dataclass(frozen=True)
class Launch(Options):
    """What to launch, once on each machine ("node"); one alone listens on its loopback only."""

    command: tuple[str, ...] = option(help="program and arguments of a worker", flag="")
    workers: int = option(help="workers on a machine", flag="-n/--nproc-per-node/--workers", low=1)
    servers: int = option(0, "servers on a machine; 0 is one", flag="-s/--servers", low=0)
    nnodes: int = several(1, "how many machines", low=1)
    node_rank: int = several(0, "which this is, from 0", low=0)
    master_addr: str = several("", "where node 0 is reached")
    master_port: int = several(29500, "where node 0 listens for the others", low=1, high=65535)

    @staticmethod
    def environment() -> dict[str, str]:
        """Return what the environment says of the nodes, by option, as torchrun has it."""
        names = ("nnodes", "node_rank", "master_addr", "master_port")
        return {name: os.environ[name.upper()] for name in names if os.environ.get(name.upper())}

    def __post_init__(self) -> None:
        super().__post_init__()
        for right, expected in (
            (self.command, "a command for the workers, after --"),
            (self.node_rank < self.nnodes, "a --node-rank from 0 to --nnodes minus 1"),
            (self.nnodes == 1 or self.master_addr, "--master-addr, where the others reach node 0"),
        ):
            if not right:
                raise ValueError(f"expected {expected}.")


def launch(what: Launch, logs: Path | None = None) -> int:
    """Run workers, servers and a scheduler until all have ended; return the exit code.

    When one ends badly, on this node or another, all are killed within seconds, and the standard
    error tells which it was and its last lines. Ctrl-C (or SIGTERM) is handed to the workers of
    all nodes, which save and end; once more kills all at once. ``logs`` gets a file a process. The
    exit code is 0, that of the process that failed first (128 + N after signal N), 1 where a node
    was lost, or 130 after Ctrl-C. `OSError` or `ValueError` if the nodes do not come together.
    """
    where, size = (what.master_addr, what.master_port), (what.workers, what.servers or 1)
    if what.nnodes > 1:
        say(f"node {what.node_rank} of {what.nnodes} meets the others at {where[0]}:{where[1]}.")
    scheduler, address, links = meet(what.nnodes, what.node_rank, where, size)
    members = make_members(what, scheduler, address)
    return Launcher(what, logs, Nodes(what.node_rank, links)).run(members)


def make_members(what: Launch, scheduler: tuple[str, int], address: str) -> list[Member]:
    """Return the processes of a node: the scheduler (of node 0), servers and workers."""
    threads = threads_asked_for()  # None: a worker that imports mxmtl takes its share
    node, servers = what.node_rank, what.servers or 1
    common = {
        "DMLC_PS_ROOT_URI": scheduler[0],
        "DMLC_PS_ROOT_PORT": str(scheduler[1]),
        "DMLC_NODE_HOST": address,
        "DMLC_NUM_SERVER": str(servers * what.nnodes),
        COUNT: str(what.workers * what.nnodes),
        LOCAL_COUNT: str(what.workers),
        **({} if threads is None else {THREADS: threads}),
    }
    services = ["scheduler"] if node == 0 else []
    services += [f"server {index}" for index in range(servers * node, servers * (node + 1))]
    members: list[Member] = []
    for name in services:
        role, _, index = name.partition(" ")
        own = {THREADS: "1", **common, ROLE: role, "DMLC_SERVER_ID": index}
        members.append((name, [sys.executable, "-c", SERVICE], own))
    for local in range(what.workers):
        rank = str(what.workers * node + local)
        own = {**common, ROLE: "worker", RANK: rank, LOCAL_RANK: str(local)}
        members.append((f"worker {rank}", what.command, own))
    return members


def say(text: str) -> None:
    """Print a line of the launcher's own."""
    print(f"mxmtl launch: {text}", file=sys.stderr, flush=True)


class Launcher:
    """The processes of one node."""

    def __init__(self, what: Launch, logs: Path | None, nodes: Nodes) -> None:
        self._what, self._logs, self._nodes = what, logs, nodes
        self._here = f"node {what.node_rank}" if what.nnodes > 1 else "this machine"
        self._processes: list[Process] = []
        self._workers: list[Process] = []
        self._first: Process | None = None  # that failed
        self._interrupts = 0
        guard = [sys.executable, "-I", "-S", "-c", GUARD]
        self._guard = Popen(guard, stdin=PIPE, start_new_session=True, bufsize=0)

    def run(self, members: Sequence[Member]) -> int:
        """Run until all have ended."""
        nodes = self._nodes
        with contextlib.ExitStack() as at_the_end:
            at_the_end.callback(self._close)
            if current_thread() is main_thread():
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    before = signal.signal(number, self._interrupt)
                    at_the_end.callback(signal.signal, number, before)
            self._start(members)
            self._until(lambda: self._ending or nodes.all_done)
            if self._first is not None or nodes.failure is not None:
                return self._fail()
            if nodes.stopping:
                return self._stop()
            self._until(self._all_over, AFTER)  # by themselves, after the workers' farewell
            return 0

    def _start(self, members: Sequence[Member]) -> None:
        if self._logs is not None:
            self._logs.mkdir(parents=True, exist_ok=True)
        try:
            for member in members:
                self._processes.append(Process(member, self._guard, self._logs))
        except OSError as error:
            self._nodes.fail(127, f"{member[0]} cannot run on {self._here}: {error}.")
        self._workers = [p for p in self._processes if p.name.startswith("worker")]

    def _interrupt(self, number: int, frame: Any) -> None:
        self._interrupts += 1

    def _fail(self) -> int:
        first, what = self._first, self._what
        if first is not None and first.code is not None:
            self._until(self._all_over, TOGETHER)
            reason = f"{first.name} (process {first.pid} on {self._here}) {first.end}."
            if first.last:
                lines = [line.decode("utf-8", "replace") for line in first.last]
                reason = "\n    ".join([f"{reason}\nmxmtl launch: its last lines:", *lines])
            self._nodes.fail(first.code if first.code > 0 else 128 - first.code, reason)
        self._end_all()
        code, reason = self._nodes.failure or (1, "")
        logs = f" Logs: {self._logs}" if self._logs is not None else ""
        here = f" of {self._here}" if what.nnodes > 1 else ""
        say(reason)
        say(f"all {len(self._processes)} processes{here} were ended.{logs}")
        return code

    def _stop(self) -> int:
        say("stopping: the workers save and end. Once more ends them at once.")
        nodes, processes, workers = self._nodes, self._processes, self._workers
        for worker in workers:
            worker.signal(signal.SIGINT)
        # To save may take long; once anything has ended the rest must follow.
        self._until(lambda: nodes.failure or nodes.some_done or any(p.over for p in processes))
        self._until(lambda: nodes.failure or all(w.over for w in workers), AFTER)
        if self._interrupts > 1:
            nodes.fail(130, f"{self._here} was stopped at once.")
        nodes.done(self._what.node_rank)  # servers stay until the workers of all nodes have ended
        self._until(lambda: nodes.failure or nodes.all_done, AFTER)
        self._end_all()
        for worker in workers:
            if worker.code not in (None, 0, 130):
                say(f"{worker.name} {worker.end}.")
        return 130

    def _end_all(self) -> None:
        for process in self._processes:
            process.signal(signal.SIGKILL)
        self._interrupts = 0
        self._until(self._all_over, KILLED)

    def _close(self) -> None:
        self._end_all()
        self._nodes.close()
        self._guard.kill()
        self._guard.communicate()

    @property
    def _ending(self) -> bool:
        return self._nodes.failure is not None or self._nodes.stopping or self._first is not None

    def _all_over(self) -> bool:
        return all(process.over for process in self._processes)

    def _until(self, condition: Callable[[], Any], seconds: float = float("inf")) -> None:
        # Look after everything until something holds, time is over, or all is to end at once.
        until = time.monotonic() + seconds
        while not condition() and time.monotonic() < until and self._interrupts < 2:
            time.sleep(0.02)
            for process in self._processes:
                if process.reap() and process.code and not self._ending:
                    self._first = process
            if self._interrupts:
                self._nodes.stop()
            if self._guard.poll() is not None:
                self._nodes.fail(1, f"the launcher's guard on {self._here} was killed.")
            if self._workers and all(worker.code == 0 for worker in self._workers):
                self._nodes.done(self._what.node_rank)


# -- one process: what it runs, what it prints, and how it ends ------------------------------------
# Each is the first of a process group of its own. When it ends, whatever it has started and left
# behind is killed with its group; when the launcher itself is killed, a guard kills all groups.
class Process:
    """A member that runs (``code`` None) or has ended (exit code, or minus a signal's number)."""

    def __init__(self, member: Member, guard: Any, logs: Path | None) -> None:
        self.name, command, environment = member
        self.code: int | None = None
        self.last: deque[bytes] = deque(maxlen=LAST)  # lines of its standard error
        without = (RANK, ROLE, "DMLC_SERVER_ID", THREADS)
        inherited = {name: text for name, text in os.environ.items() if name not in without}
        # Commands that are installed beside Python are found.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        file = f"{self.name.replace(' ', '-')}.log"
        self._log = Path(os.devnull) if logs is None else logs / file
        self._log.write_bytes(b"")
        own = {**inherited, "PATH": path, **environment}
        # In a session of its own: Ctrl-C in the terminal is for the launcher alone.
        self._popen: Any = Popen(
            command, stdin=DEVNULL, stdout=PIPE, stderr=PIPE, env=own, start_new_session=True
        )
        self.pid, self._guard = self._popen.pid, guard
        self._note("+")
        out, err = (self._popen.stdout, sys.stdout.buffer), (self._popen.stderr, sys.stderr.buffer)
        self._pumps = [Thread(target=self._pump, args=ends, daemon=True) for ends in (out, err)]
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

    def _note(self, sign: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the guard was killed, which its code tells
            self._guard.stdin.write(f"{sign}{self.pid}\n".encode())

    def _pump(self, pipe: Any, sink: Any) -> None:
        # Whole lines for the terminal, with [worker 0] before each.
        with pipe, self._log.open("ab", buffering=0) as log:
            for line in iter(partial(pipe.readline, LONGEST), b""):
                log.write(line)
                if pipe is self._popen.stderr:
                    self.last.append(line[:WIDEST].rstrip(b"\n"))
                with TERMINAL, contextlib.suppress(BrokenPipeError):  # nobody reads; the log has it
                    sink.write(b"[%s] %s\n" % (self.name.encode(), line.rstrip(b"\n")))
                    sink.flush()
