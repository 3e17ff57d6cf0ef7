"""The first walk through a table: how many rows, what is wrong with them, which split each has."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..._options import one_of
from ..._progress import progress
from ...tasks import Dropping, TaskSet
from .._errors import TableError
from .._options import OutputOptions
from ..tables import LabelEncoder, LabelledRow, TableReader, labelled_rows
from ._equal_pictures import PictureFiles, together
from ._folders import Folders
from ._split import NamedSplits, split_rows


@dataclass(frozen=True)
class Plan:
    """What a conversion is going to do.

    Attributes
    ----------
    num_rows : int
        Rows of the table, bad ones included.
    splits : tuple of str
        Names of the splits; one, '', where nothing is split.
    assignment : ndarray, optional
        Which split each row goes to, (num_rows,); None where there is one.
    digest : str
        SHA-256 of what all rows say, of their splits as well: by it a run notices that it has done
        this table already.
    problems : dict
        {position of a row: what is wrong with the split that it names}.
    labels : ndarray, optional
        What is left of the labels of all rows, (num_rows, label_width), where some are dropped.
    notes : tuple of str
        What one would want to know of the splits.
    """

    num_rows: int
    splits: tuple[str, ...]
    assignment: np.ndarray | None
    digest: str
    problems: Mapping[int, str] = field(default_factory=dict)
    labels: np.ndarray | None = None
    notes: tuple[str, ...] = ()

    @property
    def training(self) -> int:
        """Number of the split that is learned from: train, else the first."""
        return self.splits.index("train") if "train" in self.splits else 0

    def judged(self, position: int, item: LabelledRow) -> LabelledRow:
        """Return a row with what is left of its label, and with the problem of its split."""
        if self.labels is not None and item.label is not None:
            item = item._replace(label=self.labels[position])
        problem = self.problems.get(position)
        if problem is None or item.problem is not None:
            return item
        return item._replace(label=None, problem=TableError(problem))

    def split_of(self, position: int) -> int:
        """Return the number of a row's split."""
        return 0 if self.assignment is None else int(self.assignment[position])


class TableWalk:
    """What is kept of the rows while the table is walked through.

    Parameters
    ----------
    table : TableReader
        The table.
    tasks : TaskSet, optional
        What the labels are.
    options : OutputOptions
        What the splits need to know.
    find : function
        From a path of the table to the file.
    """

    def __init__(
        self,
        table: TableReader,
        tasks: TaskSet | None,
        options: OutputOptions,
        find: Callable[[str], str],
    ) -> None:
        self._table, self._tasks, self._options = table, tasks, options
        self._column = check_columns(table, options)
        self.named: NamedSplits | None = None
        if options.split_column is not None:
            flags = table.split_flags and options.split_column == table.split_column
            says = options.split_values
            self.named = NamedSplits(table.source, options.split_column, flags, says)
        self._digest = hashlib.sha256()
        self._ids: list[int] = []
        self.num_rows = 0
        self.labels: list[np.ndarray] = []
        self.groups: list[str] = []
        self.pictures = None if options.split is None else PictureFiles(find)
        self._folders = Folders([] if tasks is None else tasks.columns)

    def take(self, item: LabelledRow) -> None:
        """Keep what is needed of the next row."""
        self.num_rows += 1
        self._digest.update(row_bytes(item))
        if self._column is not None:
            self._take_cell(item, self._column)
        if self.pictures is not None:
            self.pictures.take(item.row.path)
            if self._options.group is None:
                self._folders.take(item)
        keeps = self._options.stratify or self._options.drop_labels is not None
        if keeps and self._tasks is not None:
            label = self._tasks.missing_label if item.label is None else item.label
            self.labels.append(label)
        if self._table.stored_width is not None and item.problem is None:
            self._ids.append(item.row.record_id)

    def _take_cell(self, item: LabelledRow, column: str) -> None:
        cell = item.row.cells.get(column, "")
        self._digest.update(cell.encode() + b"\n")
        if self.named is not None:
            self.named.take(item)
        else:  # a row that misses it is a group of its own
            self.groups.append(cell or f"\0{item.row.number}")

    def end(self, encoder: LabelEncoder) -> Plan:
        """Return the plan; raise `TableError` for what only the whole table tells."""
        if self.num_rows == 0:
            raise TableError(f"{self._table.source}: no rows.")
        check_ids(self._table.source, self._ids)
        plan, options = self._split(self._digest.hexdigest()), self._options
        if options.on_error == "raise":
            check_problems(plan, self._table, encoder)
        if options.drop_labels is None or self._tasks is None:
            return plan
        labels = np.stack(self.labels)
        known = slice(None) if plan.assignment is None else plan.assignment == plan.training
        labels[known] = Dropping.read(options.drop_labels)(labels[known], self._tasks)
        return replace(plan, labels=labels)

    def _split(self, digest: str) -> Plan:
        if self.named is not None:
            return Plan(self.num_rows, *self.named.end(), digest, self.named.problems)
        options, table = self._options, self._table
        if options.split is None or self.pictures is None:
            return Plan(self.num_rows, ("",), None, digest)
        same = self.pictures.same(lambda: (row.path for row in table.rows()), options)
        assignment = split_rows(
            self.num_rows,
            options.split,
            tasks=self._tasks if options.stratify else None,
            labels=np.stack(self.labels) if options.stratify else None,
            groups=together(self.groups if options.group else None, same),
            seed=options.seed,
        )
        check_splits(table.source, options.split, assignment, same)
        notes = tuple(filter(None, [self._note()]))
        return Plan(self.num_rows, tuple(options.split), assignment, digest, notes=notes)

    def _note(self) -> str:
        group = self._options.group
        if group is None:
            return self._folders.note(self._table.options.path_pattern is not None)
        if len({*self.groups}) < len(self.groups):
            return ""
        return (
            f"every row is a group of its own by {group!r}: --group keeps nothing together. Name a "
            "column whose cells come back, as those of a patient do; --path-pattern '{patient}/*' "
            "reads one from paths."
        )


def make_plan(
    table: TableReader,
    encoder: LabelEncoder,
    tasks: TaskSet | None,
    options: OutputOptions,
    find: Callable[[str], str],
) -> Plan:
    """Walk through the table once; of the images, which are equal, where shares are split.

    With ``on_error="raise"`` the first bad row raises `RowError` here, before any work is done.
    Raises `TableError` for a table without rows, for an id that stands there twice, for a split
    without rows and for one whose name cannot be part of a file's.
    """
    if options.stratify and tasks is None:
        raise ValueError("stratify=True needs tasks: they say what is to be evened out.")
    if options.drop_labels is not None and tasks is None:
        raise ValueError("drop_labels needs tasks: they say what is missing.")
    walk = TableWalk(table, tasks, options, find)
    labelled = labelled_rows(table, encoder, options.on_error == "blank")
    rows = progress(labelled, "rows", shown=options.progress, what="reading")
    for item in rows:
        if item.problem is not None and options.on_error == "raise":
            raise item.error(table.source)
        walk.take(item)
    return walk.end(encoder)


def check_problems(plan: Plan, table: TableReader, encoder: LabelEncoder) -> None:
    """Raise `RowError` for the first row that is wrong in its split."""
    if plan.problems:
        first = min(plan.problems)
        item = next(itertools.islice(labelled_rows(table, encoder), first, None))
        raise plan.judged(first, item).error(table.source)


def row_bytes(item: LabelledRow) -> bytes:
    """Return what a row says, to compare it with what it said in an earlier run."""
    row, label = item.row, item.label
    text = f"{row.number}\t{row.record_id}\t{row.path}\t{item.problem}\n"
    return text.encode() + (b"" if label is None else label.tobytes())


def check_columns(table: TableReader, options: OutputOptions) -> str | None:
    """Return the column that the split goes by, if one; `TableError` if it is not there."""
    column = options.split_column or options.group
    columns = [*table.columns, *table.more_columns]
    if column is not None and column not in columns:
        raise TableError(f"{table.source}: column {column!r} is not {one_of(column, columns)}.")
    return column


def check_ids(source: str, ids: Sequence[int]) -> None:
    """Raise `TableError` if an id stands in a list twice."""
    if not ids:
        return
    values, counts = np.unique(np.array(ids, np.int64), return_counts=True)
    if counts.max() > 1:
        twice = int(values[np.argmax(counts > 1)])
        raise TableError(f"{source}: index {twice} stands there more than once; it names a record.")


def check_splits(
    source: str, split: Mapping[str, float], assignment: np.ndarray, same: np.ndarray | None
) -> None:
    """Raise `TableError` if a split gets no row."""
    counts = np.bincount(assignment, minlength=len(split))
    shown = ""
    if same is not None:
        shown = f" They show {same.max() + 1} pictures; rows of one stay together."
    for (name, share), count in zip(split.items(), counts):
        if not count:
            raise TableError(
                f"{source}: split {name!r} would get none of its {len(assignment)} rows, at a "
                f"share of {share:g}. Give it a greater share, or leave it out.{shown}"
            )
