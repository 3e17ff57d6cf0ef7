"""From a row and an epoch to an image and a label, in a batch or for a `DataLoader`."""

from __future__ import annotations

import contextlib
import mmap
import operator
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import cv2
import mxnet as mx
import numpy as np

from ..._files import PathLike
from ..._options import one_of
from ...augment import Augmentation, Pipeline, keys, uniforms, whole_seed
from ...tasks import TaskSet, illegal_labels
from .._errors import ImageError
from ..images import WHITE, Rendering, check_whole, decode_view, decode_whole
from ..records import (
    Prefixes,
    Record,
    RecordError,
    RecordReader,
    check_label,
    record_files,
    stored_options,
    tasks_of,
)

Levels = float | Sequence[float] | None
DTYPES = ("float32", "uint8")
BUFFER = 1 << 19  # bytes; larger records are read to memory of their own
PIXELS = 1 << 22  # bytes; larger images are decoded to memory of their own
AUGMENT = 0x61756767  # keeps these random numbers apart from the order's
COUNTED = -1  # the epoch of a row is how often it was read


class Normalize:
    """Writes an image (height, width, channels), uint8, as planes ``(x - mean) / std``.

    Parameters
    ----------
    data_shape : (int, int, int)
        Channels (3: red, green, blue; 1: grey), height and width.
    mean, std, dtype, ctx
        As in `LoadingOptions`.

    Attributes
    ----------
    stored : str
        The type of the pixels in main memory.
    """

    def __init__(
        self,
        data_shape: Sequence[int],
        mean: Levels = None,
        std: Levels = None,
        dtype: str = "float32",
        ctx: mx.Context | None = None,
    ) -> None:
        shape = tuple(int(length) for length in data_shape)
        if len(shape) != 3 or shape[0] not in (1, 3) or min(shape) < 1:
            raise ValueError(
                f"data_shape={tuple(data_shape)}: expected channels (1 or 3), height and width."
            )
        if dtype not in DTYPES:
            raise ValueError(f"dtype={dtype!r} is not {one_of(str(dtype), DTYPES)}.")
        self.data_shape: tuple[int, int, int] = shape  # type: ignore[assignment]
        self.dtype, self.stored, self._ctx = dtype, dtype if ctx is None else "uint8", ctx
        means, stds = _levels("mean", mean, 0.0, shape[0]), _levels("std", std, 1.0, shape[0])
        if not np.all(stds > 0):
            raise ValueError(f"std={std!r} must be greater than 0.")
        self._plain = not means.any() and bool(np.all(stds == 1))
        if dtype == "uint8" and not self._plain:
            raise ValueError("mean and std make real numbers: dtype='uint8' cannot hold them.")
        self._scale = (1 / stds).astype(np.float32).reshape(-1, 1, 1)
        self._shift = (means / stds).astype(np.float32).reshape(-1, 1, 1)
        # All values that a channel can take: looked up, a batch is written once, not twice.
        levels = np.arange(256, dtype=np.float32)
        self._table = list(levels * self._scale[:, 0] - self._shift[:, 0])

    def planes(self) -> np.ndarray:
        """Make memory for the planes of one image; a thread uses it for one after the other."""
        return np.empty(self.data_shape, np.uint8)

    def __call__(self, image: np.ndarray, planes: np.ndarray, out: np.ndarray) -> None:
        """Write an image into ``out``, (channels, height, width) of the stored type."""
        to = out if self.stored == "uint8" else planes
        if self.data_shape[0] == 1:
            to[0] = image
        else:
            cv2.split(image, list(to))
        if self.stored == "uint8":
            return
        if self._plain:
            out[...] = planes
            return
        for plane, levels, to in zip(planes, self._table, out):
            cv2.LUT(plane, levels, dst=to)

    def send(self, batch: mx.nd.NDArray) -> mx.nd.NDArray:
        """Bring a batch of stored pixels to the context, and scale them there; no waiting."""
        if self._ctx is None:
            return batch
        batch = batch.as_in_context(self._ctx)
        if self.dtype == "uint8":
            return batch
        batch = batch.astype("float32")
        if self._plain:
            return batch
        scale = mx.nd.array(self._scale[None], ctx=self._ctx)
        shift = mx.nd.array(self._shift[None], ctx=self._ctx)
        return mx.nd.broadcast_sub(mx.nd.broadcast_mul(batch, scale), shift)

    def undo(self, batch: np.ndarray) -> np.ndarray:
        """Return the pixels of a batch of planes: uint8 (N, height, width, channels)."""
        pixels = batch if self.dtype == "uint8" else (batch + self._shift) / self._scale
        return np.clip(np.rint(pixels), 0, 255).astype(np.uint8).transpose(0, 2, 3, 1)


def _levels(option: str, levels: Levels, default: float, channels: int) -> np.ndarray:
    values = np.array(default if levels is None else levels, dtype=np.float64).reshape(-1)
    if values.size not in (1, channels) or not np.all(np.isfinite(values)):
        raise ValueError(f"{option}={levels!r}: expected one number, or one for each channel.")
    return np.broadcast_to(values, (channels,))


class Scratch(NamedTuple):
    """Memory that a thread uses for one record after the other: it stays near the processor.

    Attributes
    ----------
    record : memoryview
        For the record's bytes.
    pixels : numpy.ndarray, optional
        For the image, uint8, flat; None where somebody may keep the image.
    planes : numpy.ndarray
        uint8 (channels, height, width), for what goes into a batch.
    """

    record: memoryview
    pixels: np.ndarray | None
    planes: np.ndarray


class Source:
    """Records, and what becomes of them; shared by all threads, changed by none.

    Parameters
    ----------
    reader : RecordReader
        The records.
    pipeline : Pipeline
        What happens to an image and its label.
    normalize : Normalize
        How an image is written into a batch.
    seed : int
        Of the augmentation.
    tasks : TaskSet
        What the labels mean.
    rendering : Rendering
        What transparent and deep samples become.
    """

    def __init__(
        self,
        reader: RecordReader,
        pipeline: Pipeline,
        normalize: Normalize,
        seed: int,
        tasks: TaskSet,
        rendering: Rendering = Rendering(),  # noqa: B008 (frozen)
    ) -> None:
        self._rendering = rendering
        self.reader, self.normalize, self.tasks = reader, normalize, tasks
        self._pipeline, self._seed, self._label_width = pipeline, seed, tasks.label_width
        self._unused: list[Scratch] = []

    def numbers(self, epoch: int, rows: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        """Draw the random numbers of rows in an epoch: (n, draws), of each row alone."""
        draws = self._pipeline.draws
        if not draws:
            return np.empty((len(rows), 0))
        return uniforms(keys(self._seed, AUGMENT, epoch, rows, repeats), draws)

    @contextlib.contextmanager
    def scratch(self) -> Iterator[Scratch]:
        """Lend memory for a thread's work, the same as to other threads before."""
        try:
            scratch = self._unused.pop()
        except IndexError:
            pixels = None if self._pipeline.shows_pixels else np.empty(PIXELS, np.uint8)
            scratch = Scratch(np.empty(BUFFER, np.uint8).data, pixels, self.normalize.planes())
        try:
            yield scratch
        finally:
            self._unused.append(scratch)

    def load(
        self,
        row: int,
        numbers: np.ndarray,
        scratch: Scratch | None = None,
        stored: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return a row's image, uint8 (height, width[, 3]), and label, float32 (label_width,).

        With scratch memory, they are good until that is used again. The label as it stands in the
        record, before any augmentation, is written to ``stored``, for a check of many at once;
        without that it is checked here, and so is what the augmentation makes of it. Raises
        `RecordError` with file, record and offset if the record is damaged.
        """
        bytes_, pixels = (None, None) if scratch is None else (scratch.record, scratch.pixels)
        record = self.reader.read(row, bytes_)
        try:
            check_width(record, self._label_width)
            if stored is None:
                check_label(self.tasks, record.label)
            else:
                stored[:] = record.label
            draws = numbers.tolist()
            channels = self.normalize.data_shape[0]
            if not record.checked:  # else it is what was written, and that was checked
                check_whole(record.payload)
            image = decode_view(
                record.payload, self._pipeline, draws, channels, pixels, self._rendering
            )
        except (ImageError, RecordError) as error:
            raise self._at(row, str(error)) from None
        try:
            image, label = self._pipeline.finish(image, record.label.copy(), draws)
        except StopIteration as error:  # which would end the epoch, and nobody would know
            reason = "an augmentation raised StopIteration, which only an iterator may."
            raise RuntimeError(str(self._at(row, reason))) from error
        if stored is None:
            self.check_augmented(np.array([row]), record.label[np.newaxis], label[np.newaxis])
        return image, label

    def illegal(self, rows: np.ndarray, stored: np.ndarray) -> dict[int, RecordError]:
        """Return what is wrong with the stored labels (n, label_width) of rows: {place: error}."""
        found = illegal_labels(self.tasks, stored)
        return {place: self._at(rows.item(place), reason) for place, reason in found.items()}

    def check_augmented(self, rows: np.ndarray, stored: np.ndarray, labels: np.ndarray) -> None:
        """Raise `ValueError` if augmentation made of labels (n, label_width) what is none.

        That is no damage of the record, so it is never skipped.
        """
        bits = stored.view(np.uint32) != labels.view(np.uint32)  # where NaN is like NaN
        changed = np.flatnonzero(bits.any(axis=1))
        for place, reason in illegal_labels(self.tasks, labels[changed], soft=True).items():
            row = rows.item(changed.item(place))
            raise ValueError(str(self._at(row, f"after augmentation {reason}")))

    def _at(self, row: int, reason: str) -> RecordError:
        return self.reader.error(row, reason)


def rendering_of(
    prefixes: Prefixes, background: Sequence[int] | None = None, bits: int | None = None
) -> Rendering:
    """Return what transparent and deep samples become: as told, or as the manifest says."""
    told = stored_options(prefixes)
    return Rendering(
        tuple(background or told.get("background") or WHITE), bits or told.get("bits") or 16
    )


def check_width(record: Record, label_width: int) -> None:
    """Raise `RecordError` unless a record has as many labels as the tasks take."""
    if len(record.label) != label_width:
        raise RecordError(
            f"{len(record.label)} labels, and the tasks take {label_width}: the record was written "
            "for other tasks."
        )


# -- rows as a data set ----------------------------------------------------------------------------
class RecordDataset(mx.gluon.data.Dataset):  # type: ignore[misc]
    """Pairs of image and label, by row, for a `DataLoader` with threads, processes or neither.

    Labels are float32 (label_width,), so that ``tasks.split(batch)`` cuts a batch of them.

    Parameters
    ----------
    prefix : str or sequence of str
        Path without ``.rec``: of one file, of its shards, or of several.
    data_shape : (int, int, int), optional
        Channels, height and width: images are float32 NDArrays of this shape, just as in
        `RecordIter`. Without it they are as stored: uint8 (height, width, 3), RGB, ready for
        ``gluon.data.vision.transforms``.
    tasks : TaskSet or str, optional
        What the labels mean. By default it is read from ``<prefix>.tasks.json``.
    augment, mean, std, seed
        As in `RecordIter`; they need ``data_shape``. A row that is read again is augmented
        anew: the k-th time as in epoch k of `RecordIter`. Workers read ahead, so after an epoch
        that was broken off `set_epoch` says which one comes.
    """

    def __init__(
        self,
        prefix: Prefixes,
        data_shape: Sequence[int] | None = None,
        *,
        tasks: TaskSet | PathLike | None = None,
        augment: Iterable[Augmentation] | None = None,
        mean: Levels = None,
        std: Levels = None,
        seed: int = 0,
    ) -> None:
        files, seed = record_files(prefix), whole_seed(seed)
        self.tasks = tasks_of(prefix, tasks)
        self._reader = RecordReader(files)
        self._reader.check_width(self.tasks)
        self._rendering = rendering_of(prefix)
        self._source: Source | None = None
        if data_shape is not None:
            normalize = Normalize(data_shape, mean, std)
            pipeline = Pipeline(augment, normalize.data_shape[1:])
            self._source = Source(
                self._reader, pipeline, normalize, seed, self.tasks, self._rendering
            )
        elif augment is not None or mean is not None or std is not None:
            raise ValueError("augment, mean and std need data_shape=(channels, height, width).")
        # Shared with forked workers, so that a row's count goes on wherever it is read.
        self._times = np.frombuffer(mmap.mmap(-1, 4 * len(self._reader)), dtype=np.uint32)
        self._epoch = np.frombuffer(mmap.mmap(-1, 8), dtype=np.int64)
        self._epoch[0] = COUNTED

    def __len__(self) -> int:
        return len(self._reader)

    def set_epoch(self, epoch: int) -> None:
        """Augment every row as in this epoch of `RecordIter`, however often it is read.

        Call it before each epoch, from 0; workers that are there see it too.
        """
        try:
            whole = operator.index(epoch)
        except TypeError:
            raise TypeError(f"epoch={epoch!r}: expected a whole number, 0 or more.") from None
        if whole < 0:
            raise ValueError(f"epoch={epoch}: expected 0 or more.")
        self._epoch[0] = whole

    def __getitem__(self, row: int) -> tuple[mx.nd.NDArray, np.ndarray]:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        row = int(row) % len(self)
        if self._source is None:
            return self._stored(row)
        epoch, source = int(self._epoch[0]), self._source
        if epoch == COUNTED:
            epoch = int(self._times[row])
            self._times[row] = epoch + 1
        numbers = source.numbers(epoch, np.array([row]), np.zeros(1, dtype=np.int64))
        image, label = source.load(row, numbers[0])
        out = np.empty(source.normalize.data_shape, np.float32)
        source.normalize(image, source.normalize.planes(), out)
        return mx.nd.array(out), label

    def _stored(self, row: int) -> tuple[mx.nd.NDArray, np.ndarray]:
        record = self._reader.read(row)
        try:
            check_width(record, self.tasks.label_width)
            check_label(self.tasks, record.label)
            if not record.checked:  # else it is what was written, and that was checked
                check_whole(record.payload)
            image = decode_whole(record.payload, channels=3, how=self._rendering)
        except (ImageError, RecordError) as error:
            raise self._reader.error(row, str(error)) from None
        return mx.nd.array(image, dtype=np.uint8), record.label
