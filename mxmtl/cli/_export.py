"""``mxmtl export``: a trained model as a file for others."""

from __future__ import annotations

import argparse

from .. import export
from ._model_options import add_file_options, model_of

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
    parser.add_argument(
        "--format", choices=export.FORMATS, help="onnx by default, mxnet with --int8"
    )
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint")
    parser.add_argument(
        "--records",
        help="to compare on; by default drawn images, or the records of --int8",
    )
    parser.add_argument(
        "--int8", metavar="RECORDS", help="write it in 8 bits; records to see its values on"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    group = parser.add_argument_group("ONNX")
    group.add_argument(
        "--preprocessing",
        choices=export.PLACES,
        default="inside",
        help="inside: the file takes pixels, uint8 NHWC; outside: float32 NCHW, scaled already",
    )
    group.add_argument(
        "--reader",
        action="store_true",
        help="put onnx_predictor.py beside it, which reads it without mxmtl",
    )
    group.add_argument("--license", help="kept in the file")
    group.add_argument("--description", help="kept in the file")
    add_file_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Export, and print what was written and how well it agrees."""
    metadata = {name: getattr(arguments, name) for name in ("license", "description")}
    options = export.ExportOptions(
        format=arguments.format or ("onnx" if arguments.int8 is None else "mxnet"),
        preprocessing=arguments.preprocessing,
        records=arguments.records,
        int8=arguments.int8,
        reader=arguments.reader,
        metadata={name: text for name, text in metadata.items() if text},
        force=arguments.force,
    )
    print(export.export_model(model_of(arguments), arguments.output, options))
    return 0
