"""One .rec file, or several of bounded size, written record by record.

A file is written once, and its SHA-256 for the manifest is made meanwhile by a thread that reads
what was just written, while it is still in memory: reading it again at the end would take longer.
"""

from __future__ import annotations

import array
import hashlib
import os
import threading
from dataclasses import dataclass, field
from typing import Any

from ..._files import Bytes
from ._framing import Framed, read_record, unpack_record, write_index
from ._names import ENDING, NAMELESS, NamesWriter, RecordName, picture_digest

WAITING = 192  # parts between two writes: one call, and no copy, for all of them
WAITING_BYTES = 1 << 20
HASHED = 1 << 20  # bytes at once: large, so that the interpreter lock changes hands seldom


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
        self._block = memoryview(bytearray(HASHED))  # fresh memory for each would cost a quarter
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
                self._changed.wait_for(lambda: self._last or self._size >= self._hashed + HASHED)
                if self._last:
                    return
                size = self._size
            self._hash_up_to(size - (size - self._hashed) % HASHED)

    def _hash_up_to(self, size: int) -> None:
        while self._hashed < size:
            block = self._block[: size - self._hashed]
            count = os.preadv(self._handle, [block], self._hashed)
            if not count:
                raise OSError(f"the file ends at byte {self._hashed} while it is being written.")
            self._digest.update(block[:count])
            self._hashed += count


def digest_again(frames: bytes) -> int:
    """Return the digest of the picture in a record's frames; `RecordError` if they are none."""
    data, _ = read_record(lambda offset, size: frames[offset : offset + size], 0)
    return picture_digest(unpack_record(data, verify=False).payload)


@dataclass
class Shard:
    """A .rec file that is being written."""

    name: str
    handle: int
    hasher: Hasher
    names: NamesWriter
    offset: int = 0
    written: int = 0
    waiting: list[Bytes] = field(default_factory=list)
    ids: array.array[int] = field(default_factory=lambda: array.array("q"))
    offsets: array.array[int] = field(default_factory=lambda: array.array("q"))

    def note(self, record_id: int, size: int, name: RecordName) -> None:
        """Take a record into the index, and its name."""
        self.names.add(record_id, name)
        self.ids.append(record_id)
        self.offsets.append(self.offset)
        self.offset += size

    def flush(self) -> None:
        """Hand what is waiting to the operating system."""
        parts, self.waiting = self.waiting, []
        if parts:
            self.written += os.writev(self.handle, parts)
        if self.written < self.offset:  # rare: a signal came, or the disk is about to be full
            rest = b"".join(parts)[self.written - self.offset :]
            while rest:
                taken = os.write(self.handle, rest)
                self.written, rest = self.written + taken, rest[taken:]
        self.hasher.grown(self.written)

    def close(self) -> None:
        """Let go of the file."""
        self.hasher.stop()
        self.names.abandon()
        os.close(self.handle)


class ShardWriter:
    """Append records to shards in a folder; which shard a record goes to depends on sizes alone.

    Parameters
    ----------
    folder : str
        Where the files are written.
    name : str
        ``name.rec``, or with limits ``name-00000.rec``, ``name-00001.rec``, ...
    max_rows, max_bytes : int
        When the next shard begins; 0 is no limit. A record larger than the limit has a shard
        of its own.
    """

    def __init__(self, folder: str, name: str, *, max_rows: int = 0, max_bytes: int = 0) -> None:
        self._folder, self._name = folder, name
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._shard: Shard | None = None
        self.closed: list[dict[str, Any]] = []
        self.num_records = 0

    def add(self, record_id: int, framed: Framed, name: RecordName = NAMELESS) -> None:
        """Append a record; it is written with the next ones, or by `flush`."""
        shard = self._shard_for(framed.size)
        shard.waiting += framed.parts
        shard.note(record_id, framed.size, name)
        self.num_records += 1
        late = shard.offset - shard.written >= WAITING_BYTES
        if late or len(shard.waiting) >= WAITING:
            shard.flush()

    def add_again(self, record_id: int, size: int, name: RecordName = NAMELESS) -> bytes:
        """Take up a record that an earlier run wrote at this place; return its bytes."""
        shard = self._shard_for(size)
        frames = os.pread(shard.handle, size, shard.offset)
        shard.note(record_id, len(frames), name._replace(picture=digest_again(frames)))
        shard.written = shard.offset
        self.num_records += 1
        return frames

    def begin_writing(self) -> None:
        """Cut off what stands after the records taken up; `add` goes on from here."""
        if self._shard is not None:
            os.truncate(self._shard.handle, self._shard.offset)
            os.lseek(self._shard.handle, self._shard.offset, os.SEEK_SET)

    def flush(self) -> None:
        """Hand what was added to the operating system: it outlives the process."""
        if self._shard is not None:
            self._shard.flush()

    def finish(self) -> None:
        """Complete the last shard: synced to disk, with its index beside it."""
        shard, self._shard = self._shard, None
        if shard is None:
            return
        try:
            shard.flush()
            os.truncate(shard.handle, shard.offset)
            os.fsync(shard.handle)
            digest = shard.hasher.hexdigest(shard.offset)
            names = shard.names.finish()
        finally:
            shard.close()
        write_index(os.path.join(self._folder, shard.name + ".idx"), shard.ids, shard.offsets)
        self.closed.append(
            {
                "file": shard.name + ".rec",
                "records": len(shard.ids),
                "bytes": shard.offset,
                "sha256": digest,
                "names": names,  # bytes of the file of names; 0 where there is none
            }
        )

    def abandon(self) -> None:
        """Close the file as it is."""
        if self._shard is not None:
            self._shard.close()
            self._shard = None

    def _shard_for(self, size: int) -> Shard:
        shard = self._shard
        if shard is not None:
            full = 0 < self._max_rows <= len(shard.ids)
            full |= 0 < self._max_bytes < shard.offset + size
            if not full:
                return shard
            self.finish()
        limited = self._max_rows or self._max_bytes
        name = f"{self._name}-{len(self.closed):05d}" if limited else self._name
        path = os.path.join(self._folder, name + ".rec")
        # Opened without truncation: a run that resumes reads what is there first.
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        names = NamesWriter(os.path.join(self._folder, name + ENDING))
        self._shard = Shard(name, handle, Hasher(handle), names)
        return self._shard
