"""``mxmtl runs``: what runs reached, and in what they differ."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable

from .. import model, training
from ._arguments import add_options

EXAMPLE = "mxmtl runs runs"
DESCRIPTION = """\
List runs: how many epochs are finished, which was best, its monitored value, and the settings in
which the runs differ. A folder is a run, or has runs in it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("folders", nargs="+", metavar="FOLDER", help="runs, or folders of runs")
    parser.add_argument("--format", choices=("text", "md", "csv"), default="text", help="(text)")
    add_options(parser, model.PredictOptions, only=("safe_cells",))


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    table = training.runs_table(training.find_runs(arguments.folders))
    safe = functools.partial(table.csv, getattr(arguments, "safe_cells", False))
    forms: dict[str, Callable[[], str]] = {
        "text": table.text, "md": table.markdown, "csv": safe,
    }  # fmt: skip
    print(forms[arguments.format]().rstrip("\n"))
    return 0
