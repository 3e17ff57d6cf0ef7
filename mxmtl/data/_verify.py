"""Everything that can be wrong with records: found, and named record by record."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import Callable, Iterator, List, NamedTuple, Optional, Tuple, Union

import numpy as np

from .._files import PathLike
from .._threads import usable_cores
from ..tasks import TaskSet
from ._digest import sha256_of
from ._errors import ImageError
from ._files_of import record_files, tasks_of
from ._framing import Record, unpack_record
from ._image_info import ImageInfo, read_info
from ._index import read_index
from ._parallel import ordered_map
from ._pixels import decode
from ._reader import RecordFile
from ._record_error import RecordError
from ._summary import read_manifest
from ._walk import Found, walk

BATCH = 32  # records a thread takes at a time


class Sound(NamedTuple):
    """A record with which nothing is wrong, where it stands, and what its image is."""

    offset: int
    record: Record
    info: ImageInfo


Judged = Union[Sound, RecordError]


@dataclass(frozen=True)
class Verification:
    """What a check of records has found.

    Attributes
    ----------
    num_records : int
        Records with which nothing is wrong.
    damage : tuple of RecordError
        What is wrong: file, record, byte offset and reason of each.
    """

    num_records: int
    damage: Tuple[RecordError, ...]

    def __str__(self) -> str:
        lines = [str(error) for error in self.damage]
        bad = f"{len(self.damage)} found damaged" if self.damage else "nothing damaged"
        return "\n".join([*lines, f"{self.num_records} records are sound, {bad}."])


def verify_records(
    prefix: PathLike,
    *,
    tasks: Union[TaskSet, PathLike, None] = None,
    workers: int = 0,
    keep: Optional[Callable[[Sound], None]] = None,
) -> Verification:
    """Check every record: frames, checksum, label and its range, image (decoded), index, manifest.

    Parameters
    ----------
    prefix : path
        Records, without ``.rec``; one file or shards.
    tasks : TaskSet or path, optional
        What the labels are, where no ``.tasks.json`` says so (records not written by mxmtl).
        Without either labels are checked for their number alone.
    workers : int
        Threads; 0 is one for each core.
    keep : function, optional
        Called with each sound record, in order.

    Returns
    -------
    Verification
        All that is wrong; prints as one line each.

    Raises
    ------
    FileNotFoundError
        There are no such records.
    """
    paths = record_files(prefix)
    try:
        tasks = tasks_of(prefix, tasks)
    except FileNotFoundError:
        tasks = None
    damage: List[RecordError] = []
    checks = Checks(tasks)
    count = 0
    for path in paths:
        offsets: List[int] = []
        before = len(damage)
        for judged in judge(RecordFile(path), checks, workers or usable_cores()):
            if isinstance(judged, RecordError):
                damage.append(judged)
                continue
            offsets.append(judged.offset)
            count += 1
            if keep is not None:
                keep(judged)
        known = {error.offset for error in damage[before:]}
        damage += index_damage(path, checks.ids[len(checks.ids) - len(offsets) :], offsets, known)
        if len(damage) == before:
            damage += manifest_damage(os.fspath(prefix), path)
    return Verification(count, tuple(damage))


class Checks:
    """What every record has to satisfy, and what all of them together have to."""

    def __init__(self, tasks: Optional[TaskSet]) -> None:
        self._tasks = tasks
        self._width = None if tasks is None else tasks.label_width
        self._seen: "set[int]" = set()
        self.ids: List[int] = []

    def alone(self, found: Found) -> Sound:
        """Check one record by itself, on any thread; `RecordError` without the file."""
        record = unpack_record(found.data)
        payload = bytes(record.payload)
        try:
            info = read_info(payload)
            image = decode(payload, info, "unchanged", None)
        except ImageError as error:
            raise RecordError(str(error), "", record.id, found.offset) from None
        info = info._replace(width=image.shape[1], height=image.shape[0])
        return Sound(found.offset, record, info)

    def together(self, sound: Sound) -> None:
        """Check a record beside those before it; `RecordError` without the file."""
        record = sound.record
        self._width = len(record.label) if self._width is None else self._width
        if len(record.label) != self._width:
            reason = f"it has {len(record.label)} labels; expected {self._width}."
            raise RecordError(reason, "", record.id, sound.offset)
        if record.id in self._seen:
            raise RecordError("another record has this id.", "", record.id, sound.offset)
        for task, part in zip(self._tasks or (), self._tasks.slices if self._tasks else ()):
            wrong = ~task.valid(record.label[part])
            if wrong.any():
                column = task.columns[int(np.argmax(wrong))]
                value = record.label[part][np.argmax(wrong)]
                reason = f"{value:g} is no label of task {task.name!r} ({column})."
                raise RecordError(reason, "", record.id, sound.offset)
        self._seen.add(record.id)
        self.ids.append(record.id)


def judge(file: RecordFile, checks: Checks, workers: int) -> Iterator[Judged]:
    """Yield every record of a file, sound or as the error that says what is wrong with it."""

    def judge_batch(batch: List[Union[Found, RecordError]]) -> List[Judged]:
        return [judge_one(found) for found in batch]

    def judge_one(found: Union[Found, RecordError]) -> Judged:
        try:
            return found if isinstance(found, RecordError) else checks.alone(found)
        except RecordError as error:
            return error.at(file.path)

    records = walk(file)
    batches = iter(lambda: list(itertools.islice(records, BATCH)), [])
    for batch in ordered_map(judge_batch, batches, workers):
        for judged in batch:
            try:
                if isinstance(judged, Sound):
                    checks.together(judged)
                yield judged
            except RecordError as error:
                yield error.at(file.path)


def index_damage(
    path: str, ids: List[int], offsets: List[int], known: "set[Optional[int]]"
) -> List[RecordError]:
    """Compare a file's index with its sound records; ``known`` offsets have been named already."""
    index = os.path.splitext(path)[0] + ".idx"
    try:
        pairs = zip(*(one.tolist() for one in read_index(index, os.path.getsize(path))))
    except FileNotFoundError:
        return [RecordError("no such file; MXNet reads at random only with it.", index)]
    except RecordError as error:
        return [error]
    listed = {offset: record_id for record_id, offset in pairs}
    standing = dict(zip(offsets, ids))
    damage = []
    for offset, record_id in listed.items():
        if offset not in standing and offset not in known:
            reason = "the index says that a record begins here, and none does."
            damage.append(RecordError(reason, path, record_id, offset))
        elif standing.get(offset, record_id) != record_id:
            reason = f"the index calls it {record_id}."
            damage.append(RecordError(reason, path, standing[offset], offset))
    for offset, record_id in standing.items():
        if offset not in listed:
            damage.append(RecordError("it is not in the index.", path, record_id, offset))
    return damage


def manifest_damage(prefix: str, path: str) -> List[RecordError]:
    """Compare a file with the manifest beside it, if there is one."""
    try:
        shards = {shard["file"]: shard for shard in read_manifest(prefix)["shards"]}
    except FileNotFoundError:
        return []
    shard = shards.get(os.path.basename(path))
    if shard is None:
        return [RecordError("the manifest does not name this file.", path)]
    if sha256_of(path) != shard["sha256"]:
        return [RecordError("its SHA-256 is not the one in the manifest.", path)]
    return []
