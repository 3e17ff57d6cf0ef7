"""What a request may end in, instead of an answer."""

from __future__ import annotations


class RequestError(Exception):
    """A request that is refused: its HTTP status, and why in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
