"""The optimizer of a phase, as ``Module.fit`` takes it."""

from __future__ import annotations

import inspect
import logging
from typing import Any, Dict

import mxnet as mx

from ._phases import Phase
from ._schedule import make_schedule
from ._settings import Settings

log = logging.getLogger("mxmtl")
# What is not for optimizer_params: what to do instead.
RESERVED = {
    "learning_rate": "take lr (--lr), the highest rate of its schedule",
    "lr_scheduler": "take schedule (--schedule)",
    **dict.fromkeys(("begin_num_update", "param_idx2name", "param_dict", "sym"), "leave it out"),
}


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
    phase = Phase(0, 1, frozen=False, lr=settings.lr)
    params = optimizer_params(settings, phase, 1, 0)
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
        raise ValueError(f"optimizer={name!r} is not one of {sorted(known)}.")
    return known[name.lower()]
