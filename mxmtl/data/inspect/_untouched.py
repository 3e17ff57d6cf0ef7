"""What is read stays as it is: a target that would replace or remove any of it is refused."""

from __future__ import annotations

import glob
import os
import re
from typing import List, Optional, Union

from ..._files import PathLike
from ...tasks import TaskSet
from ..convert import outputs_of
from ..records import MANIFEST, record_files, shared_file


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
