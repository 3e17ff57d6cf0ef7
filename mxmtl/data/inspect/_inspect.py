"""What is in records: how labels are distributed, which are missing, what goes together."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._files import PathLike
from ..._progress import progress as bar_of
from ..._table import Table
from ...tasks import TaskSet, percent
from .._errors import ImageError
from .._options import InspectOptions
from ..images import Rendering, decode_image, read_info
from ..records import (
    ImageCounts,
    LabelCounts,
    RecordError,
    RecordReader,
    illegal_rows,
    note_on_depth,
    read_manifest,
    record_files,
    tasks_of,
)

Grid = tuple[str, list[str], list[list[Any]]]  # title, header, rows
PAIRS = 10  # lines of the table of what goes together
LOOKED = 24  # images that are decoded
BLOCK = 1 << 14  # records: a product of matrices that stay in the cache


@dataclass(frozen=True)
class Inspection:
    """What is in records; prints as tables.

    Attributes
    ----------
    prefix : str
        Where they are.
    num_records, num_bytes : int
        How many, in how many bytes.
    tasks : TaskSet
        What the labels are.
    labels : dict
        As in the manifest: {task: {labelled, missing, counts, ...}}.
    together : ndarray
        int64, (tasks, tasks): records in which both tasks are labelled.
    columns : tuple of str
        Classes and labels, as ``task=class`` and ``task.label``.
    cooccurrence : ndarray
        int64, (columns, columns): records for which both hold.
    expected : ndarray
        float64, (columns, columns): the same if they had nothing to do with each other, among
        the records in which both are known.
    images : dict
        {width, height: {min, median, max}, encodings}, of ``num_measured`` records; ``deep`` counts
        those that may have had 16 bits a sample, of all records if their manifest says so.
    num_measured : int
        Images that were looked at; they are evenly spread over the records.
    """

    prefix: str
    num_records: int
    num_bytes: int
    tasks: TaskSet
    labels: Mapping[str, Mapping[str, Any]]
    together: np.ndarray
    columns: tuple[str, ...]
    cooccurrence: np.ndarray
    expected: np.ndarray
    images: Mapping[str, Any]
    num_measured: int

    def tables(self) -> list[Grid]:
        """Return all tables, each as title, header and rows."""
        names = self.tasks.names
        result: list[Grid] = [("tasks", ["task", "type", "labelled", "missing"], self._task_rows())]
        for task in self.tasks:
            counts = self.labels[task.name]
            title = f"{task.name} ({counts['type']})"
            result.append((title, *task.kind.count_table(counts)))
        if len(names) > 1:
            rows = [[name, *row] for name, row in zip(names, self.together.tolist())]
            result.append(("records labelled for both tasks", ["", *names], rows))
        pairs = self._pairs()
        if pairs:
            header = ["", "", "records", "expected"]
            result.append(("what goes together most, beside what chance gives", header, pairs))
        rows = [[edge, *self.images[edge].values()] for edge in ("width", "height")]
        title = f"images ({self.num_measured} measured; {self.images['encodings']})"
        result.append((title, ["pixels", "min", "median", "max"], rows))
        return result

    def __str__(self) -> str:
        head = f"{self.prefix}: {self.num_records} records, {self.num_bytes / 1e6:.1f} MB"
        dark = note_on_depth([self.images])
        parts = [head, *(Table(*grid).text() for grid in self.tables())]
        parts += [f"note: {dark}"] if dark else []
        return "\n\n".join(parts)

    def _task_rows(self) -> list[list[Any]]:
        return [
            [
                task.name,
                self.labels[task.name]["type"],
                self.labels[task.name]["labelled"],
                percent(cells - self.labels[task.name]["known"], cells),
            ]
            for task in self.tasks
            for cells in [self.labels[task.name]["cells"]]
        ]

    def _pairs(self) -> list[list[Any]]:
        surplus = np.triu(self.cooccurrence - self.expected, 1)
        order = np.argsort(-surplus, axis=None, kind="stable")[:PAIRS]
        return [
            [
                self.columns[first],
                self.columns[second],
                int(self.cooccurrence[first, second]),
                float(self.expected[first, second]),
            ]
            for first, second in zip(*np.unravel_index(order, surplus.shape))
            if surplus[first, second] > 0
        ]


def inspect_records(
    prefix: PathLike,
    *,
    tasks: TaskSet | PathLike | None = None,
    measure: int = InspectOptions.measure,
    progress: bool = InspectOptions.progress,
) -> Inspection:
    """Look at all labels of some records, and at the sizes of their images.

    Parameters
    ----------
    prefix : path
        Records, without ``.rec``.
    tasks : TaskSet or path, optional
        What the labels are, where no ``.tasks.json`` says so.
    measure : int
        Number of images to look at.
    progress : bool
        Show a bar after two seconds, where there is a terminal.

    Raises
    ------
    FileNotFoundError
        There are no such records, or nothing says what their labels are.
    RecordError
        A record holds what is no label of its task.
    ValueError
        The number of images is negative.
    """
    InspectOptions(measure=measure)  # checks it
    paths = record_files(prefix)
    tasks = tasks_of(prefix, tasks)
    reader = RecordReader(paths)
    reader.check_width(tasks)
    labels = reader.labels(tasks.label_width, shown=progress)
    for row, reason in illegal_rows(tasks, labels).items():
        if reader.readable(row):
            raise reader.error(row, reason)
        labels[row] = np.nan  # a damaged record: its labels count as unknown
    counts = LabelCounts(tasks)
    counts.add_block(labels)
    columns, together, pairs, expected = cooccurrences(tasks, labels)
    images, num_measured = measured(reader, measure, progress)
    reader.close()
    return Inspection(
        prefix=os.fspath(prefix),
        num_records=len(reader),
        num_bytes=sum(os.path.getsize(path) for path in paths),
        tasks=tasks,
        labels=counts.summary(),
        together=together,
        columns=columns,
        cooccurrence=pairs,
        expected=expected,
        images={**images, **noted_depth(os.fspath(prefix))},
        num_measured=num_measured,
    )


def noted_depth(prefix: str) -> dict[str, Any]:
    """Return what a manifest counted of images of 16 bits, which are stored in 8; {} if nothing."""
    try:
        deep = read_manifest(prefix)["images"]["deep"]
        return {"deep": {name: int(deep[name]) for name in ("images", "dark")}}
    except (OSError, ValueError, KeyError, TypeError):  # none, of before, or damaged
        return {}


def measured(reader: RecordReader, number: int, shown: bool = False) -> tuple[dict[str, Any], int]:
    """Look at the heads of some images, and for the brightest sample of a few of 16 bits.

    Damaged records are passed over.
    """
    looked = 0
    counts, rows = ImageCounts(), np.unique(np.linspace(0, len(reader) - 1, number, dtype=np.int64))
    found = 0
    for row in bar_of(rows.tolist(), "images", shown=shown, what="measuring"):
        try:
            data = bytes(reader.read(row).payload)
            info = read_info(data)
            brightest = -1
            if info.depth > 8 and looked < LOOKED:
                looked += 1
                brightest = int(decode_image(data, info, "color", Rendering()).max())
        except (RecordError, ImageError):
            continue
        counts.add(info.width, info.height, info.format, brightest=brightest)
        found += 1
    return counts.summary(), found


def cooccurrences(
    tasks: TaskSet, labels: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Count over labels of shape (N, label_width).

    Returns
    -------
    columns : tuple of str
        What may hold: ``task=class`` and ``task.label``.
    together : ndarray
        int64, (tasks, tasks): rows in which both tasks are labelled.
    pairs : ndarray
        int64, (columns, columns): rows in which both hold.
    expected : ndarray
        float64, (columns, columns): the same for columns that are independent of each other,
        among the rows in which both are known.
    """
    columns = tuple(name for task in tasks for name in task.kind.holding(task))
    together = np.zeros((len(tasks), len(tasks)))
    pairs, one_held, both_known = (np.zeros((len(columns), len(columns))) for _ in range(3))
    for start in range(0, len(labels), BLOCK):
        labelled, held, known = indicators(tasks, labels[start : start + BLOCK])
        together += labelled @ labelled.T
        pairs += held @ held.T
        one_held += held @ known.T  # the first holds, of the second we know whether it does
        both_known += known @ known.T
    expected = one_held * one_held.T / np.maximum(both_known, 1)
    return columns, together.astype(np.int64), pairs.astype(np.int64), expected


def indicators(tasks: TaskSet, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return 0/1 rows, float64: labelled (tasks, N), held and known (columns, N)."""
    labelled, wanted = [], [np.zeros((len(labels), 0))]
    for task, part in zip(tasks, tasks.slices):
        cells = labels[:, part]
        labelled.append(task.labelled(cells).any(axis=1))
        if task.kind.holding(task):
            wanted.append(task.as_prediction(cells))
    columns = np.concatenate(wanted, axis=1).T
    parts = (np.array(labelled), columns == 1, ~np.isnan(columns))
    labelled_, held, known = (part.astype(np.float64) for part in parts)
    return labelled_, held, known
