"""What a table suggests: the tasks, what is left out of them, and what to look at before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._table import filled
from ...tasks import TaskSet
from ._advice import in_python

SHOWN = 8  # names on a line
WIDTH = 20  # cells of a terminal that a name takes, or more
MANY = 1024  # labels of a record, from which on their size is told


@dataclass(frozen=True)
class Inference:
    """Tasks that a table suggests, to be looked at before they are used.

    Attributes
    ----------
    tasks : TaskSet
        The proposal.
    num_rows : int
        Rows of the table.
    labelled : dict
        {task: labels that are known}, of the ``num_rows * label_width`` that there are.
    left_out : dict
        {column: reason} of columns that suggest no task.
    notes : dict
        {task: what to look at before the proposal is taken}.
    doubts : dict
        {task or column: what has to be answered before, and how}.
    counts : dict
        {task: {class or label: rows that have it}}.
    """

    tasks: TaskSet
    num_rows: int
    labelled: Mapping[str, int]
    left_out: Mapping[str, str]
    notes: Mapping[str, str] = field(default_factory=dict)
    doubts: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __str__(self) -> str:
        text = self.text()
        return "\n".join(filter(None, (text, in_python(text))))

    def text(self) -> str:
        """Return the proposal for a terminal, whose user gives options to ``mxmtl convert``."""
        lines = []
        for task in self.tasks:
            share = 100 * (1 - self.labelled[task.name] / (self.num_rows * task.label_width))
            counts = self.counts.get(task.name, {})
            named = [f"{name} ({counts[name]})" if name in counts else name for name in task.names]
            names = ", ".join(named[:SHOWN]) + (", ..." if len(named) > SHOWN else "")
            count = f"{len(task.names)}: " if task.names else ""
            name, kind = filled(task.name, WIDTH), type(task).__name__
            lines.append(f"{name} {kind:<11} {share:5.1f}% missing  {count}{names}")
        for what, said in (("note", self.notes), ("left out", self.left_out)):
            new = {
                name: text for name, text in said.items() if text not in self.doubts.get(name, "")
            }
            lines += [f"{filled(name, WIDTH)} {what}: {text}" for name, text in new.items()]
        lines += [f"{filled(name, WIDTH)} doubt: {doubt}" for name, doubt in self.doubts.items()]
        if self.tasks.label_width >= MANY:
            lines.append(self.size())
        return "\n".join(line.rstrip() for line in lines)

    def size(self) -> str:
        """Say how large the labels will be."""
        width = 4 * self.tasks.label_width
        total = width * self.num_rows
        return (
            f"labels take {width / 1e3:.1f} KB a record, {total / 1e9:.2f} GB in all; "
            "--labels NUMBER takes those that so many rows have, --labels NAME,... the named ones"
        )
