"""Predict with an ONNX file that mxmtl exported: ONNX Runtime, NumPy and OpenCV, no MXNet.

This one file is all it takes. Copy it, import it, or run it:

    pip install onnxruntime opencv-python-headless
    python onnx_predictor.py model.onnx photo.jpg
"""

from __future__ import annotations

import json
import os
import struct
import sys
from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
import onnxruntime

FORMAT = "1"
BATCH = 32
STRIPE = 64  # rows
COLOR = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4,
         8: cv2.IMREAD_REDUCED_COLOR_8}  # fmt: skip
GRAY = {1: cv2.IMREAD_GRAYSCALE, 2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
        4: cv2.IMREAD_REDUCED_GRAYSCALE_4, 8: cv2.IMREAD_REDUCED_GRAYSCALE_8}  # fmt: skip
PIXELS_PER_BYTE = 1024  # no JPEG holds more; a head that says so is damaged
Image = str | os.PathLike[str] | bytes | np.ndarray
Size = tuple[int, int]  # height, width


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
        facts = self.session.get_modelmeta().custom_metadata_map
        if facts.get("mxmtl.format") != FORMAT:
            raise ValueError(
                f"{os.fspath(path)}: no ONNX file of mxmtl that this reader knows (mxmtl.format is "
                f"{facts.get('mxmtl.format')!r}, expected {FORMAT!r}). mxmtl export writes one."
            )
        self.outputs: list[dict[str, Any]] = json.loads(facts["mxmtl.outputs"])
        self.preprocessing: dict[str, Any] = json.loads(facts["mxmtl.preprocessing"])
        self.model = facts["mxmtl.model"]
        self._input = self.session.get_inputs()[0].name

    def __call__(self, images: Iterable[Image]) -> list[dict[str, dict[str, Any]]]:
        """Return, for each image, ``{task: {"answer": ..., "probabilities": {name: p}, ...}}``.

        Images are paths, the bytes of image files, or arrays uint8 of any size: (height, width,
        3) RGB or (height, width) grey.
        """
        crops = [self.prepare(image) for image in images]
        parts = [np.stack(crops[i : i + BATCH]) for i in range(0, len(crops), BATCH)]
        return [answer for part in parts for answer in self.answer(self.predict(part))]

    def prepare(self, image: Image) -> np.ndarray:
        """Return the pixels that the network sees: uint8 (height, width, channels).

        Raises `ValueError` for what OpenCV does not decode.
        """
        channels, height, width = self.preprocessing["data_shape"]
        found, size = load(image, channels, (height, width), self.preprocessing["crop"])
        crop = center_crop(found, size, (height, width), self.preprocessing["crop"])
        return np.ascontiguousarray(crop.reshape(height, width, channels))

    def predict(self, crops: np.ndarray) -> dict[str, np.ndarray]:
        """Return probabilities or values, float32 (N, num_outputs) by task, of what is prepared."""
        found = self.session.run(
            [output["name"] for output in self.outputs], {self._input: self._scaled(crops)}
        )
        return {output["name"]: part for output, part in zip(self.outputs, found)}

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
    if not os.path.isfile(path):
        raise FileNotFoundError(f"{path}: no such file.")
    try:
        return onnxruntime.InferenceSession(path, options, providers=providers)
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
        likeliest = names[int(prediction.argmax())]
        return {"answer": likeliest, "probabilities": dict(zip(names, prediction.tolist()))}
    return {"answer": float(prediction[0])}


def window(source: Size, size: Size, fraction: float) -> tuple[float, float, float, float]:
    """Return what a crop of ``size`` shows of an image: left, top, distances of its pixels."""
    factor = max(size[0] / source[0], size[1] / source[1]) / fraction
    height = max(round(source[0] * factor), size[0])
    width = max(round(source[1] * factor), size[1])
    down, across = source[0] / height, source[1] / width
    top, left = (height - size[0]) // 2, (width - size[1]) // 2
    return across * left, down * top, across, down


def center_crop(image: np.ndarray, source: Size, size: Size, fraction: float) -> np.ndarray:
    """Cut the middle out of an image and scale it; ``source`` is its size before any reduction."""
    left, top, across, down = window(source, size, fraction)
    y, x = image.shape[0] / source[0], image.shape[1] / source[1]
    left, across, top, down = left * x, across * x, top * y, down * y
    x0, x1 = round(left), round(left + across * size[1])
    y0, y1 = round(top), round(top + down * size[0])
    if 0 <= x0 < x1 <= image.shape[1] and 0 <= y0 < y1 <= image.shape[0]:
        part = image[y0:y1, x0:x1]
        return part if part.shape[:2] == size else cv2.resize(part, size[::-1])
    matrix = np.array([[across, 0, left + (across - 1) / 2], [0, down, top + (down - 1) / 2]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, size[::-1], flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def load(image: Image, channels: int, size: Size, fraction: float) -> tuple[np.ndarray, Size]:
    """Return an image's pixels, RGB or grey, perhaps reduced, and its size before that."""
    if isinstance(image, np.ndarray):
        if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
            raise ValueError(
                f"an array {image.shape} of {image.dtype}: expected uint8 (height, width, 3) RGB."
            )
        pixels = recolored(image, channels, cv2.COLOR_RGB2GRAY, cv2.COLOR_GRAY2RGB)
        return pixels, (image.shape[0], image.shape[1])
    if not isinstance(image, bytes):
        with open(image, "rb") as stream:
            image = stream.read()
    source = jpeg_size(image)
    if source is None:
        found = decoded(image, cv2.IMREAD_UNCHANGED)
        to_gray = channels == 1 and found.ndim == 3
        if found.shape[2:] != (4,) and (to_gray or found.dtype != np.uint8):
            # The decoder's own way to grey, and to 8 bits a sample.
            found = decoded(image, cv2.IMREAD_GRAYSCALE if channels == 1 else cv2.IMREAD_COLOR)
        found = flat(found)
        found = recolored(found, channels, cv2.COLOR_BGR2GRAY, cv2.COLOR_GRAY2BGR)
        source = found.shape[0], found.shape[1]
    else:
        if source[0] * source[1] > PIXELS_PER_BYTE * len(image):
            raise ValueError(f"{len(image)} bytes cannot hold {source[0]} x {source[1]} pixels.")
        least = min(window(source, size, fraction)[2:])
        reduction = next((k for k in (8, 4, 2) if least >= k), 1)
        found = decoded(image, (COLOR if channels == 3 else GRAY)[reduction])
    return (cv2.cvtColor(found, cv2.COLOR_BGR2RGB) if channels == 3 else found), source


def decoded(data: bytes, flags: int) -> np.ndarray:
    """Decode an image file by OpenCV."""
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise ValueError(f"OpenCV refuses the image: {error.err}.") from None
    if image is None:
        raise ValueError(f"its {len(data)} bytes are no image that OpenCV decodes.")
    return image


def flat(image: np.ndarray) -> np.ndarray:
    """Bring samples to 8 bits, and lay what is transparent on white."""
    if image.dtype == np.uint16:
        image = cv2.convertScaleAbs(image, alpha=1 / 257)
    if image.dtype != np.uint8:
        raise ValueError(f"the image holds {image.dtype}; expected 8 or 16 bits a sample.")
    if image.ndim == 2 or image.shape[2] == 3:
        return image
    opaque = np.empty((*image.shape[:2], 3), np.uint8)
    for top in range(0, len(image), STRIPE):  # so that wider numbers take little memory
        rows = image[top : top + STRIPE]
        alpha = rows[:, :, 3:].astype(np.uint16)
        # 255 parts, rounded: at most 65,152, which 16 bits hold.
        opaque[top : top + STRIPE] = (rows[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255
    return opaque


def recolored(image: np.ndarray, channels: int, to_gray: int, to_color: int) -> np.ndarray:
    """Bring an image to three channels or to one."""
    gray = image.ndim == 2
    if gray == (channels == 1):
        return image
    return cv2.cvtColor(image, to_color if gray else to_gray)


def jpeg_size(data: bytes) -> Size | None:
    """Return height and width of a JPEG file as it is shown; None for what is no such file."""
    if data[:2] != b"\xff\xd8":
        return None
    position, turned = 2, False
    while position < len(data) - 9 and data[position] == 0xFF and data[position + 1] != 0xDA:
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        length = struct.unpack_from(">H", data, position + 2)[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, position + 5)
            if not height or not width:
                return None
            return (width, height) if turned else (height, width)
        if marker == 0xE1 and data[position + 4 : position + 10] == b"Exif\0\0":
            turned = orientation(data[position + 10 : position + 2 + length]) >= 5
        position += 2 + length
    return None


def orientation(exif: bytes) -> int:
    """Return the EXIF orientation, 1 to 8 (Exif 2.3, TIFF tag 274); 1 where there is none."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (start,) = struct.unpack_from(order + "I", exif, 4)
        (count,) = struct.unpack_from(order + "H", exif, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(order + "HHIH", exif, entry)
            if tag == 0x0112:
                return value if kind == 3 and 1 <= value <= 8 else 1
    except struct.error:
        return 1
    return 1


def main(arguments: list[str]) -> int:
    """Print a line of JSON for each image."""
    if len(arguments) < 2 or arguments[0].startswith("-"):
        print("usage: python onnx_predictor.py MODEL.onnx IMAGE ...", file=sys.stderr)
        return 2
    predictor = OnnxPredictor(arguments[0])
    for path in arguments[1:]:
        answer = predictor([path])[0]
        print(json.dumps({"image": path, **answer}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
