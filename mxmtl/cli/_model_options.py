"""What several verbs do with a trained network that the command line names."""

from __future__ import annotations

import argparse
import os
from typing import Any

from .. import model, training
from ._arguments import add_options, given


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Declare which checkpoint, where it runs, and what MXNet's own files do not tell."""
    add_options(parser, model.RunOptions)
    add_options(parser, model.BareOptions)


def model_of(arguments: argparse.Namespace) -> model.Model:
    """Load the network that the command line names."""
    bare = model.BareOptions(**given(arguments, model.BareOptions))
    which = model.RunOptions(**given(arguments, model.RunOptions)).which
    return model.load_model(
        arguments.model, which, tasks=bare.tasks, preprocessing=bare.preprocessing
    )


def predictable(arguments: argparse.Namespace) -> Any:
    """Return what `Predictor` takes: the model, or the name of an ONNX file."""
    return arguments.model if arguments.model.endswith(".onnx") else model_of(arguments)


def running(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return how the network is run, as `mxmtl.evaluation.evaluate` takes it."""
    how = model.RunOptions(**given(arguments, model.RunOptions))
    ctx = training.devices(how.gpus)[0]
    return {"ctx": ctx, "batch_size": how.batch_size, "threads": how.threads}


def check_output(path: str | None, force: bool) -> None:
    """Refuse to replace a file, before anything is computed."""
    if path is not None and os.path.exists(path) and not force:
        raise FileExistsError(f"{path} is there. Choose another name, or add --force.")
