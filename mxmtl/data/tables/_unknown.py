"""How other programs spell an unknown label, and what to say where one stands in a cell."""

from __future__ import annotations

import shlex
from typing import Iterable

SPELLINGS = frozenset(("na", "n/a", "#n/a", "<na>", "nan", "null", "none", "?"))


def is_spelling(cell: str) -> bool:
    """Tell whether a cell looks like an unknown label. It is one only if the user says so.

    >>> is_spelling("NaN"), is_spelling("pug")
    (True, False)
    """
    return cell.lower() in SPELLINGS


def hint(cells: Iterable[str]) -> str:
    """Say how to have cells read as unknown.

    >>> hint({"NaN"})
    "If that means unknown: --missing-value NaN (missing_values=['NaN'])."
    """
    found = sorted(cells)
    options = " ".join(f"--missing-value {shlex.quote(cell)}" for cell in found)
    return f"If that means unknown: {options} (missing_values={found})."


def quoted(cells: Iterable[str], between: str = ", ") -> str:
    """List cells in quotes, in order."""
    return between.join(map(repr, sorted(cells)))
