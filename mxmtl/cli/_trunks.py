"""``mxmtl trunks``: the trunks that have a name, and whose trained weights fit them."""

from __future__ import annotations

import argparse
import sys

from .._table import Cell, Table
from ..nets import TRUNKS, meant

EXAMPLE = "mxmtl trunks resnet"
DESCRIPTION = """\
List the trunks (backbones) that mxmtl train --trunk knows: their size, and what weights fit.

"imagenet" is --weights imagenet: the package in brackets. Names after torchvision and timm are the
networks of those libraries whose files (.pth, .safetensors) --weights takes as they are, with the
mean and std of the pixels that they expect. Every trunk takes MXNet's own .params. GluonCV's trunks
are known too, once it is installed:

    pip install "mxmtl[gluoncv]" && pip install --no-deps gluoncv==0.10.5.post0
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("part", nargs="?", default="", help="only names with this in them")


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    rows = []
    for name, trunk in TRUNKS.items():
        fits = [f"imagenet ({trunk.package})"] if trunk.package else []
        fits += [f"{library} {theirs}" for library, theirs in trunk.fits.items()]
        if arguments.part in name or any(arguments.part in theirs for theirs in fits):
            size = Cell(trunk.millions, f"{trunk.millions:.1f}")
            rows.append([name, size, trunk.features, ", ".join(fits) or None])
    if not rows:
        print(
            f"mxmtl trunks: none has {arguments.part!r}. {meant(arguments.part)}", file=sys.stderr
        )
        return 2
    print(Table("", ["trunk", "million weights", "features", "weights that fit"], rows).text())
    return 0
