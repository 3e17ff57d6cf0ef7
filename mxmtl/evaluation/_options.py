"""What evaluating and tuning are told; loads no MXNet, so that help is shown at once."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import functools
from dataclasses import dataclass

from .._options import Options, option

FORMATS = ("text", "md", "json", "csv")
of_intervals = functools.partial(option, group="confidence intervals")


@dataclass(frozen=True)
class EvaluateOptions(Options):
    """How records are measured."""

    on_error: str = option(
        "raise",
        "a damaged record stops it, or is left out (exit code 3)",
        choices=("raise", "skip"),
    )
    bootstrap: int = of_intervals(0, "draws; 0: none", low=0, metavar="N")
    level: float = of_intervals(0.95, "share of draws inside", low=0, high=1)
    seed: int = of_intervals(0, "of the draws", low=0)


@dataclass(frozen=True)
class TuneOptions(Options):
    """What is tuned, and for what. What tasks that are not named have stays."""

    objective: str = option(
        "f1",
        "f1, youden, precision@recall=0.9 (highest precision at such a recall) or "
        "recall@precision=0.9",
    )
    tasks: tuple[str, ...] = option(
        (), "only this; may be repeated", flag="--task", metavar="TASK", repeat=True
    )
    adjust: float = option(
        0.0,
        "logit adjustment: answer as if classes were equally frequent, by this share of the way; "
        "1 is all of it",
        low=0,
    )
    temperature: bool = option(True, "choose a temperature; 1 without")
    thresholds: bool = option(True, "choose thresholds; 0.5 without")
    min_labels: int = option(20, "a task, or a label, with fewer known ones is left alone", low=0)
