"""``mxmtl train``: records in, a run folder out."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from .. import distributed, training
from ._arguments import add_options, given

EXAMPLE = "mxmtl train data/train --val data/val --run runs/first --epochs 5"
DESCRIPTION = """\
Train a network with one head a task on records, through MXNet's own Module.fit.

The run folder gets MXNet's files (model-symbol.json, model-0001.params, ...), model.json with the
tasks and the preprocessing, settings.json, and beside each checkpoint a JSON with what is needed
to go on from it. Ctrl-C stops after the batch and saves; mxmtl train --resume RUN goes on, and
ends with the same weights as a run that was not stopped. A finished run trains on with --epochs
over what it had: a new part, with a schedule of its own.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: one option for each field of `Settings`."""
    parser.description = DESCRIPTION
    parser.add_argument("train", nargs="*", help="records to train on, without .rec")
    parser.add_argument("--val", action="append", help="records to validate on; may be repeated")
    parser.add_argument("--run", help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace a run that is there")
    parser.add_argument(
        "--single-tasks", action="store_true",
        help="then train each task alone, too, to compare with: RUN/single_tasks/TASK",
    )  # fmt: skip
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    parser.add_argument(
        "--find-lr",
        metavar="FILE",
        help="only try growing learning rates, print a suggestion, and write the curve as a .csv",
    )
    add_options(parser, training.Settings)


def run(arguments: argparse.Namespace) -> int:
    """Train, or go on training."""
    chosen = given(arguments, training.Settings)
    training.Settings.of(chosen)  # what is wrong by itself is said before MXNet is loaded
    if arguments.find_lr:
        unused = [name for name in ("resume", "run", "val") if getattr(arguments, name)]
        if unused:
            named = ", ".join("--" + name for name in unused)
            return wrong(f"--find-lr keeps nothing, and tries training records alone: no {named}.")
        if not arguments.train:
            return wrong("expected records to try learning rates on.")
        training.RateFinding.check(arguments.find_lr, arguments.force)
        finding = training.find_lr(one_or_more(arguments.train), **chosen)
        finding.save(arguments.find_lr)
        print(finding)
        return 0
    if arguments.resume:
        if arguments.run or arguments.force or arguments.single_tasks:
            return wrong("--resume RUN goes on in RUN: no --run, --force or --single-tasks.")
        records = one_or_more(arguments.train), one_or_more(arguments.val)
        done = training.resume(arguments.resume, *records, **chosen)
    else:
        if not arguments.train or not arguments.run:
            lacks = (
                "--run FOLDER" if arguments.train else "the records to train on, and --run FOLDER"
            )
            return wrong(f"{lacks} is missing; or --resume RUN, to go on with a run.")
        done = _fit(arguments, chosen)
    if distributed.workers().leads:
        print(f"{done.folder}: best {done.best.stem}, last {done.last.stem}")
        if arguments.single_tasks:
            print(
                "what is gained by learning tasks together: "
                f"mxmtl evaluate {done.folder} RECORDS --single-tasks"
            )
        if done.doubt:
            print(done.doubt)
    return 0


def _fit(arguments: argparse.Namespace, chosen: dict[str, Any]) -> training.Run:
    records = one_or_more(arguments.train), one_or_more(arguments.val)
    with training.said_once():
        done = training.fit(*records, run=arguments.run, force=arguments.force, **chosen)
        if arguments.single_tasks:
            training.fit_single_tasks(done, *records, force=arguments.force, **chosen)
    return done


def wrong(text: str) -> int:
    """Say what is wrong with the command line."""
    print(f"mxmtl train: {text} See mxmtl train --help.", file=sys.stderr)
    return 2


def one_or_more(prefixes: Any) -> Any:
    """Return a single prefix as itself."""
    return prefixes[0] if prefixes and len(prefixes) == 1 else prefixes
