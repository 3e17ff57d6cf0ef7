"""Records as a data set for `mx.gluon.data.DataLoader`."""

from __future__ import annotations

import mmap
import operator
from typing import Iterable, Optional, Sequence, Tuple, Union

import mxnet as mx
import numpy as np

from ..._files import PathLike
from ...augment import Augmentation, Pipeline, whole_seed
from ...tasks import TaskSet
from .._errors import ImageError
from ..images import check_whole, decode_whole
from ..records import Prefixes, RecordError, RecordReader, check_label, record_files, tasks_of
from ._source import Levels, Normalize, Source, check_width

COUNTED = -1  # the epoch of a row is how often it was read


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
        data_shape: Optional[Sequence[int]] = None,
        *,
        tasks: Union[TaskSet, PathLike, None] = None,
        augment: Optional[Iterable[Augmentation]] = None,
        mean: Levels = None,
        std: Levels = None,
        seed: int = 0,
    ) -> None:
        files, seed = record_files(prefix), whole_seed(seed)
        self.tasks = tasks_of(prefix, tasks)
        self._reader = RecordReader(files)
        self._reader.check_width(self.tasks)
        self._source: Optional[Source] = None
        if data_shape is not None:
            normalize = Normalize(data_shape, mean, std)
            pipeline = Pipeline(augment, normalize.data_shape[1:])
            self._source = Source(self._reader, pipeline, normalize, seed, self.tasks)
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

    def __getitem__(self, row: int) -> Tuple[mx.nd.NDArray, np.ndarray]:
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

    def _stored(self, row: int) -> Tuple[mx.nd.NDArray, np.ndarray]:
        record = self._reader.read(row)
        try:
            check_width(record, self.tasks.label_width)
            check_label(self.tasks, record.label)
            if not record.checked:  # else it is what was written, and that was checked
                check_whole(record.payload)
            image = decode_whole(record.payload, channels=3)
        except (ImageError, RecordError) as error:
            raise RecordError(str(error)).at(*self._reader.where(row)) from None
        return mx.nd.array(image, dtype=np.uint8), record.label
