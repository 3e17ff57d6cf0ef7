"""Where this process stands among those that `launch` started, and how it ends if it fails.

At the end of a Python process MXNet waits for all other workers. After an exception they never
come to that point, so that the worker that failed would hang, and its launcher would not know.
So a worker that fails ends at once, without that wait. Nothing here needs MXNet.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from ._threads import LOCAL_COUNT

RANK, COUNT, ROLE = "DMLC_WORKER_ID", "DMLC_NUM_WORKER", "DMLC_ROLE"
LOCAL_RANK = "MXMTL_LOCAL_RANK"


@dataclass(frozen=True)
class WorkerRank:
    """A worker's place.

    Attributes
    ----------
    rank, count : int
        Which worker it is, from 0, and of how many.
    local_rank, local_count : int
        The same among the workers on this machine.
    """

    rank: int = 0
    count: int = 1
    local_rank: int = 0
    local_count: int = 1


def find_worker_rank(environment: Mapping[str, str] | None = None) -> WorkerRank | None:
    """Return the place of a worker that `launch` started; None in any other process.

    >>> find_worker_rank({"DMLC_ROLE": "worker", "DMLC_WORKER_ID": "1", "DMLC_NUM_WORKER": "2"})
    WorkerRank(rank=1, count=2, local_rank=0, local_count=1)
    >>> find_worker_rank({}) is None
    True
    """
    found = os.environ if environment is None else environment
    if found.get(ROLE) != "worker" or RANK not in found:
        return None
    return WorkerRank(
        int(found[RANK]),
        int(found[COUNT]),
        int(found.get(LOCAL_RANK, "0")),
        int(found.get(LOCAL_COUNT, "1")),
    )


def exit_worker(code: int) -> None:
    """End a launched worker that failed with this exit code; return in any other process."""
    if code and find_worker_rank() is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end_at_once_on_errors() -> None:
    """Make an exception that nothing catches end a launched worker, traceback first."""
    if find_worker_rank() is not None and sys.excepthook is not _end:
        _end.before = sys.excepthook
        sys.excepthook = _end


class _End:
    """Shows an exception as the process did before, and ends it."""

    before = staticmethod(sys.excepthook)

    def __call__(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        self.before(kind, error, trace)
        exit_worker(130 if issubclass(kind, KeyboardInterrupt) else 1)


_end = _End()
