"""Whether an exported model says what MXNet says, on images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Optional

import cv2
import numpy as np

from ..data import RecordIter
from ..data.loading import Normalize
from ..data.records import Prefixes, listed
from ..model import Model, Network, Preprocessing
from ..onnx import INSTALL

IMAGES, BATCH = 64, 16
TOLERANCE = 1e-4


class ExportError(ValueError):
    """An exported model that does not agree with MXNet; nothing was written."""


@dataclass(frozen=True)
class Samples:
    """Images to compare on: uint8 (N, height, width, channels), and where they are from."""

    pixels: np.ndarray
    source: str

    def planes(self, preprocessing: Preprocessing) -> np.ndarray:
        """Return them as the network takes them: float32 (N, channels, height, width)."""
        normalize = Normalize(preprocessing.data_shape, preprocessing.mean, preprocessing.std)
        out = np.empty((len(self.pixels), *preprocessing.data_shape), np.float32)
        for image, into in zip(self.pixels, out):
            normalize(image if image.shape[2] > 1 else image[:, :, 0], normalize.planes(), into)
        return out


def sample_images(
    preprocessing: Preprocessing, records: Optional[Prefixes] = None, count: int = IMAGES
) -> Samples:
    """Take up to ``count`` images from records; without records, draw some, always the same."""
    if records is None:
        return Samples(drawn(count, preprocessing.data_shape), "drawn shapes")
    options = {**preprocessing.options(), "mean": None, "std": None, "dtype": "uint8"}
    taken: List[np.ndarray] = []
    with RecordIter(records, BATCH, shuffle=True, seed=0, **options) as batches:
        for batch in batches:
            taken.extend(batch.data[0].asnumpy()[: BATCH - batch.pad])
            if len(taken) >= count:
                break
    pixels = np.stack(taken[:count]).transpose(0, 2, 3, 1)
    return Samples(np.ascontiguousarray(pixels), named(records))


def named(records: Prefixes) -> str:
    """Return the names of records as one text."""
    return ", ".join(listed(records))


def drawn(count: int, data_shape: Any) -> np.ndarray:
    """Draw discs and gradients, the same ones each time: uint8 (count, height, width, channels)."""
    channels, height, width = data_shape
    rng = np.random.RandomState(7)
    images = np.empty((count, height, width, channels), np.uint8)
    for image in images:
        corners = rng.randint(0, 256, (2, 2, 3)).astype(np.uint8)
        canvas = cv2.resize(corners, (width, height), interpolation=cv2.INTER_CUBIC)
        for _ in range(5):
            center = (int(rng.randint(width)), int(rng.randint(height)))
            color = tuple(int(level) for level in rng.randint(0, 256, 3))
            cv2.circle(canvas, center, int(rng.randint(1, max(2, height // 3))), color, -1)
        noisy = canvas.astype(np.int64) + rng.randint(-12, 13, canvas.shape)
        image[...] = np.clip(noisy, 0, 255)[:, :, :channels]
    return images


def mxnet_predictions(model: Model, samples: Samples) -> Dict[str, np.ndarray]:
    """Return what MXNet predicts: float32 (N, num_outputs) by task."""
    network, planes = Network.of_model(model), samples.planes(model.file.preprocessing)
    parts = [network.logits(planes[i : i + BATCH]) for i in range(0, len(planes), BATCH)]
    logits = [
        np.concatenate(part) / np.float32(model.file.temperature.get(task.name, 1.0))
        for task, part in zip(model.tasks, zip(*parts))
    ]
    return dict(zip(model.tasks.names, model.tasks.predict(logits)))


def compare(
    expected: Dict[str, np.ndarray],
    predict: Callable[[np.ndarray], List[np.ndarray]],
    images: np.ndarray,
) -> float:
    """Return the largest difference of a model's predictions from those expected.

    Differences are relative where a value is beyond 1, as values of a regression may be.
    ``predict`` gets batches of several sizes; what it gets first is one image alone.
    """
    largest = 0.0
    for rows in (slice(0, 1), *(slice(i, i + BATCH) for i in range(1, len(images), BATCH))):
        for (name, right), found in zip(expected.items(), predict(images[rows])):
            if found.shape != right[rows].shape:
                raise ExportError(
                    f"output {name!r} has shape {found.shape}, expected {right[rows].shape}."
                )
            scale = np.maximum(np.abs(right[rows]), 1.0)
            difference = float((np.abs(found - right[rows]) / scale).max())
            largest = max(largest, difference if np.isfinite(difference) else np.inf)
    return largest


def check_difference(difference: float, samples: Samples) -> None:
    """Raise `ExportError` if a difference is too large, or no number."""
    if not difference <= TOLERANCE:
        raise ExportError(
            f"the exported model differs from MXNet by {difference:.1e} on {len(samples.pixels)} "
            f"images ({samples.source}); {TOLERANCE:g} is allowed. Nothing was written. This is a "
            "fault of mxmtl: please report it with the names of the network's operators."
        )


def onnx_predict(content: bytes, names: List[str]) -> Any:
    """Return a function from images to the named outputs of an ONNX file."""
    try:
        import onnxruntime
    except ImportError as error:
        raise ImportError(f"checking ONNX needs onnxruntime ({error}). {INSTALL}") from error
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    given = session.get_inputs()[0].name
    return lambda images: session.run(names, {given: images})
