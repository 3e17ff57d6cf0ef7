"""Learning rates over a run, as MXNet's own schedulers."""

from __future__ import annotations

import mxnet as mx

from ._settings import Settings

NEVER = 1 << 60


def make_schedule(
    settings: Settings, lr: float, num_batches: int, num_epochs: int
) -> mx.lr_scheduler.LRScheduler:
    """Return the schedule of ``num_epochs`` epochs of ``num_batches`` updates.

    It is a function of the number of updates alone, so that a resumed run goes on with it.

    >>> schedule = make_schedule(Settings(warmup=1), 0.4, num_batches=10, num_epochs=4)
    >>> [round(schedule(update), 3) for update in (0, 5, 10, 25, 40)]
    [0.0, 0.2, 0.4, 0.2, 0.0]
    """
    updates = num_batches * num_epochs
    warmup = min(round(settings.warmup * num_batches), updates - 1)
    common = {"base_lr": lr, "warmup_steps": max(warmup, 0)}
    if settings.schedule == "cosine":
        return mx.lr_scheduler.CosineScheduler(updates, **common)
    if settings.schedule == "poly":
        return mx.lr_scheduler.PolyScheduler(updates, pwr=settings.power, **common)
    if settings.schedule == "step":
        steps = [max(1, round(epoch * num_batches)) for epoch in settings.steps]
        return mx.lr_scheduler.MultiFactorScheduler(steps, factor=0.1, **common)
    return mx.lr_scheduler.FactorScheduler(NEVER, **common)
