"""When training goes wrong for good: a task diverges, and the run says so and ends.

Numbers that are no numbers end a run by themselves. Worse is what stays finite: a head that is
thousands of units off drags the trunk along, the other tasks forget what they knew, and each epoch
is "better" than the one before. So losses are watched beside those of constant answers, which no
sound training is far from; no epoch of a task that diverged is saved, or the best.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING

from ..metrics import RelativeLoss
from ..model import best_entry
from ._session import Callback
from ._settings import ADAPTIVE

if TYPE_CHECKING:
    from ._session import Session

log = logging.getLogger("mxmtl")
FAR = 100.0  # times the loss of a constant answer
EVERY = 50  # batches between two looks at an epoch that is going on
MOST = 0.9  # of the loss: a task that makes up more is named


class TrainingError(ValueError):
    """MXNet failed in the middle of a run, or a task diverged."""


class DivergedError(TrainingError):
    """A task diverged: its loss is no number, or many times that of a constant answer.

    Attributes
    ----------
    task : str
        Its name.
    epoch : int
        In which epoch, from 1.
    """

    def __init__(self, message: str, task: str = "", epoch: int = 0) -> None:
        super().__init__(message)
        self.task, self.epoch = task, epoch


def diverged(
    session: Session, task: str, times: float = math.nan, epoch: int | None = None
) -> DivergedError:
    """Make the error for a task whose loss is so many times that of a constant answer, or NaN."""
    number = session.epoch + 1 if epoch is None else epoch
    how = "its predictions are NaN or infinite"
    if math.isfinite(times):
        how = f"its loss is {times:.2g} times that of the best constant answer"
    good = best_entry(session.history[: number - 1])
    kept = f" The best epoch before it, {good['epoch']}, is kept." if good else ""
    return DivergedError(
        f"{session.folder}: task {task!r} diverged in epoch {number}: {how}. Try "
        f"{', or '.join(remedies(session, task))}.{kept}",
        task,
        number,
    )


def remedies(session: Session, task: str) -> list[str]:
    """Return what to try that the settings have not tried."""
    settings = session.settings
    found = [f"a lower rate (--lr {settings.lr / 10:.2g})"]
    if settings.optimizer.lower() not in ADAPTIVE:
        found.append("an optimizer whose steps are bounded (--optimizer adam --lr 0.002)")
    if not settings.clip:
        found.append("a bound of the gradients (--clip 0.1)")
    if not settings.warmup:
        found.append("a rate that rises first (--warmup 1)")
    weight = session.tasks[task].weight
    return [*found, f"a smaller weight (--task-weight {task}={weight / 10:.2g})"]


class Divergence(Callback):
    """Ends the run when a task diverges, and names a task that makes up most of the loss."""

    def on_batch_end(self, session: Session) -> None:
        """Look at an epoch that is going on; several workers see it whole at its end alone."""
        if session.batch % EVERY or session.stream.at_end or session.workers.count > 1:
            return
        for metric in session.metric.metrics:
            if isinstance(metric, RelativeLoss):
                check(session, metric.task.name, metric.get_global()[1], session.epoch + 1)

    def on_epoch_end(self, session: Session) -> None:
        """Look at the training of the epoch; callbacks that save it come after this one."""
        values, tasks = session.history[-1]["train"], session.tasks
        for name in tasks.names:
            check(session, name, values.get(f"{name}/relative_loss"), session.epoch)
        if len(session.history) == 1 and session.workers.leads:
            name_largest(session)


def check(session: Session, task: str, relative: float | None, epoch: int) -> None:
    """Raise `DivergedError` for a loss that is far beyond that of a constant answer."""
    if relative is not None and relative > FAR:  # a history on disk has None for nan
        raise diverged(session, task, relative, epoch)


def warn_of_best(session: Session) -> None:
    """Say so if the best epoch that there is cannot be used."""
    best = best_entry(session.history) or {"val": {}}
    for name in session.tasks.names:
        relative = best["val"].get(f"{name}/relative_loss")
        if relative is not None and relative > FAR and session.workers.leads:
            log.warning(
                "epoch %d is the best, and yet the loss of task %r in validation is %.2g times "
                "that of the best constant answer. After few updates the statistics of batch "
                "normalization may not have settled: train longer, or at a lower rate.",
                best["epoch"], name, relative,
            )  # fmt: skip


def name_largest(session: Session) -> None:
    """Say which task makes up most of the training loss, if one does."""
    values, tasks = session.history[-1]["train"], session.tasks
    weighed = [task for task in tasks if task.weight > 0]  # others are not meant to be learned
    losses = {t.name: t.weight * values.get(f"{t.name}/task_loss", math.nan) for t in weighed}
    known = {name: loss for name, loss in losses.items() if math.isfinite(loss)}
    total = sum(known.values())
    if len(known) < 2 or not total > 0:
        return
    name = max(known, key=lambda each: known[each])
    share = known[name] / total
    if share > MOST:
        others = (total - known[name]) / (len(known) - 1)
        log.warning(
            "task %r makes up %.0f %% of the loss of epoch 1, and the trunk learns for it first. "
            "If the other tasks matter as much: --task-weight %s=%.2g",
            name, 100 * share, name, tasks[name].weight * others / known[name],
        )  # fmt: skip
