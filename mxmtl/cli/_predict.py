"""``mxmtl predict``: a trained network's answers for images."""

from __future__ import annotations

import argparse
import sys

from .. import data, model, training
from ._arguments import add_options, given
from ._model_options import add_model_options, check_output, predictable

EXAMPLE = "mxmtl predict runs/first photos -o predictions.csv"
DESCRIPTION = """\
Predict images: names of classes, probabilities, and by the model's thresholds (see mxmtl tune)
which labels hold. Images are read as in training, several at once.

An image that cannot be read is named, listed in OUTPUT.skipped.csv, and the rest goes on; the
exit code is 3 then.
"""
READING = ("path_column", "charset", "delimiter", "skip_lines", "header")


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
    add_options(parser, model.PredictOptions)
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    lists = parser.add_argument_group("table")
    lists.add_argument("--images", help="folder that the paths begin from (that of the table)")
    add_options(parser, data.TableOptions, only=READING)
    add_model_options(parser)
    parser.add_argument(
        "--backend", choices=("mxnet", "onnxruntime"), default="mxnet", help="what computes (mxnet)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Predict, and write the answers."""
    how = model.PredictOptions(**given(arguments, model.PredictOptions), progress=True)
    runs = model.RunOptions(**given(arguments, model.RunOptions))
    check_output(how.output, arguments.force)
    inputs = model.open_inputs(
        arguments.inputs,
        images=arguments.images,
        fashionai=how.form == "fashionai",
        **given(arguments, data.TableOptions),
    )
    predictor = model.Predictor(
        predictable(arguments),
        runs.which,
        device=training.devices(runs.gpus)[0],
        backend=arguments.backend,
        batch_size=runs.batch_size,
        threads=runs.threads,
    )
    done, skipped = model.predict_inputs(predictor, inputs, how)
    more = f", {skipped} skipped" if skipped else ""
    print(f"{how.output or 'predicted'}: {done} images{more}", file=sys.stderr)
    return 3 if skipped else 0
