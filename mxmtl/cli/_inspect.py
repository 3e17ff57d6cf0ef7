"""``mxmtl inspect``: what is in records."""

from __future__ import annotations

import argparse

from .. import data, reporting
from ._model_options import check_output

EXAMPLE = "mxmtl inspect data/train --sheet sheet.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("prefix", help="records, without .rec")
    parser.add_argument("--tasks", help="a .tasks.json file, where none stands beside the records")
    parser.add_argument(
        "--sheet", help="write examples with their labels: .html, .png, .svg or .pdf"
    )
    parser.add_argument("--count", type=int, default=24, help="number of examples (24)")
    parser.add_argument("--seed", type=int, default=0, help="which examples")
    parser.add_argument("--force", action="store_true", help="replace a sheet that is there")
    parser.add_argument("--measure", type=int, default=10000, help="images to look at (10000)")


def run(arguments: argparse.Namespace) -> int:
    """Print tables, and write the sheet if one is asked for."""
    check_output(arguments.sheet, arguments.force)
    if arguments.sheet is not None:
        reporting.check_sheet(arguments.sheet, arguments.count)
    inspection = data.inspect_records(
        arguments.prefix, tasks=arguments.tasks, measure=arguments.measure
    )
    print(inspection)
    if arguments.sheet is not None:
        reporting.write_sheet(
            inspection, arguments.sheet, count=arguments.count, seed=arguments.seed
        )
    return 0
