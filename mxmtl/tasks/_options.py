"""What a task was declared with, as JSON-able data."""

from __future__ import annotations

import math
from dataclasses import MISSING, fields
from typing import Any, Dict, Mapping

import numpy as np


def options_of(task: Any) -> Dict[str, Any]:
    """Return the fields of a dataclass that are not at their default, as JSON takes them."""
    options: Dict[str, Any] = {}
    for field in fields(task):
        value = getattr(task, field.name)
        if field.default is MISSING or value != field.default:
            value = value.item() if isinstance(value, np.generic) else value
            options[field.name] = list(value) if isinstance(value, tuple) else value
    return options


def check_options(kind: Any, options: Mapping[str, Any]) -> None:
    """Raise `ValueError` for options that a kind of task has not."""
    unknown = sorted(set(options) - {field.name for field in fields(kind)})
    if unknown:
        raise ValueError(
            f"{kind.__name__} has no option {unknown}. Was the file written by a newer mxmtl?"
        )


def check_number(task: str, option: str, value: Any, low: float, high: float = math.inf) -> None:
    """Raise `ValueError` unless an option is a number within bounds, both included.

    Out of range, NaN and things that are no number at all end here, at the declaration.
    """
    if not isinstance(value, (int, float, np.number)) or not low <= value <= high:
        raise ValueError(f"task {task!r}: {option}={value!r} is not in [{low}, {high}].")
    if math.isinf(value):
        raise ValueError(f"task {task!r}: {option} must be finite.")
