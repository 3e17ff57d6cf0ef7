"""A file of the records that are sound."""

from __future__ import annotations

import os
from typing import Tuple, Union

from ..._files import PathLike
from ...tasks import TaskSet
from .._errors import TableError
from ..convert import Output, OutputOptions, RecordSummary, Stage, Stored, without_ending
from ..records import frame_record, tasks_if_known
from ..tables import LabelledRow, Row, check_names
from ._checks import Sound
from ._untouched import refuse_sources
from ._verify import Verification, verify_records


def repair_records(
    prefix: PathLike,
    target: PathLike,
    *,
    tasks: Union[TaskSet, PathLike, None] = None,
    force: bool = False,
    workers: int = 0,
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
