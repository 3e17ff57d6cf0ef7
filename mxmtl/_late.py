"""What MXNet makes when it is imported and may never use: made when it is used.

To import MXNet takes seconds of processor time, and every command, worker and server pays for it.
More than half goes into SciPy and requests, of which a program hardly ever uses anything, and into
compiling 2,500 functions, one an operator, of which it calls fifty. Each of them becomes a short
one with its signature and documentation that compiles the rest at its first call, and from then on
is what MXNet makes of it.
"""

from __future__ import annotations

import builtins
import importlib
import re
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

HEAD = re.compile(r"\ndef (\w+)\(([^)]*)\):\n")  # of an operator, as MXNet writes it
WHOLE = "__whole_operator__"
OPERATORS: list[tuple[str, dict[str, Any], Callable[..., Any]]] = []  # source, globals, function


class Late(types.ModuleType):
    """A module that is imported when something of it is used."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


class LateSparse(Late):
    """SciPy's sparse matrices: MXNet asks of every array that it makes whether it is one."""

    @property
    def csr(self) -> types.SimpleNamespace:
        """The module of the class, of which nothing is while it is not loaded."""
        loaded = sys.modules.get(self.__name__)
        return types.SimpleNamespace(csr_matrix=loaded.csr_matrix if loaded else ())


def late_module(name: str, wanted: Sequence[str]) -> Any:
    """Return what ``import name`` or ``from name import wanted`` gives MXNet; None: as it is."""
    if name == "requests":
        return Late(name)
    for part, kind in (("stats", Late), ("sparse", LateSparse)):
        if (name, *wanted) in ((f"scipy.{part}",), ("scipy", part)):
            return types.SimpleNamespace(**{part: kind(f"scipy.{part}")})
    return None


def late_exec(source: Any, names: Any = None, local: Any = None) -> None:
    """Run code as ``exec`` does; an operator's function compiles its body at its first call."""
    frame = sys._getframe(1)
    names = frame.f_globals if names is None else names
    head = HEAD.match(source) if isinstance(source, str) else None
    if head is None or local is None:
        builtins.exec(source, names, frame.f_locals if local is None else local)
        return
    name, parameters = head.groups()
    given = (part.partition("=")[0] for part in parameters.split(", "))
    call = ", ".join(part if part.startswith("*") else f"{part}={part}" for part in given)
    key = len(OPERATORS)
    short = f"def {name}({parameters}): return {WHOLE}({key})({call})"
    builtins.exec(short, names, local)
    OPERATORS.append((source, names, local[name]))


def whole(key: int) -> Callable[..., Any]:
    """Give an operator's function the body that MXNet wrote for it; return the function."""
    source, names, function = OPERATORS[key]
    made: dict[str, Any] = {}
    builtins.exec(source, names, made)
    function.__code__ = made[function.__name__].__code__
    return function


LATE = {"exec": late_exec, WHOLE: whole}  # built-ins of MXNet's modules
