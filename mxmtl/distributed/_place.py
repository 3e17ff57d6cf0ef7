"""Where this process stands among those that `launch` started, from its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Mapping, Optional

from .._threads import LOCAL_COUNT

RANK, COUNT, ROLE = "DMLC_WORKER_ID", "DMLC_NUM_WORKER", "DMLC_ROLE"
LOCAL_RANK = "MXMTL_LOCAL_RANK"


@dataclass(frozen=True)
class Place:
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


def find_place(environment: Optional[Mapping[str, str]] = None) -> Optional[Place]:
    """Return the place of a worker that `launch` started; None in any other process.

    >>> find_place({"DMLC_ROLE": "worker", "DMLC_WORKER_ID": "1", "DMLC_NUM_WORKER": "2"})
    Place(rank=1, count=2, local_rank=0, local_count=1)
    >>> find_place({}) is None
    True
    """
    found = os.environ if environment is None else environment
    if found.get(ROLE) != "worker" or RANK not in found:
        return None
    return Place(
        int(found[RANK]),
        int(found[COUNT]),
        int(found.get(LOCAL_RANK, "0")),
        int(found.get(LOCAL_COUNT, "1")),
    )
