"""``mxmtl evaluate``: how good a trained network is on records."""

from __future__ import annotations

import argparse
import functools

from .. import evaluation, model
from ._arguments import add_options, given
from ._model_options import add_model_options, check_output, model_of, running

BOOTSTRAP = 200  # draws: intervals are wanted of what is read once
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
    add_model_options(parser)
    parser.add_argument(
        "--format", choices=evaluation.FORMATS, help="of what is printed or written (text)"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="write a .txt, .md, .json or .csv file instead"
    )
    parser.add_argument(
        "--single-tasks", action="store_true",
        help="add the gain against the run's single tasks, of mxmtl train --single-tasks (delta_m)",
    )  # fmt: skip
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    add_options(parser, model.PredictOptions, only=("safe_cells",))
    add_options(parser, evaluation.EvaluateOptions, bootstrap=BOOTSTRAP)


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, and print or write the tables."""
    options = {"bootstrap": BOOTSTRAP, **given(arguments, evaluation.EvaluateOptions)}
    safe = getattr(arguments, "safe_cells", False)
    check_output(arguments.output, arguments.force)
    if arguments.output:
        evaluation.form_of(arguments.output, arguments.format)
    more = {"progress": True, **running(arguments)}
    made = evaluation.evaluate(model_of(arguments), arguments.records, **more, **options)
    if arguments.single_tasks:
        one = functools.partial(evaluation.evaluate, records=arguments.records, **more)
        made = evaluation.with_gains(made, arguments.model, one)
    if arguments.output:
        made.save(arguments.output, arguments.format, safe_cells=safe)
        print(f"{arguments.output}: {len(made.values)} values")
    else:
        print(made.text(arguments.format or "text", safe))
    return 3 if made.skipped else 0
