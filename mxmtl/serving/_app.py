"""The service as an ASGI application: its addresses, and what each answers."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, AsyncIterator, Awaitable, Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from .._threads import usable_processors
from ._admission import check_image
from ._batcher import Batcher
from ._body import Bodies, image_of
from ._engine import Answers, Engine
from ._errors import RequestError
from ._limits import Limits
from ._measures import Measures

log = logging.getLogger(__name__)

PAGE = Path(__file__).with_name("page.html")
CLOSE = {"connection": "close"}  # what is left of a body that was not read must not be a request
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; img-src blob: data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
Handler = Callable[[Request], Awaitable[Response]]


class App:
    """Handlers around one engine."""

    def __init__(self, engine: Engine, limits: Limits, max_batch: int, max_delay: float) -> None:
        self.engine, self._limits = engine, limits
        self._bodies, self.measures = Bodies(limits), Measures(engine.name)
        self._batcher: Batcher[Answers] = Batcher(engine.answers, max_batch, max_delay)
        self._batcher.sizes = self.measures.batches.observe
        self._decoders = ThreadPoolExecutor(usable_processors(), "mxmtl-decode")
        self._admitted = 0
        self.measures.watch("mxmtl_body_bytes", "Memory of bodies.", lambda: self._bodies.held)

    def asgi(self) -> Starlette:
        """Return the application."""
        routes = [
            Route("/", self._counted("/", self._page)),
            Route("/predict", self._counted("/predict", self._predict), methods=["POST"]),
            Route("/model", self._counted("/model", self._model)),
            Route("/health", self._counted("/health", self._health)),
            Route("/metrics", self._counted("/metrics", self._metrics)),
        ]
        errors: Any = {HTTPException: self._refused}
        return Starlette(routes=routes, exception_handlers=errors, lifespan=self._lifespan)

    @contextlib.asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        await self._batcher.start()
        yield
        await self._batcher.stop()
        self._decoders.shutdown()

    def _counted(self, path: str, handler: Handler) -> Handler:
        async def endpoint(request: Request) -> Response:
            try:
                response = await handler(request)
            except RequestError as error:
                response = refusal(error.status, error.reason)
            except ClientDisconnect:
                response = refusal(400, "the client left.")
            except Exception:  # the service goes on, whatever it was
                log.exception("%s failed", path)
                response = refusal(500, "the service failed; its log says how.")
            response.headers["x-content-type-options"] = "nosniff"
            self.measures.requests.labels(path, str(response.status_code)).inc()
            return response

        return endpoint

    async def _refused(self, request: Request, error: Any) -> Response:
        self.measures.requests.labels("other", str(error.status_code)).inc()
        response = refusal(
            error.status_code, f"{request.method} {request.url.path}: {error.detail}"
        )
        response.headers.update(error.headers or {})
        return response

    async def _page(self, request: Request) -> Response:
        headers = {"content-security-policy": POLICY, "referrer-policy": "no-referrer"}
        return HTMLResponse(PAGE.read_text("utf-8"), headers=headers)

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok", "model": self.engine.name})

    async def _model(self, request: Request) -> Response:
        return JSONResponse({"model": self.engine.name, "tasks": self.engine.tasks})

    async def _metrics(self, request: Request) -> Response:
        return Response(self.measures.text(), media_type="text/plain; version=0.0.4")

    async def _predict(self, request: Request) -> Response:
        begun = time.perf_counter()
        with self.measures.in_flight.track_inprogress():
            body = await self._bodies.read(request)
            try:
                answers = await self._answers(await image_of(request, body))
            finally:
                self._bodies.release(len(body))
        self.measures.seconds.observe(time.perf_counter() - begun)
        return JSONResponse({"model": self.engine.name, "answers": answers})

    async def _answers(self, data: bytes) -> Answers:
        if self._admitted >= self._limits.max_waiting:
            raise RequestError(503, "too many images at once. Try again later.")
        self._admitted += 1
        try:
            loop = asyncio.get_running_loop()
            crop = await loop.run_in_executor(self._decoders, self._decode, data)
            return await self._batcher.submit(crop)
        finally:
            self._admitted -= 1

    def _decode(self, data: bytes) -> Any:
        check_image(data, self._limits.max_pixels)
        try:
            return self.engine.prepare(data)
        except ValueError as error:
            raise RequestError(422, f"the image does not decode: {error}") from None


def refusal(status: int, reason: str) -> Response:
    """Return an answer that says why there is none; the connection ends with it."""
    headers = {**CLOSE, "retry-after": "1"} if status == 503 else dict(CLOSE)
    return JSONResponse({"error": reason}, status, headers)
