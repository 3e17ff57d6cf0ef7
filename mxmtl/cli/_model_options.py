"""Command line options of the verbs that use a trained network."""

from __future__ import annotations

import argparse
import os
from typing import Any, Optional, Tuple

from .. import model


def add_run_options(group: Any) -> None:
    """Declare which checkpoint, and where it runs."""
    group.add_argument(
        "--which", choices=("best", "last"), default="best", help="checkpoint (best)"
    )
    group.add_argument("--gpus", default="", metavar="N", help="GPU (the first that works, or CPU)")
    group.add_argument("--batch-size", type=int, default=32, help="images at once (32)")
    group.add_argument("--threads", type=int, default=0, help="that decode; 0 is one for each core")


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Declare these, and what MXNet's own files do not tell."""
    add_run_options(parser.add_argument_group("model"))
    add_file_options(parser)


def add_file_options(parser: argparse.ArgumentParser) -> None:
    """Declare what MXNet's own files do not tell."""
    plain = parser.add_argument_group("for MXNet's own files without a model.json")
    plain.add_argument("--tasks", help="a .tasks.json file (PREFIX.tasks.json)")
    plain.add_argument(
        "--data-shape", type=numbers, metavar="C,H,W", help="what images the network takes"
    )
    plain.add_argument("--mean", type=numbers, default=(0.0,), help="one, or one a channel (0)")
    plain.add_argument("--std", type=numbers, default=(1.0,), help="one, or one a channel (1)")
    plain.add_argument("--crop", type=float, default=1.0, help="share of the shorter edge kept (1)")


def model_of(arguments: argparse.Namespace) -> model.Model:
    """Load the network that the command line names."""
    shape: Any = arguments.data_shape
    preprocessing = None
    if shape is not None:
        lengths: Any = tuple(map(int, shape))
        preprocessing = model.Preprocessing(lengths, arguments.mean, arguments.std, arguments.crop)
    return model.load_model(
        arguments.model, arguments.which, tasks=arguments.tasks, preprocessing=preprocessing
    )


def predictable(arguments: argparse.Namespace) -> Any:
    """Return what `Predictor` takes: the model, or the name of an ONNX file."""
    return arguments.model if arguments.model.endswith(".onnx") else model_of(arguments)


def check_output(path: Optional[str], force: bool) -> None:
    """Refuse to replace a file, before anything is computed."""
    if path is not None and os.path.exists(path) and not force:
        raise FileExistsError(f"{path} is there. Choose another name, or add --force.")


def numbers(text: str) -> Tuple[float, ...]:
    """Read ``123.7,116.3,103.5``.

    >>> numbers("3,224,224")
    (3.0, 224.0, 224.0)
    """
    return tuple(float(part) for part in text.split(","))
