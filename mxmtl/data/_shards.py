"""One .rec file, or several of bounded size, written record by record."""

from __future__ import annotations

import array
import hashlib
import os
from dataclasses import dataclass, field
from typing import IO, Any, Dict, List, Optional

from ._index import write_index


@dataclass
class Shard:
    """A .rec file that is being written."""

    name: str
    stream: IO[bytes]
    offset: int = 0
    ids: "array.array[int]" = field(default_factory=lambda: array.array("q"))
    offsets: "array.array[int]" = field(default_factory=lambda: array.array("q"))
    sha256: Any = field(default_factory=hashlib.sha256)


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
        self._shard: Optional[Shard] = None
        self.closed: List[Dict[str, Any]] = []
        self.num_records = 0

    def add(self, record_id: int, frames: bytes) -> None:
        """Append a record, framed already."""
        shard = self._shard_for(len(frames))
        shard.stream.write(frames)
        self._note(shard, record_id, frames)

    def add_again(self, record_id: int, size: int) -> bytes:
        """Take up a record that an earlier run wrote at this place; return its bytes."""
        shard = self._shard_for(size)
        frames = shard.stream.read(size)
        self._note(shard, record_id, frames)
        return frames

    def begin_writing(self) -> None:
        """Cut off what stands after the records taken up; `add` goes on from here."""
        if self._shard is not None:
            self._shard.stream.seek(self._shard.offset)
            self._shard.stream.truncate()

    def flush(self) -> None:
        """Hand what was written to the operating system."""
        if self._shard is not None:
            self._shard.stream.flush()

    def finish(self) -> None:
        """Complete the last shard: synced to disk, with its index beside it."""
        shard, self._shard = self._shard, None
        if shard is None:
            return
        shard.stream.truncate(shard.offset)
        shard.stream.flush()
        os.fsync(shard.stream.fileno())
        shard.stream.close()
        write_index(os.path.join(self._folder, shard.name + ".idx"), shard.ids, shard.offsets)
        self.closed.append(
            {
                "file": shard.name + ".rec",
                "records": len(shard.ids),
                "bytes": shard.offset,
                "sha256": shard.sha256.hexdigest(),
            }
        )

    def abandon(self) -> None:
        """Close the file as it is."""
        if self._shard is not None:
            self._shard.stream.close()
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
        stream = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+b", 1 << 20)
        self._shard = Shard(name, stream)
        return self._shard

    def _note(self, shard: Shard, record_id: int, frames: bytes) -> None:
        shard.ids.append(record_id)
        shard.offsets.append(shard.offset)
        shard.sha256.update(frames)
        shard.offset += len(frames)
        self.num_records += 1
