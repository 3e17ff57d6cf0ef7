"""``mxmtl report``: runs as one page to look at."""

from __future__ import annotations

import argparse
import logging

from .. import evaluation, model, reporting
from ._arguments import add_options, given
from ._model_options import running

EXAMPLE = "mxmtl report runs/first --records data/val -o report.html"
DESCRIPTION = """\
Evaluate one run or several on records, and write what there is to look at: settings, data, learning
curves, metrics, confusion matrices, curves, thresholds, the worst mistakes as images, the network.

An .html file is one page that needs no network; .md has the tables, .json all figures.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("runs", nargs="+", metavar="RUN", help="runs, or folders of runs")
    parser.add_argument(
        "--records", nargs="+", metavar="PREFIX",
        help="labelled records, without .rec (what the first run was validated on)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="what to write")
    parser.add_argument(
        "--format", default="", choices=("html", "md", "json"), help="by the ending"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    add_options(parser, reporting.ReportOptions)
    add_options(parser, evaluation.EvaluateOptions, only=("on_error",))
    add_options(parser, model.RunOptions)


def run(arguments: argparse.Namespace) -> int:
    """Write the report."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    reporting.check_output(arguments.output, arguments.format, force=arguments.force)
    options = given(arguments, reporting.ReportOptions)
    options.update(given(arguments, evaluation.EvaluateOptions))
    made = reporting.report_runs(
        arguments.runs,
        arguments.records,
        which=model.RunOptions(**given(arguments, model.RunOptions)).which,
        progress=True,
        **running(arguments),
        **options,
    )
    made.save(arguments.output, form=arguments.format, force=arguments.force)
    first, *others = made.facts["runs"]
    count = first["evaluated"]["records"]
    runs = f"{1 + len(others)} run{'s' if others else ''}"
    print(f"{arguments.output}: {runs} on {count} records")
    return 3 if first["skipped"] else 0
