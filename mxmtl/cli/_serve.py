"""``mxmtl serve``: a model behind HTTP."""

from __future__ import annotations

import argparse
import os
import sys

from .. import serving
from . import _options as options
from ._model_options import add_file_options, predictable

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
    default = serving.Limits()
    parser.description = DESCRIPTION
    parser.add_argument("model", help="run folder, prefix of MXNet's files, or .onnx file")
    parser.add_argument("--which", choices=("best", "last"), default="best", help="checkpoint")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes one that is free (8000)")
    group = parser.add_argument_group("batches")
    group.add_argument("--max-batch", type=int, default=16, help="images computed together (16)")
    group.add_argument(
        "--max-delay", type=float, default=5.0, help="milliseconds to wait for others (5)"
    )
    group = parser.add_argument_group("limits")
    group.add_argument(
        "--max-bytes", type=options.size, default=default.max_bytes, help="of a body (16M)"
    )
    group.add_argument(
        "--max-pixels", type=int, default=default.max_pixels, help="of an image (40000000)"
    )
    group.add_argument(
        "--max-waiting", type=int, default=default.max_waiting, help="images at once (64)"
    )
    group.add_argument(
        "--timeout",
        type=float,
        default=default.timeout,
        help="seconds for a head, a body, an answer (20)",
    )
    add_file_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal says to stop."""
    limits = serving.Limits(
        max_bytes=arguments.max_bytes,
        max_pixels=arguments.max_pixels,
        max_waiting=arguments.max_waiting,
        timeout=arguments.timeout,
    )
    predictor = serving.open_engine(predictable(arguments), max_batch=arguments.max_batch)
    service = serving.Service(
        predictor,
        host=arguments.host,
        port=arguments.port,
        limits=limits,
        max_batch=arguments.max_batch,
        max_delay=arguments.max_delay / 1000,
    )
    if not serving.is_loopback(arguments.host):
        print(
            f"mxmtl serve: {arguments.host} can be reached by others, without a password.",
            file=sys.stderr,
        )
    print(f"{predictor.name} at {service.url} (Ctrl-C stops)", flush=True)
    if not service.run():
        print("mxmtl serve: gave up an image that was still decoded.", file=sys.stderr, flush=True)
        os._exit(0)  # a decoder's thread cannot be ended, and Python would wait for it
    return 0
