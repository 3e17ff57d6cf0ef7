"""Requests for tools/serve_load.py: good ones, bad ones of every kind, slow ones."""

from __future__ import annotations

import collections
import contextlib
import http.client
import json
import re
import socket
import struct
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n"
TWO_LENGTHS = b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
CLOSED = 0  # in place of a status: the connection ended without an answer
Kind = tuple[str, tuple[int, ...], Callable[[], int]]  # name, right statuses, how to send it
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Load:
    """What was sent and what came, from all threads."""

    def __init__(self, port: int, max_bytes: int) -> None:
        self.port, self.max_bytes = port, max_bytes
        self.counts: Counter[tuple[str, str]] = collections.Counter()
        self.wrong: list[str] = []
        self.seconds: list[float] = []
        self.end = threading.Event()
        self._lock = threading.Lock()

    def note(self, kind: str, expected: tuple[int, ...], found: int, more: str = "") -> None:
        with self._lock:
            self.counts[kind, str(found)] += 1
            if found not in expected or more:
                self.wrong.append(f"{kind}: {found} {more}, expected {expected}")

    def post(self, body: bytes, headers: dict[str, str], connection: Any = None) -> tuple[int, Any]:
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/predict", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def raw(self, data: bytes, drops: bytes = b"", pause: float = 0.1) -> int:
        """Send bytes as they are, then one at a time; return the status, or `CLOSED`."""
        found = b""
        address = ("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError), socket.create_connection(address, 60) as stream:
            stream.sendall(data)
            stream.settimeout(pause)
            for byte in drops:
                with contextlib.suppress(socket.timeout):
                    found = stream.recv(1 << 16)
                    break
                stream.sendall(bytes([byte]))
            stream.settimeout(60)
            found = found or stream.recv(1 << 16)
        match = re.match(rb"HTTP/1\.1 (\d+) ", found)
        return int(match.group(1)) if match else CLOSED


def pictures(count: int) -> list[bytes]:
    """Draw pictures, as JPEG and PNG."""
    rng = np.random.RandomState(0)
    small = rng.randint(0, 256, (count, 9, 12, 3)).astype(np.uint8)
    large = [cv2.resize(part, (400 - 20 * n, 300)) for n, part in enumerate(small)]
    endings = [".png" if number % 4 == 3 else ".jpg" for number in range(count)]
    return [cv2.imencode(end, image)[1].tobytes() for end, image in zip(endings, large)]


def bad_requests(load: Load, image: bytes) -> list[Kind]:
    """Return kinds of bad requests."""

    def post(body: bytes, **headers: str) -> Callable[[], int]:
        return lambda: load.post(body, headers)[0]

    return [
        ("no body", (400,), post(b"")),
        ("text", (415,), post(b"hello")),
        ("truncated image", (422,), post(image[: len(image) // 2])),
        ("decompression bomb", (413, 422), post(bomb(40_000))),
        ("body too large", (413,), post(bytes(load.max_bytes + 1))),
        ("broken form", (400,), lambda: load.post(b"garbage", FORM)[0]),
        ("form without a file", (400,), lambda: load.post(b"--x--\r\n", FORM)[0]),
        ("huge header", (CLOSED,), lambda: load.raw(HEALTH + b"X: " + b"a" * 100_000)),
        ("many headers", (CLOSED,), lambda: load.raw(HEALTH + b"X: a\r\n" * 20_000 + b"\r\n")),
        ("no HTTP", (400,), lambda: load.raw(b"\x16\x03\x01 hello\r\n\r\n")),
        ("two lengths", (400,), lambda: load.raw(POST + TWO_LENGTHS)),
        ("no such path", (404,), lambda: load.raw(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("client leaves", (CLOSED,), lambda: leave(load, image)),
    ]  # fmt: skip


def slow_requests(load: Load) -> list[Kind]:
    """Return kinds of clients that send a byte now and then."""
    drops = b"a" * 100_000
    length = b"Content-Length: 100000\r\n\r\n"
    return [
        ("slow head", (CLOSED,), lambda: load.raw(HEALTH + b"X: ", drops)),
        ("slow body", (408,), lambda: load.raw(POST + length, drops)),
        ("silent client", (CLOSED,), lambda: load.raw(b"")),
    ]


def bomb(edge: int) -> bytes:
    """Return a small PNG file, whole by its checksums, that would take gigabytes of pixels."""
    rows = zlib.compress(bytes(edge * 64), 9)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0))
    filler = chunk(b"teXt", bytes(300_000))  # so that its size alone does not give it away
    return b"\x89PNG\r\n\x1a\n" + head + filler + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def leave(load: Load, image: bytes) -> int:
    with socket.create_connection(("127.0.0.1", load.port), timeout=60) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(image) + image[:100])
    return CLOSED
