"""``mxmtl serve``: a model behind HTTP."""

from __future__ import annotations

import argparse
import os
import sys

from .. import model, serving
from ._arguments import add_options, given
from ._model_options import predictable

EXAMPLE = "mxmtl serve runs/first --port 8000"
DESCRIPTION = """\
Answer over HTTP what a model predicts: POST /predict takes a JPEG, PNG or WebP file, as the body or
in a form, and gives JSON; GET / is a page to drop an image on; GET /health and GET /metrics are
for those who watch over it, /metrics for Prometheus. SIGTERM or Ctrl-C: requests in flight are
answered, then it ends. It knows no passwords and no TLS; what is open to others belongs behind a
server that does.

  curl --data-binary @photo.jpg http://127.0.0.1:8000/predict
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.description = DESCRIPTION
    parser.add_argument("model", help="run folder, prefix of MXNet's files, or .onnx file")
    add_options(parser, model.RunOptions, only=("which",))
    add_options(parser, serving.ServeOptions)
    add_options(parser, serving.Limits)
    add_options(parser, model.BareOptions)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal says to stop."""
    limits = serving.Limits(**given(arguments, serving.Limits))
    how = serving.ServeOptions(**given(arguments, serving.ServeOptions))
    predictor = model.Predictor(predictable(arguments), batch_size=how.max_batch)
    service = serving.Service(
        predictor,
        host=how.host,
        port=how.port,
        limits=limits,
        max_batch=how.max_batch,
        max_delay=how.max_delay / 1000,
    )
    if not serving.is_loopback(how.host):
        print(
            f"mxmtl serve: {how.host} can be reached by others, without a password.",
            file=sys.stderr,
        )
    print(f"{predictor.name} at {service.url} (Ctrl-C stops)", flush=True)
    if not service.run():
        print("mxmtl serve: gave up an image that was still decoded.", file=sys.stderr, flush=True)
        os._exit(0)  # a decoder's thread cannot be ended, and Python would wait for it
    return 0
