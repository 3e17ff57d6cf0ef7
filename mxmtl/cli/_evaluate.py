"""``mxmtl evaluate``: how good a trained network is on records."""

from __future__ import annotations

import argparse

from .. import evaluation, training
from . import _model_options as options

EXAMPLE = "mxmtl evaluate runs/first data/val -o evaluation.md"
DESCRIPTION = """\
Measure a trained network on labelled records: all metrics of each task, of each class or label,
and over all tasks, with the number of labels behind each and confidence intervals.

The model's temperatures and thresholds (see mxmtl tune) are applied, and named; without them a
label holds where its probability is above 0.5.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("model", metavar="RUN", help="run folder, or prefix of MXNet's files")
    parser.add_argument("records", nargs="+", help="labelled records, without .rec")
    options.add_model_options(parser)
    parser.add_argument(
        "--on-error", choices=("raise", "skip"), default="raise",
        help="a damaged record stops it, or is left out (exit code 3)",
    )  # fmt: skip
    parser.add_argument(
        "--format", choices=evaluation.FORMATS, help="of what is printed or written (text)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a .txt, .md, .json or .csv file instead"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    group = parser.add_argument_group("confidence intervals")
    group.add_argument(
        "--bootstrap", type=int, default=200, metavar="N", help="draws; 0: none (200)"
    )
    group.add_argument("--level", type=float, default=0.95, help="share of draws inside (0.95)")
    group.add_argument("--seed", type=int, default=0, help="of the draws")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print or write the tables."""
    options.check_output(arguments.output, arguments.force)
    if arguments.output:
        evaluation.form_of(arguments.output, arguments.format)
    made = evaluation.evaluate(
        options.model_of(arguments),
        arguments.records,
        bootstrap=arguments.bootstrap,
        level=arguments.level,
        seed=arguments.seed,
        ctx=training.devices(arguments.gpus)[0],
        batch_size=arguments.batch_size,
        threads=arguments.threads,
        on_error=arguments.on_error,
        progress=True,
    )
    if arguments.output:
        made.save(arguments.output, arguments.format)
        print(f"{arguments.output}: {len(made.values)} values")
    else:
        print(made.text(arguments.format or "text"))
    return 3 if made.skipped else 0
