"""Cells of a table: as people and pandas write them, and what float32 makes of their numbers."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, List

HELD = 1 << 24  # float32 holds every whole number up to here


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


def altered(cell: Any, stored: float) -> str:
    """Say that another number is stored for a cell than the one that stands there; '' if not.

    Decimals are rounded, as float32 rounds them. Whole numbers are not: one id or second would
    become another. A number is whole if it is told to the unit, as 1e30 is not. And what is not 0
    does not become 0.

    >>> altered("0.1", 0.10000000149011612), altered("16777217", 16777216.0)[:41]
    ('', "'16777217' would be stored as 16777216, i")
    """
    number = float(cell)
    if not number.is_integer() and stored != 0.0:  # nearly all decimals
        return ""
    told = Decimal(cell if isinstance(cell, (str, int)) else repr(number))
    if told == stored:
        return ""
    whole = told == told.to_integral_value() and int(told.as_tuple().exponent) <= 0
    if not whole and stored != 0.0:
        return ""
    return (
        f"{str(cell)!r} would be stored as {stored + 0.0:.0f}, in float32. Subtract an offset from "
        "the whole column, or give it in another unit."
    )


def percent(part: int, whole: int) -> str:
    """Write a share: '12.5%', or '-' of nothing."""
    return f"{100 * part / whole:.1f}%" if whole else "-"
