"""Cells of a table, as people and pandas write them."""

from __future__ import annotations

import re
from typing import Any, List


def is_missing_cell(cell: Any) -> bool:
    """Tell whether a table cell is empty: None, NaN, or nothing but white space."""
    if cell is None:
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return bool(cell != cell)


def spellings(cell: Any) -> List[str]:
    """Texts that a cell may stand for: as it is, and '3' for '3.0'.

    Integers with gaps become floats in pandas, and come out of its CSV files as '3.0'.
    """
    text = str(cell).strip()
    whole = re.fullmatch(r"([+-]?\d+)\.0*", text)
    return [text, whole.group(1)] if whole else [text]
