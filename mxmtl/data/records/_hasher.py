"""SHA-256 of a file while it grows, on a thread of its own."""

from __future__ import annotations

import hashlib
import os
import threading

BLOCK = 1 << 20  # bytes: large, so that the interpreter lock changes hands seldom


class Hasher:
    """Follow a file that is being written, and hash what stands before a given size.

    Parameters
    ----------
    handle : int
        File descriptor; it must stay open until `hexdigest` or `stop`.
    """

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._digest = hashlib.sha256()
        self._size = self._hashed = 0
        self._block = memoryview(bytearray(BLOCK))  # fresh memory for each would cost a quarter
        self._last = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="mxmtl-sha256", daemon=True)
        self._thread.start()

    def grown(self, size: int) -> None:
        """Tell that the file's first ``size`` bytes are written for good."""
        with self._changed:
            self._size = size
            self._changed.notify()

    def hexdigest(self, size: int) -> str:
        """Hash the rest, up to ``size`` bytes, and return the sum in hexadecimal digits."""
        self.grown(size)
        self.stop()
        self._hash_up_to(size)
        return self._digest.hexdigest()

    def stop(self) -> None:
        """End the thread."""
        with self._changed:
            self._last = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._last or self._size >= self._hashed + BLOCK)
                if self._last:
                    return
                size = self._size
            self._hash_up_to(size - (size - self._hashed) % BLOCK)

    def _hash_up_to(self, size: int) -> None:
        while self._hashed < size:
            block = self._block[: size - self._hashed]
            count = os.preadv(self._handle, [block], self._hashed)
            if not count:
                raise OSError(f"the file ends at byte {self._hashed} while it is being written.")
            self._digest.update(block[:count])
            self._hashed += count
