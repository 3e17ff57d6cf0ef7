"""``mxmtl verify``: check every record, name the damaged ones, keep the good ones."""

from __future__ import annotations

import argparse

from .. import data

EXAMPLE = "mxmtl verify data/train --repair data/good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = (
        "Check every record: its frame, checksum, label and image, the index and the manifest. "
        "Exit code 0: nothing is damaged; 1: something is, and each is named on a line; 3: the "
        "same, and the sound records were written to the prefix of --repair."
    )
    parser.add_argument("prefix", help="records, without .rec")
    parser.add_argument("--tasks", help="a .tasks.json file, where none stands beside the records")
    parser.add_argument("--repair", metavar="PREFIX", help="write the sound records there")
    parser.add_argument("--force", action="store_true", help="replace files of that prefix")
    parser.add_argument("--workers", type=int, default=0, help="threads; 0 is one for each core")


def run(arguments: argparse.Namespace) -> int:
    """Check, print what was found, and say by the exit code whether all is well."""
    common = {"tasks": arguments.tasks, "workers": arguments.workers}
    if arguments.repair is None:
        found = data.verify_records(arguments.prefix, **common)
        print(found)
        return 1 if found.damage else 0
    found, summary = data.repair_records(
        arguments.prefix, arguments.repair, force=arguments.force, **common
    )
    print(found)
    print(summary)
    return 3 if found.damage else 0
