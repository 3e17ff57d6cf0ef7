"""What MXNet 1.9.1 and GluonCV ask of NumPy and Python, and is gone: given to them alone.

Other packages look at whether NumPy has a name to learn how old it is, and would be misled if the
old names were put back for all. So the modules of both get an import of their own: where their code
says ``import numpy``, it gets NumPy's names and the old ones beside them; where it asks for
``distutils.version``, which Python 3.12 removed, a stand-in. Nobody else sees either. From GluonCV,
which does not load beside PyTorch 2, that is hidden; from MXNet scikit-learn, of which it uses next
to nothing. What else it hardly uses is made when it is used (`_late.py`).
"""

from __future__ import annotations

import builtins
import numbers
import struct
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from typing import Any

from ._late import LATE, late_module

FINANCIAL = ("mirr", "npv", "pmt", "ppmt", "pv", "rate")  # went to the package numpy-financial


class LooseVersion(tuple[int, ...]):
    """Stand-in for the classes of `distutils.version`, of which MXNet compares versions."""

    def __new__(cls, text: str) -> LooseVersion:
        return super().__new__(cls, (int(part) for part in text.split(".") if part.isdigit()))


def old_distutils() -> types.ModuleType:
    """Make what MXNet imports of ``distutils.version``."""
    module = types.ModuleType("distutils.version")
    vars(module).update(LooseVersion=LooseVersion, StrictVersion=LooseVersion)
    return module


def old_numpy(np: Any) -> Any:
    """Return NumPy with the names that MXNet uses, or NumPy itself where it has all of them."""
    missing = {name: value for name, value in old_names(np).items() if name not in vars(np)}
    if not missing:
        return np
    module = types.ModuleType(np.__name__, np.__doc__)
    vars(module).update(vars(np))  # found at once: MXNet asks for some at every step
    vars(module).update(missing)
    vars(module)["__getattr__"] = lambda name: getattr(np, name)
    return module


def old_names(np: Any) -> Mapping[str, Any]:
    """Return the names, with what they were."""
    infinity = float("inf")
    constants = {"Inf": infinity, "PINF": infinity, "NINF": -infinity, "PZERO": 0.0, "NZERO": -0.0}
    functions: dict[str, Callable[..., Any]] = {
        "alltrue": np.all,
        "sometrue": np.any,
        "product": np.prod,
        "round_": np.round,
        "in1d": lambda ar1, *more, **options: np.isin(np.ravel(ar1), *more, **options),
        "msort": lambda a: np.sort(a, axis=0),
        "trapz": np.trapezoid if hasattr(np, "trapezoid") else np.trapz,
        **{name: gone(name) for name in FINANCIAL},
    }
    return {
        **constants, **functions, "NAN": float("nan"), "NaN": float("nan"),
        "bool": np.bool_, "int": int, "float": float, "object": object,
        "compat": types.SimpleNamespace(basestring=str),
    }  # fmt: skip


def gone(name: str) -> Callable[..., Any]:
    """Make a function that says where NumPy's own has gone."""

    def function(*_: Any, **__: Any) -> Any:
        raise RuntimeError(f"numpy.{name} is gone; the package numpy-financial has it.")

    function.__name__ = name
    return function


def hidden_from(package: str) -> str | None:
    """Return the package that another must not see.

    PyTorch 2, for whose version GluonCV gives up; and scikit-learn, of which MXNet wants a base
    class for its deprecated ``FeedForward`` alone, and would spend half of its time of loading on.
    """
    if package == "mxnet":
        return None if "sklearn" in sys.modules else "sklearn"
    try:
        major = int(metadata.version("torch").partition(".")[0])
    except metadata.PackageNotFoundError:
        return None
    return "torch" if package == "gluoncv" and major >= 2 else None


def builtins_for(package: str) -> dict[str, Any]:
    """Return Python's built-ins with an import that knows the old names, for MXNet or GluonCV."""
    import numpy as np

    hidden = hidden_from(package)

    numpy, distutils = old_numpy(np), old_distutils()

    def import_old(
        name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> Any:  # fmt: skip
        if name == "distutils.version" and fromlist:
            return distutils
        late = late_module(name, fromlist or ()) if package == "mxnet" and not level else None
        if late is not None:
            return late
        if hidden is not None and name.partition(".")[0] == hidden and not level:
            raise ModuleNotFoundError(f"{hidden} is hidden from {package}", name=name)
        found = builtins.__import__(name, globals, locals, fromlist, level)
        return numpy if found is np else found

    late = LATE if package == "mxnet" else {}
    return {**vars(builtins), "__import__": import_old, **late}


def has_tostring() -> bool:
    """Tell whether arrays have the method that MXNet's `pack` calls."""
    import numpy as np

    return hasattr(np.ndarray, "tostring")


def mend_recordio(recordio: Any) -> None:
    """Let MXNet pack records where arrays have no ``tostring`` (NumPy 2.3), for users' scripts."""
    if has_tostring():
        return
    import numpy as np

    def pack(header: Any, s: bytes) -> bytes:
        """Pack a label or several, an id and bytes into a record."""
        header = recordio.IRHeader(*header)
        if isinstance(header.label, numbers.Number):
            header = header._replace(flag=0)
        else:
            labels = np.asarray(header.label, np.float32)
            header, s = header._replace(flag=labels.size, label=0), labels.tobytes() + s
        return struct.pack(recordio._IR_FORMAT, *header) + s

    def pack_img(header: Any, img: Any, quality: int = 95, img_fmt: str = ".jpg") -> bytes:
        """Encode an image, blue first, and pack it."""
        import cv2

        flags = {".jpg": cv2.IMWRITE_JPEG_QUALITY, ".jpeg": cv2.IMWRITE_JPEG_QUALITY,
                 ".png": cv2.IMWRITE_PNG_COMPRESSION}  # fmt: skip
        flag = flags.get(img_fmt.lower())
        done, encoded = cv2.imencode(img_fmt, img, [] if flag is None else [flag, quality])
        assert done, "failed to encode image"
        return pack(header, encoded.tobytes())

    recordio.pack, recordio.pack_img = pack, pack_img
