"""Make `import mxnet` work where it can, and say what to do where it cannot.

MXNet 1.9.1 is from 2022: it uses names that NumPy and Python have removed since. They are given to
it (`_old_names.py`) when MXNet is imported, whoever does it, and not when mxmtl is: loading MXNet
takes seconds, which a command line that shows its help should not wait for.

MXNet's GPU build needs CUDA 11 libraries, names them and brings none; the dynamic loader looks for
them on LD_LIBRARY_PATH and in the system, not among Python packages, where pip puts them. A library
that is open already is found by its name, so each is opened by its full path before MXNet is
imported.
"""

from __future__ import annotations

import ctypes
import importlib.abc
import importlib.machinery
import os
import sys
import types
import warnings
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from ._old_names import builtins_for, mend_recordio
from ._threads import set_threads

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
# Without its requirements: they ask for NumPy below 2, and mxmtl brings what it needs.
CPU = "pip install --no-deps mxnet==1.9.1"
CUDA = 'pip install "mxmtl[cuda]"'  # found where mxmtl is installed, from wherever
GPU = f"{CUDA} && pip install --no-deps mxnet-cu112==1.9.1"
NUMPY = 'pip install "numpy>=1.23,<2.6"'  # known to work
MENDED = ("mxnet", "gluoncv")
SYSTEM = "apt-get install libgomp1 libquadmath0"


def open_cuda_libraries() -> list[str]:
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


def gpu_build() -> str | None:
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


def present_libraries(folders: Sequence[str] | None = None) -> list[str]:
    """Return the paths of those of `LIBRARIES` that are among the Python packages, in order."""
    found = []
    for library in LIBRARIES:
        searched = sys.path if folders is None else folders
        candidates = (Path(folder) / "nvidia" / library for folder in searched)
        path = next((str(path) for path in candidates if path.exists()), None)
        if path is not None:
            found.append(path)
    return found


# -- what else MXNet needs, and what is said where it has it not -----------------------------------
def explain(error: BaseException) -> str:
    """Return one line: why MXNet did not load, and the command that mends it."""
    import numpy as np

    text = str(error)
    if isinstance(error, ModuleNotFoundError) and error.name == "mxnet":
        return f"MXNet is not installed. For the CPU: {CPU}; for CUDA 11 GPUs: {GPU}"
    if "numpy" in text:
        return f"MXNet does not load with NumPy {np.__version__} ({text}). Run: {NUMPY}"
    if "libgomp" in text or "libquadmath" in text:
        return f"MXNet needs system libraries ({text}). On Debian: {SYSTEM}"
    if "libcuda.so" in text:
        return (
            "this is MXNet's GPU build, and the machine has no NVIDIA driver (libcuda.so.1). "
            f"Install the driver, or the CPU build: pip uninstall -y mxnet-cu112 && {CPU}"
        )
    if ".so" in text:
        return f"MXNet's GPU build misses a CUDA 11 library ({text}). Run: {CUDA}"
    return f"MXNet did not load. {type(error).__name__}: {text}"


class Mended(importlib.abc.Loader):
    """Loads a module of theirs as ``loader`` does, with the old names that its code asks for."""

    def __init__(self, loader: Any, builtins: Mapping[str, Any]) -> None:
        self._loader, self._builtins = loader, builtins

    def __getattr__(self, name: str) -> Any:  # get_code and such, for `python -m mxnet...`
        return getattr(self._loader, name)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Any:
        """Leave the module to the loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: types.ModuleType) -> None:
        """Run it; of MXNet itself `ImportError` with one helpful line if it fails."""
        # From here on it looks as if it had been imported without us.
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        vars(module)["__builtins__"] = self._builtins
        if module.__name__ == "mxnet":
            self._load_all(module)
        else:
            self._loader.exec_module(module)
        if module.__name__ == "mxnet.recordio":
            mend_recordio(module)

    def _load_all(self, module: types.ModuleType) -> None:
        set_threads()
        # Else every bind prints a line about the backend that fuses operators.
        os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
        open_cuda_libraries()
        with warnings.catch_warnings():
            # np.bool, distutils and NEP 32: MXNet's own, and nothing that a user can change.
            warnings.simplefilter("ignore")
            try:
                self._loader.exec_module(module)
            except (ImportError, AttributeError, OSError) as error:
                raise ImportError(f"mxmtl: {explain(error)}") from error


class MXNetFinder(importlib.abc.MetaPathFinder):
    """Finds the modules of MXNet and GluonCV where Python finds them, and has them mended."""

    def __init__(self) -> None:
        self._builtins: dict[str, Any] = {}  # made when a package is wanted: it needs NumPy

    def find_spec(
        self, name: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return how a module of the two is loaded; None for all others."""
        package = name.partition(".")[0]
        if package not in MENDED:
            return None
        others = (finder for finder in sys.meta_path if finder is not self)
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next((spec for spec in found if spec is not None), None)
        if spec is None and name == "mxnet":
            error = ModuleNotFoundError("No module named 'mxnet'", name=name)
            raise ModuleNotFoundError(f"mxmtl: {explain(error)}", name=name)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            if package not in self._builtins:
                self._builtins[package] = builtins_for(package)
            spec.loader = Mended(spec.loader, self._builtins[package])
        return spec


def mend_when_imported() -> None:
    """Have MXNet mended when it is imported; nothing is done where it is already."""
    if not any(isinstance(finder, MXNetFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, MXNetFinder())


def is_mxnet_error(error: BaseException) -> bool:
    """Tell whether an exception is MXNet's own, without loading MXNet to ask."""
    mxnet = sys.modules.get("mxnet")
    return mxnet is not None and isinstance(error, mxnet.MXNetError)
