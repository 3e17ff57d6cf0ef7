"""How the launchers of several machines ("nodes") meet, and tell each other of an end.

Node 0 listens until all others have come; then it tells them the scheduler's port. Afterwards the
connections carry three things: an end (exit code, reason), a wish to stop, and that the workers of
a node are done. A node tells the others what it has heard, once. A connection that breaks is a node
that was lost; the kernel probes those that are silent, so that a machine without power is noticed.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from .._files import check_form

MEET = 600.0  # seconds for all nodes to come
SILENCE = 30  # seconds without an answer, after which the other side counts as lost
MOST = 1 << 18  # bytes of a message; the last lines of a process are up to 120 KB
SEND = 5.0  # seconds for the other side to answer, or to say who it is


class Link:
    """A connection to another launcher."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket, self._file = connection, connection.makefile("rb")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        third, sixth = SILENCE // 3, SILENCE // 6
        tcp = {"KEEPIDLE": third, "KEEPINTVL": sixth, "KEEPCNT": 4, "USER_TIMEOUT": 1000 * SILENCE}
        for name, value in tcp.items():
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, f"TCP_{name}"), value)

    def tell(self, *message: Any) -> None:
        """Send a message: a line of JSON."""
        with contextlib.suppress(OSError):  # it is gone, which `hear` tells
            self.socket.sendall(json.dumps(message).encode() + b"\n")

    def hear(self, seconds: float | None = None) -> Any:
        """Wait for a message; `OSError` if the other is gone, `ValueError` for rubbish."""
        self.socket.settimeout(seconds)
        line = self._file.readline(MOST)
        if not line.endswith(b"\n"):
            raise ConnectionResetError("the connection has ended")
        try:
            return json.loads(line)
        except RecursionError:
            raise ValueError("a message is nested too deep") from None

    def close(self) -> None:
        """Close it; who waits for a message does so no longer."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._file.close()
        self.socket.close()


def meet(
    count: int, rank: int, where: tuple[str, int], size: tuple[int, int], patience: float = MEET
) -> tuple[tuple[str, int], str, dict[int, Link]]:
    """Wait for the other launchers; return where the scheduler is, this node's address, and links.

    ``size`` is how many workers and servers each node has, ``patience`` how many seconds it waits.
    Raises `OSError` or `ValueError` if not all come or if they do not fit together; then those who
    have come raise it, too.
    """
    if rank:
        link = _call(where, patience)
        link.tell(rank, count, *size)
        try:
            (port,) = link.hear(patience)
        except OSError as error:
            link.close()
            raise OSError(f"node 0 was lost before all nodes had come ({error}).") from error
        return (link.socket.getpeername()[0], port), link.socket.getsockname()[0], {0: link}
    links = _receive(count, where[1], size, patience) if count > 1 else {}
    address = links[1].socket.getsockname()[0] if links else "127.0.0.1"
    with socket.create_server((address, 0)) as probe:  # a port that is free
        port = probe.getsockname()[1]
    for link in links.values():
        link.tell(port)
    return (address, port), address, links


def _call(where: tuple[str, int], patience: float) -> Link:
    until, reason = time.monotonic() + patience, ""
    while time.monotonic() < until:
        try:
            connection = socket.create_connection(where, timeout=SEND)
            if connection.getsockname() != connection.getpeername():  # else TCP met itself
                return Link(connection)
            connection.close()
        except OSError as error:  # node 0 is not there yet, or its name
            reason = str(error)
        time.sleep(0.2)
    raise OSError(f"no node 0 at {where[0]}:{where[1]} within {patience:.0f} seconds ({reason}).")


def _receive(count: int, port: int, size: tuple[int, int], patience: float) -> dict[int, Link]:
    links: dict[int, Link] = {}
    with socket.create_server(("", port)) as listener, contextlib.ExitStack() as on_errors:
        listener.settimeout(patience)
        while len(links) < count - 1:
            try:
                link = Link(listener.accept()[0])
                on_errors.callback(link.close)
            except OSError as error:
                missing = sorted(set(range(1, count)) - set(links))
                raise OSError(f"nodes {missing} did not come in {patience:.0f} seconds.") from error
            try:
                said = link.hear(SEND)
                check_form(said, [int], "a message")
                node, nodes, workers, servers = said
            except (OSError, ValueError):  # a stranger
                link.close()
                continue
            if (nodes, workers, servers) != (count, *size) or not 0 < node < count or node in links:
                raise ValueError(
                    f"node {node} of {nodes} has come with -n {workers} -s {servers}; expected 1 "
                    f"to {count - 1} of {count}, each once, with -n {size[0]} -s {size[1]}."
                )
            links[node] = link
        on_errors.pop_all()
    return links


class Nodes:
    """The launchers of all machines, as one of them sees them; also the only one.

    ``failure`` is the exit code and the reason of an end; ``stopping`` whether someone wishes it;
    ``some_done``, ``all_done`` whether the workers of another node, or of all, have ended.
    """

    def __init__(self, rank: int, links: dict[int, Link]) -> None:
        self.failure: tuple[int, str] | None = None
        self.stopping = self.some_done = self.all_done = False
        self._rank, self._links, self._awaited = rank, links, {rank, *links}
        self._lock = threading.RLock()
        for node in links:
            threading.Thread(target=self._listen, args=[node], daemon=True).start()

    def fail(self, code: int, reason: str) -> None:
        """End everything everywhere."""
        with self._lock:
            if self.failure is None:
                self.failure = (code, reason)
                self._tell("fail", code, reason)

    def stop(self) -> None:
        """Let all workers save and end."""
        with self._lock:
            if not self.stopping:
                self.stopping = True
                self._tell("stop")

    def done(self, node: int) -> None:
        """Take note that the workers of a node have ended; said by node 0, those of all."""
        with self._lock:
            if node in self._awaited:
                self._awaited.remove(node)
                self.some_done |= node != self._rank
                self.all_done = not self._awaited
                if self.all_done if self._rank == 0 else node == self._rank:
                    self._tell("done")

    def close(self) -> None:
        """Close all connections."""
        self._awaited.clear()
        for link in self._links.values():
            link.close()

    def _tell(self, *message: Any) -> None:
        for link in self._links.values():
            link.tell(*message)

    def _listen(self, node: int) -> None:
        heard: dict[str, Callable[..., None]]
        heard = {"fail": self.fail, "stop": self.stop, "done": partial(self.done, node)}
        try:
            while True:
                what, *more = self._links[node].hear()
                heard[what](*more)
        except (OSError, ValueError, TypeError, KeyError):
            if self.stopping:
                self.done(node)
            elif self._awaited:
                self.fail(1, f"node {node} was lost: its launcher, its machine or the network.")
