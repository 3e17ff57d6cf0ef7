"""From a table and a folder of images to records."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import cv2

from ..._files import PathLike, sha256_of
from ..._options import unknown_option
from ..._progress import progress
from ..._threads import ordered_map
from ...tasks import TaskSet
from .._errors import RowError, TableError, check_names
from .._options import ImageOptions, OutputOptions
from ..records import (
    Framed,
    Part,
    RecordError,
    doubts,
    note_on_depth,
    read_manifest,
)
from ..tables import LabelEncoder, TableOptions, TableReader, labelled_rows, open_table
from ._faults import TableFaults
from ._output import Outcome, Output, RecordSummary, Skipped, Stored
from ._plan import Plan, make_plan, row_bytes
from ._stage import Stage, has_changed
from ._work import ImageWorker, RowJob

Options = tuple[TableOptions, ImageOptions, OutputOptions]
CHUNK = 128  # rows between two lines of the journal
SILENT = 0  # of OpenCV's levels of logging
BATCH = 8  # rows a thread takes at a time
UNREAD = Framed([], 0, 0)


def write_records(
    table: Any,
    images: PathLike | None = None,
    *,
    prefix: PathLike,
    tasks: TaskSet | PathLike | None,
    **options: Any,
) -> RecordSummary:
    r"""Write the images and labels of a table as records that MXNet reads as well.

    Makes ``<prefix>.rec`` and ``<prefix>.idx``, ``<prefix>.tasks.json``, from which `RecordIter`
    knows the label layout, and ``<prefix>.manifest.json``, which says what is in the records.
    None of them bears its name before all are complete; until then they are in
    ``<prefix>.part/``, where a run that was stopped leaves what it had done for ``resume=True``.

    Parameters
    ----------
    table : path, DataFrame or iterable of dict
        A file or folder in one of `layouts`, or rows in memory: dicts of {column: cell}, in which
        lists are names that hold. A column names the images, as ``path`` does; see `TableOptions`.
    images : path, optional
        Folder that the paths in the table begin from. By default the folder of the table; that of
        the process for rows in memory. A missing ending is found, and a name in one of the folders
        below, where no other file may be meant.
    prefix : path
        Where to write; an ending ``.rec`` is taken off.
    tasks : TaskSet or path
        What the labels are, or the ``.tasks.json`` file that says so; `infer_tasks` proposes
        some. None stores the labels of a ``.lst`` file as they are.
    **options
        Every field of `TableOptions` (missing_values, separator, ...), of `ImageOptions`
        (resize, quality, encoding, color, ...) and of `OutputOptions` (on_error, split, shard_rows,
        resume, force, workers, ...).

    Returns
    -------
    RecordSummary
        Numbers of records, of skipped rows and of labels, and the files.

    Raises
    ------
    TableError
        The table misses a column, has no rows, ...
    RowError
        A row has a bad cell or a bad image, unless ``on_error="skip"``. The message names table
        and row: the number that a spreadsheet shows, the header being row 1; of a DataFrame the
        label in its index, as ``df.loc`` takes it, where labels are different whole numbers, else
        the place that ``df.iloc`` takes, which the message says; of other rows in memory their
        place from 1.
    FileExistsError
        Files of that prefix are there, and ``force`` is not given.

    Examples
    --------
    >>> import cv2, mxmtl, numpy as np, os, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> _ = cv2.imwrite(os.path.join(folder.name, "1.jpg"), np.zeros((40, 30, 3), np.uint8))
    >>> table = os.path.join(folder.name, "train.csv")
    >>> with open(table, "w") as stream:
    ...     _ = stream.write("path,outdoors,age\n1.jpg,yes,\n1.jpg,,3.5\n")
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> summary = write_records(table, prefix=os.path.join(folder.name, "train"), tasks=tasks)
    >>> summary.num_records, summary.labelled
    (2, {'outdoors': 1, 'age': 1})
    >>> folder.cleanup()
    """
    return prepared(table, images, prefix, tasks, options).run()


def find_faults(
    table: Any,
    images: PathLike | None = None,
    *,
    tasks: TaskSet | PathLike | None,
    **options: Any,
) -> TableFaults:
    """Read a table and all its images as `write_records` does, and write nothing.

    Takes the arguments of `write_records` but for the prefix. Raises `TableError` for a table that
    cannot be read as a whole.

    Returns
    -------
    TableFaults
        All cells that are no labels, all rows that are none and all images that cannot be read,
        grouped, with their numbers; prints as lines.
    """
    options = {**options, "on_error": "blank"}
    return prepared(table, images, "faults", tasks, options).find_faults()


def prepared(
    table: Any,
    images: PathLike | None,
    prefix: PathLike,
    tasks: TaskSet | PathLike | None,
    options: Mapping[str, Any],
) -> Conversion:
    """Open what a conversion needs; arguments are those of `write_records`."""
    table_options, image_options, output_options = sort_options(options)
    opened = open_table(table, table_options)
    if output_options.split is None and output_options.split_column is None:
        output_options = dataclasses.replace(output_options, split_column=opened.split_column)
    if tasks is not None and not isinstance(tasks, TaskSet):
        tasks = TaskSet.load(tasks)
    if images is None:
        images = opened.images_folder
    check_names(table=opened.source, images=images, prefix=prefix)
    about: dict[str, Any] = {
        "source": {"table": opened.source, "images": os.fspath(images)},
        "options": {
            **dataclasses.asdict(opened.options),
            **dataclasses.asdict(image_options),
            **output_options.of_content(),
        },
    }
    work = ImageWorker(os.fspath(images), image_options)
    return Conversion(opened, tasks, work, without_ending(prefix), output_options, about)


def without_ending(prefix: PathLike) -> str:
    """Return a prefix without ``.rec``; `ValueError` for one that is the name of no file.

    >>> without_ending("data/train.rec"), without_ending("data/train")
    ('data/train', 'data/train')
    """
    text = os.fspath(prefix)
    folder, name = os.path.split(text)
    if name in ("", ".", ".."):
        raise ValueError(
            f"prefix={text!r} names a folder; expected the first part of file names as well, such "
            f"as {os.path.join(text, 'train')!r}."
        )
    if name == ".rec":
        raise ValueError(
            f"prefix={text!r} has no name before its ending; expected one, such as "
            f"{os.path.join(folder, 'train')!r}."
        )
    return text[: -len(".rec")] if text.endswith(".rec") else text


def sort_options(options: Mapping[str, Any]) -> Options:
    """Give every option to the class that declares it; `TypeError` for one that none knows."""
    kinds = (TableOptions, ImageOptions, OutputOptions)
    owner = {field_.name: kind for kind in kinds for field_ in dataclasses.fields(kind)}
    chosen: dict[type, dict[str, Any]] = {kind: {} for kind in kinds}
    for name, value in options.items():
        if name not in owner:
            raise unknown_option(name, list(owner))
        chosen[owner[name]][name] = value
    return (
        TableOptions(**chosen[TableOptions]),
        ImageOptions(**chosen[ImageOptions]),
        OutputOptions(**chosen[OutputOptions]),
    )


# -- one run ---------------------------------------------------------------------------------------
class Chunk:
    """Rows that were completed, in order.

    Beside what became of each row it holds a checksum of the rows themselves (number, path, label
    and split), by which a run that resumes notices a changed table, and one of the bytes written.
    """

    def __init__(self) -> None:
        self._rows = self._bytes = 0
        self._outcomes: list[Any] = []

    def __len__(self) -> int:
        return len(self._outcomes)

    def add(self, job: RowJob, outcome: Outcome) -> None:
        """Note a row and what became of it."""
        self._rows = checksum_of([job], self._rows)
        if isinstance(outcome, Stored):
            self._bytes = zlib.crc32(b"%d" % outcome.framed.checksum, self._bytes)
        self._outcomes.append(to_json(outcome))

    def entry(self) -> dict[str, Any]:
        """Return what to write into the journal."""
        return {"rows": self._rows, "bytes": self._bytes, "outcomes": self._outcomes}


def checksum_of(jobs: Iterable[RowJob], before: int = 0) -> int:
    """Return a checksum of rows and of the splits that they go to."""
    for job in jobs:
        before = zlib.crc32(b"%d" % job.split, zlib.crc32(row_bytes(job.item), before))
    return before


def to_json(outcome: Outcome) -> Any:
    """Return an outcome as JSON-able data: the size of the frames instead of the frames."""
    if isinstance(outcome, Skipped):
        return outcome.reason
    of_image = outcome[1:-1]  # the digest of a picture can be made again
    return [outcome.framed.size, *(of_image if outcome.brightest >= 0 else of_image[:-1])]


def from_json(entry: Any) -> tuple[Outcome, int]:
    """Return the outcome, with no bytes in it, and the size of its frames."""
    if isinstance(entry, str):
        return Skipped(entry), 0
    return Stored(UNREAD, *entry[1:]), entry[0]


class Conversion:
    """Everything about one call of `write_records`; see there for the arguments."""

    def __init__(
        self,
        table: TableReader,
        tasks: TaskSet | None,
        work: ImageWorker,
        prefix: str,
        options: OutputOptions,
        about: dict[str, Any],
    ) -> None:
        self._table, self._tasks, self._work = table, tasks, work
        self._prefix, self._options, self._about = prefix, options, about
        self._encoder = LabelEncoder(table, tasks)

    def run(self) -> RecordSummary:
        """Do all of it; what was completed stays in the stage if it fails."""
        plan = make_plan(self._table, self._encoder, self._tasks, self._options, self._work.find)
        prefixes = [self._prefix + (f"_{name}" if name else "") for name in plan.splits]
        tasks = None if self._tasks is None else self._tasks.to_dict()
        key = {**self._about, "tasks": tasks}
        with Stage(self._prefix, prefixes, self._options, key, plan.digest) as stage:
            if not stage.complete:
                self._fill(plan, stage)
            files = stage.publish()
            images = [read_manifest(prefix)["images"] for prefix in prefixes]
            notes = [*stage.notes, *plan.notes, *self._doubts(plan.splits, prefixes)]
            notes += [note_on_depth(images)]
            return RecordSummary.of_manifests(prefixes, files, [*filter(None, notes)])

    def find_faults(self) -> TableFaults:
        """Go through all rows and images, and return what is wrong with them."""
        plan = self._plan()
        found, shown = TableFaults(self._table.source), self._options.progress
        batches, again = itertools.tee(in_batches(self._jobs(plan)))
        results = ordered_map(self._work, batches, self._options.num_workers)
        with calm_opencv(), contextlib.closing(results), progress(
            plan.num_rows, "rows", shown=shown, what="checking"
        ) as bar:  # fmt: skip
            for batch, outcomes in zip(again, results):
                for job, outcome in zip(batch, outcomes):
                    reason = outcome.reason if isinstance(outcome, Skipped) else ""
                    found.take(job.item, plan.splits[job.split], reason)
                bar.update(len(batch))
        return found

    def _plan(self) -> Plan:
        return make_plan(self._table, self._encoder, self._tasks, self._options, self._work.find)

    def _doubts(self, splits: Sequence[str], prefixes: list[str]) -> list[str]:
        """Say what one would want to know of the records before a training."""
        if self._tasks is None:
            return []
        parts = []
        for name, prefix in zip(splits, prefixes):
            shards = [shard["file"] for shard in read_manifest(prefix)["shards"]]
            paths = [os.path.join(os.path.dirname(prefix), shard) for shard in shards]
            parts.append(Part(name or prefix, prefix, self._tasks, paths=paths))
        parts.sort(key=lambda part: part.name != "train")  # what is learnt from comes first
        try:
            return doubts(parts, whole=parts[0].name != "train")
        finally:
            for part in parts:
                part.close()

    def _fill(self, plan: Plan, stage: Stage) -> None:
        outputs = [Output(stage.folder, name, self._tasks, self._options) for name in stage.names]
        shown = self._options.progress
        try:
            jobs = self._jobs(plan)
            with calm_opencv(), progress(plan.num_rows, "rows", shown=shown) as bar:
                self._take_up(jobs, stage, outputs)
                bar.initial = bar.n = sum(output.num_rows for output in outputs)
                self._go_on(jobs, stage, outputs, bar)
            self._check_not_empty(plan, outputs)
            source = {**self._about["source"], "rows": plan.num_rows, "digest": plan.digest}
            if os.path.isfile(self._table.source):
                source["sha256"] = sha256_of(self._table.source)
            about = {**self._about, "source": source, "fingerprint": stage.fingerprint}
            if plan.splits != ("",):
                about["split_of"] = os.path.basename(self._prefix)
            tasks = self._learned(plan, outputs)
            stage.finish([name for output in outputs for name in output.finish(about, tasks)])
        finally:
            for output in outputs:
                output.abandon()

    def _jobs(self, plan: Plan) -> Iterator[RowJob]:
        count = 0
        blank = self._options.on_error == "blank"
        for count, item in enumerate(labelled_rows(self._table, self._encoder, blank), start=1):
            if count > plan.num_rows:
                break
            yield RowJob(plan.judged(count - 1, item), plan.split_of(count - 1))
        if count != plan.num_rows:
            raise TableError(f"{self._table.source}: it changed while it was being read.")

    def _take_up(self, jobs: Iterator[RowJob], stage: Stage, outputs: list[Output]) -> None:
        # Earlier chunks go the way of new ones, so that all that is counted comes out the same.
        for entry in stage.journal.chunks():
            rows = list(itertools.islice(jobs, len(entry["outcomes"])))
            if checksum_of(rows) != entry["rows"]:
                raise has_changed(stage.folder, "table")
            chunk = Chunk()
            try:
                for job, (outcome, size) in zip(rows, map(from_json, entry["outcomes"])):
                    chunk.add(job, outputs[job.split].add_again(job.item, outcome, size))
            except RecordError:
                raise has_changed(stage.folder, "unfinished output") from None
            if chunk.entry() != entry:
                raise has_changed(stage.folder, "unfinished output")
        for output in outputs:
            output.writer.begin_writing()

    def _go_on(self, jobs: Iterator[RowJob], stage: Stage, outputs: list[Output], bar: Any) -> None:
        chunk = Chunk()
        batches, again = itertools.tee(in_batches(jobs))
        results = ordered_map(self._work, batches, self._options.num_workers)
        with contextlib.closing(results):
            for batch, outcomes in zip(again, results):
                for job, outcome in zip(batch, outcomes):
                    self._check(job, outcome)
                    outputs[job.split].add(job.item, outcome)
                    chunk.add(job, outcome)
                bar.update(len(batch))
                if len(chunk) >= CHUNK:
                    for output in outputs:
                        output.flush()
                    stage.commit(chunk.entry())
                    chunk = Chunk()

    def _check(self, job: RowJob, outcome: Outcome) -> None:
        if isinstance(outcome, Skipped) and self._options.on_error == "raise":
            row = job.item.row
            raise RowError(self._table.source, row.number, row.path, outcome.reason)

    def _learned(self, plan: Plan, outputs: list[Output]) -> TaskSet | None:
        """Return the tasks with what they take from the labels of the training split, the first."""
        if self._tasks is None:
            return None
        return self._tasks.learned(outputs[plan.training].counts)

    def _check_not_empty(self, plan: Plan, outputs: list[Output]) -> None:
        for name, output in zip(plan.splits, outputs):
            if output.writer.num_records == 0:
                what = f"split {name!r}" if name else "the output"
                raise TableError(
                    f"{self._table.source}: {what} would be empty; of its {output.num_rows} rows "
                    f"{output.num_skipped} were skipped{output.first_reason()}."
                )


def in_batches(jobs: Iterator[RowJob]) -> Iterator[list[RowJob]]:
    """Put jobs together, so that handing them to a thread costs little."""
    return iter(lambda: list(itertools.islice(jobs, BATCH)), [])


@contextlib.contextmanager
def calm_opencv() -> Iterator[None]:
    """Keep OpenCV to one thread, as the cores are busy, and silent: bad images are listed here."""
    log: Any = cv2 if hasattr(cv2, "getLogLevel") else vars(cv2.utils)["logging"]  # since 4.14
    threads, level = cv2.getNumThreads(), log.getLogLevel()
    cv2.setNumThreads(1)
    log.setLogLevel(SILENT)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        log.setLogLevel(level)
