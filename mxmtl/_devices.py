"""Which devices to use."""

from __future__ import annotations

import logging
from typing import List

import mxnet as mx

from .distributed._place import find_place

log = logging.getLogger(__name__)


def context() -> List[mx.Context]:
    """Return all GPUs that MXNet can really use, else ``[cpu(0)]``.

    ``mx.context.num_gpus()`` counts cards; on a card that is newer than the code in the wheel
    the first operation fails. So each card is given one small operation and waited for.
    """
    usable = [mx.gpu(index) for index in range(mx.context.num_gpus()) if _works(mx.gpu(index))]
    return share(usable) if usable else [mx.cpu()]


def share(devices: List[mx.Context]) -> List[mx.Context]:
    """Return this worker's share of a machine's devices: all of them without other workers.

    Workers that are more than devices share these in turn.
    """
    place = find_place()
    if place is None or place.local_count == 1:
        return devices
    mine = devices[place.local_rank :: place.local_count]
    return mine or [devices[place.local_rank % len(devices)]]


def _works(device: mx.Context) -> bool:
    try:
        return bool((mx.nd.ones((2,), ctx=device) + 1).asnumpy().sum() == 4)
    except mx.MXNetError as error:
        reason = str(error).strip().splitlines()[-1]
        log.warning("%s cannot be used and is left out: %s", device, reason)
        return False
