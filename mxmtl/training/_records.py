"""The records of a run, as iterators: of images, or of the features of a frozen trunk."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import logging
import math
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import mxnet as mx
import numpy as np

from .._files import sha256_of
from .._options import one_of
from .._progress import progress
from ..data import ImageError, RecordError, RecordIter
from ..data.images import read_info
from ..data.loading import Order
from ..data.records import (
    Part,
    Prefixes,
    RecordReader,
    doubts,
    listed,
    listed_shards,
    record_files,
    record_tasks,
    unlabelled,
)
from ..nets import features_of
from ..tasks import TaskSet, illegal_labels
from ._network import SymbolAndParams
from ._session import RunContext
from ._several_sets import check_alike, counted_together, known_labels, label_counts

log = logging.getLogger("mxmtl")
LOOKED_AT = 15  # pictures whose size is looked at
LEAST = 100  # px, see docs/benchmarks/finetune.md
OTHERS = (
    "{}: not the records that the run began with: {}, now {}. Put those back, or begin a new run."
)


class TrainAndVal:
    """The training and the validation records as iterators: this worker's part of them.

    Attributes
    ----------
    train, val : mx.io.DataIter
        Batches to train and to validate on; ``val`` is None where there are none.
    prefixes : tuple
        What they were opened with.

    Raises
    ------
    ValueError
        If they were written for other tasks than ``tasks``, those of a run that goes on, or the
        validation records for others than the training records: their classes would be mixed up.
    """

    def __init__(
        self,
        context: RunContext,
        train: Any,
        val: Any,
        tasks: TaskSet | None = None,
    ) -> None:
        self._context, self.prefixes = context, (train, val)
        for prefixes in self.prefixes:
            check_alike([] if prefixes is None else listed(prefixes))
        settings, workers = context.settings, context.workers
        self._part = {"num_parts": workers.count, "part_index": workers.rank}
        self._batch_size = settings.batch_size // workers.count
        training: dict[str, Any] = {"shuffle": True, "seed": settings.seed}
        if settings.augment:
            training["augment"] = settings.augment
        self.train = self._open(train, tasks, **self._part, **training)
        alike = self.train.rendering._asdict()
        self.val = None if val is None else self._open(val, self.train.tasks, **self._part, **alike)

    def tasks(self) -> TaskSet:
        """Return the tasks to train: smoothed as the settings ask, their labels standardised."""
        settings, tasks = self._context.settings, self.train.tasks
        if settings.tasks:
            tasks = self._declared(settings.tasks)
        elif len(listed(self.prefixes[0])) > 1:
            tasks = counted_together(tasks, listed(self.prefixes[0]))
        tasks = weighted(tasks, settings.task_weight).smoothed(settings.label_smoothing)
        if not any(task.weight for task in tasks):
            raise ValueError(
                f"all tasks have weight 0 ({', '.join(tasks.names)}), so there is nothing to "
                "learn. Give one of them a weight (task_weight, --task-weight NAME=1)."
            )
        return tasks.learned(label_counts(tasks, self.labels))

    def _declared(self, given: str | Mapping[str, Any]) -> TaskSet:
        """Return the tasks that are declared, in the records' order; the labels must fit."""
        path, names = given if isinstance(given, str) else "tasks", self.train.tasks.names
        tasks = TaskSet.load(given) if isinstance(given, str) else TaskSet.from_dict(given)
        if sorted(tasks.names) == sorted(names):
            tasks = TaskSet([tasks[n] for n in names], normalization=tasks.normalization)
        try:
            record_tasks(self.prefixes[0], tasks)
        except ValueError as error:
            raise ValueError(
                f"{path}: declarations of other labels than the records have. {error} Their "
                "columns and names must be the same; --task-weight NAME=0 leaves a task out."
            ) from error
        for row, reason in illegal_labels(tasks, self.labels).items():
            raise ValueError(f"{path}: {listed(self.prefixes[0])[0]}, record {row}: {reason}")
        return tasks

    def look(self) -> None:
        """Say what one would want to know of the records before a training costs time.

        Raises `ValueError` for a task that has no label to learn from.
        """
        tasks = self.train.tasks
        parts = [Part("train", self.prefixes[0], tasks, labels=self.labels)]
        if self.val is not None:
            parts.append(Part("val", self.prefixes[1], tasks))
        try:
            without = unlabelled(parts[0])
            if without:
                raise ValueError(
                    f"{listed(self.prefixes[0])[0]}: no label of {', '.join(map(repr, without))}, "
                    "so there is nothing to learn. Leave it out of the tasks, or give records "
                    "with labels."
                )
            if self._context.workers.leads:
                for line in (*doubts(parts), *self._of_settings()):
                    log.warning("%s", line)
        finally:
            for part in parts:
                part.close()

    def _of_settings(self) -> Iterator[str]:
        """Tell what of the settings an expert would change who sees these records."""
        settings = self._context.settings
        if self.val is None:
            yield (
                "no records to validate on: the best epoch is the one that fits the training data "
                "best. Convert with --split train=0.8,val=0.2, and give --val."
            )
        elif self.val.num_records > self.train.num_records:
            yield (
                f"validation has more records than training ({self.val.num_records:,} and "
                f"{self.train.num_records:,}): are they swapped?"
            )
        shown = settings.data_shape[1:]
        if settings.weights == "imagenet" and min(shown) < LEAST:
            yield (
                f"weights of ImageNet were learned at 224 px, and are worth less at {shown[0]} x "
                f"{shown[1]}, above all for colours and sizes. --data-shape "
                f"{settings.data_shape[0]},128,128, or the small trunk beside it?"
            )
        if settings.weights:
            return
        height, width = typical_size(self.prefixes[0])
        if 0 < 2 * max(height, width) <= min(shown):
            wanted = f"{settings.data_shape[0]},{height},{width}"
            yield (
                f"pictures have {height} x {width} pixels, and are enlarged to {shown[0]} x "
                f"{shown[1]}: --data-shape {wanted} would take "
                f"about {height * width / math.prod(shown):.0%} of the time."
            )

    def constants(self, tasks: TaskSet) -> dict[str, list[float]]:
        """Return the best constant answer of each task that has labels."""
        known = zip(tasks, (self.labels[:, part] for part in tasks.slices))
        return {
            task.name: task.constant(label).tolist()
            for task, label in known
            if np.any(task.labelled(label))
        }

    @cached_property
    def labels(self) -> np.ndarray:
        """Labels of all training records, of all workers: float32 (n, label_width).

        Missing is what is no label, too, and what cannot be read: its turn comes in training.
        """
        return known_labels(self.train.tasks, self.prefixes[0])

    def _open(self, prefix: Any, tasks: TaskSet | None, **options: Any) -> RecordIter:
        settings = self._context.settings
        by_records = dict.fromkeys(("background", "bits"))
        return RecordIter(
            prefix,
            self._batch_size,
            tasks=None if tasks is None else record_tasks(prefix, tasks),
            threads=settings.threads,
            **{**settings.preprocessing.options(), **by_records, **options},
        )

    def note(self) -> dict[str, Any]:
        """Return what a run notes about them, for `check`."""
        return {
            name: note_records(prefix, part.num_records) for name, prefix, part in self._named()
        }

    def check(self, noted: Mapping[str, Any], moved: bool = False) -> None:
        """Raise `ValueError` unless they are those that a run noted, as far as it did.

        ``moved`` ones are read for it, as far as their SHA-256 was noted.
        """
        for name, prefix, part in self._named():
            check_records(prefix, part.num_records, noted.get(name), moved)

    def warn_of_same(self) -> None:
        """Warn once if records to validate on are among those to train on."""
        if self.val is None or not self._context.workers.leads:
            return
        with contextlib.closing(RecordReader(record_files(self.prefixes[0]))) as reader:
            if reader.named:  # `look` compares the pictures
                return
        train, val = (note_records(prefix, 0)["files"] for prefix in self.prefixes)
        same = same_files(self.prefixes[0], train, self.prefixes[1], val)
        if same:
            log.warning(
                "%s: validation is on what is trained on, so its values say nothing of other "
                "pictures, and the best epoch is the one that knows these by heart. Convert with "
                "--split train=0.8,val=0.2.",
                ", ".join(same),
            )

    def _named(self) -> list[tuple[str, Any, RecordIter]]:
        both = zip(("train", "val"), self.prefixes, (self.train, self.val))
        return [(name, prefix, part) for name, prefix, part in both if part is not None]

    def features(self, network: SymbolAndParams) -> TrainAndVal:
        """Return the features that a frozen network makes of them, instead of images."""
        settings, made = self._context.settings, copy.copy(self)
        common: dict[str, Any] = {"batch_size": self._batch_size, "tasks": self.train.tasks}
        common.update(self._part)  # every worker computes all features, and takes its part
        parts = []
        for prefix in self.prefixes:
            if prefix is not None:
                with self._open(prefix, self.train.tasks) as images:
                    parts.append(make_features(network, images, self._context.devices))
        made.train = FeatureIter(*parts[0], shuffle=True, seed=settings.seed, **common)
        made.val = FeatureIter(*parts[1], **common) if len(parts) > 1 else None
        return made

    def __enter__(self) -> TrainAndVal:
        return self

    def __exit__(self, *error: object) -> None:
        self.train.close()
        if self.val is not None:
            self.val.close()


def note_records(prefixes: Prefixes, num_records: int) -> dict[str, Any]:
    """Return what is known of records without reading them all, as JSON-able data.

    Their number, the size of each file, and its SHA-256 where a manifest has it.
    """
    files = [
        {"file": os.path.basename(path), "bytes": os.path.getsize(path), "sha256": _listed(path)}
        for path in record_files(prefixes)
    ]
    return {"records": num_records, "files": files}


def same_files(
    records: Prefixes, noted: Sequence[Mapping[str, Any]], others: Prefixes, theirs: Any
) -> list[str]:
    """Return which files of ``others`` are files of ``records``, by path or by what was noted.

    Where no manifest has a digest, name and size tell.
    """
    paths = {os.path.realpath(path) for path in record_files(records)} if records else set()
    known = {mark_of(file) for file in noted}
    return [
        path
        for path, file in zip(record_files(others), theirs)
        if os.path.realpath(path) in paths or mark_of(file) in known
    ]


def mark_of(file: Mapping[str, Any]) -> Any:
    """Return by what a file that was noted is known again: its SHA-256, or its name and size."""
    return file.get("sha256") or (file.get("file"), file.get("bytes"))


def typical_size(prefixes: Prefixes) -> tuple[int, int]:
    """Return the median height and width of some stored images; 0 where none tells."""
    with contextlib.closing(RecordReader(record_files(prefixes))) as reader:
        sizes = []
        for row in np.unique(np.linspace(0, len(reader) - 1, LOOKED_AT).astype(int)):
            with contextlib.suppress(ImageError, RecordError):  # its turn comes in training
                info = read_info(bytes(reader.read(int(row)).payload), whole=False)
                turned = info.orientation > 4
                sizes.append([info.width, info.height][:: 1 if turned else -1])
    height, width = np.median(sizes, axis=0) if sizes else (0, 0)
    return int(height), int(width)


def weighted(tasks: TaskSet, weights: Mapping[str, float]) -> TaskSet:
    """Return the tasks with these loss weights; `ValueError` for a name that is no task.

    >>> import mxmtl
    >>> tasks = weighted(mxmtl.TaskSet([mxmtl.Binary("a"), mxmtl.Binary("b")]), {"b": 0.5})
    >>> [task.weight for task in tasks]
    [1.0, 0.5]
    """
    for name in weights:
        if name not in tasks:
            raise ValueError(
                f"task_weight: {name!r} is none; expected {one_of(name, tasks.names)}."
            )
    changed = [
        dataclasses.replace(task, weight=float(weights[task.name]))  # type: ignore[call-arg]
        if task.name in weights
        else task
        for task in tasks
    ]
    return TaskSet(changed, normalization=tasks.normalization)


def check_records(
    prefixes: Prefixes, num_records: int, noted: Mapping[str, Any] | None, moved: bool = False
) -> None:
    """Raise `ValueError` unless records are those of which `note_records` told, moved or not.

    Runs of before this was noted have None; theirs are not checked. ``moved`` files are read.
    """
    if noted is None:
        return
    found = note_records(prefixes, num_records)
    paths = record_files(prefixes)
    counts = {"files": len(noted["files"]), "records": noted["records"]}
    for what, count in {"files": len(paths), "records": num_records}.items():
        if counts[what] != count:
            raise ValueError(OTHERS.format(paths[0], f"{counts[what]} {what}", f"{count} {what}"))
    for path, before, now in zip(paths, noted["files"], found["files"]):
        if before["bytes"] != now["bytes"]:
            sizes = f"{before['bytes']} bytes", f"{now['bytes']} bytes"
            raise ValueError(OTHERS.format(path, *sizes))
        digest = sha256_of(path) if moved and before["sha256"] else now["sha256"]
        if before["sha256"] and digest and before["sha256"] != digest:
            raise ValueError(OTHERS.format(path, f"SHA-256 {before['sha256']}", digest))


def _listed(path: str) -> str | None:
    """Return the SHA-256 that a manifest has for a file; None where none has it."""
    try:
        return (listed_shards(path) or {}).get(os.path.basename(path))
    except RecordError:  # damaged: `verify_records` names it, and the records can be read
        return None


class FeatureIter(mx.io.DataIter):  # type: ignore[misc]
    """Batches of rows that are in memory, in the order in which `RecordIter` reads records.

    Parameters
    ----------
    features : numpy.ndarray
        (num_records, num_features), or (num_records, C, H, W) for heads on a map; float32.
    labels : numpy.ndarray
        (num_records, label_width), float32.
    tasks : TaskSet
        What the labels mean.
    batch_size : int
        Rows in a batch.
    shuffle, seed, num_parts, part_index : bool, int, int, int
        As those of `RecordIter`.
    """

    def __init__(
        self,
        features: np.ndarray,
        labels: np.ndarray,
        tasks: TaskSet,
        *,
        batch_size: int,
        **order: Any,
    ) -> None:
        super().__init__(batch_size)
        self._features, self._labels, self.tasks = features, labels, tasks
        self._order = Order(len(features), batch_size, **order)
        self.num_batches = self._order.num_batches
        self.provide_data = [mx.io.DataDesc("data", (batch_size, *features.shape[1:]))]
        self.provide_label = [
            mx.io.DataDesc(task.label_name, task.label_shape(batch_size), layout="N")
            for task in tasks
        ]
        self._begin(0, 0)

    def _begin(self, epoch: int, batch: int) -> None:
        self.epoch, self._batch, self._cursor = epoch, batch, self._order.cursor(batch)
        self._rows, _ = self._order.rows(epoch)

    def __iter__(self) -> FeatureIter:
        if self._batch > self.num_batches:
            self.reset()
        return self

    def reset(self) -> None:
        """Begin the next epoch."""
        self._begin(self.epoch + 1, 0)

    def next(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""
        batch, self._batch = self._batch, self._batch + 1
        if batch >= self.num_batches:
            self._batch = self.num_batches + 1
            raise StopIteration
        start = self._cursor
        self._cursor += self._order.take(batch, len(self._rows) - start)
        rows = self._rows[start : self._cursor]
        pad = self.batch_size - len(rows)
        filled = np.resize(rows, self.batch_size)  # padded rows repeat the first ones, unlabelled
        labels = self._labels[filled]
        labels[len(rows) :] = self.tasks.padding_label
        return mx.io.DataBatch(
            [mx.nd.array(self._features[filled])],
            [mx.nd.array(part) for part in self.tasks.split(labels)],
            pad,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )

    def state_dict(self) -> dict[str, Any]:
        """Return where it stands."""
        return {"epoch": self.epoch, "batch": self._batch, "made": self._order.describe()}

    def whole_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return where one iterator over all parts stands; it is the same batch."""
        return {**state, "made": self._order.whole().describe()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to where another iterator stood."""
        self._begin(state["epoch"], state["batch"])


def make_features(
    network: SymbolAndParams, records: RecordIter, context: list[mx.Context]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute features (n, num_features) and labels (n, label_width) of all records, in order."""
    began = time.monotonic()
    trunk = features_of(network.symbol, records.tasks)
    module = mx.mod.Module(trunk, label_names=None, context=context)
    module.bind(records.provide_data, for_training=False)
    module.init_params(None, arg_params=network.args, aux_params=network.auxs, allow_extra=True)
    features, labels = [], []
    with progress(records.num_records, "images", what="features") as bar:
        for batch in records:
            module.forward(batch, is_train=False)
            rows = records.batch_size - batch.pad
            features.append(module.get_outputs()[0].asnumpy()[:rows])
            parts = [label.asnumpy().reshape(records.batch_size, -1) for label in batch.label]
            labels.append(np.concatenate(parts, axis=1)[:rows])
            bar.update(rows)
    seconds = time.monotonic() - began
    log.info("features of %d images computed once, in %.1f s", records.num_records, seconds)
    return np.concatenate(features), np.concatenate(labels)
