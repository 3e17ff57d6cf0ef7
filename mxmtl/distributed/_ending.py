"""How a worker ends: at once if something went wrong.

At the end of a Python process MXNet waits for all other workers. After an exception they never
come to that point, so that the worker that failed would hang, and its launcher would not know.
"""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Optional, Type

from ._place import find_place


def end_at_once_on_errors() -> None:
    """Make an exception that nothing catches end a launched worker, traceback first."""
    if find_place() is not None and sys.excepthook is not _end:
        _end.before = sys.excepthook
        sys.excepthook = _end


class _End:
    """Shows an exception as the process did before, and ends it."""

    before = staticmethod(sys.excepthook)

    def __call__(
        self, kind: Type[BaseException], error: BaseException, trace: Optional[TracebackType]
    ) -> None:
        self.before(kind, error, trace)
        leave(130 if issubclass(kind, KeyboardInterrupt) else 1)


_end = _End()


def leave(code: int) -> None:
    """End a launched worker that failed with this exit code; return in any other process."""
    if code and find_place() is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
