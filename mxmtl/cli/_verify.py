"""``mxmtl verify``: check every record, name the damaged ones, keep the good ones."""

from __future__ import annotations

import argparse
import sys

from .. import data
from ._arguments import add_options, given

EXAMPLE = "mxmtl verify data/train --repair data/good"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = (
        "Check every record: its frame, checksum, label and image, the index and the manifest. "
        "Exit code 0: nothing is damaged; 1: something is, and each is named on a line; 3: the "
        "same, and the sound records were written to the prefix of --repair."
    )
    parser.add_argument("prefix", help="records, without .rec")
    parser.add_argument("--repair", metavar="PREFIX", help="write the sound records there")
    add_options(parser, data.RepairOptions)


def run(arguments: argparse.Namespace) -> int:
    """Check, print what was found, and say by the exit code whether all is well."""
    if arguments.repair is None:
        found = data.verify_records(arguments.prefix, **given(arguments, data.VerifyOptions))
        print(found)
        if found.damage:
            print(f"mxmtl verify: {arguments.prefix} is damaged.", file=sys.stderr)
        return 1 if found.damage else 0
    options = given(arguments, data.RepairOptions)
    found, summary = data.repair_records(arguments.prefix, arguments.repair, **options)
    print(found)
    print(summary)
    return 3 if found.damage else 0
