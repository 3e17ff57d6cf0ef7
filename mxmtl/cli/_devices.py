"""``mxmtl devices``: what is there, and what is used."""

from __future__ import annotations

import argparse

EXAMPLE = "mxmtl devices"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: it has no options."""


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    from .._devices import describe_devices  # it needs MXNet, which help does not

    rows = describe_devices()
    width = max(len(what) for what, _ in rows)
    for what, text in rows:
        print(f"{what:<{width}}  {text}")
    return 0
