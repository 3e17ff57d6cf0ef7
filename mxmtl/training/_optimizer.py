"""The optimizer of a run, as ``Module.fit`` takes it, and the schedule of its learning rate."""

from __future__ import annotations

import inspect
import logging
from typing import Any

import mxnet as mx

from .._options import one_of
from ._settings import Settings

log = logging.getLogger("mxmtl")
NEVER = 1 << 60
# What is not for optimizer_params: what to do instead.
RESERVED = {
    "learning_rate": "take lr (--lr), the highest rate of its schedule",
    "lr_scheduler": "take schedule (--schedule)",
    **dict.fromkeys(("begin_num_update", "param_idx2name", "param_dict", "sym"), "leave it out"),
}


def optimizer_params(
    settings: Settings, schedule: mx.lr_scheduler.LRScheduler, begin_num_update: int
) -> dict[str, Any]:
    """Return the arguments of the optimizer; ``Module.fit`` adds 1 / batch size by itself.

    Raises `ValueError` for an optimizer that MXNet has not, or an argument that it does not take.
    """
    params: dict[str, Any] = {
        # None: a rate given here would take the place of the schedule's.
        "learning_rate": None,
        "lr_scheduler": schedule,
        "begin_num_update": begin_num_update,
        "wd": settings.wd,
    }
    if settings.clip:
        params["clip_gradient"] = settings.clip
    if "momentum" in inspect.signature(optimizer_class(settings.optimizer).__init__).parameters:
        params["momentum"] = settings.momentum
    return {**params, **settings.optimizer_params}


def check_optimizer(settings: Settings) -> None:
    """Make the optimizer and one update, so that what is wrong shows before anything is written.

    Raises `ValueError` for one that MXNet has not or that fails, and for arguments that it does
    not take or that are the run's own to give. Warns of one that cannot go on to the bit.
    """
    for name in settings.optimizer_params:
        if name in RESERVED:
            raise ValueError(
                f"optimizer_params: {name!r} is given by the run itself; {RESERVED[name]}."
            )
    kind = optimizer_class(settings.optimizer)
    schedule = make_schedule(settings, settings.lr, num_batches=1, num_epochs=1)
    params = optimizer_params(settings, schedule, 0)
    try:
        optimizer = kind(**params)
    except TypeError as error:
        raise ValueError(f"optimizer={settings.optimizer!r}: {error}") from error
    try:
        _update_once(optimizer)
    except (AssertionError, TypeError, ValueError, mx.MXNetError) as error:
        given = {name: value for name, value in params.items() if name not in RESERVED}
        told = ", ".join(f"{name}={value}" for name, value in {"lr": settings.lr, **given}.items())
        reason = (str(error).strip() or type(error).__name__).splitlines()[-1].rstrip(".")
        raise ValueError(
            f"optimizer={settings.optimizer!r} cannot make an update with {told}: "
            f"{reason}. Choose another optimizer, such as 'adam', or other "
            "optimizer_params."
        ) from error
    if isinstance(optimizer, mx.optimizer.LBSGD) and optimizer.batch_scale != 1:
        log.warning(
            "optimizer='lbsgd', batch_scale=%s: MXNet gathers gradients over batches where no "
            "checkpoint can hold them. If this run is stopped and goes on, its weights will not "
            "be those of a run that was not; a larger batch_size has no such limit.",
            optimizer.batch_scale,
        )


def _update_once(optimizer: mx.optimizer.Optimizer) -> None:
    """Update parameters of the shapes that networks have: of a convolution, a head, a bias."""
    updater = mx.optimizer.get_updater(optimizer)
    try:
        for index, shape in enumerate([(2, 3, 1, 1), (2, 3), (2,)]):
            updater(index, mx.nd.ones(shape), mx.nd.ones(shape))
    finally:
        mx.nd.waitall()  # an operator may fail later than it is called


def draws(settings: Settings) -> bool:
    """Tell whether the optimizer draws from MXNet's random numbers at each update."""
    return issubclass(optimizer_class(settings.optimizer), mx.optimizer.SGLD)


def optimizer_class(name: str) -> Any:
    """Return the class that MXNet knows by a name."""
    known = mx.optimizer.Optimizer.opt_registry
    if name.lower() not in known:
        raise ValueError(f"optimizer={name!r} is not {one_of(name, sorted(known))}.")
    return known[name.lower()]


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


def _in_updates(settings: Settings, num_batches: int) -> list[int]:
    """Return after which updates the rate falls; at most once after each."""
    last = 0.0
    for epoch in settings.steps:
        if not last < epoch < NEVER:
            raise ValueError(
                f"steps={settings.steps}: expected epochs above 0 that grow, as 30, 60."
            )
        last = epoch
    updates: list[int] = []
    for epoch in settings.steps:
        least = updates[-1] + 1 if updates else 1
        updates.append(max(least, round(epoch * num_batches)))
    return updates
