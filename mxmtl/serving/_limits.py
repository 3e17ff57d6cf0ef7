"""What a service admits, and how long it waits for a client."""

from __future__ import annotations

from dataclasses import dataclass, fields

DRAINED = 4  # times `max_bytes` are read and dropped, so that a client gets to see its 413
ROOM = 16  # times `max_bytes` may be held, by the bodies of all requests together
CONNECTIONS = 1000  # or as many as the process may have files open, less `OTHER_FILES`
OTHER_FILES = 100
HEAD_BYTES = 16 << 10  # a request line and its headers
STOP_SECONDS = 8.0  # for what is in flight at SIGTERM, so that the process is gone within 10


@dataclass(frozen=True)
class Limits:
    """What a service admits; whatever is beyond gets a 4xx, or 503 where there is too much.

    Attributes
    ----------
    max_bytes : int
        Of one body, 413 beyond. All bodies together may have 16 times as many, 503 beyond.
    max_pixels : int
        Of one image, read from its head before it is decoded. 413 beyond.
    max_waiting : int
        Images that are decoded or wait for their batch. 503 beyond.
    timeout : float
        Seconds that each stage of a request may take: its head (the connection is closed beyond,
        as it is after as long without a request), its body (408), the answer (503), and
        a client that takes nothing of it (closed).

    Examples
    --------
    >>> Limits(max_bytes=1 << 20).timeout
    20.0
    """

    max_bytes: int = 16 << 20
    max_pixels: int = 40_000_000
    max_waiting: int = 64
    timeout: float = 20.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name}={value!r}: expected more than 0.")
