"""``mxmtl launch``: a command as workers of MXNet's parameter server."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from .. import distributed
from ._arguments import add_options, given, read_options

EXAMPLE = "mxmtl launch -n 2 -- mxmtl train data/train --val data/val --run runs/first"
DESCRIPTION = """\
Run a command as several workers, with a scheduler and servers of MXNet's parameter server
(ps-lite) beside them, on this machine or, started once on each, on several.

Lines of output begin with [worker 0]; a folder of logs gets a file for each process. If one
process dies all are ended within seconds, and its last lines are shown. Ctrl-C makes the workers
save and end; once more ends them at once. ps-lite encrypts nothing and trusts everyone who
reaches its ports: use it on this machine or in a network of your own.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    add_options(parser, distributed.Launch, **distributed.Launch.environment())
    parser.add_argument("--logs", metavar="FOLDER", help="folder for logs (launch-logs/TIME)")
    parser.add_argument("--force", action="store_true", help="write into a folder that has files")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="-- COMMAND", help="what each worker runs"
    )


def run(arguments: argparse.Namespace) -> int:
    """Launch; return the exit code."""
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        print("mxmtl launch: expected a command after --.", file=sys.stderr)
        return 2
    told = read_options(distributed.Launch, distributed.Launch.environment())
    told.update(given(arguments, distributed.Launch), command=command)
    what = distributed.Launch(**told)
    logs = Path(arguments.logs or time.strftime("launch-logs/%Y%m%d-%H%M%S"))
    if what.nnodes > 1:
        logs /= f"node-{what.node_rank}"  # the folder may be on a disk that all share
    if logs.is_dir() and any(logs.iterdir()) and not arguments.force:
        raise FileExistsError(f"{logs} holds files. Choose another folder, or add --force.")
    return distributed.launch(what, logs)
