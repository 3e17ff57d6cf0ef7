"""One run of the converter: plan, take up what an earlier run did, work, finish."""

from __future__ import annotations

import contextlib
import itertools
import os
from typing import Any, Dict, Iterator, List, Optional, Tuple

import cv2
from tqdm import tqdm

from ...tasks import TaskSet
from .._errors import RowError, TableError
from .._parallel import ordered_map
from ..images import ImageOptions
from ..records import RecordError, sha256_of
from ..tables import LabelEncoder, Table, TableOptions, labelled_rows
from ._chunk import Chunk, from_json
from ._convert_options import OutputOptions
from ._output import Outcome, Output, Skipped
from ._plan import Plan, make_plan
from ._stage import Stage, has_changed
from ._summary import RecordSummary
from ._work import Job, Worker

CHUNK = 128  # rows between two lines of the journal
SILENT = 0  # of OpenCV's levels of logging
BATCH = 8  # rows a thread takes at a time


class Conversion:
    """Everything about one call of `write_records`; see there for the arguments."""

    def __init__(
        self,
        table: Tuple[Table, TableOptions],
        images: Tuple[str, ImageOptions],
        tasks: Optional[TaskSet],
        output: Tuple[str, OutputOptions],
        about: Dict[str, Any],
    ) -> None:
        self._table, table_options = table
        self._work, self._tasks = Worker(*images), tasks
        self._prefix, self._options = output
        self._about = about
        self._encoder = LabelEncoder(self._table, tasks, table_options)

    def run(self) -> RecordSummary:
        """Do all of it; what was completed stays in the stage if it fails."""
        plan = make_plan(self._table, self._encoder, self._tasks, self._options)
        prefixes = [self._prefix + (f"_{name}" if name else "") for name in plan.splits]
        tasks = None if self._tasks is None else self._tasks.to_dict()
        key = {**self._about, "tasks": tasks}
        with Stage(self._prefix, prefixes, self._options, key, plan.digest) as stage:
            if not stage.complete:
                self._fill(plan, stage)
            return RecordSummary.of_manifests(prefixes, stage.publish())

    def _fill(self, plan: Plan, stage: Stage) -> None:
        outputs = [Output(stage.folder, name, self._tasks, self._options) for name in stage.names]
        quiet = None if self._options.progress else True  # None: quiet where there is no terminal
        try:
            jobs = self._jobs(plan)
            with calm_opencv(), tqdm(total=plan.num_rows, unit="row", disable=quiet) as bar:
                self._take_up(jobs, stage, outputs)
                bar.initial = bar.n = sum(output.num_rows for output in outputs)
                self._go_on(jobs, stage, outputs, bar)
            self._check_not_empty(plan, outputs)
            source = {**self._about["source"], "rows": plan.num_rows, "digest": plan.digest}
            if os.path.isfile(self._table.source):
                source["sha256"] = sha256_of(self._table.source)
            about = {**self._about, "source": source, "fingerprint": stage.fingerprint}
            stage.finish([name for output in outputs for name in output.finish(about)])
        finally:
            for output in outputs:
                output.abandon()

    def _jobs(self, plan: Plan) -> Iterator[Job]:
        count = 0
        for count, item in enumerate(labelled_rows(self._table, self._encoder), start=1):
            if count > plan.num_rows:
                break
            yield Job(plan.judged(count - 1, item), plan.split_of(count - 1))
        if count != plan.num_rows:
            raise TableError(f"{self._table.source}: it changed while it was being read.")

    def _take_up(self, jobs: Iterator[Job], stage: Stage, outputs: List[Output]) -> None:
        # Earlier chunks go the way of new ones, so that all that is counted comes out the same.
        for entry in stage.journal.chunks():
            chunk = Chunk()
            outcomes = map(from_json, entry["outcomes"])
            try:
                for job, (outcome, size) in zip(jobs_for(entry, jobs), outcomes):
                    chunk.add(job, outputs[job.split].add_again(job.item, outcome, size))
            except RecordError:
                raise has_changed(stage.folder, "unfinished output") from None
            if chunk.entry() != entry:
                what = "table" if chunk.entry()["rows"] != entry["rows"] else "unfinished output"
                raise has_changed(stage.folder, what)
        for output in outputs:
            output.writer.begin_writing()

    def _go_on(self, jobs: Iterator[Job], stage: Stage, outputs: List[Output], bar: Any) -> None:
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

    def _check(self, job: Job, outcome: Outcome) -> None:
        if isinstance(outcome, Skipped) and self._options.on_error == "raise":
            row = job.item.row
            raise RowError(self._table.source, row.number, row.path, outcome.reason)

    def _check_not_empty(self, plan: Plan, outputs: List[Output]) -> None:
        for name, output in zip(plan.splits, outputs):
            if output.writer.num_records == 0:
                what = f"split {name!r}" if name else "the output"
                raise TableError(
                    f"{self._table.source}: {what} would be empty; of its {output.num_rows} rows "
                    f"{output.num_skipped} were skipped{output.first_reason()}."
                )


def jobs_for(entry: Dict[str, Any], jobs: Iterator[Job]) -> Iterator[Job]:
    """Take as many jobs as a journal entry has rows."""
    return itertools.islice(jobs, len(entry["outcomes"]))


def in_batches(jobs: Iterator[Job]) -> Iterator[List[Job]]:
    """Put jobs together, so that handing them to a thread costs little."""
    return iter(lambda: list(itertools.islice(jobs, BATCH)), [])


@contextlib.contextmanager
def calm_opencv() -> Iterator[None]:
    """Keep OpenCV to one thread, as the cores are busy, and silent: bad images are listed here."""
    threads, level = cv2.getNumThreads(), cv2.getLogLevel()
    cv2.setNumThreads(1)
    cv2.setLogLevel(SILENT)
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        cv2.setLogLevel(level)
