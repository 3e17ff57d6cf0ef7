"""Learning rates over a run, as MXNet's own schedulers."""

from __future__ import annotations

from typing import List

import mxnet as mx

from ._settings import Settings

NEVER = 1 << 60


def make_schedule(
    settings: Settings, lr: float, num_batches: int, num_epochs: int
) -> mx.lr_scheduler.LRScheduler:
    """Return the schedule of ``num_epochs`` epochs of ``num_batches`` updates.

    It is a function of the number of updates alone, so that a resumed run goes on with it. Update
    n of N, counted from 1, has the rate at the share (n - 1) / N of the schedule: the first has
    all of it, and the last still trains. Warm-up of W updates comes before, and gives update n
    the share n / (W + 1).

    Raises `ValueError` for steps that do not grow.

    >>> schedule = make_schedule(Settings(warmup=1), 0.4, num_batches=10, num_epochs=4)
    >>> [round(schedule(update), 3) for update in (1, 5, 11, 26, 40)]
    [0.036, 0.182, 0.4, 0.2, 0.001]
    """
    updates = num_batches * num_epochs
    warmup = max(min(round(settings.warmup * num_batches), updates - 1), 0)
    # MXNet's schedulers count from 0, its optimizers from 1: with one more update of warm-up,
    # which is update 0, all that comes after is where it belongs. Optimizers that ask before
    # they count (LBSGD) do ask for update 0.
    common = {
        "base_lr": lr,
        "warmup_steps": warmup + 1,
        "warmup_begin_lr": 0.0 if warmup else lr,
    }
    if settings.schedule == "cosine":
        return mx.lr_scheduler.CosineScheduler(updates + 1, **common)
    if settings.schedule == "poly":
        return mx.lr_scheduler.PolyScheduler(updates + 1, pwr=settings.power, **common)
    if settings.schedule == "step":
        steps = _in_updates(settings, num_batches)
        return mx.lr_scheduler.MultiFactorScheduler(steps, factor=0.1, **common)
    return mx.lr_scheduler.FactorScheduler(NEVER, **common)


def _in_updates(settings: Settings, num_batches: int) -> List[int]:
    """Return after which updates the rate falls; at most once after each."""
    last = 0.0
    for epoch in settings.steps:
        if not last < epoch < NEVER:
            raise ValueError(
                f"steps={settings.steps}: expected epochs above 0 that grow, as 30, 60."
            )
        last = epoch
    updates: List[int] = []
    for epoch in settings.steps:
        least = updates[-1] + 1 if updates else 1
        updates.append(max(least, round(epoch * num_batches)))
    return updates
