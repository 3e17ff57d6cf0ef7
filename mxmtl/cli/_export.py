"""``mxmtl export``: a trained model as a file for others."""

from __future__ import annotations

import argparse

from .. import export, model
from ._arguments import add_options, given, group_of
from ._model_options import model_of

EXAMPLE = "mxmtl export runs/first -o model.onnx --records data/val"
DESCRIPTION = """\
Write a trained model as an ONNX file, as MXNet's files without training, or for a Gluon
SymbolBlock. It is compared with MXNet on images first: if a prediction differs by more than 1e-4,
or if ONNX has no counterpart of an operator, nothing is written. --int8 writes MXNet's files of a
network that computes in 8 bits on the CPU, and prints metrics and speed as it is and in 8 bits.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("model", help="run folder, or prefix of MXNet's files")
    parser.add_argument("-o", "--output", required=True, help="the .onnx file; else a prefix")
    add_options(parser, model.RunOptions, only=("which",))
    add_options(parser, export.ExportOptions)
    for name in ("license", "description"):
        group_of(parser, "ONNX").add_argument(f"--{name}", help="kept in the file")
    add_options(parser, model.BareOptions)


def run(arguments: argparse.Namespace) -> int:
    """Export, and print what was written and how well it agrees."""
    chosen = given(arguments, export.ExportOptions)
    facts = {name: getattr(arguments, name) for name in ("license", "description")}
    chosen["metadata"] = {name: text for name, text in facts.items() if text}
    if "int8" in chosen:
        chosen.setdefault("format", "mxnet")
    options = export.ExportOptions(**chosen)
    print(export.export_model(model_of(arguments), arguments.output, options))
    return 0
