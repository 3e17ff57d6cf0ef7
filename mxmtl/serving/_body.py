"""The body of a request: bounded in size, time and memory; raw, or a form with one file."""

from __future__ import annotations

import asyncio
import logging
from typing import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from ._errors import RequestError
from ._limits import Limits

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # a broken form is the client's
DRAINED = 4  # times the limit is read and dropped, so that a client gets to see its 413


class Bodies:
    """Reads bodies, and knows how much memory all of them take.

    Attributes
    ----------
    held : int
        Bytes of bodies that are being read or used.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits, self.held = limits, 0

    async def read(self, request: Request) -> bytes:
        """Return the bytes of the image; call `release` with their number afterwards.

        Raises `RequestError`: 400 (empty, or a form without a file), 408, 413, 503.
        """
        data = bytearray()
        try:
            await asyncio.wait_for(self._collect(request, data), self._limits.body_seconds)
        except asyncio.TimeoutError:
            self.release(len(data))
            seconds = self._limits.body_seconds
            raise RequestError(
                408, f"the body did not arrive within {seconds:g} seconds."
            ) from None
        except BaseException:
            self.release(len(data))
            raise
        return bytes(data)

    def release(self, count: int) -> None:
        """Give the memory of a body back."""
        self.held -= count

    async def _collect(self, request: Request, data: bytearray) -> None:
        most, seen = self._limits.max_bytes, 0
        promised = request.headers.get("content-length", "")
        too_large = promised.isdigit() and int(promised) > most
        async for chunk in request.stream():
            seen += len(chunk)
            too_large = too_large or seen > most
            if too_large:
                if seen > DRAINED * most:
                    break
                continue
            if self.held + len(chunk) > self._limits.max_memory:
                raise RequestError(503, "too many bodies at once. Try again later.")
            self.held += len(chunk)
            data += chunk
        if too_large:
            raise RequestError(413, f"the body is larger than {most} bytes.")


async def image_of(request: Request, body: bytes) -> bytes:
    """Return the image in a body: the body itself, or the file of a multipart form."""
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    image = await _file_of(request, body) if kind == "multipart/form-data" else body
    if not image:
        raise RequestError(400, "the body is empty; expected the bytes of an image file.")
    return image


async def _file_of(request: Request, body: bytes) -> bytes:
    try:
        form = await MultiPartParser(
            request.headers, _once(body), max_files=1, max_fields=8
        ).parse()
    except (MultiPartException, KeyError, ValueError) as error:
        raise RequestError(400, f"the form is broken: {error}.") from None
    try:
        for _, part in form.multi_items():
            if isinstance(part, UploadFile):
                return await part.read()
    finally:
        await form.close()
    raise RequestError(400, "the form has no file; expected one with an image.")


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
