"""What a prefix stands for: its record files, the manifest beside them, and what labels mean."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..._files import PathLike, read_json
from ...tasks import Task, TaskSet, differences, illegal_labels
from ._framing import RecordError
from ._lacking import lacking, no_prefix

MANIFEST = ".manifest.json"
MANIFEST_FORMAT, MANIFEST_VERSION = "mxmtl.manifest", 1
MANIFEST_FORM = {
    "shards": [{"file": str, "records?": int, "bytes?": int, "sha256": str}],
    "records?": int, "skipped?": {"rows": int}, "options?": {str: object}, "source?": {str: object},
    "tasks?": {str: {"type?": str, "labelled": int, "known?": int, "cells?": int}},
}  # fmt: skip
Prefixes = PathLike | Sequence[PathLike]
Layout = tuple[str, str, tuple[str, ...], tuple[str, ...]]


def listed(prefixes: Prefixes, what: str = "records") -> list[str]:
    """Return one prefix or several as a list of texts; `TypeError` names ``what`` is none."""
    one = isinstance(prefixes, str | os.PathLike)
    try:
        if not hasattr(prefixes, "columns"):  # a table's are its columns' names
            return [os.fspath(prefix) for prefix in ([prefixes] if one else prefixes)]  # type: ignore[list-item, union-attr, arg-type]
    except TypeError:
        pass
    raise TypeError(no_prefix(prefixes, what))


def given_records(records: Prefixes, what: str) -> str | list[str]:
    """Return prefixes as texts, one or a list, that have record files; see `record_files`."""
    prefixes = listed(records, what)
    record_files(prefixes, what)
    return prefixes[0] if isinstance(records, str | os.PathLike) else prefixes


def record_files(prefixes: Prefixes, what: str = "records") -> list[str]:
    """Return the .rec files of one prefix or several, shards in order of their number.

    A prefix stands for ``<prefix>.rec`` or for ``<prefix>-00000.rec``, ``<prefix>-00001.rec``...;
    a name that ends in ``.rec`` stands for itself. Raises `FileNotFoundError` if there is no such
    file or a shard is missing (the last ones too, where a manifest is beside them), `ValueError` if
    there are both. ``what`` is what the caller calls them, for the message.
    """
    files = [path for prefix in listed(prefixes, what) for path in _files_of(prefix, what)]
    if not files:
        raise ValueError("no prefix was given; expected one or more, as 'data/train'.")
    if len(set(map(os.path.realpath, files))) < len(files):
        raise ValueError(f"a record file was given twice: {files}.")
    return files


def _files_of(prefix: str, what: str) -> list[str]:
    if prefix.endswith(".rec"):
        if not os.path.exists(prefix):
            raise FileNotFoundError(lacking(prefix, prefix, what))
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
        _check_count(prefix, [whole])
        return [whole]
    if not shards:
        raise FileNotFoundError(lacking(prefix, whole, what))
    for number, path in enumerate(shards):
        if path != f"{prefix}-{number:05d}.rec":
            raise FileNotFoundError(f"{prefix}-{number:05d}.rec is missing; {path} is there.")
    _check_count(prefix, shards)
    return shards


def shared_file(prefix: str, ending: str) -> str:
    """Return the file that a prefix shares with its records; a single shard's is that of all.

    It need not exist.

    >>> shared_file("train.rec", ".tasks.json"), shared_file("train-00001.rec", ".tasks.json")
    ('train.tasks.json', 'train.tasks.json')
    """
    stem = re.sub(r"\.rec$", "", prefix)
    if not os.path.exists(stem + ending):
        stem = re.sub(r"-\d{5}$", "", stem)
    return stem + ending


def read_manifest(prefix: str) -> dict[str, Any]:
    """Read ``<prefix>.manifest.json``; `ValueError` naming it if it is something else."""
    return read_json(prefix + MANIFEST, MANIFEST_FORMAT, MANIFEST_VERSION, MANIFEST_FORM)


def stored_options(prefixes: Prefixes) -> dict[str, Any]:
    """Return what the records' images were converted with, by the first manifest; {} without."""
    for prefix in listed(prefixes):
        path = shared_file(prefix, MANIFEST)
        if os.path.exists(path):
            try:
                return dict(read_manifest(path[: -len(MANIFEST)])["options"])
            except (OSError, ValueError, KeyError, TypeError):  # `verify_records` names it
                return {}
    return {}


def listed_shards(prefix: str) -> dict[str, str] | None:
    """Return what the manifest of a prefix says: {file: its SHA-256}.

    None where there is no manifest. Raises `RecordError` naming it if it is damaged.
    """
    path = shared_file(prefix, MANIFEST)
    try:
        manifest = read_manifest(path[: -len(MANIFEST)])
    except FileNotFoundError:
        return None
    except OSError as error:
        raise RecordError(str(error.strerror or error), path) from error
    except ValueError as error:
        raise RecordError(str(error).replace(f"{path}: ", "", 1), path) from error
    return {shard["file"]: shard["sha256"] for shard in manifest["shards"]}


def listed_records(path: str) -> int | None:
    """Return how many records the manifest beside a .rec file says are in it; None without one."""
    manifest = shared_file(path, MANIFEST)
    try:
        shards = read_manifest(manifest[: -len(MANIFEST)])["shards"]
        name = os.path.basename(path)
        found = [shard["records"] for shard in shards if shard["file"] == name or len(shards) == 1]
        return int(found[0]) if found else None
    except (OSError, ValueError, KeyError, TypeError):  # `verify_records` names it
        return None


def _check_count(prefix: str, found: list[str]) -> None:
    """Raise `FileNotFoundError` if the manifest of a prefix lists more files than were found.

    Their number alone counts: files get other names. A damaged manifest keeps nobody from
    reading records; `verify_records` names it.
    """
    if not os.path.exists(prefix + MANIFEST):  # that of a single shard lists the others too
        return
    try:
        listed = listed_shards(prefix)
    except RecordError:
        return
    if listed is not None and len(listed) > len(found):
        there = f"{len(found)} shards are" if len(found) > 1 else f"{len(found)} shard is"
        raise FileNotFoundError(
            f"{prefix}: {there} there, and {prefix + MANIFEST} lists {len(listed)}. "
            "Fetch the others, or name the files to read, with .rec."
        )


def tasks_of(prefixes: Prefixes, given: TaskSet | PathLike | None) -> TaskSet:
    """Return the tasks that the records were written for, from the .tasks.json beside them.

    Given tasks (or the path of their file) must be those, if the file is there. Raises
    `ValueError` if they differ, or if different prefixes were written for different tasks.
    """
    if given is not None and not isinstance(given, TaskSet):
        given = TaskSet.load(given)
    tasks: TaskSet | None = given
    source = "tasks="
    for prefix in listed(prefixes):
        path = shared_file(prefix, ".tasks.json")
        if not os.path.exists(path):
            if tasks is None:
                raise FileNotFoundError(
                    f"{path}: no such file. Records not written by mxmtl need tasks=..., with "
                    "one entry for each label they hold."
                )
            continue
        beside = TaskSet.load(path)
        if tasks is not None and list(tasks) != list(beside):
            told = differences((path, beside), (source, tasks))
            raise ValueError(f"the records were written for other tasks:\n{told}.")
        tasks, source = tasks or beside, source if tasks else path
    assert tasks is not None  # at least one prefix: record_files was there first
    return tasks


def tasks_if_known(prefixes: Prefixes, given: TaskSet | PathLike | None) -> TaskSet | None:
    """Return what `tasks_of` does, or None where nothing says what the labels are."""
    try:
        return tasks_of(prefixes, given)
    except FileNotFoundError:
        if given is not None:  # a file that was named and is not there
            raise
        return None


def record_tasks(records: Prefixes, tasks: TaskSet) -> TaskSet:
    """Return the tasks to read the records with: those beside them, or the network's.

    What tasks weigh, what a wrong answer costs, and whether classes have an order is a matter of
    training; layout and meaning of the labels must be the same. Raises `ValueError` naming the
    first task that differs.
    """
    try:
        beside = tasks_of(records, None)
    except FileNotFoundError:
        return tasks
    for wanted, found in zip(tasks, beside):
        if _layout(wanted) != _layout(found):
            raise ValueError(
                f"{record_files(records)[0]}: written for other tasks. The network has "
                f"{_say(wanted)}, the records have {_say(found)}."
            )
    if len(tasks) != len(beside):
        raise ValueError(
            f"{record_files(records)[0]}: written for other tasks. The network has {tasks.names}, "
            f"the records have {beside.names}."
        )
    return beside


def _layout(task: Task) -> Layout:
    """Return what decides how a task's labels are read."""
    return str(task.kind), task.name, task.columns, task.names


def _say(task: Task) -> str:
    """Name a task and its classes or labels."""
    names = f" with {list(task.names)}" if task.names else ""
    return f"{type(task).__name__} {task.name!r}{names}"


def illegal_rows(tasks: TaskSet, labels: np.ndarray) -> dict[int, str]:
    """Say of `RecordReader.labels` which rows hold what is no label: {row: reason}.

    There, records that cannot be read are all NaN.
    """
    found = illegal_labels(tasks, labels)
    return {row: text for row, text in found.items() if not np.isnan(labels[row]).all()}


def check_label(tasks: TaskSet, label: np.ndarray) -> None:
    """Raise `RecordError`, without a place, if a record's label (label_width,) is none."""
    for text in illegal_labels(tasks, label[np.newaxis]).values():
        raise RecordError(text)
