"""Predict with an ONNX file that mxmtl exported: ONNX Runtime, NumPy and OpenCV, no MXNet.

This one file is all it takes. Copy it, import it, or run it:

    pip install onnxruntime opencv-python-headless
    python onnx_predictor.py model.onnx photo.jpg
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import onnxruntime

from .._files import open_regular
from ..augment import View, middle
from ..data import ImageError
from ..data.images import MAX_PIXELS, WHITE, Rendering, Room, decode_shown, read_info
from ..onnx import check_onnx

FORMAT = "1"
BATCH = 32
MAX_BYTES = 1 << 29  # of an image file
MOST_MODEL = (1 << 31) - 1  # bytes, which is ONNX's own limit
MOST_INPUT = 1 << 24  # pixels that a network takes
Image = str | os.PathLike[str] | bytes | np.ndarray


class OnnxPredictor:
    """Names and probabilities from images, by an ONNX file alone.

    Parameters
    ----------
    path : str or Path
        What ``mxmtl export`` wrote.
    providers : sequence of str
        ONNX Runtime's execution providers, by preference.
    threads : int
        For computing; 0 leaves the number to ONNX Runtime.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file; or it is no model that mxmtl exported, or of a newer format.

    Examples
    --------
    >>> predictor = OnnxPredictor("model.onnx")               # doctest: +SKIP
    >>> predictor(["photo.jpg"])[0]["breed"]["answer"]        # doctest: +SKIP
    'pug'
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        providers: Iterable[str] = ("CPUExecutionProvider",),
        threads: int = 0,
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self.session = opened(os.fspath(path), options, list(providers))
        self.path, self.room = os.fspath(path), Room(MAX_PIXELS)
        facts = self.session.get_modelmeta().custom_metadata_map
        if facts.get("mxmtl.format") != FORMAT:
            raise ValueError(
                f"{self.path}: no ONNX file of mxmtl that this reader knows (mxmtl.format is "
                f"{facts.get('mxmtl.format')!r}, expected {FORMAT!r}). mxmtl export writes one."
            )
        try:
            self.outputs = outputs_of(facts)
            self.preprocessing = preprocessing_of(facts)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise ValueError(f"{self.path}: its mxmtl.* metadata is damaged ({reason}).") from None
        self.model = facts.get("mxmtl.model", self.path)
        self._input = self.session.get_inputs()[0].name
        channels, height, width = self.preprocessing["data_shape"]
        self._channels, self._size = channels, (height, width)

    def __call__(self, images: Image | Iterable[Image]) -> Any:
        """Return, for each image, ``{task: {"answer": ..., "probabilities": {name: p}, ...}}``.

        A list of these for several images, one for a single image. Images are paths, the bytes
        of image files, or arrays uint8 of any size: (height, width, 3) RGB or (height, width)
        grey.
        """
        several: Any = images
        alone = isinstance(images, str | os.PathLike | bytes)
        if alone or (isinstance(images, np.ndarray) and images.ndim < 4):
            return self([several])[0]
        crops = [self.prepare(image) for image in several]
        parts = [np.stack(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
        return [answer for part in parts for answer in self.answer(self.predict(part))]

    def prepare(self, image: Image) -> np.ndarray:
        """Return the pixels that the network sees: uint8 (height, width, channels).

        Raises `ValueError` for what is no whole image, or is not decoded.
        """
        if isinstance(image, np.ndarray):
            crop = self._sample(image)
        else:
            data = image if isinstance(image, bytes) else file_content(image)
            how = Rendering(*(self.preprocessing[name] for name in ("background", "bits")))
            crop = decode_shown(data, read_info(data), self._view, self._channels, how, self.room)
        return np.ascontiguousarray(crop.reshape(*self._size, self._channels))

    def _view(self, height: int, width: int) -> View:
        return middle(View(height, width), self._size, self.preprocessing["crop"])

    def _sample(self, pixels: np.ndarray) -> np.ndarray:
        shape = pixels.shape
        if pixels.dtype != np.uint8 or len(shape) not in (2, 3) or shape[2:] not in ((), (3,)):
            raise ImageError(
                f"an array {shape} of {pixels.dtype}: expected uint8 (height, width, 3) RGB."
            )
        found = self._view(*shape[:2]).sample(pixels)
        if (found.ndim == 2) == (self._channels == 1):
            return found
        return cv2.cvtColor(
            found, cv2.COLOR_GRAY2RGB if self._channels == 3 else cv2.COLOR_RGB2GRAY
        )

    def predict(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Return probabilities or values, float32 (N, num_outputs) by task, of what is prepared."""
        names = [output["name"] for output in self.outputs]
        try:
            found = self.session.run(names, {self._input: self._scaled(crops)})
        except Exception as error:  # ONNX Runtime's errors have nothing in common
            raise ValueError(f"{self.path}: ONNX Runtime does not compute it: {error}") from error
        for output, part in zip(self.outputs, found):
            wanted = (len(crops), max(len(output["names"]), 1))
            if np.shape(part) != wanted:
                raise ValueError(
                    f"{self.path}: output {output['name']!r} has shape {np.shape(part)}; expected "
                    f"{wanted}."
                )
        return dict(zip(names, found))

    def answer(self, predictions: dict[str, np.ndarray]) -> list[dict[str, dict[str, Any]]]:
        """Put predictions into words, one dictionary an image."""
        count = len(next(iter(predictions.values())))
        return [
            {out["name"]: in_words(out, predictions[out["name"]][row]) for out in self.outputs}
            for row in range(count)
        ]

    def _scaled(self, crops: np.ndarray) -> np.ndarray:
        if self.preprocessing["inside"]:
            return crops
        mean, std = (np.array(self.preprocessing[name], np.float64) for name in ("mean", "std"))
        scale, shift = (1 / std).astype(np.float32), (mean / std).astype(np.float32)
        scaled = crops.astype(np.float32) * scale - shift
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def opened(path: str, options: Any, providers: list[str]) -> Any:
    """Load an ONNX file; errors name it."""
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: no such file.")
    with open_regular(path) as stream:
        data = stream.read(MOST_MODEL + 1)
    try:
        if len(data) > MOST_MODEL:
            raise ValueError(f"it has more than {MOST_MODEL} bytes")
        check_onnx(data)
    except ValueError as error:
        raise ValueError(f"{path}: no ONNX file that is taken ({error}).") from None
    try:  # from its bytes: that is what was checked, and it has no folder to read others from
        return onnxruntime.InferenceSession(data, options, providers=providers)
    except Exception as error:  # ONNX Runtime's errors have nothing in common
        raise ValueError(f"{path}: ONNX Runtime does not load it: {error}") from error


def in_words(output: dict[str, Any], prediction: np.ndarray) -> dict[str, Any]:
    """Return the answer of one task for one image, and how likely it is."""
    names, levels = output["names"], output["thresholds"]
    if levels:  # yes or no, of the task itself or of each label
        holds = prediction > np.array(levels, prediction.dtype)
        answer: Any = [name for name, yes in zip(names, holds) if yes] if names else bool(holds[0])
        names = names or [output["name"]]
        probabilities = dict(zip(names, prediction.tolist()))
        return {
            "answer": answer,
            "probabilities": probabilities,
            "thresholds": dict(zip(names, levels)),
        }
    if names:
        place = prediction.argmax()
        if output.get("median"):  # of classes with an order
            place = np.count_nonzero(np.cumsum(prediction[:0:-1], dtype=np.float64) > 0.5)
        return {"answer": names[int(place)], "probabilities": dict(zip(names, prediction.tolist()))}
    return {"answer": float(prediction[0])}


def outputs_of(facts: dict[str, str]) -> list[dict[str, Any]]:
    """Read what comes out: name, names of classes or labels, and thresholds of each task."""
    outputs = json.loads(facts["mxmtl.outputs"])
    if not isinstance(outputs, list) or not outputs:
        raise ValueError("mxmtl.outputs is no list of outputs")
    for output in outputs:
        names, levels = list(output["names"]), [float(level) for level in output["thresholds"]]
        if not all(isinstance(name, str) for name in (output["name"], *names)):
            raise ValueError("a name is no text")
        if levels and len(levels) != max(len(names), 1):
            raise ValueError(f"{len(levels)} thresholds for {len(names)} names")
    return outputs


def preprocessing_of(facts: dict[str, str]) -> dict[str, Any]:
    """Read how images become input."""
    made: dict[str, Any] = {"background": WHITE, "bits": 16}
    made.update(json.loads(facts["mxmtl.preprocessing"]))
    channels, height, width = shape = made["data_shape"]
    if not all(type(length) is int for length in shape) or channels not in (1, 3):
        raise ValueError(f"data_shape is {shape}")
    if min(height, width) < 1 or height * width > MOST_INPUT:
        raise ValueError(f"data_shape is {shape}")
    if not 0 < made["crop"] <= 1 or made["bits"] not in range(8, 17):
        raise ValueError(f"crop is {made['crop']}, and bits {made['bits']}")
    levels = [np.array(made[name], np.float64) for name in ("mean", "std")]
    if not all(level.shape in ((1,), (channels,)) for level in levels) or not levels[1].all():
        raise ValueError(f"mean and std are {made['mean']} and {made['std']}")
    made["background"] = tuple(int(level) & 255 for level in made["background"])
    return {**made, "inside": bool(made["inside"])}


def file_content(path: str | os.PathLike[str]) -> bytes:
    """Read an image file."""
    with open_regular(path) as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ImageError(f"{os.fspath(path)}: an image file has at most {MAX_BYTES} bytes.")
    return data


def main(arguments: list[str]) -> int:
    """Print a line of JSON for each image."""
    if len(arguments) < 2 or arguments[0].startswith("-"):
        print("usage: python onnx_predictor.py MODEL.onnx IMAGE ...", file=sys.stderr)
        return 2
    predictor = OnnxPredictor(arguments[0])
    for path in arguments[1:]:
        answer = predictor(path)
        print(json.dumps({"image": path, **answer}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
