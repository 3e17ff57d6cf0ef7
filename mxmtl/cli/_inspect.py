"""``mxmtl inspect``: what is in records."""

from __future__ import annotations

import argparse

from .. import data, reporting
from ._arguments import add_options, given
from ._model_options import check_output

EXAMPLE = "mxmtl inspect data/train --sheet sheet.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("prefix", help="records, without .rec")
    add_options(parser, data.InspectOptions)
    parser.add_argument(
        "--sheet", help="write examples with their labels: .html, .png, .svg or .pdf"
    )
    add_options(parser, reporting.SheetOptions)
    parser.add_argument("--force", action="store_true", help="replace a sheet that is there")


def run(arguments: argparse.Namespace) -> int:
    """Print tables, and write the sheet if one is asked for."""
    check_output(arguments.sheet, arguments.force)
    if arguments.sheet is not None:
        reporting.check_sheet(arguments.sheet)
    inspection = data.inspect_records(arguments.prefix, **given(arguments, data.InspectOptions))
    print(inspection)
    if arguments.sheet is not None:
        shown = given(arguments, reporting.SheetOptions)
        reporting.write_sheet(inspection, arguments.sheet, **shown)
    return 0
