"""From an engine to a socket that is listened on, and to a stop that loses nothing."""

from __future__ import annotations

import contextlib
import ipaddress
import signal
import socket
import threading
from typing import Any, Iterator

from ._engine import Engine
from ._limits import Limits

INSTALL = 'pip install "mxmtl[serve]"'


class Service:
    """A service that is bound to its address; `run` serves until it is told to stop.

    Parameters
    ----------
    engine : Engine
        From `open_engine`.
    host, port : str, int
        Address to listen on; port 0 takes one that is free.
    limits : Limits, optional
        What is admitted.
    max_batch, max_delay : int, float
        Images that are computed together, and seconds that one waits for others.

    Attributes
    ----------
    url : str
        Where it is.

    Raises
    ------
    OSError
        If the address cannot be had.
    ImportError
        If the extra ``serve`` is not installed.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        host: str = "127.0.0.1",
        port: int = 8000,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        max_batch: int = 16,
        max_delay: float = 0.005,
    ) -> None:
        if max_batch < 1 or not 0 <= max_delay < 60:
            raise ValueError(f"max_batch={max_batch}, max_delay={max_delay}: expected 1 or more.")
        try:
            import uvicorn

            from ._app import App
            from ._protocol import protocol
        except ImportError as error:
            raise ImportError(f"serving needs more packages ({error}). Run: {INSTALL}") from error
        self._socket = listen(host, port)
        self.url = f"http://{_shown(host)}:{self._socket.getsockname()[1]}"
        self.app = App(engine, limits, max_batch, max_delay)
        kind: Any = protocol(limits.head_seconds)
        self._server = uvicorn.Server(
            uvicorn.Config(
                self.app.asgi(),
                http=kind,
                ws="none",
                lifespan="on",
                log_config=None,
                log_level="error",  # what clients do wrong is counted; it must not fill a log
                access_log=False,
                server_header=False,
                limit_concurrency=limits.max_connections,
                h11_max_incomplete_event_size=limits.max_head,
                timeout_graceful_shutdown=max(1, round(limits.stop_seconds)),
            )
        )

    def run(self) -> None:
        """Serve until SIGTERM, SIGINT or `stop`; requests in flight are answered first."""
        with self._socket, _quiet_signals():
            self._server.run(sockets=[self._socket])

    def stop(self) -> None:
        """Let `run` end; from any thread."""
        self._server.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """Bind an address; `OSError` that names it if that cannot be."""
    if not 0 <= port <= 65535:
        raise ValueError(f"port={port} is not in 0 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _quiet_signals() -> Iterator[None]:
    # uvicorn stops in good order at a signal, and then raises it again for whoever was there
    # before it: here nobody, so that a stop that was asked for is no failure.
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {kind: signal.signal(kind, _nothing) for kind in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _nothing(*_: Any) -> None:
    pass
