"""What tuning found, as a value that prints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, List, Optional, Tuple

from tabulate import tabulate


@dataclass(frozen=True)
class TunedLabel:
    """One label's threshold.

    Attributes
    ----------
    name : str
        Of the label; of a binary task its own.
    num_labels, num_positive : int
        Known ones, and how many of them are a yes.
    threshold : float
        What was chosen; 0.5 where nothing was.
    before, after : float
        The objective with 0.5, and with the threshold; nan where the bound is not kept.
    note : str
        Why nothing was chosen.
    """

    name: str
    num_labels: int
    num_positive: int
    threshold: float
    before: float
    after: float
    note: str = ""


@dataclass(frozen=True)
class TunedTask:
    """One task: its temperature, and the thresholds of its labels.

    Attributes
    ----------
    name : str
        Of the task.
    num_labels : int
        Known ones.
    temperature : float, optional
        None where none was fitted.
    cross_entropy, calibration_error : (float, float)
        Before, and with the temperature.
    labels : list of TunedLabel
        Empty where there are no thresholds.
    note : str
        Why there is no temperature.
    """

    name: str
    num_labels: int
    temperature: Optional[float]
    cross_entropy: Tuple[float, float]
    calibration_error: Tuple[float, float]
    labels: List[TunedLabel]
    note: str = ""


@dataclass(frozen=True)
class Tuning:
    """What `tune` found and saved. Prints as tables.

    Attributes
    ----------
    tasks : list of TunedTask
        Those that were tuned.
    refused : dict of str to str
        Why the others were not.
    objective : str
        What thresholds were chosen for.
    model, records : str
        Whose they are, and what they were chosen on.
    """

    tasks: List[TunedTask]
    refused: Dict[str, str]
    objective: str
    model: str
    records: str

    @property
    def temperature(self) -> Dict[str, float]:
        """By task."""
        return {t.name: t.temperature for t in self.tasks if t.temperature is not None}

    @property
    def thresholds(self) -> Dict[str, List[float]]:
        """By task, one a label."""
        return {t.name: [each.threshold for each in t.labels] for t in self.tasks if t.labels}

    def __str__(self) -> str:
        blocks = [f"{self.model} on {self.records}", self._temperatures()]
        blocks += [self._thresholds(task) for task in self.tasks if task.labels]
        blocks += ["\n".join(f"{name}: {why}" for name, why in self.refused.items())]
        return "\n\n".join(block for block in blocks if block)

    def _temperatures(self) -> str:
        rows = [
            [
                task.name,
                task.num_labels,
                "" if task.temperature is None else f"{task.temperature:.4f}",
                *(f"{value:.4f}" for value in (*task.cross_entropy, *task.calibration_error)),
                task.note,
            ]
            for task in self.tasks
        ]
        headers = ["task", "labels", "temperature", "cross-entropy", "after", "calibration error"]
        return grid([*headers, "after", ""], rows) if rows else ""

    def _thresholds(self, task: TunedTask) -> str:
        rows = [
            [
                each.name, each.num_labels, each.num_positive, f"{each.threshold:.4f}",
                number(each.before), number(each.after), each.note,
            ]
            for each in task.labels
        ]  # fmt: skip
        headers = [task.name, "labels", "yes", "threshold", f"{self.objective} at 0.5", "after", ""]
        return grid(headers, rows)


def grid(headers: List[str], rows: List[List[object]]) -> str:
    """Return a table; names and notes to the left, numbers to the right."""
    align = ["left", *["right"] * (len(headers) - 2), "left"]
    if not any(row[-1] for row in rows):
        headers, rows, align = headers[:-1], [row[:-1] for row in rows], align[:-1]
    return tabulate(rows, headers, colalign=align, disable_numparse=True)


def number(value: float) -> str:
    """Return four decimals; a dash where there is no value."""
    return "-" if value != value else f"{value:.4f}"
