"""From a predictor to a socket that is listened on, and to a stop that loses nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator

from ..model import Predictor
from ._limits import CONNECTIONS, OTHER_FILES, STOP_SECONDS, Limits, ServeOptions

INSTALL = 'pip install "mxmtl[serve]"'


class Service:
    """A service that is bound to its address; `run` serves until it is told to stop.

    Parameters
    ----------
    predictor : Predictor
        What answers.
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

    Examples
    --------
    ::

        service = Service(mxmtl.Predictor("runs/first"), port=0)
        print(service.url)
        service.run()
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        host: str = ServeOptions.host,
        port: int = ServeOptions.port,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        max_batch: int = ServeOptions.max_batch,
        max_delay: float = ServeOptions.max_delay / 1000,
    ) -> None:
        if max_batch < 1 or not 0 <= max_delay < 60:
            raise ValueError(f"max_batch={max_batch}, max_delay={max_delay}: expected 1 or more.")
        try:
            from ._app import App, make_server
        except ImportError as error:
            raise ImportError(f"serving needs more packages ({error}). Run: {INSTALL}") from error
        self._socket = listen(host, port, limits.timeout)
        self.url = f"http://{_shown(host)}:{self._socket.getsockname()[1]}"
        self.app = App(predictor, limits, max_batch, max_delay)
        self.server, self._stopped = make_server(self.app, most_connections()), threading.Event()

    def run(self) -> bool:
        """Serve until SIGTERM, SIGINT or `stop`; requests in flight are answered first.

        Returns
        -------
        bool
            Whether all has ended. If not, an image is still decoded after 8 seconds: a decoder
            cannot be told to stop, and a process that is not to wait for it ends by `os._exit`.
        """
        with self._socket, _signals(self.stop):
            return asyncio.run(self._serve())

    def stop(self) -> None:
        """Let `run` end; from any thread, or a signal."""
        self._stopped.set()

    async def _serve(self) -> bool:
        self.app.batcher.start()
        self.server.add_socket(self._socket)
        while not self._stopped.is_set():
            await asyncio.sleep(0.1)
        self.server.stop()
        self.server.conn_params.no_keep_alive = True  # each gets its answer, and no further one
        last = time.monotonic() + STOP_SECONDS
        while self.app.busy and time.monotonic() < last:
            await asyncio.sleep(0.02)
        ended = not self.app.busy
        await self.server.close_all_connections()
        self.app.close()
        return ended


def most_connections() -> int:
    """Return how many connections there may be at once, with files to spare for all else."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return CONNECTIONS if files < 0 else max(1, min(CONNECTIONS, files - OTHER_FILES))


def listen(host: str, port: int, timeout: float) -> socket.socket:
    """Bind an address; `OSError` that names it if that cannot be.

    Connections to it end if their client takes nothing of an answer for `timeout` seconds: that
    is the kernel's to do, where it can (Linux).
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"port={port} is not in 0 to 65535.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        found = socket.create_server((host, port), family=family, backlog=256)
    except OSError as error:
        free = " (--port 0 takes a free one)" if error.errno == errno.EADDRINUSE else ""
        reason = f"{error.strerror or error}{free}"
        raise OSError(f"cannot listen on {host} port {port}: {reason}") from error
    found.setblocking(False)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = max(1, round(timeout * 1000))
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    return found


def is_loopback(host: str) -> bool:
    """Tell whether an address is reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    # A stop that was asked for is no failure: the signals do nothing but that.
    main = threading.current_thread() is threading.main_thread()
    kinds = (signal.SIGTERM, signal.SIGINT) if main else ()
    before = [(kind, signal.signal(kind, lambda *_: stop())) for kind in kinds]
    try:
        yield
    finally:
        for kind, handler in before:
            signal.signal(kind, handler)
