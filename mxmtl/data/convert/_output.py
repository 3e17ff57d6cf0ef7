"""One output of a conversion: its shards, what is counted, the files beside them, and a summary."""

from __future__ import annotations

import csv
import os
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import cv2
import numpy as np

from ..._files import printable, write_json
from ..._table import Table, safe_cell, safe_path
from ..._version import __version__
from ...tasks import TaskSet
from .._options import OutputOptions
from ..records import (
    ENDING,
    MANIFEST_FORMAT,
    MANIFEST_VERSION,
    Framed,
    ImageCounts,
    LabelCounts,
    RecordName,
    ShardWriter,
    framed_again,
    read_manifest,
)
from ..tables import LabelledRow


class Stored(NamedTuple):
    """A row that became a record, and what the image is, as `convert_image` says.

    ``picture`` is a digest of its bytes.
    """

    framed: Framed
    width: int
    height: int
    encoding: str
    kept: bool
    brightest: int = -1
    picture: int = 0


class Skipped(NamedTuple):
    """A row that did not, and why."""

    reason: str


Outcome = Stored | Skipped


class ListedRows:
    """A CSV file with the columns row, path, perhaps others, and reason; no cell is a formula."""

    def __init__(self, folder: str, name: str, *others: str) -> None:
        self.name, self.first = name, ""
        path = os.path.join(folder, name)
        self._stream = open(path, "w", encoding="utf-8", newline="")  # noqa: SIM115 (kept open)
        self._writer = csv.writer(self._stream, lineterminator="\n")
        self._writer.writerow(("row", "path", *others, "reason"))

    def add(self, item: LabelledRow, reason: str, *others: str) -> None:
        """List a row."""
        self.first = self.first or f"row {item.row.number}, {reason}"
        path, texts = printable(safe_path(item.row.path)), map(safe_cell, (*others, reason))
        self._writer.writerow((item.row.number, path, *map(printable, texts)))

    def close(self) -> None:
        """Complete the file."""
        if not self._stream.closed:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()


class Output:
    """Everything that is written for one prefix.

    Parameters
    ----------
    folder : str
        Where the files are made.
    name : str
        Last part of the prefix.
    tasks : TaskSet, optional
        The tasks of the labels; without them labels are not counted, and no file names them.
    options : OutputOptions
        How large shards are.
    """

    def __init__(
        self, folder: str, name: str, tasks: TaskSet | None, options: OutputOptions
    ) -> None:
        self._folder, self._name = folder, name
        self.writer = ShardWriter(
            folder, name, max_rows=options.shard_rows, max_bytes=options.shard_bytes
        )
        self._labels = LabelCounts(tasks or ())
        self._images = ImageCounts()
        self._skipped: ListedRows | None = None
        self._blanked: ListedRows | None = None
        self.num_skipped = self.num_blanked = 0

    def add(self, item: LabelledRow, outcome: Outcome) -> None:
        """Write a row that was worked on just now."""
        if isinstance(outcome, Stored):
            self.writer.add(item.row.record_id, outcome.framed, name_of(item, outcome))
        self._count(item, outcome)

    def add_again(self, item: LabelledRow, outcome: Outcome, size: int) -> Outcome:
        """Take up a row that an earlier run completed; return it with the bytes that are there.

        Raises `RecordError` if they are not as they were written.
        """
        if isinstance(outcome, Stored):
            frames = self.writer.add_again(item.row.record_id, size, name_of(item, outcome))
            outcome = outcome._replace(framed=framed_again(frames))
        self._count(item, outcome)
        return outcome

    def flush(self) -> None:
        """Hand what was added to the operating system: it outlives the process."""
        self.writer.flush()

    @property
    def num_rows(self) -> int:
        """Number of rows so far, skipped ones included."""
        return self.writer.num_records + self.num_skipped

    def first_reason(self) -> str:
        """Say why the first row was skipped, for a message; '' if none was."""
        return "" if self._skipped is None else f" (the first: {self._skipped.first})"

    @property
    def counts(self) -> dict[str, dict[str, Any]]:
        """What was counted of the labels of each task."""
        return self._labels.summary()

    def finish(self, about: dict[str, Any], tasks: TaskSet | None) -> list[str]:
        """Complete all files; return their names. ``about`` goes into the manifest.

        ``tasks`` are what the records are read with: with what was learned of their labels.
        """
        self.writer.finish()
        names = [shard["file"] for shard in self.writer.closed]
        stems = [name[: -len(".rec")] for name in names]
        names += [stem + ".idx" for stem in stems]
        names += [s + ENDING for s, one in zip(stems, self.writer.closed) if one["names"]]
        for lists in (self._skipped, self._blanked):
            if lists is not None:
                lists.close()
                names.append(lists.name)
        if tasks is not None:
            names.append(self._name + ".tasks.json")
            tasks.save(os.path.join(self._folder, names[-1]))
        manifest = self._name + ".manifest.json"
        write_json(os.path.join(self._folder, manifest), {**self._manifest(), **about})
        return [*names, manifest]

    def abandon(self) -> None:
        """Close the files as they are."""
        self.writer.abandon()
        for lists in (self._skipped, self._blanked):
            if lists is not None:
                lists.close()

    def _count(self, item: LabelledRow, outcome: Outcome) -> None:
        if isinstance(outcome, Stored):
            assert item.label is not None
            self._labels.add(item.label)
            self._images.add(*outcome[1:-1])
            self._list_blanks(item)
            return
        if self._skipped is None:
            self._skipped = ListedRows(self._folder, self._name + ".skipped.csv")
        self._skipped.add(item, outcome.reason)
        self.num_skipped += 1

    def _list_blanks(self, item: LabelledRow) -> None:
        for fault in item.blanks:
            if self._blanked is None:
                name = self._name + ".blanked.csv"
                self._blanked = ListedRows(self._folder, name, "column")
            self._blanked.add(item, str(fault.error), fault.columns)
            self.num_blanked += 1

    def _manifest(self) -> dict[str, Any]:
        file = None if self._skipped is None else self._skipped.name
        blanked = None if self._blanked is None else self._blanked.name
        return {
            "format": MANIFEST_FORMAT,
            "version": MANIFEST_VERSION,
            "records": self.writer.num_records,
            "skipped": {"rows": self.num_skipped, "file": file},
            "blanked": {"cells": self.num_blanked, "file": blanked},
            "tasks": self.counts,
            "images": self._images.summary(),
            "shards": self.writer.closed,
            "versions": versions(),
        }


def name_of(item: LabelledRow, outcome: Stored) -> RecordName:
    """Return what a record is called."""
    return RecordName(item.row.path, item.row.number, outcome.picture)


def versions() -> dict[str, str]:
    """Return the versions of what the bytes of a record depend on."""
    return {
        "mxmtl": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "opencv": cv2.__version__,
    }


@dataclass(frozen=True)
class RecordSummary:
    """What a conversion has written.

    Attributes
    ----------
    num_records : int
        Records in all files together.
    num_skipped : int
        Rows that did not become records; ``<prefix>.skipped.csv`` says why.
    labelled : dict
        {task: rows of which at least one cell of the task is known}.
    prefixes : tuple of str
        What to give to `RecordIter`: one prefix, or one a split.
    files : tuple of str
        All files that were written.
    num_blanked : int
        Cells that were no labels and are missing; ``<prefix>.blanked.csv`` says why.
    splits : dict
        {split, or prefix: {'': records, task: labelled rows}}.
    shares : dict
        {task: share of its labels that are known}; cells are counted, where a task has several.
    notes : tuple of str
        What one would want to know before a training, a line each.
    """

    num_records: int
    num_skipped: int
    labelled: Mapping[str, int]
    prefixes: tuple[str, ...]
    files: tuple[str, ...]
    num_blanked: int = 0
    splits: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    shares: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of_manifests(
        cls, prefixes: list[str], files: list[str], notes: Sequence[str] = ()
    ) -> RecordSummary:
        """Sum up the manifests of one or several prefixes."""
        manifests = [read_manifest(prefix) for prefix in prefixes]
        labelled: Counter[str] = Counter()
        known: Counter[str] = Counter()
        cells: Counter[str] = Counter()
        splits: dict[str, dict[str, int]] = {}
        for prefix, manifest in zip(prefixes, manifests):
            of_tasks = manifest["tasks"]
            splits[prefix] = {task: counts["labelled"] for task, counts in of_tasks.items()}
            labelled.update(splits[prefix])
            splits[prefix][""] = manifest["records"]
            for task, counts in of_tasks.items():  # older versions counted rows alone
                known[task] += counts.get("known", counts["labelled"])
                cells[task] += counts.get("cells", manifest["records"])
        return cls(
            num_records=sum(manifest["records"] for manifest in manifests),
            num_skipped=sum(manifest["skipped"]["rows"] for manifest in manifests),
            labelled=dict(labelled),
            prefixes=tuple(prefixes),
            files=tuple(files),
            num_blanked=sum(one.get("blanked", {}).get("cells", 0) for one in manifests),
            splits=splits,
            shares={task: known[task] / max(cells[task], 1) for task in cells},
            notes=tuple(notes),
        )

    def __str__(self) -> str:
        lines = [f"{self.num_records} records in {', '.join(self.prefixes)}"]
        for task, labelled in self.labelled.items():
            share = f"{100 * self.shares[task]:.1f}%"
            if round(self.shares[task] * self.num_records) != labelled:
                share += " of its labels"
            lines.append(f"  {task}: {labelled} labelled ({share})")
        if len(self.prefixes) > 1:
            lines += ["", self._by_split().text(), ""]
        if self.num_skipped:
            lists = [file for file in self.files if file.endswith(".skipped.csv")]
            lines.append(f"  {self.num_skipped} rows skipped: see {', '.join(lists)}")
        if self.num_blanked:
            lists = [file for file in self.files if file.endswith(".blanked.csv")]
            cells = f"{self.num_blanked} cell{'s are' if self.num_blanked > 1 else ' is'}"
            lines.append(f"  {cells} missing, being no label: see {', '.join(lists)}")
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _by_split(self) -> Table:
        """Return the rows and the labels of each split."""
        start = len(os.path.commonprefix(self.prefixes).rpartition("_")[0]) + 1
        parts = [self.splits[prefix] for prefix in self.prefixes]
        rows = [
            [task or "records", *(part[task] for part in parts)] for task in ("", *self.labelled)
        ]
        return Table("", ["labelled", *(prefix[start:] for prefix in self.prefixes)], rows)
