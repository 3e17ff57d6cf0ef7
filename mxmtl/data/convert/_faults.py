"""All that is wrong with a table and its images, grouped and counted; nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..tables import LabelledRow

ROWS = 5  # rows that are named of each fault
KINDS = 20  # faults that are told of each place; the others are counted
# A cell that is a number, as people write it: those of one column are wrong in the same way.
AMOUNT = re.compile(r"'[^\w']*\d[\d., ]*[^\w']*'")
IMAGE = re.compile(r"^image '.*?': |^image \".*?\": ")
CELLS, IMAGES = "column", "images"
MEND = {
    CELLS: "--on-error blank makes such cells missing",
    "": "--on-error skip leaves such rows out",
}


@dataclass
class Faults:
    """What is wrong in one way: in how many rows, and in which, as a spreadsheet counts them."""

    reason: str
    count: int = 0
    rows: list[int] = field(default_factory=list)
    told: set[str] = field(default_factory=set)
    first: str = ""  # the image of the first of them, where it is about images

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.rows) else ""
        rows = f"row{'s' * (self.count > 1)} {', '.join(map(str, self.rows))}{more}"
        different = f"; {len(self.told)} different cells like it" if len(self.told) > 1 else ""
        first = f"; the first is {self.first!r}" if self.first and self.count > 1 else ""
        return f"{self.count:>6} x {self.reason} ({rows}{different}{first})"


@dataclass
class TableFaults:
    """What a conversion would meet; prints as lines, the most frequent first.

    Attributes
    ----------
    source : str
        The table.
    num_rows : int
        Rows of it.
    num_bad : int
        Rows with anything wrong.
    splits : dict
        {split: rows that would become records}; '' where nothing is split.
    places : dict
        {place: {reason, numbers aside: faults}}; a place is a column, ``rows``, or ``images``.
    """

    source: str
    num_rows: int = 0
    num_bad: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    places: dict[str, dict[str, Faults]] = field(default_factory=dict)

    def take(self, item: LabelledRow, split: str, image: str) -> None:
        """Count a row, with what is wrong with its image."""
        self.num_rows += 1
        found = [(f"{CELLS} {fault.columns!r}", str(fault.error)) for fault in item.blanks]
        if item.problem is not None:
            found.append(("rows", str(item.problem)))
        elif image:
            found.append((IMAGES, IMAGE.sub("", image)))
        else:
            self.splits[split] = self.splits.get(split, 0) + 1
        self.num_bad += bool(found)
        for place, reason in found:
            images = place == IMAGES
            kind = re.sub(r"\d+", "#", reason) if images else AMOUNT.sub("#", reason, count=1)
            faults = self.places.setdefault(place, {}).setdefault(kind, Faults(reason))
            faults.first = faults.first or item.row.path * images
            faults.count += 1
            if not images:
                faults.told.add(reason)
            if len(faults.rows) < ROWS:
                faults.rows.append(item.row.number)

    def __str__(self) -> str:
        bad = f"something is wrong in {self.num_bad} of them" if self.num_bad else "none is refused"
        lines = [f"{self.source}: {self.num_rows} rows, {bad}"]
        for place, kinds in self.places.items():
            lines += [f"  {place}: {sum(one.count for one in kinds.values())}", *told(kinds)]
        lines += [f"  {mend}." for start, mend in MEND.items() if self._is_any(start)]
        rows = [f"{name} {count}" if name else f"{count}" for name, count in self.splits.items()]
        return "\n".join(
            [*lines, f"  records to write, bad cells as unknown: {', '.join(rows) or 0}"]
        )

    def _is_any(self, start: str) -> bool:
        return any(place.startswith(start) for place in self.places)


def told(kinds: Mapping[str, Faults]) -> Iterable[str]:
    """Return a line for each kind of fault, the most frequent first."""
    ranked = sorted(kinds.values(), key=lambda faults: -faults.count)
    yield from (f"  {faults}" for faults in ranked[:KINDS])
    if len(ranked) > KINDS:
        rest = sum(faults.count for faults in ranked[KINDS:])
        yield f"  {rest:>6} x other reasons, {len(ranked) - KINDS} of them"
