"""Everything that can be wrong with records: found, and named record by record."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Set, Tuple, Union

from ..._files import PathLike
from ..._threads import usable_cores
from ...tasks import TaskSet
from ..records import (
    RecordError,
    RecordFile,
    listed_shards,
    read_index,
    record_files,
    sha256_of,
    tasks_if_known,
)
from ._checks import Checks, Sound, judge


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
        There are no such records, or no such file of tasks.
    """
    paths = record_files(prefix)
    tasks = tasks_if_known(prefix, tasks)
    damage: List[RecordError] = []
    shards = read_manifest(os.fspath(prefix), damage)
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


def read_manifest(prefix: str, damage: List[RecordError]) -> Optional[Dict[str, str]]:
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
