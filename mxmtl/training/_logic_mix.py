"""LogicMix: images laid over each other, and labels that are joined as the three values are.

Mixup draws each label from one of two images; of a yes-or-no label there is more to be said. What
holds of one image holds of their mean, and what holds of none does not hold of it. That also
makes labels known: a yes beside an unknown label is a yes.
"""

from __future__ import annotations

from typing import Any

import mxnet as mx
import numpy as np

from ..augment import keys
from ..tasks import TaskSet

LOGIC_MIX = 0x6C6F6769  # keeps these random numbers apart from others of the same seed
SHARE = 0.5  # of rows that are mixed


class LogicMix:
    """Replaces half of a batch's rows by the mean of several, with their labels joined.

    Of 0/1 cells a label holds where one of them holds, does not where none does, and is missing
    else; of classes and real values it is kept where all are the same, and missing else. Rows of
    padding are mixed with nobody.

    Parameters
    ----------
    most : int
        Images of a mean: 2 to so many.
    tasks : TaskSet
        What the labels of a batch mean.
    seed : int
        What is drawn for a batch is a function of the seed and the place of the batch.

    References
    ----------
    LogicMix of mlcpl (https://github.com/maxium0526/mlcpl), which joins labels so.
    """

    def __init__(self, most: int, tasks: TaskSet, seed: int) -> None:
        self.most, self.tasks, self.seed = most, tasks, seed

    def __call__(self, batch: mx.io.DataBatch, epoch: int, index: int) -> mx.io.DataBatch:
        """Return the mixed batch."""
        rng = np.random.RandomState(int(keys(self.seed, LOGIC_MIX, epoch, index)[0]) & 0xFFFFFFFF)
        (images,) = batch.data
        rows = images.shape[0] - (batch.pad or 0)
        partners = np.tile(np.arange(images.shape[0]), (self.most, 1))  # first each row itself
        drawn = rng.randint(0, max(rows, 1), size=(self.most - 1, rows))
        number = rng.randint(2, self.most + 1, size=rows)
        used = np.arange(1, self.most)[:, None] < number
        used &= rng.uniform(size=rows) < SHARE
        partners[1:, :rows] = np.where(used, drawn, np.arange(rows))
        weights = np.zeros(partners.shape, np.float32)
        weights[0] = 1
        weights[1:, :rows] = used
        weights /= weights.sum(axis=0)
        mixed: Any = 0
        for partner, weight in zip(partners, weights):
            others = mx.nd.take(images, mx.nd.array(partner, ctx=images.context))
            shape = (-1,) + (1,) * (len(images.shape) - 1)
            mixed = mixed + others * mx.nd.array(weight.reshape(shape), ctx=images.context)
        labels = [
            self._joined(task, label, partners) for task, label in zip(self.tasks, batch.label)
        ]
        return mx.io.DataBatch(
            [mixed], labels, batch.pad, batch.index,
            provide_data=batch.provide_data, provide_label=batch.provide_label,
        )  # fmt: skip

    @staticmethod
    def _joined(task: Any, label: Any, partners: np.ndarray) -> Any:
        values = label.asnumpy()
        cells = values.reshape(len(values), -1)[partners]
        alone = (partners == partners[0]).all(axis=0)
        joined = task.kind.joined(cells, np.asarray(task.labelled(cells)), task.missing)
        joined = np.where(alone[:, None], cells[0], joined)  # as it was, padding too
        return mx.nd.array(joined.reshape(values.shape), ctx=label.context)
