"""A package's door that opens at the first knock: its names are imported when they are asked for.

Loading MXNet takes seconds. A command line that only shows its help, or refuses an option, should
not wait for it; neither should a program that reads a table. So a door lists its names as imports
that type checkers and people read, and `lazy` makes of that same list what Python calls for a
name that is not there yet (PEP 562).
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def lazy(
    package: str, file: str
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Parameters
    ----------
    package, file : str
        The package's ``__name__`` and ``__file__``. What the file imports ``if TYPE_CHECKING``
        are the names: ``from ._fit import fit as fit``, ``from . import augment as augment``, or
        another door's, ``from ..model import ModelFile as ModelFile``.
    """
    sources = imports_for_types(Path(file).read_text("utf-8"))

    def find(name: str) -> Any:
        if name not in sources:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module, theirs = sources[name]
        value = importlib.import_module(module or f".{theirs}", package)
        value = getattr(value, theirs) if module else value
        setattr(sys.modules[package], name, value)  # found at once from now on
        return value

    return find, lambda: sorted({*vars(sys.modules[package]), *sources}), sorted(sources)


def imports_for_types(source: str) -> dict[str, tuple[str | None, str]]:
    r"""Return {name: (module as it is imported, its name there)} of ``if TYPE_CHECKING:`` imports.

    The module is None where the name is a module itself.

    >>> imports_for_types("if TYPE_CHECKING:\n    from ._fit import fit as train")
    {'train': ('._fit', 'fit')}
    """
    return {
        alias.asname or alias.name: (node.module and "." * node.level + node.module, alias.name)
        for block in ast.parse(source).body
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
