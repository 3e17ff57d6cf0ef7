"""A service with an engine that tells what it was given, in a thread of the test."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import struct
import threading
import zlib
from types import SimpleNamespace

from mxmtl.serving import Limits, Service

import cv2
import numpy as np


class Color:
    """A task that answers what it was given."""

    name, kind, names = "color", "value", ()

    def answer(self, prediction, thresholds):
        return SimpleNamespace(to_dict=lambda: {"answer": prediction.ravel().tolist()})


class Echo:
    """In place of a `Predictor`: answers the color of the image, once its gate is open."""

    name, tasks = "echo", [Color()]

    def __init__(self):
        self.gate, self.sizes, self.backend = threading.Event(), [], self
        self.file = SimpleNamespace(thresholds={})
        self.gate.set()

    def read(self, data):
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if image is None:
            raise ValueError("no image.")
        return image[:1, :1]

    def predict(self, crops):
        self.gate.wait(20)
        self.sizes.append(len(crops))
        if crops.min() == 255:
            raise RuntimeError("white")
        return [crops]


@contextlib.contextmanager
def serving(predictor=None, limits=None, **options):
    """Serve at a free port until the block ends; `run` must come back by then."""
    service = Service(predictor or Echo(), port=0, limits=limits or Limits(), **options)

    def run():
        service.ended = service.run()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        service.port = int(service.url.rsplit(":", 1)[1])
        yield service
    finally:
        service.stop()
        thread.join(30)
        assert not thread.is_alive()


def ask(service, method="GET", path="/health", body=None, headers=None):
    """Return status, headers and body of an answer; JSON is read."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        data = response.read()
        kind = response.getheader("content-type", "")
        found = json.loads(data) if data and kind == "application/json" else data
        return response.status, {k.lower(): v for k, v in response.getheaders()}, found
    finally:
        connection.close()


def predict(service, body, **headers):
    status, _, found = ask(service, "POST", "/predict", body, headers)
    return status, found


def raw(service, data, *, wait=20.0, end=False):
    """Send bytes as they are; return all that comes back until the connection ends."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=wait) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data)
            if end:
                connection.shutdown(socket.SHUT_WR)
        found = b""
        with contextlib.suppress(ConnectionError):
            while True:
                part = connection.recv(1 << 16)
                if not part:
                    break
                found += part
    return found


def picture(color=(1, 2, 3), size=(20, 30), kind=".png"):
    image = np.empty((*size, 3), np.uint8)
    image[:] = color
    return cv2.imencode(kind, image)[1].tobytes()


def png_head(width, height, filler=b""):
    """A PNG file that promises a size: whole, by its checksums, but for what `filler` holds."""

    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", filler) + chunk(b"IEND", b"")
