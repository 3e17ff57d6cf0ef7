"""Run by tools/onnx_parity.py in other environments: what ONNX Runtime there makes of files.

python _onnx_parity_run.py versions
python _onnx_parity_run.py arrays MODEL.onnx IN.npy OUT.npz
python _onnx_parity_run.py images FOLDER MODEL.onnx IMAGE ...   (onnx_predictor.py is in FOLDER)
"""

import json
import platform
import sys

import numpy as np


def main(what, *arguments):
    import onnxruntime

    if what == "versions":
        import cv2

        found = {"onnxruntime": onnxruntime.__version__, "numpy": np.__version__}
        print(json.dumps({**found, "opencv": cv2.__version__, "python": platform.python_version()}))
    elif what == "arrays":
        model, given, out = arguments
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        images, parts = np.load(given), []
        for start in range(0, len(images), 16):
            batch = {session.get_inputs()[0].name: images[start : start + 16]}
            parts.append(session.run(names, batch))
        np.savez(out, **{name: np.concatenate(part) for name, part in zip(names, zip(*parts))})
    else:
        sys.path.insert(0, arguments[0])
        from onnx_predictor import OnnxPredictor

        for answer in OnnxPredictor(arguments[1])(arguments[2:]):
            print(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
