"""The reference of metrics, made from the classes: ``python tools/metrics_table.py``."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from mxmtl import Task
from mxmtl.metrics import Metric

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
MARK = "<!-- What follows is written by tools/metrics_table.py from the classes. -->\n"


def markdown() -> str:
    """Return the page: what people wrote up to the mark, and an entry for each metric."""
    head, mark, _ = PAGE.read_text("utf-8").partition(MARK)
    return f"{head}{mark}\n" + "\n".join(
        entry(name, cls) for name, cls in sorted(Metric.types.items())
    )


def entry(name: str, cls: Any) -> str:
    """Return what the page says of one metric."""
    summary = (inspect.getdoc(cls) or "").split("\n")[0].replace("``", "`")
    kinds = getattr(cls, "averages", None) or getattr(cls, "kinds", None)
    better = {True: "higher", False: "lower", None: "-"}[getattr(cls, "higher_is_better", None)]
    if not hasattr(cls, "higher_is_better"):
        better = "as its metrics"
    rows = {
        "class": f"`mxmtl.metrics.{cls.__name__}`",
        "tasks": ", ".join(types_of(kinds)) if kinds else "several",
        "formula": f"`{cls.formula}`",
        "averages": "; ".join(averages(cls)),
        "undefined": cls.undefined,
        "better": better,
        "compare": cls.source,
    }
    lines = [f"| {key} | {escaped(value)} |" for key, value in rows.items() if value != "-"]
    return "\n".join([f"## {name}", "", summary, "", "| | |", "|---|---|", *lines, ""])


def escaped(text: str) -> str:
    """Return a text as a cell of a table has it."""
    return text.replace("|", "\\|")


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
    PAGE.write_text(markdown(), encoding="utf-8")
