"""What people write: the options of a task, checked and as JSON keeps them; cells of a table."""

from __future__ import annotations

import contextlib
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, fields
from decimal import Decimal
from typing import Any

import numpy as np

from .._options import SHOWN, as_float, meant, one_of
from ..losses import Declaration

Weights = float | Sequence[float] | Mapping[str, float]
WORDS = {
    **{word: 0.0 for word in ("0", "false", "no", "n")},
    **{word: 1.0 for word in ("1", "true", "yes", "y")},
}
HELD = 1 << 24  # float32 holds every whole number up to here


def options_of(task: Any) -> dict[str, Any]:
    """Return the fields of a dataclass that are not at their default, as JSON takes them."""
    options: dict[str, Any] = {}
    for field in fields(task):
        value = getattr(task, field.name)
        if field.default is MISSING or value != field.default:
            value = value.item() if isinstance(value, np.generic) else value
            value = value.to_dict() if isinstance(value, Declaration) else value
            options[field.name] = list(value) if isinstance(value, tuple) else value
    return options


def check_options(task_type: Any, options: Mapping[str, Any]) -> None:
    """Raise `ValueError` for options that a type of task has not."""
    known = [field.name for field in fields(task_type)]
    unknown = sorted(set(options) - set(known))
    if unknown:
        near = meant(unknown[0], known) or "; a newer mxmtl may have it"
        raise ValueError(f"{task_type.__name__} has no option {unknown}{near}.")


def check_number(task: str, option: str, value: Any, low: float, high: float = math.inf) -> None:
    """Raise `ValueError` unless an option is a number within bounds, both included.

    Out of range, NaN and things that are no number at all end here, at the declaration.
    """
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not low <= value <= high:
        raise ValueError(f"task {task!r}: {option}={value!r} is not in [{low}, {high}].")
    if math.isinf(as_float(value)):
        raise ValueError(f"task {task!r}: {option} must be finite.")


def checked_names(task: str, option: str, names: Sequence[str], at_least: int) -> tuple[str, ...]:
    """Return the names as a tuple, or raise `ValueError` naming the task and the bad entry."""
    if isinstance(names, str):
        raise ValueError(
            f"task {task!r}: {option}={names!r} is one string; expected a list of names."
        )
    if not isinstance(names, Iterable):
        raise ValueError(
            f"task {task!r}: {option}={names!r}; expected a list of names. Where there are "
            f"numbers alone, write {option}=[str(i) for i in range({names!r})]."
        )
    checked = tuple(names)
    if checked and all(isinstance(name, int | np.integer) for name in checked):
        raise ValueError(
            f"task {task!r}: {option}={names!r}; expected names that are text. Where there are "
            f"numbers alone, write {option}=[str(i) for i in {names!r}]."
        )
    for name in checked:
        if not isinstance(name, str) or not name or name != name.strip():
            raise ValueError(
                f"task {task!r}: {option} has {name!r}; expected text with no space around it."
            )
        if not name.isprintable():
            bad = next(character for character in name if not character.isprintable())
            raise ValueError(
                f"task {task!r}: {option} has {name!r}; {bad!r} in it cannot be printed."
            )
    if len(set(checked)) < len(checked):
        twice = sorted(name for name, count in Counter(checked).items() if count > 1)
        raise ValueError(f"task {task!r}: {option} names {twice[:SHOWN]} more than once.")
    if len(checked) < at_least:
        raise ValueError(
            f"task {task!r}: {option} needs {at_least} names or more, got {list(checked)}."
        )
    return checked


def per_name(
    task: str, option: str, weights: Weights | None, names: tuple[str, ...]
) -> tuple[float, ...] | None:
    """Return one weight a name, from a number for all, a sequence or {name: weight}; None stays."""
    if weights is None:
        return None
    if isinstance(weights, Mapping):
        unknown = sorted(set(weights) - set(names), key=str)
        if unknown:
            found = one_of(str(unknown[0]), names)
            raise ValueError(f"task {task!r}: {option} names {unknown}; expected {found}.")
        weights = [weights.get(name, 1.0) for name in names]
    elif np.ndim(weights) == 0 and not isinstance(weights, str):
        weights = [weights] * len(names)  # type: ignore[list-item]
    try:
        values = tuple(as_float(weight) for weight in weights)  # type: ignore[union-attr]
    except (TypeError, ValueError):
        raise ValueError(
            f"task {task!r}: {option}={weights!r}; expected a number for all, one for each of "
            f"{len(names)} names, or {{name: number}}."
        ) from None
    if len(values) != len(names):
        raise ValueError(
            f"task {task!r}: {option} has {len(values)} numbers for {len(names)} names."
        )
    if not all(np.isfinite(value) and value >= 0 for value in values):
        raise ValueError(f"task {task!r}: {option}={values} must be finite and not negative.")
    return values


def checked_offsets(task: str, offsets: Any, outputs: int) -> tuple[float, ...] | None:
    """Return a finite number for each output; None stays. `ValueError` naming the task if not."""
    if offsets is None:
        return None
    values: tuple[float, ...] = ()
    with contextlib.suppress(TypeError, ValueError):  # what is no list of numbers
        values = tuple(map(as_float, offsets))
    if len(values) != outputs or not all(map(math.isfinite, values)):
        raise ValueError(f"task {task!r}: offsets={offsets!r}; expected {outputs} finite numbers.")
    return values


# -- cells of a table, as people and pandas write them, and as float32 holds them ------------------
def is_missing_cell(cell: Any) -> bool:
    """Tell whether a table cell is empty: None, NaN, or nothing but white space."""
    if cell is None:
        return True
    if isinstance(cell, str):
        return not cell.strip()
    return bool(cell != cell)


def spellings(cell: Any) -> list[str]:
    """Texts that a cell may stand for: as it is, and '3' for '3.0'.

    Integers with gaps become floats in pandas, and come out of its CSV files as '3.0'.
    """
    text = str(cell).strip()
    whole = re.fullmatch(r"([+-]?\d+)\.0*", text)
    return [text, whole.group(1)] if whole else [text]


def word_value(cell: Any) -> float | None:
    """Return 1 for a cell that says yes, 0 for one that says no, None for any other.

    >>> word_value("Yes"), word_value(0.0), word_value("maybe")
    (1.0, 0.0, None)
    """
    for text in spellings(cell):
        if text.lower() in WORDS:
            return WORDS[text.lower()]
    return None


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
    told = Decimal(cell if isinstance(cell, str | int) else repr(number))
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
