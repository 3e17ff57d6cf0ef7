"""Options that messages propose, worded so that they work where they are pasted: one place."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Any

PLAIN = re.compile(r"[\w.,+-]+")
# What answers a doubt without another option: the proposal, read and given back.
AS_IT_IS = "--write-tasks FILE, and --tasks FILE"


def option(flag: str, value: str) -> str:
    """Return an option as a shell takes it.

    >>> print(option("--ignore", "Article No"), option("--missing-value", "--"))
    --ignore 'Article No' --missing-value=--
    """
    between = "=" if value.startswith("-") and value != "-" else " "  # else it is another option
    return f"{flag}{between}{shlex.quote(value)}"


def task_option(kind: str, name: str, **fields: Any) -> str:
    """Return the option that gives a task in words; what has spaces stands in quotes.

    >>> print(task_option("Ordinal", "stars", classes=["1 star", "2 stars"]))
    --task 'Ordinal stars classes="1 star,2 stars"'
    """
    words = [kind, name]
    for field, value in fields.items():
        text = value if isinstance(value, str) else ",".join(value)
        inner = re.sub(r'(["\\])', r"\\\1", text)
        words.append(f"{field}={text}" if PLAIN.fullmatch(text) else f'{field}="{inner}"')
    return option("--task", " ".join(words))


def hint(cells: Iterable[str]) -> str:
    """Say how to have cells read as unknown.

    >>> hint({"NaN"})
    "If that means unknown: --missing-value NaN (missing_values=['NaN'])."
    """
    found = sorted(cells)
    options = " ".join(option("--missing-value", cell) for cell in found)
    return f"If that means unknown: {options} (missing_values={found})."
