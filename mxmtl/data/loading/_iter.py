"""Records as batches for `Module.fit`, `score` and `predict`."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import abc
import logging
import os
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mxnet as mx
import numpy as np

from ..._files import PathLike
from ..._options import Options, option
from ..._threads import usable_processors
from ...augment import Augmentation, Pipeline, whole_seed
from ...tasks import TaskSet
from ..records import Prefixes, RecordName, RecordReader, record_files, tasks_of
from ._loader import BatchJob, BatchLoader
from ._order import Order, Sampler, expected_reads
from ._source import DTYPES, Levels, Normalize, Source, rendering_of

log = logging.getLogger(__name__)

ITS_OWN = ("prefix", "batch_size", "data_shape", "shuffle", "seed", "tasks")
# What MXNet's ImageRecordIter calls it, and what to write here.
STOCK = {
    "path_imgrec": "the first argument",
    "path_imgidx": "nothing: the .idx beside the .rec",
    "label_width": "tasks=, or the .tasks.json beside the records",
    **dict.fromkeys(("mean_r", "mean_g", "mean_b"), "mean=(red, green, blue)"),
    **dict.fromkeys(("std_r", "std_g", "std_b"), "std=(red, green, blue)"),
    "scale": "std=1 / scale",
    "resize": "augment=[ResizeShort(size), CenterCrop()]",
    "rand_crop": "augment=[RandomCrop()]",
    "rand_mirror": "augment=[RandomMirror()]",
    "random_resized_crop": "augment=[RandomResizedCrop(area=, ratio=)]",
    "max_rotate_angle": "augment=[RandomRotation(degrees)]",
    **dict.fromkeys(("brightness", "contrast", "saturation"), "augment=[ColorJitter(...)]"),
    "preprocess_threads": "threads=",
    "prefetch_buffer": "prefetch=",
    "round_batch": 'last_batch="pad" or "discard"',
}


@dataclass(frozen=True)
class LoadingOptions(Options):
    """How records become batches; every field is an option of `RecordIter`."""

    sampler: Sampler | None = option(
        None,
        "how often an epoch reads each row, in random order: see `WeightedSampler` and "
        "`ClassAwareSampler`",
    )
    augment: Iterable[Augmentation] | None = option(
        None, "see `mxmtl.augment`; the middle of the image, as large as fits, without"
    )
    mean: Levels = option(None, "images become (pixel - mean) / std, on the scale of 0 to 255")
    std: Levels = option(None, "one number, or one a channel, as the mean")
    num_parts: int = option(
        1,
        "read one of so many parts: every row is in one, all have as many batches, and their k-th "
        "batches are together that of one iterator with so many times the batch size",
        low=1,
    )
    part_index: int = option(0, "which part, from 0", low=0)
    last_batch: str = option(
        "pad",
        "whether rows that fill no batch make a padded one or are left out",
        choices=("pad", "discard"),
    )
    on_error: str = option(
        "raise",
        "what a damaged record leads to, or one with what is no label of its task",
        choices=("raise", "skip"),
    )
    threads: int = option(0, "decoding threads; 0: one for each processor", low=0)
    prefetch: int = option(2, "batches that are decoded ahead", low=0)
    dtype: str = option(
        "float32", "of the images; uint8 leaves them as they are, in a quarter of the bytes",
        choices=DTYPES,
    )  # fmt: skip
    data_name: str = option("data", "what the network calls the images")
    background: tuple[int, ...] | None = option(
        None, "red, green, blue behind transparent pixels; as in the records' manifest, or white"
    )
    bits: int | None = option(
        None, "that images of 16 bits a sample use; as in the records' manifest, or 16",
        low=8, high=16,
    )  # fmt: skip
    ctx: mx.Context | None = option(
        None, "send batches there ahead of their use: images as bytes, which are scaled there"
    )


class AdvancingIter(mx.io.DataIter, abc.ABC):  # type: ignore[misc]
    """Abstract: what a `mx.io.DataIter` is to its users, by `_advance` alone.

    The current batch is kept until the next one is asked for, or the epoch ends.
    """

    _current: mx.io.DataBatch | None = None

    @abc.abstractmethod
    def _advance(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""

    def next(self) -> mx.io.DataBatch:
        """Return the next batch, or raise `StopIteration` at the end of the epoch."""
        self._current = None  # its memory is free for the batches that are made now
        batch = self._current = self._advance()
        return batch  # which may not be the current one any more, where several threads ask

    def iter_next(self) -> bool:
        """Go to the next batch, for ``getdata`` and its like; False at the end of the epoch."""
        try:
            self.next()
        except StopIteration:
            return False
        return True

    def getdata(self) -> list[mx.nd.NDArray]:
        """Return the images of the current batch."""
        return self._batch_now().data  # type: ignore[no-any-return]

    def getlabel(self) -> list[mx.nd.NDArray]:
        """Return the labels of the current batch, one array a task."""
        return self._batch_now().label  # type: ignore[no-any-return]

    def getindex(self) -> Any:
        """Return the record ids of the current batch, -1 for padded rows: int64 (batch_size,)."""
        return self._batch_now().index

    def getpad(self) -> int:
        """Return how many rows of the current batch are padded."""
        return int(self._batch_now().pad)

    def _batch_now(self) -> mx.io.DataBatch:
        if self._current is None:
            raise ValueError("there is no current batch: call iter_next() or next() first.")
        return self._current


class RecordIter(AdvancingIter):
    r"""Batches of images and labels, one label array a task, from .rec files.

    Images are RGB (or grey), planes first: (batch_size, channels, height, width). Labels that
    are missing, and all labels of padded rows, are as the tasks mark them.

    Parameters
    ----------
    prefix : str or sequence of str
        Path without ``.rec``: of one file, of its shards, or of several.
    batch_size : int
        Rows in a batch.
    data_shape : (int, int, int)
        Channels (3 or 1), height and width of an image.
    shuffle : bool
        Whether every epoch has an order of its own.
    seed : int
        Governs the order and the augmentation. Those of record r in epoch e depend on (seed, e,
        r) alone.
    tasks : TaskSet or str, optional
        What the labels mean. By default it is read from ``<prefix>.tasks.json``.
    **options
        The fields of `LoadingOptions`: sampler, augment, mean, std, num_parts, part_index,
        last_batch, on_error, threads, prefetch, dtype, data_name and ctx.

    Attributes
    ----------
    tasks : TaskSet
        What the labels mean.
    provide_data, provide_label : list of mx.io.DataDesc
        What a batch holds: images, and ``<task>_label`` in task order.
    num_records : int
        Rows of all files, in all parts.
    num_batches : int
        Batches in an epoch.
    epoch : int
        The epoch it stands in.
    skipped : int
        Damaged records that were left out so far in this epoch.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no tasks.
    TypeError
        If there is no such option, the message names the nearest one; or a seed is no integer.
    ValueError
        If the records were written for other tasks, or an option makes no sense.
    RecordError
        If an index is damaged; from `next` if a record is, or holds what is no label of its task.
        It names file, record and offset.

    Notes
    -----
    ``batch.index`` holds the record ids, -1 for padded rows, whose images repeat the batch's
    own. Memory of a batch is used again when nothing refers to the batch any more. A new
    iterator stands at the start of epoch 0; ``reset`` begins the next one, and so does ``iter``
    where this one was read to its end. Several threads may take its batches; each batch goes to
    one of them. What an error in your augmentation, or Ctrl-C, interrupted comes again.

    Examples
    --------
    >>> import cv2, os, tempfile, mxmtl
    >>> folder = tempfile.TemporaryDirectory()
    >>> prefix = os.path.join(folder.name, "train")
    >>> for name in ("a.png", "b.png", "c.png"):
    ...     _ = cv2.imwrite(os.path.join(folder.name, name), np.full((8, 8, 3), 7, np.uint8))
    >>> with open(prefix + ".csv", "w") as table:
    ...     _ = table.write("path,age\na.png,3\nb.png,\nc.png,5\n")
    >>> _ = mxmtl.write_records(prefix + ".csv", images=folder.name, prefix=prefix,
    ...                         tasks=mxmtl.TaskSet([mxmtl.Regression("age")]))
    >>> with mxmtl.RecordIter(prefix, batch_size=2, data_shape=(3, 8, 8)) as data:
    ...     for batch in data:
    ...         print(batch.pad, batch.index, batch.data[0].shape, batch.label[0].asnumpy())
    0 [0 1] (2, 3, 8, 8) [ 3. nan]
    1 [ 2 -1] (2, 3, 8, 8) [ 5. nan]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        prefix: Prefixes,
        batch_size: int,
        data_shape: Sequence[int],
        *,
        shuffle: bool = False,
        seed: int = 0,
        tasks: TaskSet | PathLike | None = None,
        **options: Any,
    ) -> None:
        super().__init__(batch_size)
        for name in sorted(STOCK.keys() & options.keys()):
            raise TypeError(
                f"{name} is an argument of MXNet's ImageRecordIter; here it is {STOCK[name]}."
            )
        how, seed = LoadingOptions.of(options, ITS_OWN), whole_seed(seed)
        self._reader = RecordReader(record_files(prefix))
        self.tasks = tasks_of(prefix, tasks)
        self._reader.check_width(self.tasks)
        self._normalize = Normalize(data_shape, how.mean, how.std, how.dtype, how.ctx)
        expected = None
        if how.sampler is not None:
            expected = expected_reads(how.sampler, self.tasks, self._reader, how.on_error)
        self._order = Order(
            len(self._reader),
            batch_size,
            shuffle or how.sampler is not None,
            seed,
            how.num_parts,
            how.part_index,
            how.last_batch,
            expected,
        )
        self.rendering = rendering_of(prefix, how.background, how.bits)
        pipeline = Pipeline(how.augment, self._normalize.data_shape[1:])
        self._padding, self._ctx, self._exhausted = self.tasks.padding_label, how.ctx, False
        self._loader = BatchLoader(
            Source(self._reader, pipeline, self._normalize, seed, self.tasks, self.rendering),
            self._order,
            self._padding,
            on_error=how.on_error,
            threads=how.threads or usable_processors(),
            prefetch=how.prefetch,
        )
        self._process, self._lock = os.getpid(), threading.Lock()
        shape = (batch_size, *self._normalize.data_shape)
        self.provide_data = [mx.io.DataDesc(how.data_name, shape, np.dtype(how.dtype))]
        self.provide_label = [
            mx.io.DataDesc(task.label_name, task.label_shape(batch_size), layout="N")
            for task in self.tasks
        ]
        self.num_records, self.num_batches = len(self._reader), self._order.num_batches

    @property
    def epoch(self) -> int:
        """The epoch it stands in, from 0."""
        return self._loader.epoch

    @property
    def skipped(self) -> int:
        """Damaged records left out so far in this epoch."""
        return self._loader.skipped

    def __iter__(self) -> RecordIter:
        # fit() does not reset before its first epoch: an iterator that was read to its end
        # would end it at once.
        if self._exhausted:
            self.reset()
        return self

    def reset(self) -> None:
        """Begin the next epoch, wherever this one stands."""
        with self._lock:
            self._current, self._exhausted = None, False
            self._loader.begin(self.epoch + 1)

    def _advance(self) -> mx.io.DataBatch:
        if os.getpid() != self._process:
            raise RuntimeError(
                "this RecordIter was made in another process, and its threads are there. Make it "
                "in this one, or use RecordDataset."
            )
        with self._lock:
            return self._next()

    def _next(self) -> mx.io.DataBatch:
        if self._loader.closed:
            raise ValueError("this RecordIter was closed.")
        if self._exhausted:
            raise StopIteration
        job = self._loader.next()
        if job is None:
            self._exhausted = True
            # MXNet does not see that BatchNorm's backward pass writes its statistics, so fit(),
            # which copies them after the last batch, would copy them before they are written.
            mx.nd.waitall()
            if self.skipped:
                log.warning("epoch %d: %d damaged records were skipped.", self.epoch, self.skipped)
            raise StopIteration
        return self._batch(job)

    def _batch(self, job: BatchJob) -> mx.io.DataBatch:
        pad = job.pad(self._padding)
        index = np.full(self.batch_size, -1, dtype=np.int64)
        index[: self.batch_size - pad] = self._reader.ids(job.rows)
        labels = [mx.nd.from_numpy(part.copy()) for part in self.tasks.split(job.labels)]
        return mx.io.DataBatch(
            [self._normalize.send(self._loader.buffers.share(job.pixels))],
            [label if self._ctx is None else label.as_in_context(self._ctx) for label in labels],
            pad,
            index,
            provide_data=self.provide_data,
            provide_label=self.provide_label,
        )

    def pixels(self, data: mx.nd.NDArray) -> np.ndarray:
        """Return images of its batches as they were before ``mean`` and ``std``, for looking at.

        uint8 (N, height, width, channels), RGB or grey.
        """
        return self._normalize.undo(data.asnumpy())

    def names(self, index: np.ndarray) -> list[RecordName]:
        """Return where records came from, by ``batch.index`` of an epoch in order, without pad.

        `RecordName` has the picture's path and the row of the table; nothing for records of which
        nobody noted it.
        """
        return self._reader.names(index) or []

    def state_dict(self) -> dict[str, Any]:
        """Return where it stands: give it to `load_state_dict` of an iterator made alike."""
        loader = self._loader
        return {
            "epoch": loader.epoch,
            "batch": loader.batch,
            "cursor": loader.cursor,
            "skipped": loader.skipped,
            "exhausted": self._exhausted,
            "made": self._order.describe(),
        }

    def whole_state(self, state: Mapping[str, Any]) -> dict[str, Any]:
        """Return where one iterator over all parts stands when this part stands at ``state``.

        That one and the parts, of this number or another, can `load_state_dict` it.
        """
        if self._order.num_parts == 1:
            return dict(state)
        if state["skipped"]:
            raise ValueError("records were skipped: each part has a place of its own then.")
        whole = self._order.whole()
        return {**state, "cursor": whole.cursor(state["batch"]), "made": whole.describe()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to where another iterator stood. `ValueError` if it was made otherwise."""
        missing = sorted({"epoch", "batch", "cursor", "skipped", "exhausted", "made"} - set(state))
        if missing:
            raise ValueError(f"no state of a RecordIter: there is no {missing} in it.")
        order = self._order
        if order.num_parts > 1 and state["made"].get("num_parts") == 1:
            order = order.whole()
        order.check_place(state)
        cursor = state["cursor"] if order is self._order else self._order.cursor(state["batch"])
        with self._lock:
            self._loader.begin(state["epoch"], cursor, state["batch"], state["skipped"])
            self._current, self._exhausted = None, bool(state["exhausted"])

    def close(self) -> None:
        """End the threads and close the files; `next` raises `ValueError` after it."""
        self._current = None
        self._loader.close()
        self._reader.close()

    def __enter__(self) -> RecordIter:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
