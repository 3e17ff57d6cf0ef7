"""A learning rate to begin with: train with a rate that grows, and look where the loss falls."""

from __future__ import annotations

import contextlib
import csv
import errno
import io
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx
import numpy as np

from .._files import PathLike, atomic_write
from .._progress import progress
from ..data.records import given_records
from ..nets import TrunkOrNet
from ..tasks import TaskSet
from ._callbacks import told
from ._network import check_shapes, make_network
from ._optimizer import check_optimizer
from ._preset import chosen_settings
from ._records import TrainAndVal
from ._session import Phase, RunContext, Session
from ._train_phase import train_phase

SMOOTH = 0.9  # share that the smoothed loss keeps at each batch
MEMORY = round(1 / (1 - SMOOTH))  # batches that it remembers
WORSE = 4.0  # times the least loss: enough seen


@dataclass(frozen=True)
class RateFinding:
    """What `find_lr` saw.

    Attributes
    ----------
    rates, losses : tuple of float
        Of each batch: its learning rate, and the smoothed loss before that update.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def suggestion(self) -> float:
        """The rate at which the loss falls fastest, per factor of the rate.

        The steepest of the lines through 11 neighbouring rates, before the least loss. The
        first 10 rates are left out (of less than 40 a quarter): the mean has seen few batches.

        Raises `ValueError` if the loss falls nowhere, or went up at once.
        """
        if len(self.rates) < 3:
            raise ValueError(f"only {len(self.rates)} batches were seen: the loss went up at once.")
        steepest = self._steepest()
        if steepest is None:
            raise ValueError(
                f"the loss fell at none of the {len(self.rates)} rates from {self.rates[0]:.1e} to "
                f"{self.rates[-1]:.1e}. Are there labels, and tasks with a weight above 0? If so, "
                "try other bounds (low=, high=) or more batches."
            )
        return steepest

    @property
    def _first(self) -> int:
        return min(MEMORY, len(self.rates) // 4)

    @property
    def _lowest(self) -> int:
        return self._first + int(np.argmin(self.losses[self._first :]))

    def _steepest(self) -> float | None:
        first, lowest = self._first, self._lowest
        width = min(MEMORY + 1, lowest - first + 1)
        if width < 2:
            return None
        slopes = [
            np.polyfit(np.log(self.rates[at : at + width]), self.losses[at : at + width], 1)[0]
            for at in range(first, lowest - width + 2)
        ]
        steepest = int(np.argmin(slopes))
        return float(self.rates[first + steepest + width // 2]) if slopes[steepest] < 0 else None

    def __str__(self) -> str:
        return (
            f"tried {len(self.rates)} rates from {self.rates[0]:.1e} to {self.rates[-1]:.1e}; "
            f"the loss falls fastest at {self.suggestion:.2g}, and is least at "
            f"{self.rates[self._lowest]:.2g}."
        )

    def save(self, path: PathLike) -> None:
        """Write the curve as a table: CSV, a row for each rate."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["lr", "loss"])
        writer.writerows(zip(self.rates, self.losses))
        with atomic_write(path) as stream:
            stream.write(text.getvalue().encode("utf-8"))

    @staticmethod
    def check(path: PathLike, force: bool = False) -> None:
        """Raise, before anything is tried, what `save` would raise in the end.

        `FileExistsError` for a file that is there, unless ``force``; `ValueError` for a name that
        is not that of a table.
        """
        if not str(path).endswith(".csv"):
            raise ValueError(f"{path}: expected a name that ends in .csv.")
        if os.path.isdir(path):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if os.path.exists(path) and not force:
            raise FileExistsError(f"{path} is there already. Replace it with --force.")


@told()
def find_lr(
    train: Any,
    *,
    network: TrunkOrNet | None = None,
    low: float = 1e-6,
    high: float = 10.0,
    batches: int = 100,
    **settings: Any,
) -> RateFinding:
    """Train some batches with a rate that grows from ``low`` to ``high``; nothing is kept.

    Smith 2017, "Cyclical learning rates". It is training as `fit` does it, in this process alone
    and with the whole network, but for the rate. It ends early where the loss is four times the
    least, or no number.

    Parameters
    ----------
    train : str or sequence of str
        Prefixes of the records.
    network : HybridBlock or Symbol, optional
        As that of `mxmtl.fit`.
    low, high : float
        The first and the last rate.
    batches : int
        How many rates, evenly spaced on a logarithmic scale.
    **settings
        The fields of `Settings`; what they say about rates and schedules is left aside.

    Raises
    ------
    ValueError
        For bounds that cannot be, and records of which no batch that was tried has a label.
    """
    if not 0 < low < high or batches < 3:
        raise ValueError(f"low={low}, high={high}, batches={batches}: expected 0 < low < high, 3.")
    chosen = chosen_settings(settings, network)
    check_optimizer(chosen)
    context = RunContext.alone(chosen)
    with TrainAndVal(context, given_records(train, "train"), None) as records:
        tasks = records.tasks()
        begin = make_network(chosen, tasks, network)
        check_shapes(begin.symbol, records.train)
        schedule = Growing(low, high, batches)
        session = Session(context, tasks, Path(), callbacks=[])  # none of which writes anything
        session.metric = watch = Watch(tasks, schedule, batches)
        # No epoch has fewer batches than one.
        phase = Phase(0, batches, frozen=False, lr=low, schedule=schedule)
        with progress(batches, "batches", what="rates") as bar, contextlib.suppress(SeenEnough):
            watch.bar = bar
            train_phase(session, phase, begin, records)
    if watch.rates and not watch.labels:
        raise ValueError(
            f"{train}: none of the {len(watch.rates)} batches that were tried has a label, so no "
            "rate can be better than another. Train on records with labels."
        )
    return RateFinding(tuple(watch.rates), tuple(watch.losses))


class Growing(mx.lr_scheduler.LRScheduler):  # type: ignore[misc]
    """A rate that grows by the same factor at each update."""

    def __init__(self, low: float, high: float, updates: int) -> None:
        super().__init__(base_lr=low)
        self.low, self.factor = low, (high / low) ** (1 / (updates - 1))

    def __call__(self, num_update: int) -> float:
        """Return the rate of an update; the first is update 1."""
        return self.low * self.factor ** max(num_update - 1, 0)


class SeenEnough(Exception):  # noqa: N818 (no error: the way out of Module.fit)
    """The search is over."""


class Watch(mx.metric.EvalMetric):  # type: ignore[misc]
    """Notes rate and smoothed loss of each batch, and ends the search.

    The loss is what training minimizes: of all tasks, weighted, per row of the batch.

    Attributes
    ----------
    labels : int
        Cells with a label that were seen.
    """

    def __init__(self, tasks: TaskSet, schedule: Growing, batches: int) -> None:
        self.tasks, self.schedule, self.batches = tasks, schedule, batches
        self.rates: list[float] = []
        self.losses: list[float] = []
        self.labels = 0
        self._mean = 0.0
        self.bar: Any = None
        super().__init__("loss", has_global_stats=True)

    def update_dict(self, label: Mapping[str, Any], pred: Mapping[str, Any]) -> None:
        """Take note of a batch."""
        loss = 0.0
        for task in self.tasks:
            predictions = pred[task.output_name].asnumpy()
            labels = label[task.label_name].asnumpy()
            self.labels += int(np.sum(task.labelled(labels)))
            losses = task.prediction_loss(labels, predictions)
            loss += task.weight * float(losses.mean())
            if not (np.isfinite(predictions).all() and math.isfinite(loss)):
                raise SeenEnough
        self._mean = SMOOTH * self._mean + (1 - SMOOTH) * loss
        if self.bar is not None:
            self.bar.update(1)
        number = len(self.losses) + 1
        self.losses.append(self._mean / (1 - SMOOTH**number))
        self.rates.append(self.schedule(number))
        if number >= self.batches or self.losses[-1] > WORSE * min(self.losses):
            raise SeenEnough
