"""Start everything, watch it, and end everything as soon as one part has ended badly."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Iterator, List, Optional

from ._output import Output
from ._plan import SILENCE, Launch, make_plan
from ._process import LOST, Process

TOGETHER = 1.0  # seconds for others to end by themselves, so that their messages are seen
AFTER = 15.0  # seconds for the rest, once the first process has ended as it should
KILLED = 4.0  # seconds for agents to kill what they run


def launch(what: Launch, logs: Optional[Path] = None) -> int:
    """Run workers, servers and a scheduler until all have ended; return the exit code.

    When one ends badly all are killed within seconds, and the standard error tells which it was
    and its last lines. Ctrl-C (or SIGTERM) is handed to the workers, which save and end; once
    more kills all at once.

    Parameters
    ----------
    what : Launch
        What to run, and where.
    logs : Path, optional
        Folder that gets a file for each process.

    Returns
    -------
    int
        0, the exit code of the process that failed first (128 + N after signal N), or 130 after
        Ctrl-C.
    """
    return Launcher(what, logs).run()


class Launcher:
    """The processes of one launch."""

    def __init__(self, what: Launch, logs: Optional[Path]) -> None:
        self._what, self._logs = what, logs
        self._events: SimpleQueue[Any] = SimpleQueue()
        self._output = Output(sys.stdout.buffer, sys.stderr.buffer, logs)
        self._processes: List[Process] = []
        self._interrupts = 0

    def run(self) -> int:
        """Run until all have ended."""
        nodes = make_plan(self._what)
        with self._signals():
            try:
                for node in nodes:
                    self._processes.append(Process(node, self._what, self._output, self._events))
                return self._watch()
            finally:
                self._end_all()
                self._output.close()

    @property
    def _workers(self) -> List[Process]:
        return [process for process in self._processes if process.node.role == "worker"]

    def _watch(self) -> int:
        while not all(worker.code == 0 for worker in self._workers):
            ended = self._next(1.0)
            if self._interrupts:
                return self._stop()
            if ended is not None and ended.failed:  # the first: they come in order
                return self._fail(ended)
            for process in self._processes:
                process.drop_if_silent(SILENCE)
        # The rest ends by itself, after the workers' farewell.
        self._wait(self._processes, AFTER)
        return 0

    def _fail(self, first: Process) -> int:
        self._wait(self._processes, TOGETHER)
        self._end_all()
        host = first.node.host.name or "this machine"
        self._say(f"{first.node.name} (process {first.pid or '?'} on {host}) {first.end()}.")
        last = self._output.last(first.node.name)
        if last:
            self._say("its last lines:\n" + "\n".join(f"    {line}" for line in last))
        where = f" Logs: {self._logs}" if self._logs is not None else ""
        self._say(f"all {len(self._processes)} processes were ended.{where}")
        assert first.code is not None
        return 1 if first.code == LOST else first.code if first.code > 0 else 128 - first.code

    def _stop(self) -> int:
        self._say("stopping: the workers save and end. Once more ends them at once.")
        for worker in self._workers:
            worker.signal(signal.SIGINT)
        while self._interrupts < 2 and all(worker.code is None for worker in self._workers):
            self._next(1.0)
        self._wait(self._workers, AFTER)
        self._end_all()
        for worker in self._workers:
            if worker.failed and worker.code != 130:
                self._say(f"{worker.node.name} {worker.end()}.")
        return 130

    def _next(self, timeout: float) -> Optional[Process]:
        """Wait for a process that ends, or for an interrupt; return the process."""
        until, before = time.monotonic() + timeout, self._interrupts
        while self._interrupts == before and time.monotonic() < until:
            with contextlib.suppress(Empty):  # in short pieces: signal handlers run between them
                return self._events.get(timeout=0.2)  # type: ignore[no-any-return]
        return None

    def _wait(self, processes: List[Process], seconds: float) -> None:
        until = time.monotonic() + seconds
        while any(p.code is None for p in processes) and time.monotonic() < until:
            if self._interrupts > 1:
                return
            self._next(1.0)

    def _end_all(self) -> None:
        for process in self._processes:
            if process.code is None:
                process.kill()
        until = time.monotonic() + KILLED
        while any(p.code is None for p in self._processes) and time.monotonic() < until:
            time.sleep(0.02)
        for process in self._processes:
            if process.code is None:
                process.abandon()

    def _say(self, text: str) -> None:
        print(f"mxmtl launch: {text}", file=sys.stderr, flush=True)

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Count Ctrl-C and SIGTERM instead of being ended by them."""

        def count(number: int, frame: Any) -> None:
            self._interrupts += 1

        if threading.current_thread() is not threading.main_thread():
            yield
            return
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, count) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before):
                signal.signal(number, handler)
