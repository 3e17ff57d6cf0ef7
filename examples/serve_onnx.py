"""An exported model in an environment without MXNet: one file, and what the standard library has.

    mxmtl export runs/first -o out/model.onnx --reader       # where MXNet is
    pip install onnxruntime opencv-python-headless           # where it is not
    python examples/serve_onnx.py out/model.onnx photo.jpg   # prints JSON
    python examples/serve_onnx.py out/model.onnx --port 8000 # answers POST, one image a request

`--reader` put onnx_predictor.py beside the model; this script imports it from there, and nothing
else of mxmtl. It shows how little is needed; `mxmtl serve` has the limits that a service needs.
"""

import argparse
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

MAX_BYTES = 16 << 20


def serve(predictor, port):
    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds that a client may be silent

        def do_POST(self):  # noqa: N802 (its name in the library)
            length = int(self.headers.get("Content-Length") or 0)
            if not 0 < length <= MAX_BYTES:
                return self.answer(413, {"error": f"expected 1 to {MAX_BYTES} bytes"})
            try:
                return self.answer(200, predictor([self.rfile.read(length)])[0])
            except ValueError as error:
                return self.answer(422, {"error": str(error)})

        def answer(self, status, data):
            body = json.dumps(data, ensure_ascii=False).encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with HTTPServer(("127.0.0.1", port), Handler) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("images", nargs="*")
    parser.add_argument("--port", type=int)
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.model.resolve().parent))
    from onnx_predictor import OnnxPredictor

    predictor = OnnxPredictor(arguments.model)
    for image in arguments.images:
        answers = {"image": image, **predictor([image])[0]}
        print(json.dumps(answers, ensure_ascii=False))
    if arguments.port is not None:
        serve(predictor, arguments.port)


if __name__ == "__main__":
    main()
