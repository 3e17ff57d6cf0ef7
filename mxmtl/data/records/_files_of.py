"""Which files a prefix stands for: one .rec, or the shards of one."""

from __future__ import annotations

import glob
import os
import re
from typing import List, Optional, Sequence, Union

from ..._files import PathLike
from ...tasks import TaskSet
from ._beside import check_count, shared_file

Prefixes = Union[PathLike, Sequence[PathLike]]


def record_files(prefixes: Prefixes) -> List[str]:
    """Return the .rec files of one prefix or several, shards in order of their number.

    A prefix stands for ``<prefix>.rec`` or for ``<prefix>-00000.rec``, ``<prefix>-00001.rec``...;
    a name that ends in ``.rec`` stands for itself. Raises `FileNotFoundError` if there is no such
    file or a shard is missing (the last ones too, where a manifest is beside them), `ValueError` if
    there are both.
    """
    if isinstance(prefixes, (str, os.PathLike)):
        prefixes = [prefixes]
    files = [path for prefix in prefixes for path in _files_of(os.fspath(prefix))]
    if not files:
        raise ValueError("no prefix was given; expected one or more, as 'data/train'.")
    if len(set(map(os.path.realpath, files))) < len(files):
        raise ValueError(f"a record file was given twice: {files}.")
    return files


def _files_of(prefix: str) -> List[str]:
    if prefix.endswith(".rec"):
        if not os.path.exists(prefix):
            raise FileNotFoundError(f"{prefix}: no such file.")
        return [prefix]
    whole = prefix + ".rec"
    shard = re.compile(re.escape(os.path.basename(prefix)) + r"-(\d{5})\.rec")
    shards = sorted(
        path
        for path in glob.glob(glob.escape(prefix) + "-*.rec")
        if shard.fullmatch(os.path.basename(path))
    )
    if os.path.exists(whole):
        if shards:
            raise ValueError(f"both {whole} and {shards[0]} exist; name the one to read, with .rec")
        check_count(prefix, [whole])
        return [whole]
    if not shards:
        raise FileNotFoundError(f"{whole}: no such file, and no shards {prefix}-00000.rec, ...")
    for number, path in enumerate(shards):
        if path != f"{prefix}-{number:05d}.rec":
            raise FileNotFoundError(f"{prefix}-{number:05d}.rec is missing; {path} is there.")
    check_count(prefix, shards)
    return shards


def tasks_of(prefixes: Prefixes, given: Union[TaskSet, PathLike, None]) -> TaskSet:
    """Return the tasks that the records were written for, from the .tasks.json beside them.

    Given tasks (or the path of their file) must be those, if the file is there. Raises
    `ValueError` if they differ, or if different prefixes were written for different tasks.
    """
    if given is not None and not isinstance(given, TaskSet):
        given = TaskSet.load(given)
    if isinstance(prefixes, (str, os.PathLike)):
        prefixes = [prefixes]
    tasks: Optional[TaskSet] = given
    source = "tasks="
    for prefix in prefixes:
        path = shared_file(os.fspath(prefix), ".tasks.json")
        if not os.path.exists(path):
            if tasks is None:
                raise FileNotFoundError(
                    f"{path}: no such file. Records not written by mxmtl need tasks=..., with "
                    "one entry for each label they hold."
                )
            continue
        beside = TaskSet.load(path)
        if tasks is not None and list(tasks) != list(beside):
            raise ValueError(_difference(tasks, source, beside, path))
        tasks, source = tasks or beside, source if tasks else path
    assert tasks is not None  # at least one prefix: record_files was there first
    return tasks


def tasks_if_known(prefixes: Prefixes, given: Union[TaskSet, PathLike, None]) -> Optional[TaskSet]:
    """Return what `tasks_of` does, or None where nothing says what the labels are."""
    try:
        return tasks_of(prefixes, given)
    except FileNotFoundError:
        if given is not None:  # a file that was named and is not there
            raise
        return None


def _difference(tasks: TaskSet, source: str, beside: TaskSet, path: str) -> str:
    for ours, theirs in zip(tasks, beside):
        if ours != theirs:
            return (
                f"the records were written for other tasks: {path} says {theirs!r} where {source} "
                f"says {ours!r}."
            )
    return (
        f"the records were written for other tasks: {path} has {beside.names}, {source} has "
        f"{tasks.names}."
    )
