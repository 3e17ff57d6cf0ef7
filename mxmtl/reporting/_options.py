"""What reports and sheets are told; loads no MXNet, so that help is shown at once."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from dataclasses import dataclass

from .._options import Options, option


@dataclass(frozen=True)
class SheetOptions(Options):
    """Which records a sheet shows."""

    count: int = option(24, "number of examples", low=0)
    seed: int = option(0, "which examples", low=0)


@dataclass(frozen=True)
class ReportOptions(Options):
    """How much a report about runs shows."""

    mistakes: int = option(12, "worst mistakes a task", low=0, metavar="N")
    single_tasks: bool = option(
        False, "add the gain against each run's single tasks, of mxmtl train --single-tasks"
    )
    bootstrap: int = option(200, "draws for confidence intervals; 0: none", low=0, metavar="N")
