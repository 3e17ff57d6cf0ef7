"""The reference of metrics, made from the classes: ``python tools/metrics_table.py``."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

from mxmtl import Task
from mxmtl.metrics import Metric

PAGE = Path(__file__).parents[1] / "docs" / "metrics.md"
HEAD = """# Metrics

<!-- Written by tools/metrics_table.py from the classes. -->

Every metric is made from a task and named `<task>/<metric>`, or `<task>/<metric>/<class>` with
`average="none"`. Missing labels are left out. Where nothing is labelled the value is nan; where it
is undefined otherwise, the entry says what it is.

| you want to know | look at |
|---|---|
| whether anything was learned | `relative_loss` below 1; `accuracy` above `baseline_accuracy` |
| classes that are not equally frequent | `balanced_accuracy`, `f1`, `average="none"` |
| labels of which few hold | `average_precision`, `f1` |
| whether probabilities can be believed | `calibration_error`, `brier_score` |
| classes with an order | `quadratic_kappa`, `class_mae` |
| numbers | `mae`, `rmse`, `r2_score` |
| several tasks at once | `mean_over_tasks`, `worst_task`, `delta_m` |

```python
tasks = mxmtl.TaskSet([mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"])])
suite = mxmtl.metrics.Suite(tasks, [
    mxmtl.metrics.Accuracy(tasks["breed"]),
    mxmtl.metrics.F1(tasks["breed"], average="none"),
])
suite.update([mx.nd.array([0, 2, -1])], [mx.nd.array([[.8, .1, .1], [.2, .2, .6], [.3, .3, .4]])])
print(dict(suite.get_name_value())["breed/accuracy"])  # of two labels: the third is missing
```

A `Suite` computes what metrics share once a batch, and `mxmtl.metrics.Bootstrap` gives any of them
a confidence interval. A metric over any split of a stream, over several devices too, is the metric
over the whole.

**Averages.** `macro` is the mean over classes or labels, `micro` takes all cells together,
`weighted` is the mean weighted by the number of positive labels, `samples` the mean over rows, and
`none` gives one value each. What is nan is left out of a mean. The first of a list is the default.

**Words.** The label of a `class` task is one of several; that of `cells` (binary and multi-label)
is a row of yes and no. A cell is predicted positive if its probability is above `threshold` (0.5,
or one a label). tp, fp, fn and tn are the counts of a class, seen against the rest, or of a label.

"""


def markdown() -> str:
    """Return the page."""
    return HEAD + "\n".join(entry(name, cls) for name, cls in sorted(Metric.types.items()))


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
