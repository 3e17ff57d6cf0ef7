"""The optimizer of a phase, as ``Module.fit`` takes it."""

from __future__ import annotations

import inspect
from typing import Any, Dict

import mxnet as mx

from ._phases import Phase
from ._schedule import make_schedule
from ._settings import Settings


def optimizer_params(
    settings: Settings, phase: Phase, num_batches: int, begin_num_update: int
) -> Dict[str, Any]:
    """Return the arguments of the optimizer; ``Module.fit`` adds 1 / batch size by itself.

    Raises `ValueError` for an optimizer that MXNet has not, or an argument that it does not take.
    """
    params: Dict[str, Any] = {
        # None: a rate given here would take the place of the schedule's.
        "learning_rate": None,
        "lr_scheduler": make_schedule(settings, phase.lr, num_batches, phase.end - phase.begin),
        "begin_num_update": begin_num_update,
        "wd": settings.wd,
    }
    if settings.clip:
        params["clip_gradient"] = settings.clip
    if "momentum" in inspect.signature(optimizer_class(settings.optimizer).__init__).parameters:
        params["momentum"] = settings.momentum
    return {**params, **settings.optimizer_params}


def check_optimizer(settings: Settings) -> None:
    """Make the optimizer once, so that what is wrong with it shows before anything is written."""
    phase = Phase(0, 1, frozen=False, lr=settings.lr)
    try:
        optimizer_class(settings.optimizer)(**optimizer_params(settings, phase, 1, 0))
    except TypeError as error:
        raise ValueError(f"optimizer={settings.optimizer!r}: {error}") from error


def optimizer_class(name: str) -> Any:
    """Return the class that MXNet knows by a name."""
    known = mx.optimizer.Optimizer.opt_registry
    if name.lower() not in known:
        raise ValueError(f"optimizer={name!r} is not one of {sorted(known)}.")
    return known[name.lower()]
