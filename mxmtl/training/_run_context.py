"""What a run settles once, before it begins: who trains together, and on which devices."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List

import mxnet as mx

from .._devices import devices
from ..distributed import KINDS, Place, Workers, find_place, workers
from ._settings import Settings


@dataclass(frozen=True)
class RunContext:
    """The settings of a run, and what follows from them in this process on this machine.

    Made once by whoever begins a run (`fit`, `resume`, `find_lr`) and handed down to all that it
    is made of, so that nothing is looked for, and warned of, in several places.

    Attributes
    ----------
    settings : Settings
        What the run was told.
    workers : Workers
        Those that train together, of which this process is one.
    devices : list of mx.Context
        On which this worker trains.
    """

    settings: Settings
    workers: Workers
    devices: List[mx.Context]

    @staticmethod
    def settle(settings: Settings) -> RunContext:
        """Find the workers of the launch and the devices that work.

        Raises `ValueError` for settings that do not fit them: a GPU that is not there, a store
        for workers without workers or the reverse, and a batch that cannot be divided.
        """
        return RunContext._checked(settings, _choose_workers(settings))

    @staticmethod
    def alone(settings: Settings) -> RunContext:
        """Return the context of training in this process by itself, whatever was launched."""
        if settings.kvstore in KINDS:
            settings = replace(settings, kvstore="")
        return RunContext._checked(settings, Workers(Place()))

    @staticmethod
    def _checked(settings: Settings, group: Workers) -> RunContext:
        used = devices(settings.gpus)
        least = group.count * len(used)
        if settings.batch_size < least:  # MXNet says so only when it runs
            raise ValueError(
                f"batch_size={settings.batch_size}: a batch is divided among {least} devices, and "
                f"each needs a row. Take {least} or more, or fewer devices (gpus)."
            )
        return RunContext(settings, group, used)


def _choose_workers(settings: Settings) -> Workers:
    kvstore = settings.kvstore
    if find_place() is None:
        if kvstore in KINDS:
            raise ValueError(
                f"kvstore={kvstore!r} needs workers: mxmtl launch -n 2 -- mxmtl train ..."
            )
        return Workers(Place())
    if kvstore and kvstore not in KINDS:
        raise ValueError(
            f"kvstore={kvstore!r}: each worker would train by itself, in one folder. Leave it out "
            f"under mxmtl launch, or take one of {KINDS}."
        )
    group = workers(kvstore or KINDS[0])
    if settings.batch_size % group.count:
        raise ValueError(
            f"batch_size={settings.batch_size} is that of all workers together, and cannot be "
            f"divided among {group.count}. Take a multiple of {group.count}."
        )
    return group
