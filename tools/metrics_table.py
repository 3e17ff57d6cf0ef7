"""The README's table of metrics, made from the classes: ``python tools/metrics_table.py``."""

from __future__ import annotations

import inspect
from typing import Any

from mxmtl import Task
from mxmtl.metrics import Metric

HEAD = """## Metrics

Every metric is made from a task and named `<task>/<metric>`, or `<task>/<metric>/<class>` with
`average="none"`. Labels that are missing are left out; where nothing is labelled the value is nan,
and where it is undefined otherwise the table says what it is. The first average is the default.

The label of a `class` task is one of several, that of `cells` (binary and multi-label) a row of
yes and no: a cell is predicted positive if its probability is above `threshold` (0.5, or one a
label). tp, fp, fn and tn are the counts of a class, seen against the rest, or of a label.

Averages: `macro` is the mean over classes or labels, `micro` takes all cells together, `weighted`
is the mean weighted by the number of positive labels, `samples` the mean over rows, and `none`
gives one value each. What is nan is left out of a mean.

`mxmtl.metrics.Suite` computes what metrics share once a batch, and `mxmtl.metrics.Bootstrap` gives
any of them a confidence interval.

| metric | value | task types | averages | formula | undefined | better | source |
| --- | --- | --- | --- | --- | --- | --- | --- |
"""


def markdown() -> str:
    """Return the section of the README."""
    return HEAD + "".join(row(name, cls) for name, cls in sorted(Metric.types.items()))


def row(name: str, cls: Any) -> str:
    """Return the line of one metric."""
    summary = (inspect.getdoc(cls) or "").split("\n")[0]
    kinds = getattr(cls, "averages", None) or getattr(cls, "kinds", None)
    better = {True: "higher", False: "lower", None: "-"}[getattr(cls, "higher_is_better", None)]
    if not hasattr(cls, "higher_is_better"):
        better = "as its metrics"
    cells = [
        f"`{cls.__name__}`<br>`{name}`",
        summary,
        "<br>".join(types_of(kinds)) if kinds else "several tasks",
        "<br>".join(averages(cls)),
        f"`{cls.formula}`",
        cls.undefined,
        better,
        cls.source,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def types_of(kinds: Any) -> list[str]:
    """Return mxmtl's own types of task of these kinds."""
    own = (cls for cls in Task.types.values() if cls.__module__.startswith("mxmtl."))
    return sorted(cls.__name__ for cls in own if cls.kind in kinds)


def averages(cls: Any) -> list[str]:
    """Return the averages of each kind of task, on one line where they are the same."""
    found = {kind: ", ".join(names) for kind, names in getattr(cls, "averages", {}).items()}
    texts = sorted(set(found.values()) - {""})
    if not texts:
        return ["-"]
    if len(set(found.values())) == 1:
        return texts
    return [f"{kind}: {names or '-'}" for kind, names in found.items()]


if __name__ == "__main__":
    print(markdown(), end="")
