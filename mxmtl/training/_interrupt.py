"""Ctrl-C and SIGTERM: stop after the batch, and save."""

from __future__ import annotations

import logging
import signal
import threading
from typing import Any, Dict

from ._session import Callback, Session

log = logging.getLogger("mxmtl")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
REASON = "interrupted"


class Interrupt(Callback):
    """Turns the first Ctrl-C (or SIGTERM) into a stop after the batch; a second stops at once.

    The handler only sets a flag, which is looked at after each batch: an exception that is
    raised while Python deletes an array would be swallowed.
    """

    def __init__(self) -> None:
        self._asked = False
        self._handlers: Dict[int, Any] = {}

    def on_begin(self, session: Session) -> None:
        """Take the signals over, where that is possible: in the main thread."""
        if not self._handlers and threading.current_thread() is threading.main_thread():
            for number in SIGNALS:
                self._handlers[number] = signal.signal(number, self._handle)

    def on_batch_end(self, session: Session) -> None:
        """Stop if a signal came."""
        if self._asked:
            session.stop(REASON)

    def on_epoch_end(self, session: Session) -> None:
        """Stop if a signal came during validation."""
        self.on_batch_end(session)

    def on_end(self, session: Session) -> None:
        """Give the signals back."""
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers = {}

    def _handle(self, number: int, frame: Any) -> None:
        if self._asked:
            raise KeyboardInterrupt
        self._asked = True
        log.info("stopping after this batch; once more stops at once.")


class Interrupted(KeyboardInterrupt):
    """The run was stopped by Ctrl-C, and saved; the text says how to go on."""
