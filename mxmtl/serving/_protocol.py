"""HTTP/1.1 as uvicorn speaks it, with an end to heads that are too long or never complete."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus
from typing import Any, ClassVar, Optional, Type

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class BoundedProtocol(H11Protocol):
    """Closes connections whose request head is not there in time, with 408.

    uvicorn waits for a head without end: a client that sends a byte now and then would keep its
    connection, and many such clients all of them. And it answers 400 to every head that h11
    refuses; one that is too long has a status of its own, 431.
    """

    head_seconds: ClassVar[float] = 10.0
    _timer: Optional[asyncio.TimerHandle] = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._start()

    def data_received(self, data: bytes) -> None:
        waiting, limit = self.conn.their_state is h11.IDLE, self._limit
        # h11 looks at the length of heads that are not complete: show it no more than may be one.
        super().data_received(data[: limit + 1] if waiting else data)
        if waiting and len(data) > limit + 1 and not self.transport.is_closing():
            super().data_received(data[limit + 1 :])
        if self.conn.their_state is not h11.IDLE:
            self._cancel()
        elif self._timer is None and waiting and not self.transport.is_closing():
            self._start()  # the next request of a connection that is kept

    def connection_lost(self, exc: Optional[Exception]) -> None:
        self._cancel()
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        # h11 has raised, and uvicorn does not say what: a head that is too long is still there.
        if len(self.conn.trailing_data[0]) > self._limit:
            self._end(431, "the head of the request is too long.")
        else:
            self._end(400, "this is no HTTP/1.1 request.")

    @property
    def _limit(self) -> int:
        return self.config.h11_max_incomplete_event_size or 0

    def _start(self) -> None:
        self._timer = self.loop.call_later(self.head_seconds, self._too_slow)

    def _cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            seconds = self.head_seconds
            self._end(408, f"the head of the request was not there within {seconds:g} seconds.")

    def _end(self, status: int, reason: str) -> None:
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": reason}).encode()
            headers = [("content-type", "application/json"), ("content-length", str(len(body)))]
            headers.append(("connection", "close"))
            for event in (
                h11.Response(status_code=status, headers=headers, reason=HTTPStatus(status).phrase),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def protocol(head_seconds: float) -> Type[BoundedProtocol]:
    """Return the protocol with a limit of its own."""
    return type("Protocol", (BoundedProtocol,), {"head_seconds": head_seconds})
