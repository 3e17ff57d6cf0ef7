"""Progress bars of all that may take longer than two seconds; none where nobody looks on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

DELAY = 2.0  # seconds before a bar is drawn: what ends sooner needs none


def progress(
    of: Iterable[Any] | int | None, unit: str, *, shown: bool = True, what: str = ""
) -> Any:
    """Return a tqdm bar on the standard error, which is drawn after two seconds.

    Parameters
    ----------
    of : iterable or int, optional
        What is gone through, or how many there are (``bar.update(count)`` then), if known.
    unit : str
        What is counted, in the plural: "rows".
    shown : bool
        False draws none. None is drawn either where the standard error is no terminal.
    what : str
        What is being done, in front of the bar.

    Examples
    --------
    >>> with progress(3, "rows") as bar:
    ...     bar.update(3)
    >>> list(progress("ab", "letters"))
    ['a', 'b']
    """
    counted: dict[str, Any] = {"iterable": of}
    if of is None or isinstance(of, int):
        counted = {"total": of}
    return tqdm(
        **counted,
        desc=what or None,
        unit=f" {unit}",
        unit_scale=True,
        leave=False,
        delay=DELAY,
        disable=None if shown else True,  # None: where there is no terminal
    )
