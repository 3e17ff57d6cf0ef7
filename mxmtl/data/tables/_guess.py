"""What the cells of a column look like, and which task that suggests."""

from __future__ import annotations

from typing import List, Optional, Set

BOOLEAN = frozenset(("0", "1", "0.0", "1.0", "true", "false", "yes", "no"))
MAX_CLASSES, FEW_NUMBERS, MANY_ROWS = 1000, 20, 20


class ColumnCells:
    """The cells of one column, as far as they matter for guessing a task.

    Parameters
    ----------
    name : str
        The column.
    separator : str, optional
        What separates names in a cell that holds several.
    """

    def __init__(self, name: str, separator: Optional[str]) -> None:
        self.name, self._separator = name, separator
        self.filled = 0
        self.names: Set[str] = set()
        self.several = False
        self.numbers = self.whole = self.boolean = True

    def add(self, cell: str) -> None:
        """Look at one cell; '' is missing."""
        if not cell:
            return
        self.filled += 1
        if cell in self.names:
            return
        parts = [cell] if self._separator is None else cell.split(self._separator)
        self.several |= len(parts) > 1
        self.boolean &= cell.lower() in BOOLEAN
        if self.numbers:
            self._look_at_number(cell)
        if len(self.names) <= MAX_CLASSES:
            self.names.update(part.strip() for part in parts if part.strip())

    def _look_at_number(self, cell: str) -> None:
        try:
            value = float(cell)
        except ValueError:
            self.numbers = self.whole = False
            return
        self.whole &= value == value // 1

    def sorted_names(self) -> List[str]:
        """Return the names in a natural order, whole numbers as '3' whatever their spelling."""
        if self.numbers and self.whole:
            return [str(number) for number in sorted({int(float(name)) for name in self.names})]
        return sorted(self.names)


def guess_type(cells: ColumnCells) -> str:
    """Return the name of the task type that a column suggests, or the reason why there is none.

    Reasons begin with a small letter, types with a capital.
    """
    count = len(cells.names)
    if not count:
        return "every cell is empty"
    if cells.several:
        return "Multilabel"
    if cells.boolean:
        return "Binary"
    if cells.numbers and (not cells.whole or count > FEW_NUMBERS):
        return "Regression"
    if count < 2:
        return f"every cell is {next(iter(cells.names))!r}"
    if count > MAX_CLASSES:
        return f"more than {MAX_CLASSES} different cells"
    if count == cells.filled > MANY_ROWS:
        return "every cell is different"
    return "Multiclass"
