"""``mxmtl launch``: a command as workers of MXNet's parameter server."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path

from .. import distributed

EXAMPLE = "mxmtl launch -n 2 -- mxmtl train data/train --val data/val --run runs/first"
DESCRIPTION = """\
Run a command as several workers, with a scheduler and servers of MXNet's parameter server
(ps-lite) beside them, on this machine or over ssh.

Lines of output begin with [worker 0]; a folder of logs gets a file for each process. If one
process dies all are ended within seconds, and its last lines are shown. Ctrl-C makes the workers
save and end; once more ends them at once. ps-lite encrypts nothing and trusts everyone who
reaches its ports: use it on this machine or in a network of your own.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("-n", "--workers", type=int, required=True, help="how many workers")
    parser.add_argument(
        "-s", "--servers", type=int, default=0, help="how many servers (one for each host)"
    )
    parser.add_argument(
        "--hosts",
        metavar="FILE",
        help="machines, one a line: HOST [slots=N] [address=A]; this one without it",
    )
    parser.add_argument("--address", default="", help="where the hosts reach this machine")
    parser.add_argument("--port", type=int, default=0, help="of the scheduler; 0 is a free one")
    parser.add_argument(
        "--ssh",
        type=shlex.split,
        default=distributed.Launch.ssh,
        help="instead of ssh: takes HOST and LINE",
    )
    parser.add_argument("--python", default=sys.executable, help="Python on the hosts")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME", help="variable to send to the hosts"
    )
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
    logs = Path(arguments.logs or time.strftime("launch-logs/%Y%m%d-%H%M%S"))
    if logs.is_dir() and any(logs.iterdir()) and not arguments.force:
        raise FileExistsError(f"{logs} holds files. Choose another folder, or add --force.")
    what = distributed.Launch(
        command,
        arguments.workers,
        arguments.servers,
        distributed.read_hosts(arguments.hosts) if arguments.hosts else (),
        arguments.address,
        arguments.port,
        arguments.ssh,
        arguments.python,
        arguments.env,
    )
    return distributed.launch(what, logs)
