"""Ctrl-C while the `mxmtl` command loads MXNet, which takes seconds, is one line as later on."""

from __future__ import annotations

import sys
from pathlib import Path
from types import TracebackType
from typing import Optional, Type


def stop_in_one_line() -> None:
    """Say one line for Ctrl-C instead of a traceback, if this process is the command.

    Its own handling begins only when everything is imported. Other programs keep theirs.
    """
    if Path(sys.argv[0] if sys.argv else "").name == "mxmtl":
        sys.excepthook = _say


def _say(
    kind: Type[BaseException], error: BaseException, traceback: Optional[TracebackType]
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.stderr.write("mxmtl: stopped.\n")
    else:
        sys.__excepthook__(kind, error, traceback)
