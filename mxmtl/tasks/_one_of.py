"""What to say where a name is none of those allowed, however many they are."""

from __future__ import annotations

import difflib
from typing import Sequence

SHOWN = 10
SEARCHED = 10_000  # comparing one name with so many takes some 0.1 s


def one_of(name: str, names: Sequence[str]) -> str:
    """List some of the allowed names, and the one that was perhaps meant.

    >>> one_of("bal", ["ball", "rope"])
    "one of [ball, rope] (did you mean 'ball'?)"
    >>> one_of("犬", "abcdefghijklmnopq")
    'one of [a, b, c, d, e, f, g, h, i, j, ... (7 more)]'
    """
    listed = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        listed += f", ... ({len(names) - SHOWN} more)"
    close = difflib.get_close_matches(name, names, n=1) if len(names) <= SEARCHED else []
    return f"one of [{listed}]" + (f" (did you mean {close[0]!r}?)" if close else "")
