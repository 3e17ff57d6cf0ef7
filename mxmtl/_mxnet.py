"""Make `import mxnet` work where it can, and say what to do where it cannot.

Imported first by `mxmtl/__init__.py`. MXNet 1.9.1 is from 2022: it uses `np.bool`, which NumPy
1.24 removed, and `distutils`, which Python 3.12 removed. Both are put back before it is loaded.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import types
import warnings
from typing import Tuple

import numpy as np

from ._cuda import open_cuda_libraries
from ._threads import set_threads

CPU = 'pip install "mxmtl[cpu]"'
GPU = 'pip install "mxmtl[cu112]"'
NUMPY = 'pip install "numpy<1.24" (on Python 3.12: "numpy<2")'
SYSTEM = "apt-get install libgomp1 libquadmath0"


def mend_numpy() -> None:
    """Give back the one NumPy alias that importing MXNet needs (NumPy 1.24 to 1.26)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy 1.20 to 1.23 have it and warn
        if not hasattr(np, "bool"):
            setattr(np, "bool", np.bool_)  # noqa: B010 (an attribute that type checkers miss)


class LooseVersion(Tuple[int, ...]):
    """Stand-in for the classes of `distutils.version`, of which MXNet compares versions."""

    def __new__(cls, text: str) -> LooseVersion:
        return super().__new__(cls, (int(part) for part in text.split(".") if part.isdigit()))


def mend_distutils() -> None:
    """Put back the part of distutils that MXNet imports (Python 3.12 without setuptools)."""
    if importlib.util.find_spec("distutils") is not None:  # setuptools brings its own copy
        return
    package, module = types.ModuleType("distutils"), types.ModuleType("distutils.version")
    vars(module).update(LooseVersion=LooseVersion, StrictVersion=LooseVersion)
    vars(package)["version"] = module
    sys.modules.update({"distutils": package, "distutils.version": module})


def explain(error: BaseException) -> str:
    """Return one line: why MXNet did not load, and the command that mends it."""
    text = str(error)
    if isinstance(error, ModuleNotFoundError) and error.name == "mxnet":
        return f"MXNet is not installed. For the CPU: {CPU}; for CUDA 11 GPUs: {GPU}"
    if int(np.__version__.split(".")[0]) >= 2:
        return f"MXNet 1.9.1 needs NumPy 1, and this is {np.__version__}. Run: {NUMPY}"
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
        return f"MXNet's GPU build misses a CUDA 11 library ({text}). Run: {GPU}"
    return f"MXNet did not load. {type(error).__name__}: {text}"


def load_mxnet() -> types.ModuleType:
    """Import MXNet, mended as needed; `ImportError` with one helpful line if it will not load."""
    if "mxnet" not in sys.modules:
        set_threads()
        # Else every bind prints a line about the backend that fuses operators.
        os.environ.setdefault("MXNET_SUBGRAPH_VERBOSE", "0")
        mend_numpy()
        mend_distutils()
        open_cuda_libraries()
    with warnings.catch_warnings():
        # np.bool, distutils and NEP 32: MXNet's own, and nothing that a user can change.
        warnings.simplefilter("ignore")
        try:
            return importlib.import_module("mxnet")
        except (ImportError, AttributeError, OSError) as error:
            raise ImportError(f"mxmtl: {explain(error)}") from error
