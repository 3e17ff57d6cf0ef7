"""The NVIDIA cards of this machine, from the driver itself: MXNet tells only how many it sees."""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Tuple

LIBRARY = "libcuda.so.1"
VERSION = Path("/proc/driver/nvidia/version")
MAJOR, MINOR = 75, 76  # cuDeviceGetAttribute: the two parts of the compute capability


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
    capability: Tuple[int, int]
    memory: int

    def __str__(self) -> str:
        major, minor = self.capability
        size = self.memory / 2**30
        return f"{self.name}, compute capability {major}.{minor}, {size:.0f} GiB"


def find_cards(library: str = LIBRARY) -> Tuple[List[Card], str]:
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
