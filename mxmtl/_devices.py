"""Which devices there are, which are used, and why.

MXNet tells only how many NVIDIA cards it sees; what they are is asked of the driver itself.
"""

from __future__ import annotations

import ctypes
import functools
import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx

from ._mxnet import GPU, LIBRARIES, both_builds, gpu_build, present_libraries
from ._threads import usable_cores
from ._worker_rank import find_worker_rank

LIBRARY = "libcuda.so.1"
VERSION = Path("/proc/driver/nvidia/version")
MAJOR, MINOR = 75, 76  # cuDeviceGetAttribute: the two parts of the compute capability
log = logging.getLogger(__name__)
# Compute capabilities with machine code in the wheels: sm_50, 60, 70, 80 and 86, and nothing that
# a driver could compile for others. Code for 8.6 runs on 8.9.
LOWEST, HIGHEST = (5, 0), (8, 9)
GPU_BUILD = f"pip uninstall -y mxnet && {GPU}"


@dataclass(frozen=True)
class Card:
    """A graphics card.

    Attributes
    ----------
    name : str
        As the driver has it.
    capability : (int, int)
        Compute capability: which machine code it runs.
    memory : int
        Bytes.
    """

    name: str
    capability: tuple[int, int]
    memory: int

    def __str__(self) -> str:
        major, minor = self.capability
        size = self.memory / 2**30
        return f"{self.name}, compute capability {major}.{minor}, {size:.0f} GiB"


def find_cards(library: str = LIBRARY) -> tuple[list[Card], str]:
    """Return the cards that the driver gives to this process, and why there are none ("" if any).

    They are in the order in which MXNet counts them: CUDA_VISIBLE_DEVICES is heeded.
    """
    try:
        cuda = ctypes.CDLL(library)
    except OSError:
        return [], "no NVIDIA driver (libcuda.so.1) on this machine"
    count = ctypes.c_int()
    code = cuda.cuInit(0) or cuda.cuDeviceGetCount(ctypes.byref(count))
    if code:
        return [], f"the NVIDIA driver gives no card: {_text(cuda, code)}"
    if not count.value:
        return [], "the NVIDIA driver sees no card"
    return [_card(cuda, index) for index in range(count.value)], ""


def driver_version(path: Path = VERSION) -> str:
    """Return the version of the NVIDIA driver, such as ``470.256.02``; empty without one."""
    try:
        found = re.search(r"\s(\d+\.\d+(\.\d+)?)\s", path.read_text("utf-8"))
    except OSError:
        return ""
    return found.group(1) if found else ""


def _card(cuda: Any, index: int) -> Card:
    device, size = ctypes.c_int(), ctypes.c_size_t()
    name = ctypes.create_string_buffer(256)
    cuda.cuDeviceGet(ctypes.byref(device), index)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device)
    parts = []
    for attribute in (MAJOR, MINOR):
        part = ctypes.c_int()
        cuda.cuDeviceGetAttribute(ctypes.byref(part), attribute, device)
        parts.append(part.value)
    return Card(name.value.decode("utf-8", "replace"), (parts[0], parts[1]), size.value)


def _text(cuda: Any, code: int) -> str:
    text = ctypes.c_char_p()
    if cuda.cuGetErrorString(code, ctypes.byref(text)) or not text.value:
        return f"error {code}"
    return text.value.decode()


# -- which are used --------------------------------------------------------------------------------
def context() -> list[mx.Context]:
    """Return all GPUs that MXNet can really use, else ``[cpu(0)]``.

    ``mx.context.num_gpus()`` counts cards; on a card that is newer than the code in the wheel
    the first operation fails. So each card is given one small operation and waited for, once a
    process, and what is left out is told of once. Of several workers on a machine
    (`mxmtl launch`) each gets its share.
    """
    usable = list(_usable_gpus())
    return share(usable) if usable else [mx.cpu()]


def devices(gpus: str) -> list[mx.Context]:
    """Return the GPUs that ``"0,1"`` names; what `context` returns if it is empty or "all".

    Of several workers on a machine each gets its share.

    Raises `ValueError` for a text that is no list of numbers, and a GPU that is not there.
    """
    if gpus in ("", "all"):
        return context()
    numbers = [text.strip() for text in gpus.split(",")]
    if not all(text.isdigit() for text in numbers):
        raise ValueError(f"gpus={gpus!r}: expected numbers, such as 0,1, or all.")
    count = mx.context.num_gpus()
    if max(map(int, numbers)) >= count:
        raise ValueError(f"gpus={gpus!r}: MXNet sees {count} on this machine, counted from 0.")
    return share([mx.gpu(int(text)) for text in numbers])


def share(devices: list[mx.Context]) -> list[mx.Context]:
    """Return this worker's share of a machine's devices: all of them without other workers.

    Workers that are more than devices share these in turn.
    """
    place = find_worker_rank()
    if place is None or place.local_count == 1:
        return devices
    mine = devices[place.local_rank :: place.local_count]
    return mine or [devices[place.local_rank % len(devices)]]


# Which cards work does not change while a process lives: MXNet and the driver count them once.
# A run asks in several places, each of which would try every card and warn of it anew.
@functools.cache
def try_gpus() -> tuple[tuple[mx.Context, str], ...]:
    """Return each GPU that MXNet sees, and why it cannot be used ("" if it can)."""
    count = mx.context.num_gpus()
    cards = find_cards()[0] if count else []
    return tuple(
        (mx.gpu(index), _try(mx.gpu(index), cards[index : index + 1])) for index in range(count)
    )


@functools.cache
def _usable_gpus() -> tuple[mx.Context, ...]:
    for device, reason in try_gpus():
        if reason:
            log.warning("%s cannot be used and is left out: %s", device, reason)
    return tuple(device for device, reason in try_gpus() if not reason)


def forget_devices() -> None:
    """Try the cards anew when they are asked for next: for tests, which change them."""
    try_gpus.cache_clear()
    _usable_gpus.cache_clear()


def _try(device: mx.Context, card: list[Card]) -> str:
    try:
        right = bool((mx.nd.ones((2,), ctx=device) + 1).asnumpy().sum() == 4)
        return "" if right else "1 + 1 is not 2 on it"
    except mx.MXNetError as error:
        text = str(error).strip().splitlines()[-1]
    if card and not LOWEST <= card[0].capability <= HIGHEST:
        major, minor = card[0].capability
        return (
            f"{card[0].name} has compute capability {major}.{minor}, and MXNet's wheels have code "
            f"for 5.0 to 8.9 ({text})"
        )
    return text


def describe_devices() -> list[tuple[str, str]]:
    """Return what is there and what is used, as (what, text) pairs: see ``mxmtl devices``."""
    cards, reason = find_cards()
    build = gpu_build()
    tried = try_gpus()
    usable = [device for device, failure in tried if not failure]
    rows = [
        ("CPU", f"{usable_cores()} cores for this process, of {os.cpu_count()} processors"),
        ("OpenMP threads", f"{os.environ.get('OMP_NUM_THREADS')} (OMP_NUM_THREADS)"),
        ("MXNet", f"{mx.__version__}, {build or 'CPU'} build"),
    ]
    if both_builds():
        both = f"mxnet and {build} are installed, in one folder: uninstall both, install one"
        rows.append(("attention", both))
    if build:
        found = f"{len(present_libraries())} of {len(LIBRARIES)} come from Python packages"
        rows.append(("CUDA libraries", found))
    rows.append(("NVIDIA driver", driver_version() or ("there" if cards else "none")))
    for index, card in enumerate(cards):
        state = tried[index][1] or "works" if index < len(tried) else "not seen by MXNet"
        rows.append((f"GPU {index}", f"{card}: {state}"))
    if usable:
        rows.append(("used", f"{', '.join(map(str, share(usable)))}: all that work"))
    else:
        rows.append(("used", f"cpu(0), because {_why_the_cpu(cards, reason, build)}"))
    return rows


def _why_the_cpu(cards: list[Card], reason: str, build: object) -> str:
    if not cards:
        return reason
    if any(LOWEST <= card.capability <= HIGHEST for card in cards):
        return "no GPU works" if build else f"this is MXNet's CPU build. For the GPUs: {GPU_BUILD}"
    return "MXNet's wheels have no code for these GPUs (compute capability 5.0 to 8.9)"
