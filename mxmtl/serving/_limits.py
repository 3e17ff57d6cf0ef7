"""What a service admits, and how long it waits for a client."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import functools
from dataclasses import dataclass

from .._options import Options, option, read_size

DRAINED = 4  # times `max_bytes` are read and dropped, so that a client gets to see its 413
ROOM = 16  # times `max_bytes` may be held, by the bodies of all requests together
CONNECTIONS = 1000  # or as many as the process may have files open, less `OTHER_FILES`
OTHER_FILES = 100
HEAD_BYTES = 16 << 10  # a request line and its headers
STOP_SECONDS = 8.0  # for what is in flight at SIGTERM, so that the process is gone within 10
limit = functools.partial(option, group="limits")


@dataclass(frozen=True)
class Limits(Options):
    """What a service admits; whatever is beyond gets a 4xx, or 503 where there is too much.

    Each stage of a request may take ``timeout`` seconds: its head (the connection is closed
    beyond, as it is after as long without a request), its body (408), the answer (503), and a
    client that takes nothing of it (closed). All bodies together may have 16 times
    ``max_bytes``, 503 beyond.

    Examples
    --------
    >>> Limits(max_bytes=1 << 20).timeout
    20.0
    """

    max_bytes: int = limit(16 << 20, "of one body, such as 16M", low=1, read=read_size)
    max_pixels: int = limit(40_000_000, "of one image, by its head", low=1)
    max_waiting: int = limit(64, "images that are decoded or wait for their batch", low=1)
    timeout: float = limit(20.0, "seconds for a head, a body, an answer", low=0.001)
    cors: str = limit("", "origin whose pages may ask, such as https://example.org; * is any")


@dataclass(frozen=True)
class ServeOptions(Options):
    """Where a service listens, and how it makes batches."""

    host: str = option("127.0.0.1", "address to listen on")
    port: int = option(8000, "0 takes one that is free", low=0, high=65535)
    max_batch: int = option(16, "images computed together", group="batches", low=1)
    max_delay: float = option(5.0, "milliseconds to wait for others", group="batches", low=0)
