"""What one would want to know of records before a training on them costs time, a line each.

It is told from the counts in the manifests, and from the digests of pictures beside the records;
records of before are counted by their labels, and of their pictures nothing is known.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..._files import check_form
from ...tasks import Task, TaskSet
from ._counts import LabelCounts
from ._framing import RecordError
from ._names import RecordName
from ._prefix import Prefixes, listed, listed_shards, read_manifest, record_files
from ._reader import RecordReader

LISTED = 3  # rows of one picture
SHOWN = 6  # names in a line; the others are counted
LOOKED = 1 << 24  # labels of pictures that come back: more are not compared
AGAIN = "What is measured there tells nothing of new pictures"
NO_IN = 50  # known labels
Answers = dict[str, Counter[str]]


class Part:
    """Records with one purpose: to learn from, or to be measured on.

    Parameters
    ----------
    name : str
        What messages call them: "train".
    records : str or sequence of str
        Prefixes.
    tasks : TaskSet
        What the labels are.
    labels : ndarray, optional
        All labels, (n, label_width), where somebody has read them already.
    paths : sequence of str, optional
        The .rec files, where somebody knows them already.
    """

    def __init__(
        self,
        name: str,
        records: Prefixes,
        tasks: TaskSet,
        *,
        labels: np.ndarray | None = None,
        paths: Sequence[str] | None = None,
    ) -> None:
        self.name, self.prefixes, self.tasks, self._labels = name, listed(records), tasks, labels
        self.reader = RecordReader(record_files(records) if paths is None else paths)

    @cached_property
    def answers(self) -> dict[str, Answers]:
        """{task: {label, or '': {answer: rows}}}."""
        found: dict[str, Answers] = {task.name: {} for task in self.tasks}
        for counts in self.counts:
            for task in self.tasks:
                for label, answers in task.kind.answers(task, counts[task.name]).items():
                    found[task.name].setdefault(label, Counter()).update(answers)
        return found

    @cached_property
    def labelled(self) -> dict[str, int]:
        """{task: rows with a label}."""
        return {
            task.name: sum(one[task.name]["labelled"] for one in self.counts) for task in self.tasks
        }

    @cached_property
    def pictures(self) -> np.ndarray:
        """Digests of the rows' pictures, uint64 (n,); 0 where it is not known."""
        return self.reader.pictures()

    def close(self) -> None:
        """Close the files."""
        self.reader.close()

    @cached_property
    def noted(self) -> list[dict[str, Any]]:
        """What manifests have of it; nothing where one of them has not, or labels are at hand."""
        if self._labels is not None:
            return []
        found = [self._noted(prefix) for prefix in self.prefixes]
        return [one for one in found if one] if all(found) else []

    @cached_property
    def counts(self) -> list[dict[str, Any]]:
        """What `LabelCounts` counted: of each prefix, or of all together."""
        if self.noted:
            return self.noted
        labels = (
            self.reader.labels(self.tasks.label_width) if self._labels is None else self._labels
        )
        for task, part in zip(self.tasks, self.tasks.slices):
            labels[:, part][~task.valid(labels[:, part])] = task.missing
        counts = LabelCounts(self.tasks)
        counts.add_block(labels)
        return [counts.summary()]

    def _noted(self, prefix: str) -> dict[str, Any] | None:
        """Return what the manifest of a prefix counted, if it is of these files and tasks."""
        try:
            manifest = read_manifest(prefix)
            files = {shard["file"] for shard in manifest["shards"]}
            counts: dict[str, Any] = manifest["tasks"]
            known = {(name, counts[name]["type"]) for name in counts}
            for task in self.tasks:
                check_form(task.kind.answers(task, counts[task.name]), {str: {str: int}}, prefix)
                task.kind.far_outside(task, [counts[task.name]], [counts[task.name]])
        except (
            ArithmeticError,
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ):  # none, or damaged: labels are counted
            return None
        here = {os.path.basename(path) for path in self.reader.paths}
        asked = {(task.name, type(task).__name__) for task in self.tasks}
        return counts if files <= here and asked <= known else None


def doubts(parts: Sequence[Part], *, whole: bool = False) -> list[str]:
    """Return what to know of records to learn from, the first part, and of those held out.

    Parameters
    ----------
    parts : sequence of Part
        Of the same tasks.
    whole : bool
        It is not known what the first part is for, so that a class may be missing in it.

    Returns
    -------
    list of str
        A line each; empty where nothing is wrong.
    """
    train, *others = parts
    lines = [line for task in train.tasks for line in of_answers(task, train, others, whole)]
    for other in others:
        lines += [] if whole else of_values(train, other)
        lines += of_pictures(train, other)
    lines += contradictions(parts)
    return lines


def unlabelled(train: Part) -> list[str]:
    """Return the names of tasks that have no label at all."""
    return [name for name, count in train.labelled.items() if not count]


def of_answers(task: Task, train: Part, others: Sequence[Part], whole: bool) -> Iterator[str]:
    """Say which answers of a task are never given, and which labels have one answer alone."""
    if not train.labelled[task.name]:
        yield f"task {task.name!r} has no label in {train.name}."
        return
    only, unknown, never = [], [], []
    for label, answers in train.answers[task.name].items():
        given = [answer for answer, rows in answers.items() if rows]
        if label and not given:
            unknown.append(repr(label))
        elif len(given) == 1:
            said = f"{given[0]!r} in all {answers[given[0]]}"
            only.append(f"{label!r} ({said})" if label else f"{said} rows")
        if not label and not whole:
            missing = [answer for answer, rows in answers.items() if not rows]
            never += [seen_elsewhere(task, answer, others) for answer in missing]
    fills = getattr(task, "missing_as", None) is not None  # what is missing says no then
    where = f"in {train.name}"
    if only and not fills:
        yield f"task {task.name!r} has one answer only {where}: {some(only)}."
    if unknown and not fills:
        yield f"task {task.name!r}: no known cell {where} of {some(unknown)}."
    if not fills and hardly_any_no(train.answers[task.name]):
        yield (
            f"task {task.name!r}: hardly any known label {where} is a no, and what is missing is "
            "left out, so that everything seems to hold. If only what holds was noted, declare "
            "missing_as=mxmtl.losses.Negative()."
        )
    if never and len(only) == 0:
        yield f"task {task.name!r}: no row {where} of {some(never)}."


def hardly_any_no(answers: Answers) -> bool:
    """Tell whether of several labels, less than one known cell in fifty says no.

    >>> hardly_any_no({"ball": Counter(yes=60, no=0), "rope": Counter(yes=40, no=1)})
    True
    """
    sums = sum(answers.values(), Counter())
    return len(answers) > 1 and sums["yes"] > NO_IN * sums["no"]


def seen_elsewhere(task: Task, answer: str, others: Sequence[Part]) -> str:
    """Name an answer that is never learnt, with the rows of those held out that have it."""
    found = [(part.name, part.answers[task.name][""][answer]) for part in others]
    seen = ", ".join(f"{rows} in {name}" for name, rows in found if rows)
    return f"{answer!r} ({seen})" if seen else repr(answer)


def of_values(train: Part, other: Part) -> Iterator[str]:
    """Say of which task a value that is measured on alone makes up the error.

    As manifests tell: no label is read for it.
    """
    for task in train.tasks if other.noted else ():
        parts = ([one[task.name] for one in part.counts] for part in (train, other))
        far = task.kind.far_outside(task, *parts)
        if far:
            yield (
                f"task {task.name!r}: in {other.name} a value is {far} in {train.name}. It alone "
                "makes up much of the rmse there: correct it if it is an error, or go by the mae."
            )


def of_pictures(train: Part, other: Part) -> Iterator[str]:
    """Say how many pictures are learnt from and measured on."""
    if same_records(train, other):
        yield f"{other.name} has the records of {train.name}. {AGAIN}."
        return
    shared = np.intersect1d(train.pictures, other.pictures)
    shared = shared[shared != 0]
    if len(shared):
        rows = [int(np.argmax(part.pictures == shared[0])) for part in (train, other)]
        first, second = (part.reader.name(row) for part, row in zip((train, other), rows))
        count = f"{len(shared)} pictures stand" if len(shared) > 1 else "1 picture stands"
        yield (
            f"{count} in {train.name} and in {other.name}, such as {first} and {second}. {AGAIN}; "
            "convert --split keeps equal pictures together."
        )


def same_records(first: Part, second: Part) -> bool:
    """Tell whether two parts have a file in common, by its place or by what is in it."""
    paths = [{os.path.realpath(path) for path in part.reader.paths} for part in (first, second)]
    if paths[0] & paths[1]:
        return True
    try:
        shards = [
            set().union(*((listed_shards(prefix) or {}).values() for prefix in part.prefixes))
            for part in (first, second)
        ]
    except RecordError:  # damaged: `verify_records` names it
        return False
    return bool(shards[0] & shards[1])


def contradictions(parts: Sequence[Part]) -> Iterator[str]:
    """Say of which pictures labels contradict each other, by task."""
    tasks = parts[0].tasks
    pictures = np.concatenate([part.pictures for part in parts])
    order = np.argsort(pictures, kind="stable")
    order = order[pictures[order] != 0]
    again = pictures[order][1:] == pictures[order][:-1]
    order = order[np.append(again, False) | np.insert(again, 0, False)] if len(order) else order
    order = order[: max(2, LOOKED // max(tasks.label_width, 1))]
    if not len(order):
        return
    starts = np.flatnonzero(np.append(True, np.diff(pictures[order]) != 0))
    labels = np.empty((len(order), tasks.label_width), np.float32)
    ends = np.cumsum([len(part.reader) for part in parts])
    for part, end in zip(parts, ends):
        rows = order - (end - len(part.reader))
        mine = (rows >= 0) & (order < end)
        labels[mine] = part.reader.labels(tasks.label_width, rows[mine])
    for task, place in zip(tasks, tasks.slices):
        cells = labels[:, place]
        known = task.labelled(cells)
        low = np.minimum.reduceat(np.where(known, cells, np.inf), starts, axis=0)
        high = np.maximum.reduceat(np.where(known, cells, -np.inf), starts, axis=0)
        wrong = np.flatnonzero((low < high).any(axis=1))
        if len(wrong):
            start = starts[wrong[0]]
            first = order[start : np.append(starts, len(order))[wrong[0] + 1]]
            names = [name_of(parts, ends, row) for row in first[:LISTED].tolist()]
            yield (
                f"task {task.name!r}: the labels of {len(wrong)} "
                f"picture{'s' * (len(wrong) > 1)} contradict each other, such as "
                f"{told(names)}."
            )


def name_of(parts: Sequence[Part], ends: np.ndarray, row: int) -> RecordName:
    """Return the name of a row, counted over all parts."""
    at = int(np.searchsorted(ends, row, side="right"))
    reader = parts[at].reader
    return reader.name(row - int(ends[at]) + len(reader))


def told(names: Sequence[RecordName]) -> str:
    """Name rows of one picture.

    >>> told([RecordName("a.jpg", 2), RecordName("a.jpg", 7)])
    'a.jpg, rows 2 and 7'
    """
    if len({name.path for name in names}) > 1:
        return " and ".join(map(str, names))
    *rows, last = [str(name.row) for name in names]
    return f"{names[0].path}, rows {', '.join(rows)} and {last}"


def some(names: Sequence[str]) -> str:
    """List names, the first of many.

    >>> some(list("abcdefgh"))
    'a, b, c, d, e, f and 2 more'
    """
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
