"""All that can be wrong with records, named one by one; the sound ones, written anew."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from ..._files import PathLike, sha256_of
from ..._progress import progress as bar_of
from ..._threads import ordered_map, usable_cores
from ...tasks import TaskSet
from .._errors import ImageError, TableError, check_names
from .._options import OutputOptions, RepairOptions, VerifyOptions
from ..convert import Output, RecordSummary, Stage, Stored, outputs_of, without_ending
from ..images import ImageInfo, decode_image, read_info
from ..records import (
    ENDING,
    MANIFEST,
    NAMELESS,
    FoundRecord,
    Names,
    Record,
    RecordError,
    RecordFile,
    RecordName,
    check_id,
    check_label,
    frame_record,
    listed_shards,
    picture_digest,
    read_index,
    record_files,
    shared_file,
    tasks_if_known,
    unpack_record,
    walk_records,
)
from ..tables import LabelledRow, Row

BATCH = 32  # records a thread takes at a time


class Sound(NamedTuple):
    """A record with which nothing is wrong, where it stands, and what its image is.

    ``name`` is where it came from, where that is known.
    """

    offset: int
    record: Record
    info: ImageInfo
    name: RecordName = NAMELESS


Judged = Sound | RecordError


class Checks:
    """What every record has to satisfy, and what all of them together have to."""

    def __init__(self, tasks: TaskSet | None) -> None:
        self._tasks = tasks
        self._width = None if tasks is None else tasks.label_width
        self._seen: set[int] = set()

    def alone(self, found: FoundRecord) -> Sound:
        """Check one record by itself, on any thread; `RecordError` without the file."""
        record = unpack_record(found.data)
        payload = bytes(record.payload)
        try:
            check_id(record.id)
            info = read_info(payload)
            image = decode_image(payload, info, "unchanged")
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

    def judge_batch(batch: list[FoundRecord | RecordError]) -> list[Judged]:
        return [judge_one(found) for found in batch]

    def judge_one(found: FoundRecord | RecordError) -> Judged:
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
    damage: tuple[RecordError, ...]

    def __str__(self) -> str:
        lines = [str(error) for error in self.damage]
        bad = f"{len(self.damage)} found damaged" if self.damage else "nothing damaged"
        return "\n".join([*lines, f"{self.num_records} records are sound, {bad}."])


def verify_records(
    prefix: PathLike,
    *,
    tasks: TaskSet | PathLike | None = None,
    workers: int = VerifyOptions.workers,
    keep: Callable[[Sound], None] | None = None,
    progress: bool = VerifyOptions.progress,
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
    progress : bool
        Show a bar after two seconds, where there is a terminal.

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
    damage: list[RecordError] = []
    shards = listed_in_manifest(os.fspath(prefix), damage)
    checks, count = Checks(tasks), 0
    for path in paths:
        before = len(damage)
        listed, whole = read_listed(path, damage)
        standing: dict[int, int] = {}
        file, names = RecordFile(path), read_names(path, damage)
        if not file.size:
            damage.append(RecordError("there is no record in it: the file is empty.", path))
        every = judge(file, checks, workers or usable_cores())
        for judged in bar_of(every, "records", shown=progress, what=os.path.basename(path)):
            if isinstance(judged, RecordError):
                damage.append(named(judged.at(path, listed.get(judged.offset)), names))
                continue
            place, standing[judged.offset] = len(standing), judged.record.id
            if keep is not None:
                name = NAMELESS if names is None else names.of(judged.record.id, place)
                keep(judged._replace(name=name))
        count += len(standing)
        known = {error.offset for error in damage[before:]}
        damage += index_damage(path, listed, standing, known) if whole else []
        if len(damage) == before:
            damage += manifest_damage(path, shards)
    return Verification(count, tuple(damage))


def read_listed(path: str, damage: list[RecordError]) -> tuple[dict[int | None, int], bool]:
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


def read_names(path: str, damage: list[RecordError]) -> Names | None:
    """Return the names beside a .rec file, if any; what is wrong with them is damage."""
    try:
        names = Names(RecordFile(os.path.splitext(path)[0] + ENDING))
        names.check()
    except FileNotFoundError:
        return None
    except RecordError as error:
        damage.append(error)
        return None
    return names


def named(error: RecordError, names: Names | None) -> RecordError:
    """Return an error with the name of its record, if that is known."""
    if names is None or error.record is None:
        return error
    return error.at("", name=str(names.of(error.record, 0)))


def index_damage(
    path: str,
    listed: dict[int | None, int],
    standing: dict[int, int],
    known: set[int | None],
) -> list[RecordError]:
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


def listed_in_manifest(prefix: str, damage: list[RecordError]) -> dict[str, str] | None:
    """Return each file's checksum by the manifest; what is wrong with the manifest is damage."""
    try:
        return listed_shards(prefix)
    except RecordError as error:
        damage.append(error)
        return None


def manifest_damage(path: str, shards: dict[str, str] | None) -> list[RecordError]:
    """Compare a file with the manifest, if there is one."""
    if shards is None:
        return []
    digest = shards.get(os.path.basename(path))
    if digest is None:
        return [RecordError("the manifest does not name this file.", path)]
    if sha256_of(path) != digest:
        return [RecordError("its SHA-256 is not the one in the manifest.", path)]
    return []


# -- a file of the sound records, written where nothing that is read gets lost ---------------------
def repair_records(
    prefix: PathLike,
    target: PathLike,
    *,
    tasks: TaskSet | PathLike | None = None,
    force: bool = RepairOptions.force,
    workers: int = RepairOptions.workers,
    progress: bool = RepairOptions.progress,
) -> tuple[Verification, RecordSummary]:
    """Check records as `verify_records` does, and write the sound ones to another prefix.

    Ids, labels and images stay as they are; records of MXNet's gain a checksum. What was read is
    not touched.

    Raises
    ------
    FileNotFoundError
        There are no such records, or no such file of tasks.
    FileExistsError
        Files of the target prefix are there, and ``force`` is not given.
    ValueError
        Writing to the target prefix would change what is read, or it is the name of no file.
    TableError
        No record is sound.
    """
    prefix, target = os.fspath(prefix), without_ending(target)
    check_names(prefix=prefix, target=target)
    refuse_sources(prefix, tasks, target)
    tasks = tasks_if_known(prefix, tasks)
    about = {"source": {"records": prefix}}
    options = OutputOptions(force=force)
    with Stage(target, [target], options, about) as stage:
        output = Output(stage.folder, stage.names[0], tasks, options)

        def keep(sound: Sound) -> None:
            record, info = sound.record, sound.info
            framed = frame_record(record.label, record.id, record.payload)
            name, digest = sound.name, picture_digest(record.payload)
            item = LabelledRow(Row(name.row, record.id, name.path, {}), record.label, None)
            stored = Stored(framed, info.width, info.height, info.format, True, picture=digest)
            output.add(item, stored)

        try:
            verification = verify_records(
                prefix, tasks=tasks, workers=workers, keep=keep, progress=progress
            )
            if not verification.num_records:
                raise TableError(f"{prefix}: no record is sound; there is nothing to write.")
            left_out = [str(error) for error in verification.damage]
            stage.finish(output.finish({**about, "left_out": left_out}, tasks))
        finally:
            output.abandon()
        return verification, RecordSummary.of_manifests([target], stage.publish())


def refuse_sources(prefix: str, tasks: TaskSet | PathLike | None, target: str) -> None:
    """Raise `ValueError` if writing to a target would change a file that is read, or its shards.

    Files are compared, not their names: links and other ways to write a path lead to the same.
    """
    records = record_files(prefix)
    reason = None
    for path in changed_by(target):
        if any(os.path.samefile(path, read) for read in files_read(prefix, records, tasks)):
            reason = f"{path} is being read"
    names = [prefix, *records, *map(os.path.realpath, records)]
    if any(shard_set(name) == shard_set(target) for name in names):
        reason = f"{records[0]} is being read, and is of the same name or shards"
    if reason is not None:
        raise ValueError(f"{target}: {reason}; give another prefix. What was read stays as it is.")


def files_read(prefix: str, records: list[str], tasks: TaskSet | PathLike | None) -> list[str]:
    """Return the files that are there of those that a check of records reads."""
    stems = [os.path.splitext(path)[0] for path in records]
    paths = [*records, *(stem + end for stem in stems for end in (".idx", ENDING))]
    paths += [shared_file(prefix, ending) for ending in (".tasks.json", MANIFEST)]
    given: PathLike | None = None if isinstance(tasks, TaskSet) else tasks
    paths += [] if given is None else [os.fspath(given)]
    return [path for path in paths if os.path.exists(path)]


def changed_by(target: str) -> list[str]:
    """Return the files that are there and that writing to a target replaces or removes."""
    home, name = os.path.split(target)
    stages = (target + ".part", os.path.join(home, f".{name}.done"))
    left = [path for stage in stages for path in glob.glob(os.path.join(glob.escape(stage), "*"))]
    return [*outputs_of(target), *left]


def shard_set(path: str) -> str:
    """Return what the names of all shards of a prefix begin with.

    >>> os.path.basename(shard_set("data/train-00001.rec")), os.path.basename(shard_set("train"))
    ('train', 'train')
    """
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), re.sub(r"(-\d{5})?(\.rec)?$", "", name))
