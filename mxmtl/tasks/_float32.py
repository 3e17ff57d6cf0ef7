"""Numbers that labels, which are float32, do not hold."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

HELD = 1 << 24  # float32 holds every whole number up to here


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
