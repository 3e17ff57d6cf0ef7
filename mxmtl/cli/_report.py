"""``mxmtl report``: runs as one page to look at."""

from __future__ import annotations

import argparse
import logging

from .. import reporting, training

EXAMPLE = "mxmtl report runs/first --records data/val -o report.html"
DESCRIPTION = """\
Evaluate one run or several on records, and write what there is to look at: settings, data, learning
curves, metrics, confusion matrices, curves, thresholds, the worst mistakes as images, the network.

An .html file is one page that needs no network; .md has the tables, .json all figures.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, side by side")
    parser.add_argument(
        "--records", nargs="+", metavar="PREFIX",
        help="labelled records, without .rec (what the first run was validated on)",
    )  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="what to write")
    parser.add_argument(
        "--format", default="", choices=("html", "md", "json"), help="by the ending"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    parser.add_argument(
        "--which", choices=("best", "last"), default="best", help="checkpoint (best)"
    )
    parser.add_argument(
        "--mistakes", type=int, default=12, metavar="N", help="worst mistakes a task (12)"
    )
    parser.add_argument(
        "--bootstrap", type=int, default=200, metavar="N",
        help="draws for confidence intervals; 0: none (200)",
    )  # fmt: skip
    group = parser.add_argument_group("how it runs")
    group.add_argument("--gpus", default="", metavar="N", help="GPU (the first that works, or CPU)")
    group.add_argument("--batch-size", type=int, default=32, help="images at once (32)")
    group.add_argument("--threads", type=int, default=0, help="that decode; 0 is one for each core")
    group.add_argument(
        "--on-error", choices=("raise", "skip"), default="raise",
        help="a damaged record stops it, or is left out (exit code 3)",
    )  # fmt: skip


def run(arguments: argparse.Namespace) -> int:
    """Write the report."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    reporting.check_output(arguments.output, arguments.format, force=arguments.force)
    made = reporting.report_runs(
        arguments.runs,
        arguments.records,
        which=arguments.which,
        mistakes=arguments.mistakes,
        bootstrap=arguments.bootstrap,
        ctx=training.devices(arguments.gpus)[0],
        batch_size=arguments.batch_size,
        threads=arguments.threads,
        on_error=arguments.on_error,
        progress=True,
    )
    made.save(arguments.output, form=arguments.format, force=arguments.force)
    first = made.facts["runs"][0]
    count = first["evaluated"]["records"]
    runs = f"{len(arguments.runs)} run{'s' if len(arguments.runs) > 1 else ''}"
    print(f"{arguments.output}: {runs} on {count} records")
    return 3 if first["skipped"] else 0
