"""What makes a record sound: by itself, and beside the others."""

from __future__ import annotations

import itertools
from typing import Iterator, List, NamedTuple, Optional, Set, Union

from ...tasks import TaskSet
from .._errors import ImageError
from .._parallel import ordered_map
from ..images import ImageInfo, decode_image, read_info
from ..records import (
    Found,
    Record,
    RecordError,
    RecordFile,
    check_id,
    check_label,
    unpack_record,
    walk,
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

    def alone(self, found: Found) -> Sound:
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

    def judge_batch(batch: List[Union[Found, RecordError]]) -> List[Judged]:
        return [judge_one(found) for found in batch]

    def judge_one(found: Union[Found, RecordError]) -> Judged:
        try:
            return found if isinstance(found, RecordError) else checks.alone(found)
        except RecordError as error:
            return error.at(file.path)

    records = walk(file)
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
