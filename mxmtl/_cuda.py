"""Find the CUDA 11 libraries that MXNet's GPU build needs where pip has put them.

The wheel names them and brings none; the dynamic loader looks for them on LD_LIBRARY_PATH and
in the system, not among Python packages. A library that is open already is found by its name,
so each is opened by its full path before MXNet is imported.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib import metadata
from pathlib import Path
from typing import List, Optional, Sequence

GPU_BUILDS = [f"mxnet-cu{version}" for version in (110, 112, 113, 114, 115, 116, 117)]
# Each after those that it needs itself.
LIBRARIES = [
    "cuda_runtime/lib/libcudart.so.11.0",
    "cuda_nvrtc/lib/libnvrtc.so.11.2",
    "nvtx/lib/libnvToolsExt.so.1",
    "cublas/lib/libcublasLt.so.11",
    "cublas/lib/libcublas.so.11",
    "cufft/lib/libcufft.so.10",
    "curand/lib/libcurand.so.10",
    "cusolver/lib/libcusolver.so.11",
    "nccl/lib/libnccl.so.2",
    "cudnn/lib/libcudnn.so.8",
]


def open_cuda_libraries() -> List[str]:
    """Open what is there of `LIBRARIES`, if a GPU build of MXNet is installed; return the paths.

    A library that is missing is left to the system's own; if that has none either, importing
    MXNet says which.
    """
    if gpu_build() is None:
        return []
    # cuDNN 8.9 is newer than the build asks for and works; the check would print a complaint.
    os.environ.setdefault("MXNET_CUDNN_LIB_CHECKING", "0")
    paths = present_libraries()
    for path in paths:
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    return paths


def gpu_build() -> Optional[str]:
    """Return the name of the installed GPU build of MXNet, or None."""
    for name in GPU_BUILDS:
        try:
            metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        return name
    return None


def both_builds() -> bool:
    """Tell whether the CPU and a GPU build are installed, in one folder: the later one is there."""
    try:
        metadata.distribution("mxnet")
    except metadata.PackageNotFoundError:
        return False
    return gpu_build() is not None


def present_libraries(folders: Optional[Sequence[str]] = None) -> List[str]:
    """Return the paths of those of `LIBRARIES` that are among the Python packages, in order."""
    found = []
    for library in LIBRARIES:
        searched = sys.path if folders is None else folders
        candidates = (Path(folder) / "nvidia" / library for folder in searched)
        path = next((str(path) for path in candidates if path.exists()), None)
        if path is not None:
            found.append(path)
    return found
