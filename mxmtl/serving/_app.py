"""What the service answers: its paths, as handlers of Tornado around one `Predictor`.

Tornado's own settings end slow heads and slow bodies (`make_server`); what is here is what no
server can know: when a body is answered although it is not all there, how much memory
all bodies may take, and which image may be decoded.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import re
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from http import HTTPStatus
from pathlib import Path
from typing import Any

import numpy as np
import tornado.httputil as httputil
import tornado.web as web
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado.httpserver import HTTPServer

from .._threads import usable_processors
from ..data import ImageError
from ..data.images import OTHER, read_info
from ..model import ImageReader, Prediction, Predictor
from ._batcher import Batcher
from ._limits import DRAINED, HEAD_BYTES, ROOM, Limits

log = logging.getLogger(__name__)

JSON = "application/json"
PAGE = Path(__file__).with_name("page.html")
PAGE_HEADERS = {
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
        "connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
}
Answers = dict[str, dict[str, Any]]
Shown = tuple[str, bytes, dict[str, str]]  # content type, body, more headers


class Refused(web.HTTPError):
    """A request that gets no answer: its HTTP status, and why in words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(status)
        self.words = words


class Measures:
    """What a service counts, in a registry of its own, in the text format of Prometheus."""

    def __init__(self, model: str) -> None:
        self.registry = CollectorRegistry()
        common: Any = {"registry": self.registry}
        self.requests = Counter(
            "mxmtl_requests", "Requests by path and status.", ["path", "status"], **common
        )
        times = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
        words = "From head to answer of a prediction."
        self.seconds = Histogram("mxmtl_predict_seconds", words, buckets=times, **common)
        sizes = (1, 2, 4, 8, 16, 32, 64)
        self.batches = Histogram(
            "mxmtl_batch_images", "Images in a batch.", buckets=sizes, **common
        )
        Gauge("mxmtl_model", "The model that is served.", ["source"], **common).labels(model).set(1)

    def watch(self, name: str, words: str, value: Callable[[], float]) -> None:
        """Show a number that is asked for whenever somebody looks."""
        Gauge(name, words, registry=self.registry).set_function(value)


class App:
    """From bodies to answers, by one predictor.

    Attributes
    ----------
    in_flight, waiting, held : int
        Predictions that are being made; those whose image is decoded or waits for its batch;
        bytes of all bodies.
    """

    def __init__(
        self, predictor: Predictor, limits: Limits, max_batch: int, max_delay: float
    ) -> None:
        self.predictor, self.limits = predictor, limits
        read = predictor.read
        self._read = read.within(limits.max_pixels) if isinstance(read, ImageReader) else read
        self.in_flight = self.waiting = self.held = 0
        self.measures = seen = Measures(predictor.name)
        seen.watch("mxmtl_body_bytes", "Memory of bodies.", lambda: self.held)
        seen.watch("mxmtl_in_flight", "Predictions that are being made.", lambda: self.in_flight)
        compute = functools.partial(predict, predictor)
        self.batcher = Batcher(compute, max_batch, max_delay, seen.batches.observe)
        # Two at least, so that one image that takes long delays no other one.
        self._decoders = ThreadPoolExecutor(max(2, usable_processors()), "mxmtl-decode")
        self._decoding: set[Future[np.ndarray]] = set()

    @property
    def busy(self) -> bool:
        """Whether anything is being done, even for a client that has left."""
        return bool(self.in_flight or self._decoding or self.batcher.computing)

    def close(self) -> None:
        """End, without waiting for what is still done."""
        self.batcher.stop()
        self._decoders.shutdown(wait=False)

    def routes(self) -> web.Application:
        """Return the paths."""
        name, tasks = self.predictor.name, self.predictor.tasks
        described = [{"name": t.name, "kind": t.kind, "names": list(t.names)} for t in tasks]
        model = as_json({"model": name, "tasks": described})
        health, registry = as_json({"status": "ok", "model": name}), self.measures.registry
        shown: dict[str, Callable[[], Shown]] = {
            "/": lambda: ("text/html; charset=utf-8", PAGE.read_bytes(), PAGE_HEADERS),
            "/model": lambda: (JSON, model, {}),
            "/health": lambda: (JSON, health, {}),
            "/metrics": lambda: ("text/plain; version=0.0.4", generate_latest(registry), {}),
        }
        routes: list[Any] = [
            (path, Show, {"app": self, "path": path, "show": show}) for path, show in shown.items()
        ]
        return web.Application(
            [*routes, ("/predict", Predict, {"app": self, "path": "/predict"})],
            default_handler_class=Missing,
            default_handler_args={"app": self, "path": "other"},
            log_function=lambda handler: None,  # what clients do wrong is counted, not logged
        )

    async def answers(self, body: bytes, content_type: str) -> Answers:
        """Return what is predicted for the image in a body, or raise `Refused`."""
        if self.waiting >= self.limits.max_waiting:
            raise Refused(503, "too many images at once. Try again later.")
        self.waiting += 1
        try:
            return await asyncio.wait_for(self._answers(body, content_type), self.limits.timeout)
        except asyncio.TimeoutError:
            words = f"there was no answer within {self.limits.timeout:g} seconds."
            raise Refused(503, words) from None
        finally:
            self.waiting -= 1

    async def _answers(self, body: bytes, content_type: str) -> Answers:
        decoded = self._decoders.submit(self._decode, body, content_type)
        self._decoding.add(decoded)
        decoded.add_done_callback(self._decoding.discard)
        return await self.batcher.submit(await asyncio.wrap_future(decoded))

    def _decode(self, body: bytes, content_type: str) -> np.ndarray:
        data = image_of(body, content_type)
        check_image(data, self.limits.max_pixels)
        try:
            return self._read(data)
        except ValueError as error:
            raise Refused(422, f"the image does not decode: {error}") from None
        except MemoryError:
            raise Refused(503, "not enough memory for the image. Try again later.") from None


@web.stream_request_body
class Handler(web.RequestHandler):
    """Errors as JSON, and a count of every answer."""

    app: Any = None  # until `initialize`

    def initialize(self, app: App, path: str) -> None:
        self.app, self.path = app, path
        self.set_default_headers()

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        if self.app is not None and self.app.limits.cors:
            self.set_header("Access-Control-Allow-Origin", self.app.limits.cors)
            self.set_header("Vary", "Origin")

    def options(self) -> None:
        """Tell a browser which requests the pages of another origin may make."""
        if not self.app.limits.cors:
            raise web.HTTPError(405)
        self.set_status(HTTPStatus.NO_CONTENT)
        self.set_header("Access-Control-Allow-Methods", ", ".join(self.SUPPORTED_METHODS))
        self.set_header("Access-Control-Allow-Headers", "Content-Type")
        self.finish()

    async def data_received(self, chunk: bytes) -> None:
        """Drop what nobody asked for."""

    def refuse(self, status: int, words: str) -> None:
        """Answer that there is no answer; what is left of the body is not read."""
        self.set_status(status)
        self.set_header("Content-Type", JSON)
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            methods = self.SUPPORTED_METHODS[: None if self.app.limits.cors else -1]
            self.set_header("Allow", ", ".join(methods))
        if status == HTTPStatus.SERVICE_UNAVAILABLE:
            self.set_header("Retry-After", "1")
        self.finish(as_json({"error": words}))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None))[1]
        words = f"{self.request.method} {self.request.path}: {HTTPStatus(status_code).phrase}"
        if status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
            words = "the service failed; its log says how."
        self.refuse(status_code, error.words if isinstance(error, Refused) else words)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        if not isinstance(value, web.HTTPError):
            log.error("%s failed", self.path, exc_info=(typ, value, tb))

    def on_finish(self) -> None:
        self.app.measures.requests.labels(self.path, str(self.get_status())).inc()


class Missing(Handler):
    """A path that is none."""

    def prepare(self) -> None:
        raise web.HTTPError(404)


class Show(Handler):
    """A path that is only looked at."""

    SUPPORTED_METHODS: Any = ("GET", "HEAD", "OPTIONS")

    def initialize(self, app: App, path: str, show: Callable[[], Shown]) -> None:  # type: ignore[override]
        super().initialize(app, path)
        self._show = show

    def prepare(self) -> None:
        headers = self.request.headers
        if "Transfer-Encoding" in headers or headers.get("Content-Length", "0") != "0":
            self.get()  # a body means nothing here: it is not read, and the connection ends

    def get(self) -> None:
        kind, body, headers = self._show()
        for name, value in {"Content-Type": kind, **headers}.items():
            self.set_header(name, value)
        self.finish(body)

    head = get


class Predict(Handler):
    """An image, as the body or as the file of a form, that is answered with what it shows."""

    SUPPORTED_METHODS: Any = ("POST", "OPTIONS")

    def initialize(self, app: App, path: str) -> None:
        super().initialize(app, path)
        self._begun, self._body, self._seen = time.perf_counter(), bytearray(), 0
        self._pieces, self._counted, self._too_large = 0, False, False
        self._timer: asyncio.TimerHandle | None = None  # a method that is refused has none

    def prepare(self) -> None:
        self.app.in_flight += 1
        self._counted, limits = True, self.app.limits
        late = f"the body did not arrive within {limits.timeout:g} seconds."
        loop = asyncio.get_event_loop()
        self._timer = loop.call_later(limits.timeout, self.refuse, 408, late)
        length = self.request.headers.get("Content-Length", "")
        promised = int(length[:18]) if re.fullmatch("[0-9]+", length) else 0
        self._too_large = promised > limits.max_bytes
        asked = "Expect" in self.request.headers  # whether to send it at all
        if self._too_large and (asked or promised > DRAINED * limits.max_bytes):
            self._refuse_size()

    async def data_received(self, chunk: bytes) -> None:
        limit = self.app.limits.max_bytes
        self._seen += len(chunk)
        self._too_large = self._too_large or self._seen > limit
        if self._too_large:
            self._drop()
            if self._seen > DRAINED * limit:
                self._refuse_size()
        elif self.app.held + len(chunk) > ROOM * limit:
            self.refuse(503, "too many bodies at once. Try again later.")
        else:
            self.app.held += len(chunk)
            self._body += chunk
        self._pieces += 1
        if self._pieces % 16 == 0:  # others have their turn, however small the pieces are
            await asyncio.sleep(0)

    async def post(self) -> None:
        self._stop_waiting()
        if self._too_large:
            self._refuse_size()
            return
        kind = self.request.headers.get("Content-Type", "")
        answers = await self.app.answers(bytes(self._body), kind)
        self.app.measures.seconds.observe(time.perf_counter() - self._begun)
        self.set_header("Content-Type", JSON)
        self.finish(as_json({"model": self.app.predictor.name, "answers": answers}))

    def on_finish(self) -> None:
        super().on_finish()
        self._end()

    def on_connection_close(self) -> None:
        if self._counted and self._timer is not None:  # in the middle of its body
            self.app.measures.requests.labels(self.path, "400").inc()
            self._end()
        super().on_connection_close()

    def _refuse_size(self) -> None:
        self.refuse(413, f"the body is larger than {self.app.limits.max_bytes} bytes.")

    def _drop(self) -> None:
        self.app.held -= len(self._body)
        self._body = bytearray()

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _end(self) -> None:
        self._stop_waiting()
        self._drop()
        self.app.in_flight -= self._counted
        self._counted = False


class BoundedServer(HTTPServer):
    """Tornado's server with the one setting that it lacks: how many connections there may be."""

    most, open = 1, 0

    def handle_stream(self, stream: Any, address: Any) -> None:
        if self.open >= self.most:
            stream.close()
            return
        self.open += 1
        super().handle_stream(stream, address)

    def on_close(self, server_conn: object) -> None:
        self.open -= 1
        super().on_close(server_conn)


def make_server(app: App, connections: int) -> BoundedServer:
    """Return a server whose connections end at every stage of a request."""
    server = BoundedServer(
        app.routes(),
        idle_connection_timeout=app.limits.timeout,  # from the connection's or the last answer's
        body_timeout=app.limits.timeout + 1,  # where a handler has not answered by then
        max_header_size=HEAD_BYTES,
        max_body_size=1 << 62,  # `Predict` has a better answer to it than a bare 400
    )
    server.most = connections
    return server


def predict(predictor: Predictor, crops: np.ndarray) -> list[Answers]:
    """Answer a batch of images that `Predictor.read` has read."""
    tasks, levels = predictor.tasks, predictor.backend.file.thresholds
    arrays = predictor.backend.predict(crops)

    def answers(row: int) -> Answers:
        parts = zip(tasks, arrays)
        found = {t.name: t.answer(part[row], levels.get(t.name)) for t, part in parts}
        return Prediction(found).to_dict()

    return [answers(row) for row in range(len(crops))]


def image_of(body: bytes, content_type: str) -> bytes:
    """Return the image in a body: the body itself, or the file of a multipart form."""
    if content_type.split(";")[0].strip().lower() == "multipart/form-data":
        files: dict[str, list[Any]] = {}
        try:
            httputil.parse_body_arguments(content_type, body, {}, files)
        except httputil.HTTPInputError as error:
            raise Refused(400, f"the form is broken: {error}.") from None
        found = [file for field in files.values() for file in field]
        if len(found) > 1:
            raise Refused(400, f"Too many files: {len(found)}; expected one with an image.")
        if not found:
            raise Refused(400, "the form has no file; expected one with an image.")
        body = found[0].body
    if not body:
        raise Refused(400, "the body is empty; expected the bytes of an image file.")
    return body


def check_image(data: bytes, max_pixels: int) -> None:
    """Refuse what its head says must not be decoded, before memory is spent."""
    try:
        info = read_info(data)
    except ImageError as error:
        raise Refused(422, f"the image is damaged: {error}") from None
    if info.format == OTHER:
        raise Refused(415, "the body is no JPEG, PNG or WebP file.")
    if not info.width or not info.height:
        raise Refused(422, "the image does not say how large it is.")
    if info.width * info.height > max_pixels:
        raise Refused(
            413, f"the image has {info.width} x {info.height} pixels; {max_pixels} are allowed."
        )


def as_json(found: Any) -> bytes:
    """Write strict JSON: no NaN."""
    return json.dumps(found, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
