"""Everything that can be wrong with records: found, and named record by record."""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from ..._files import PathLike, sha256_of
from ..._threads import usable_cores
from ...tasks import TaskSet
from .._errors import ImageError
from .._options import VerifyOptions
from .._parallel import ordered_map
from ..images import ImageInfo, decode_image, read_info
from ..records import (
    FoundRecord,
    Record,
    RecordError,
    RecordFile,
    check_id,
    check_label,
    listed_shards,
    read_index,
    record_files,
    tasks_if_known,
    unpack_record,
    walk_records,
)

BATCH = 32  # records a thread takes at a time


class Sound(NamedTuple):
    """A record with which nothing is wrong, where it stands, and what its image is."""

    offset: int
    record: Record
    info: ImageInfo


Judged = Union[Sound, RecordError]


class Checks:
    """What every record has to satisfy, and what all of them together have to."""

    def __init__(self, tasks: Optional[TaskSet]) -> None:
        self._tasks = tasks
        self._width = None if tasks is None else tasks.label_width
        self._seen: Set[int] = set()

    def alone(self, found: FoundRecord) -> Sound:
        """Check one record by itself, on any thread; `RecordError` without the file."""
        record = unpack_record(found.data)
        payload = bytes(record.payload)
        try:
            check_id(record.id)
            info = read_info(payload)
            image = decode_image(payload, info, "unchanged", None)
        except (ImageError, RecordError) as error:
            raise RecordError(str(error), "", record.id, found.offset) from None
        info = info._replace(width=image.shape[1], height=image.shape[0])
        return Sound(found.offset, record, info)

    def together(self, sound: Sound, checksums: bool) -> None:
        """Check a record beside those before it; `RecordError` without the file."""
        record = sound.record
        if checksums and not record.checked:
            reason = "it has no checksum, and the others do."
            raise RecordError(reason, "", record.id, sound.offset)
        self._width = len(record.label) if self._width is None else self._width
        if len(record.label) != self._width:
            reason = f"it has {len(record.label)} labels; expected {self._width}."
            raise RecordError(reason, "", record.id, sound.offset)
        if record.id in self._seen:
            raise RecordError("another record has this id.", "", record.id, sound.offset)
        if self._tasks is not None:
            try:
                check_label(self._tasks, record.label)
            except RecordError as error:
                raise error.at("", record.id, sound.offset) from None
        self._seen.add(record.id)


def judge(file: RecordFile, checks: Checks, workers: int) -> Iterator[Judged]:
    """Yield every record of a file, sound or as the error that says what is wrong with it."""

    def judge_batch(batch: List[Union[FoundRecord, RecordError]]) -> List[Judged]:
        return [judge_one(found) for found in batch]

    def judge_one(found: Union[FoundRecord, RecordError]) -> Judged:
        try:
            return found if isinstance(found, RecordError) else checks.alone(found)
        except RecordError as error:
            return error.at(file.path)

    records = walk_records(file)
    batches = iter(lambda: list(itertools.islice(records, BATCH)), [])
    checksums = None  # our own files have one in every record, MXNet's in none
    for batch in ordered_map(judge_batch, batches, workers):
        sound = [judged for judged in batch if isinstance(judged, Sound)]
        if checksums is None and sound:
            checksums = any(judged.record.checked for judged in sound)
        for judged in batch:
            try:
                if isinstance(judged, Sound):
                    checks.together(judged, bool(checksums))
                yield judged
            except RecordError as error:
                yield error.at(file.path)


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
    workers: int = VerifyOptions.workers,
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
        There are no such records, or no such file of tasks.
    """
    paths = record_files(prefix)
    tasks = tasks_if_known(prefix, tasks)
    damage: List[RecordError] = []
    shards = listed_in_manifest(os.fspath(prefix), damage)
    checks, count = Checks(tasks), 0
    for path in paths:
        before = len(damage)
        listed, whole = read_listed(path, damage)
        standing: Dict[int, int] = {}
        file = RecordFile(path)
        if not file.size:
            damage.append(RecordError("there is no record in it: the file is empty.", path))
        for judged in judge(file, checks, workers or usable_cores()):
            if isinstance(judged, RecordError):
                damage.append(judged.at(path, listed.get(judged.offset)))
                continue
            standing[judged.offset] = judged.record.id
            if keep is not None:
                keep(judged)
        count += len(standing)
        known = {error.offset for error in damage[before:]}
        damage += index_damage(path, listed, standing, known) if whole else []
        if len(damage) == before:
            damage += manifest_damage(path, shards)
    return Verification(count, tuple(damage))


def read_listed(path: str, damage: List[RecordError]) -> Tuple[Dict[Optional[int], int], bool]:
    """Return {offset: id} of a file's index, and whether that is whole; if not, that is damage."""
    index = os.path.splitext(path)[0] + ".idx"
    try:
        ids, offsets = read_index(index, os.path.getsize(path))
    except FileNotFoundError:
        damage.append(RecordError("no such file; MXNet needs it to read at random.", index))
    except RecordError as error:
        damage.append(error)
    else:
        return dict(zip(offsets.tolist(), ids.tolist())), True
    return {}, False


def index_damage(
    path: str,
    listed: Dict[Optional[int], int],
    standing: Dict[int, int],
    known: Set[Optional[int]],
) -> List[RecordError]:
    """Compare a file's index with its sound records; ``known`` offsets have been named already."""
    damage = []
    for offset, record_id in listed.items():
        if offset not in known and standing.get(offset or 0) != record_id:
            found = standing.get(offset or 0)
            reason = (
                f"the index says so, but {'no record' if found is None else found} stands here."
            )
            damage.append(RecordError(reason, path, record_id, offset))
    if standing and not listed:
        index = os.path.splitext(path)[0] + ".idx"
        reason = f"it lists no record, and {len(standing)} stand in the .rec file."
        return [RecordError(reason, index)]
    for offset, record_id in standing.items():
        if offset not in listed:
            damage.append(RecordError("it is not in the index.", path, record_id, offset))
    return damage


def listed_in_manifest(prefix: str, damage: List[RecordError]) -> Optional[Dict[str, str]]:
    """Return each file's checksum by the manifest; what is wrong with the manifest is damage."""
    try:
        return listed_shards(prefix)
    except RecordError as error:
        damage.append(error)
        return None


def manifest_damage(path: str, shards: Optional[Dict[str, str]]) -> List[RecordError]:
    """Compare a file with the manifest, if there is one."""
    if shards is None:
        return []
    digest = shards.get(os.path.basename(path))
    if digest is None:
        return [RecordError("the manifest does not name this file.", path)]
    if sha256_of(path) != digest:
        return [RecordError("its SHA-256 is not the one in the manifest.", path)]
    return []
