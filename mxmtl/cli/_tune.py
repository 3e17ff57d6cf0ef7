"""``mxmtl tune``: thresholds and temperatures, chosen on validation records."""

from __future__ import annotations

import argparse

from .. import evaluation, training
from . import _model_options as options

EXAMPLE = "mxmtl tune runs/first data/val --objective f1"
DESCRIPTION = """\
Choose on validation records, and save in the run's model.json: for each task a temperature, which
divides its logits so that probabilities say how often they are right, and for each label of binary
and multi-label tasks the threshold that serves the objective best. mxmtl evaluate and mxmtl predict
apply them.

Evaluate on other records: on these the thresholds look better than they are. Run it again for
another objective for some of the tasks (--task); it replaces what they had.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("run", help="run folder")
    parser.add_argument("records", nargs="+", help="labelled records, without .rec")
    parser.add_argument(
        "--objective",
        default="f1",
        help="f1, youden, precision@recall=0.9 (highest precision at such a recall) or "
        "recall@precision=0.9 (f1)",
    )
    parser.add_argument("--task", action="append", default=[], help="only this; may be repeated")
    parser.add_argument("--no-temperature", action="store_true", help="leave probabilities alone")
    parser.add_argument("--no-thresholds", action="store_true", help="leave thresholds at 0.5")
    parser.add_argument(
        "--min-labels", type=int, default=20, help="labels that a choice needs (20)"
    )
    options.add_run_options(parser.add_argument_group("model"))


def run(arguments: argparse.Namespace) -> int:
    """Tune, and print what was chosen."""
    tuning = evaluation.tune(
        arguments.run,
        arguments.records,
        which=arguments.which,
        options=evaluation.TuneOptions(
            arguments.objective,
            arguments.task,
            not arguments.no_temperature,
            not arguments.no_thresholds,
            arguments.min_labels,
        ),
        ctx=training.devices(arguments.gpus)[0],
        batch_size=arguments.batch_size,
        threads=arguments.threads,
        progress=True,
    )
    print(tuning)
    return 0
