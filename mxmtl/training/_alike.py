"""What keeps the modules of several workers alike."""

from __future__ import annotations

from typing import Sequence, Tuple

import mxnet as mx

from ..distributed import KINDS, Place, Workers, WorkersError, find_place, workers
from ..model import Arrays
from ._settings import Settings

STATISTICS = "statistics:"  # before the number of a device and the name of an array


def choose_workers(settings: Settings) -> Workers:
    """Return the workers to train with: those of the launch, or this process alone.

    Raises `ValueError` for a store that does not fit, and a batch that cannot be divided.
    """
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


def check_rows(settings: Settings, workers: Workers, used: Sequence[mx.Context]) -> None:
    """Raise `ValueError` if a batch has no row for each device; MXNet says so only when it runs."""
    least = workers.count * len(used)
    if settings.batch_size < least:
        raise ValueError(
            f"batch_size={settings.batch_size}: a batch is divided among {least} devices, and each "
            f"needs a row. Take {least} or more, or fewer devices (gpus)."
        )


def begin_alike(module: mx.mod.Module, workers: Workers, place: Tuple[int, int]) -> None:
    """Give all workers the parameters of worker 0; `WorkersError` if one begins elsewhere."""
    if workers.count == 1:
        return
    places = workers.numbers("begin", *place)
    for rank, other in enumerate(places.tolist()):
        if other != places[0].tolist():
            raise WorkersError(
                f"worker {rank} begins after epoch {other[0]}, batch {other[1]}, worker 0 after "
                f"{places[0].tolist()}. All must see the same run folder to go on with it: on a "
                "file system that the machines share, or as a copy on each."
            )
    args, auxs = module.get_params()
    workers.broadcast([*args.values(), *auxs.values()])
    module.set_params(args, auxs)


def mean_statistics(module: mx.mod.Module, workers: Workers) -> None:
    """Give all workers the mean of their statistics of batch normalization.

    Each worker moves its own towards those of its batches. Their mean is what one would have
    that saw the batches of all, up to the variance between the workers' means.
    """
    mx.nd.waitall()  # MXNet does not wait for BatchNorm's statistics by itself
    group = module._exec_group
    if workers.count == 1 or not group.aux_names:
        return
    _, auxs = module.get_params()
    mine = [auxs[name] for name in group.aux_names]
    workers.mean(mine)
    for mean, devices in zip(mine, group.aux_arrays):
        for array in devices:
            mean.copyto(array)


def own_statistics(module: mx.mod.Module) -> Arrays:
    """Return the statistics of batch normalization that each of several devices has for itself.

    The parameters' file has their mean, which at the end of an epoch all begin with; a run that
    goes on in the middle of one needs each.
    """
    group = module._exec_group
    if len(group.contexts) == 1:
        return {}
    return {
        f"{STATISTICS}{number}:{name}": array
        for name, devices in zip(group.aux_names, group.aux_arrays)
        for number, array in enumerate(devices)
    }


def give_statistics(module: mx.mod.Module, arrays: Arrays) -> None:
    """Give each device what `own_statistics` returned; on another number of them the mean stays."""
    mine = own_statistics(module)
    if set(mine) == {name for name in arrays if name.startswith(STATISTICS)}:
        for name, array in mine.items():
            arrays[name].copyto(array)
