"""The workers of a launch, as one of them sees them: exact sums, and agreement."""

from __future__ import annotations

import io
import zlib
from collections.abc import Sequence
from typing import Any

import mxnet as mx
import numpy as np

from .._worker_rank import WorkerRank, end_at_once_on_errors, find_worker_rank
from ..metrics import Metric, Suite, arrays_of, merge_arrays

KINDS = ("dist_sync", "dist_sync_device")
SMALL, LARGE = 1 << 8, 1 << 18  # entries of the two arrays through which everything goes
Keys = str | list[str]
WORD = np.dtype("<u2")  # what is sent as a float: 16 bits, of the 24 that a float32 holds exactly


class WorkersError(RuntimeError):
    """The workers do not do the same at the same time."""


class Workers:
    """All workers, of which this process is one; also the only one, where nothing was launched.

    What is told of all is called by every worker, in the same order; who calls it waits for the
    others.

    Parameters
    ----------
    place : WorkerRank
        Which worker this is.
    store : mx.kvstore.KVStore, optional
        What connects them, of type ``dist_sync``; None for a process by itself.

    Attributes
    ----------
    rank, count : int
        Which worker this is, from 0, and of how many. The rank is the launcher's: a store gives
        ranks in the order in which workers come.

    Examples
    --------
    >>> alone = Workers(WorkerRank())
    >>> alone.leads, alone.count, alone.agree(""), alone.gather("text", b"abc")
    (True, 1, '', [b'abc'])
    """

    def __init__(self, place: WorkerRank, store: Any = None) -> None:
        self.rank, self.count, self._store = place.rank, place.count, store
        self._keys: dict[int, str] = {}
        self._modules = 0

    def __repr__(self) -> str:
        return f"Workers(rank={self.rank}, count={self.count})"

    @property
    def leads(self) -> bool:
        """Whether this is the worker that writes files and logs."""
        return self.rank == 0

    @property
    def launched(self) -> bool:
        """Whether `launch` started this process, be it as the only worker."""
        return self._store is not None

    def store(self) -> GradientSum | None:
        """Return the key-value store for a module, another for each; None for a process alone."""
        if self._store is None:
            return None
        self._modules += 1
        return GradientSum(self._store, f"module-{self._modules}:")

    def total(self, vector: np.ndarray) -> np.ndarray:
        """Return the sum over all workers of a vector: float32 (n,)."""
        if self._store is None:
            return np.array(vector, np.float32)
        flat = np.ascontiguousarray(vector, np.float32)
        result, start = np.empty_like(flat), 0
        while start < len(flat):
            size = SMALL if len(flat) - start <= SMALL else LARGE
            part = flat[start : start + size]
            filled = np.zeros(size, np.float32)
            filled[: len(part)] = part
            result[start : start + len(part)] = self._sum(filled)[: len(part)]
            start += size
        return result

    def numbers(self, what: str, *numbers: int) -> np.ndarray:
        """Return the numbers of all workers, int64 (count, n); below 2 ** 24, a few at a time.

        ``what`` says what for; `WorkersError` if another worker is here for something else.
        """
        table: np.ndarray = np.zeros((self.count, 1 + len(numbers)), np.float32)
        table[self.rank] = (zlib.crc32(what.encode()) >> 8, *numbers)
        table = self.total(table.reshape(-1)).reshape(table.shape)
        if len(set(table[:, 0])) > 1:
            others = [r for r in range(self.count) if table[r, 0] != table[self.rank, 0]]
            raise WorkersError(
                f"worker {self.rank} is at {what!r}, workers {others} are elsewhere. Callbacks "
                "must do the same on every worker: save, or not."
            )
        return table[:, 1:].astype(np.int64)

    def gather(self, what: str, data: bytes) -> list[bytes]:
        """Return what each worker gives, in the order of their ranks."""
        if self._store is None:
            return [data]
        low, high = len(data) & 0xFFFF, len(data) >> 16
        sizes = [int(a + (b << 16)) for a, b in self.numbers(what, low, high)]
        words = np.zeros(-(-max(sizes) // WORD.itemsize), WORD)
        words.view(np.uint8)[: len(data)] = np.frombuffer(data, np.uint8)
        parts: list[list[np.ndarray]] = [[] for _ in sizes]
        step = max(1, LARGE // self.count)
        for start in range(0, len(words), step):
            mine = words[start : start + step]
            table: np.ndarray = np.zeros((self.count, len(mine)), np.float32)
            table[self.rank] = mine
            table = self.total(table.reshape(-1)).reshape(table.shape)
            for part, row in zip(parts, table):
                part.append(row.astype(WORD))
        joined = [np.concatenate(part).tobytes() if part else b"" for part in parts]
        return [whole[:size] for whole, size in zip(joined, sizes)]

    def agree(self, reason: str) -> str:
        """Return the first of the workers' reasons that is not empty, or ``""``."""
        if self._store is None or not self.numbers("agree", bool(reason)).any():
            return reason
        reasons = self.gather("reason", reason.encode())
        return next(text.decode() for text in reasons if text)

    def mean(self, arrays: Sequence[mx.nd.NDArray]) -> None:
        """Set arrays to their mean over the workers."""
        if self._store is not None and arrays:
            _fill(arrays, self.total(_flat(arrays)) / np.float32(self.count))

    def broadcast(self, arrays: Sequence[mx.nd.NDArray]) -> None:
        """Set arrays to those of worker 0."""
        if self._store is not None and arrays:
            flat = _flat(arrays)
            _fill(arrays, self.total(flat if self.leads else np.zeros_like(flat)))

    def merge(self, metric: Suite | Metric) -> None:
        """Let a metric of `mxmtl.metrics` have seen what it has seen on all workers."""
        if self._store is not None:
            stream = io.BytesIO()
            arrays: dict[str, Any] = arrays_of(metric)
            np.savez(stream, **arrays)
            found = self.gather("metrics", stream.getvalue())
            merge_arrays(metric, [np.load(io.BytesIO(data), allow_pickle=False) for data in found])

    def _sum(self, vector: np.ndarray) -> np.ndarray:
        array = mx.nd.array(vector, ctx=mx.cpu())
        if len(vector) not in self._keys:
            self._keys[len(vector)] = key = f"workers:{len(vector)}"
            self._store.init(key, mx.nd.zeros_like(array))
        self._store.push(self._keys[len(vector)], array)
        self._store.pull(self._keys[len(vector)], out=array)
        return np.array(array.asnumpy())


class GradientSum(mx.kvstore.KVStoreBase):  # type: ignore[misc]
    """Sums over devices and workers; every worker has the optimizer and makes the same step.

    MXNet's default is an optimizer on the servers. There it cannot be saved, the workers do not
    know how many steps it made, and it is sent pickled. One on each worker gets the same sums, so
    that all workers hold the same weights and the same optimizer states, and any can save them.

    Parameters
    ----------
    store : mx.kvstore.KVStore
        Of type ``dist_sync``.
    prefix : str
        Put before the names of keys: a store takes each only once, and several modules may come
        one after the other.
    """

    def __init__(self, store: Any, prefix: str) -> None:
        self._store, self._prefix = store, prefix

    def init(self, key: Keys, value: Any) -> None:
        """Begin with the values of one of the workers."""
        self._store.init(self._named(key), value)

    def push(self, key: Keys, value: Any, priority: int = 0) -> None:
        """Add to the sum."""
        self._store.push(self._named(key), value, priority)

    def pull(self, key: Keys, out: Any = None, priority: int = 0) -> None:
        """Get the sum."""
        self._store.pull(self._named(key), out, priority)

    def pushpull(self, key: Keys, value: Any, out: Any = None, priority: int = 0) -> None:
        """Add to the sum, and get it."""
        self._store.pushpull(self._named(key), value, out, priority)

    def broadcast(self, key: Keys, value: Any, out: Any, priority: int = 0) -> None:
        """Begin with the values of one of the workers, and get them."""
        self._store.broadcast(self._named(key), value, out, priority)

    def is_capable(self, capability: str) -> bool:
        """Tell ``Module.fit`` to keep the optimizer."""
        return False

    @property
    def type(self) -> str:
        """``dist_sync``: from it ``Module.fit`` knows to divide by all workers' rows."""
        return str(self._store.type)

    @property
    def rank(self) -> int:
        """Which worker this is to the store; see `Workers.rank` for which it is to us."""
        return int(self._store.rank)

    @property
    def num_workers(self) -> int:
        """How many workers there are."""
        return int(self._store.num_workers)

    def _named(self, key: Keys) -> Keys:
        if isinstance(key, list):
            return [self._prefix + name for name in key]
        return self._prefix + key


_workers: Workers | None = None


def workers(kind: str = "dist_sync") -> Workers:
    """Return the workers that this process is one of; connect to the others at the first call.

    Parameters
    ----------
    kind : {"dist_sync", "dist_sync_device"}
        Where a worker with several GPUs adds up their gradients: on the CPU, or on a GPU.
    """
    global _workers
    if _workers is None:
        place = find_worker_rank()
        if place is None:
            return Workers(WorkerRank())
        end_at_once_on_errors()
        _workers = Workers(place, mx.kv.create(kind))
    return _workers


def _flat(arrays: Sequence[mx.nd.NDArray]) -> np.ndarray:
    return np.concatenate([array.asnumpy().astype(np.float32).reshape(-1) for array in arrays])


def _fill(arrays: Sequence[mx.nd.NDArray], flat: np.ndarray) -> None:
    start = 0
    for array in arrays:
        array[:] = flat[start : start + array.size].reshape(array.shape)
        start += array.size
