"""``mxmtl predict``: a trained network's answers for images."""

from __future__ import annotations

import argparse
import sys

from .. import model, training
from . import _model_options as options

EXAMPLE = "mxmtl predict runs/first photos -o predictions.csv"
DESCRIPTION = """\
Predict images: names of classes, probabilities, and by the model's thresholds (see mxmtl tune)
which labels hold. Images are read as in training, several at once.

An image that cannot be read is named, listed in OUTPUT.skipped.csv, and the rest goes on; the
exit code is 3 then.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument(
        "model", metavar="MODEL", help="run folder, prefix of MXNet's files, or .onnx file"
    )
    parser.add_argument(
        "inputs", nargs="+", metavar="INPUT",
        help="image; folder; list of paths (.txt, .csv, .tsv, .lst); or records, without .rec",
    )  # fmt: skip
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write (standard output)")
    parser.add_argument(
        "--format", choices=("csv", "jsonl", "fashionai"),
        help="jsonl is one JSON object a line; fashionai reads and writes file,TASK_labels,... "
        "(by the ending of FILE, else csv)",
    )  # fmt: skip
    parser.add_argument(
        "--top", type=int, default=0, metavar="K", help="so many of the likeliest classes"
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    lists = parser.add_argument_group("lists")
    lists.add_argument("--images", help="folder that paths begin from (that of the list)")
    lists.add_argument("--path-column", default="path", help="of .csv and .tsv lists (path)")
    options.add_model_options(parser)
    parser.add_argument(
        "--backend", choices=("mxnet", "onnxruntime"), default="mxnet", help="what computes (mxnet)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Predict, and write the answers."""
    options.check_output(arguments.output, arguments.force)
    how = model.PredictOptions(arguments.output, arguments.format, arguments.top, progress=True)
    inputs = model.open_inputs(
        arguments.inputs,
        images=arguments.images,
        path_column=arguments.path_column,
        fashionai=how.form == "fashionai",
    )
    predictor = model.Predictor(
        options.predictable(arguments),
        arguments.which,
        device=training.devices(arguments.gpus)[0],
        backend=arguments.backend,
        batch_size=arguments.batch_size,
        threads=arguments.threads,
    )
    done, skipped = model.predict_inputs(predictor, inputs, how)
    more = f", {skipped} skipped" if skipped else ""
    print(f"{arguments.output or 'predicted'}: {done} images{more}", file=sys.stderr)
    return 3 if skipped else 0
