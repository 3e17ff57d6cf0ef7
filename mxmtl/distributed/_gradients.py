"""The key-value store that ``Module.fit`` gets: sums of gradients, and no optimizer in it."""

from __future__ import annotations

from typing import Any, List, Union

import mxnet as mx

Keys = Union[str, List[str]]


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
