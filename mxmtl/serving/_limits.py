"""What a service admits, and for how long it waits."""

from __future__ import annotations

from dataclasses import dataclass, fields

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What a service admits; whatever is beyond gets a 4xx, or 503 where there is too much.

    Attributes
    ----------
    max_bytes : int
        Of one body. 413 beyond.
    max_pixels : int
        Of one image, read from its head before it is decoded. 413 beyond.
    max_waiting : int
        Images that are decoded or wait for their batch. 503 beyond.
    max_memory : int
        Bytes of all bodies together. 503 beyond.
    max_connections : int
        503 beyond.
    max_head : int
        Bytes of a request line and its headers. 431 beyond.
    head_seconds, body_seconds : float
        Until a request's head, and its body, must be there. 408 beyond.
    stop_seconds : float
        What requests in flight get to end in when the service stops.
    """

    max_bytes: int = 16 * MIB
    max_pixels: int = 40_000_000
    max_waiting: int = 64
    max_memory: int = 256 * MIB
    max_connections: int = 256
    max_head: int = 16 << 10
    head_seconds: float = 10.0
    body_seconds: float = 20.0
    stop_seconds: float = 10.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not value > 0:
                raise ValueError(f"{field.name}={value!r}: expected more than 0.")
