"""``mxmtl tune``: thresholds and temperatures, chosen on validation records."""

from __future__ import annotations

import argparse

from .. import evaluation, model
from ._arguments import add_options, given
from ._model_options import running

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
    add_options(parser, evaluation.TuneOptions)
    add_options(parser, model.RunOptions)


def run(arguments: argparse.Namespace) -> int:
    """Tune, and print what was chosen."""
    options = evaluation.TuneOptions(**given(arguments, evaluation.TuneOptions))
    which = model.RunOptions(**given(arguments, model.RunOptions)).which
    print(
        evaluation.tune(
            arguments.run, arguments.records, which=which, options=options, progress=True,
            **running(arguments),
        )
    )  # fmt: skip
    return 0
