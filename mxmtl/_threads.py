"""How many threads MXNet gets on a CPU: one for each physical core that the process may use.

Left alone, MXNet takes half of the processors that it sees. That is right where two of them
share a core, and wastes half of the machine where each is a core of its own, as on most virtual
machines; and it sees neither the process's affinity nor the limit of a container. Work on several
threads of our own, in order, is at the end.
"""

from __future__ import annotations

import collections
import math
import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

CPUS = Path("/sys/devices/system/cpu")
CGROUP = Path("/sys/fs/cgroup")
THREADS = "OMP_NUM_THREADS"
LOCAL_COUNT = "MXMTL_LOCAL_WORKERS"  # workers of `mxmtl launch` on this machine, which share it
Item = TypeVar("Item")
Result = TypeVar("Result")
_set_here: str | None = None  # what `set_threads` has chosen


def usable_cores(cpus: Path = CPUS, cgroup: Path = CGROUP) -> int:
    """Count the physical cores that this process may use: affinity and container limit heeded."""
    allowed = os.sched_getaffinity(0)
    siblings = {_text(cpus / f"cpu{cpu}" / "topology" / "thread_siblings_list") for cpu in allowed}
    # A kernel that does not tell which processors share a core: count each as one.
    cores = len(allowed) if None in siblings else len(siblings)
    return _at_most_granted(cores, cgroup)


def usable_processors(cgroup: Path = CGROUP) -> int:
    """Count the processors that this process may use, two a core where cores are shared.

    For work that waits on memory and branches, as decoding images does; MXNet's is not.
    """
    return _at_most_granted(len(os.sched_getaffinity(0)), cgroup)


def _at_most_granted(count: int, cgroup: Path) -> int:
    limit = _container_limit(cgroup)
    granted = count if limit is None else min(count, math.ceil(limit))
    return max(1, granted // int(os.environ.get(LOCAL_COUNT, "1")))


def set_threads() -> None:
    """Set OMP_NUM_THREADS, which MXNet reads once when it loads, unless the user has set it."""
    global _set_here
    if THREADS not in os.environ:
        _set_here = os.environ[THREADS] = str(usable_cores())


def threads_asked_for() -> str | None:
    """Return the OMP_NUM_THREADS that the user has set, or None."""
    asked = os.environ.get(THREADS)
    return None if asked == _set_here else asked


def _container_limit(cgroup: Path) -> float | None:
    # Processors' worth of time that the control group grants: version 2, then version 1.
    quota, _, period = (_text(cgroup / "cpu.max") or "").partition(" ")
    if not period:
        quota = _text(cgroup / "cpu" / "cpu.cfs_quota_us") or ""
        period = _text(cgroup / "cpu" / "cpu.cfs_period_us") or ""
    if not (quota.isdigit() and period.isdigit()) or int(period) == 0:
        return None  # "max", -1, or no control group
    return int(quota) / int(period)


def _text(path: Path) -> str | None:
    try:
        return path.read_text("ascii").strip()
    except OSError:
        return None


# -- work on many threads, results in order, memory bounded ----------------------------------------
def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Generator[Result, None, None]:
    """Yield ``function(item)`` in the order of the items, worked out by several threads.

    At most ``2 * workers + 1`` items are under way or waiting to be taken. An exception of the
    function is raised in the place of its result; threads end with the iterator.

    >>> list(ordered_map(abs, [-1, 2, -3], workers=2))
    [1, 2, 3]
    """
    if workers == 1:
        yield from map(function, items)
        return
    waiting: collections.deque[Future[Result]] = collections.deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
