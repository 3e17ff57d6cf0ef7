"""A file of the records that are sound, written where nothing that is read gets lost."""

from __future__ import annotations

import glob
import os
import re
from typing import List, Optional, Tuple, Union

from ..._files import PathLike
from ...tasks import TaskSet
from .._errors import TableError, check_names
from .._options import OutputOptions, RepairOptions
from ..convert import Output, RecordSummary, Stage, Stored, outputs_of, without_ending
from ..records import MANIFEST, frame_record, record_files, shared_file, tasks_if_known
from ..tables import LabelledRow, Row
from ._verify import Sound, Verification, verify_records


def repair_records(
    prefix: PathLike,
    target: PathLike,
    *,
    tasks: Union[TaskSet, PathLike, None] = None,
    force: bool = RepairOptions.force,
    workers: int = RepairOptions.workers,
) -> Tuple[Verification, RecordSummary]:
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
            item = LabelledRow(Row(0, record.id, "", {}), record.label, None)
            output.add(item, Stored(framed, info.width, info.height, info.format, True))

        try:
            verification = verify_records(prefix, tasks=tasks, workers=workers, keep=keep)
            if not verification.num_records:
                raise TableError(f"{prefix}: no record is sound; there is nothing to write.")
            left_out = [str(error) for error in verification.damage]
            stage.finish(output.finish({**about, "left_out": left_out}))
        finally:
            output.abandon()
        return verification, RecordSummary.of_manifests([target], stage.publish())


def refuse_sources(prefix: str, tasks: Union[TaskSet, PathLike, None], target: str) -> None:
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


def files_read(prefix: str, records: List[str], tasks: Union[TaskSet, PathLike, None]) -> List[str]:
    """Return the files that are there of those that a check of records reads."""
    paths = [*records, *(os.path.splitext(path)[0] + ".idx" for path in records)]
    paths += [shared_file(prefix, ending) for ending in (".tasks.json", MANIFEST)]
    given: Optional[PathLike] = None if isinstance(tasks, TaskSet) else tasks
    paths += [] if given is None else [os.fspath(given)]
    return [path for path in paths if os.path.exists(path)]


def changed_by(target: str) -> List[str]:
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
