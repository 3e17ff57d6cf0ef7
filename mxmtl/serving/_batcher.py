"""Requests that come together are computed together."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import numpy as np

log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class Batcher(Generic[Answer]):
    """Collects images until a batch is full or the first has waited long enough.

    While a batch is computed the next one fills up, so nobody waits without need under load.

    Parameters
    ----------
    compute : callable
        From a stack of images (N, ...) to N answers; called by one thread, one batch at a time.
    max_batch : int
        Images in a batch.
    max_delay : float
        Seconds that an image waits for others.
    told : callable, optional
        Gets the number of images of every batch.

    Attributes
    ----------
    computing : bool
        Whether a batch is being computed.
    """

    def __init__(
        self,
        compute: Callable[[np.ndarray], list[Answer]],
        max_batch: int,
        max_delay: float,
        told: Callable[[int], Any] = lambda size: None,
    ) -> None:
        self._compute, self._max_batch, self._max_delay = compute, max_batch, max_delay
        self._told, self.computing = told, False
        self._waiting: collections.deque[tuple[np.ndarray, asyncio.Future[Answer]]] = (
            collections.deque()
        )
        self._thread = ThreadPoolExecutor(1, "mxmtl-batch")

    def start(self) -> None:
        """Begin; within the event loop that requests are served in."""
        self._some, self._full = asyncio.Event(), asyncio.Event()
        self._go_on()

    def _go_on(self, ended: asyncio.Task[None] | None = None) -> None:
        """Begin anew where something has ended it that nobody foresaw."""
        if ended is not None and ended.cancelled():
            return
        if ended is not None:
            log.error("batches go on after an error", exc_info=ended.exception())
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._task.add_done_callback(self._go_on)

    def stop(self) -> None:
        """End. Nobody waits for a batch that is still computed."""
        self._task.cancel()
        self._thread.shutdown(wait=False)

    async def submit(self, image: np.ndarray) -> Answer:
        """Return the answer for one image."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((image, answer))
        self._some.set()
        if len(self._waiting) >= self._max_batch:
            self._full.set()
        return await answer

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._some.wait()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._full.wait(), self._max_delay)
            batch = self._take()
            if not batch:
                continue
            self.computing = True
            try:
                self._told(len(batch))
                stack = np.stack([image for image, _ in batch])
                answers = await loop.run_in_executor(self._thread, self._attempt, stack)
                if len(answers) != len(batch):
                    raise RuntimeError(f"{len(answers)} answers to {len(batch)} images")
            except Exception as error:  # noqa: BLE001 (whatever it is, each request must end)
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            finally:
                self.computing = False
            for (_, future), answer in zip(batch, answers):
                if not future.done():
                    future.set_result(answer)

    def _attempt(self, stack: np.ndarray) -> list[Answer]:
        try:
            return self._compute(stack)
        except Exception as error:
            if isinstance(error, StopIteration):  # which no future takes: it would stay open
                raise RuntimeError("StopIteration") from error
            raise
        except BaseException as error:  # of this thread alone, and no end of the service
            raise RuntimeError(repr(error)) from error

    def _take(self) -> list[tuple[np.ndarray, asyncio.Future[Answer]]]:
        batch: list[tuple[np.ndarray, asyncio.Future[Answer]]] = []
        while self._waiting and len(batch) < self._max_batch:
            image, future = self._waiting.popleft()
            if not future.done():  # its client has not left
                batch.append((image, future))
        for event, still in (
            (self._some, bool(self._waiting)),
            (self._full, len(self._waiting) >= self._max_batch),
        ):
            if not still:
                event.clear()
        return batch
