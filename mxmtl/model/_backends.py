"""What computes predictions: MXNet, or ONNX Runtime."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Protocol, Tuple

import mxnet as mx
import numpy as np

from ..data.loading import Normalize
from ..tasks import TaskSet
from ._model_file import ModelFile, Preprocessing
from ._network import Network
from ._saved import Model

# Reads such files without mxmtl; `mxmtl export --reader` puts it beside them.
ONNX_READER = Path(__file__).with_name("onnx_predictor.py")


class Backend(Protocol):
    """What `Predictor` needs; safe to call from several threads.

    Attributes
    ----------
    file : ModelFile
        Tasks, preprocessing, thresholds.
    name : str
        Where the model came from.
    """

    file: ModelFile
    name: str

    def predict(self, crops: np.ndarray) -> List[np.ndarray]:
        """Turn pixels, uint8 (N, height, width, channels), into predictions, one array a task.

        They are float32 (N, num_outputs): probabilities, with the temperatures, or values.
        """


class MXNetBackend:
    """A network bound once for each power of two of images, up to ``batch_size``."""

    def __init__(self, model: Model, ctx: mx.Context, batch_size: int) -> None:
        self.file, self.name = model.file, model.name
        self._network, self._batch_size = Network.of_model(model, ctx=ctx), batch_size
        made = model.file.preprocessing
        self._normalize = Normalize(made.data_shape, made.mean, made.std)

    def predict(self, crops: np.ndarray) -> List[np.ndarray]:
        """Scale, compute, activate; see `Backend`."""
        rows = len(crops)
        bound = rows if rows == self._batch_size else 1 << (rows - 1).bit_length()
        images = np.zeros((bound, *self._normalize.data_shape), np.float32)
        planes = self._normalize.planes()
        for crop, out in zip(crops, images):
            # A grey image is written as one plane.
            self._normalize(crop[:, :, 0] if crop.shape[2] == 1 else crop, planes, out)
        logits = [part[:rows] for part in self._network.logits(images)]
        return self.file.tasks.predict(logits, self.file.temperature)


class OnnxBackend:
    """An ONNX file that ``mxmtl export`` wrote, in ONNX Runtime on the CPU."""

    def __init__(self, path: str, name: str = "") -> None:
        from .onnx_predictor import OnnxPredictor

        self._predictor = OnnxPredictor(path, threads=mxnet_threads())
        facts = self._predictor.session.get_modelmeta().custom_metadata_map
        self.file, self.name = file_of(facts, path), name or path

    @staticmethod
    def of_model(model: Model) -> "OnnxBackend":
        """Export a model, and load what was made."""
        from ..export import onnx_bytes

        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.onnx")
            with open(path, "wb") as stream:
                stream.write(onnx_bytes(model))
            return OnnxBackend(path, model.name)

    def predict(self, crops: np.ndarray) -> List[np.ndarray]:
        """Compute; see `Backend`."""
        found = self._predictor.predict(crops)
        return [found[name] for name in self.file.tasks.names]


def file_of(facts: Dict[str, str], source: str) -> ModelFile:
    """Make the model file of an ONNX file's metadata; `ValueError` naming it if there is none."""
    try:
        tasks = TaskSet.from_dict(json.loads(facts["mxmtl.tasks"]), source)
        outputs: Tuple[Dict[str, Any], ...] = tuple(json.loads(facts["mxmtl.outputs"]))
        thresholds = {each["name"]: each["thresholds"] for each in outputs if each["thresholds"]}
        return ModelFile(
            tasks,
            Preprocessing.from_dict(json.loads(facts["mxmtl.preprocessing"])),
            thresholds,
            json.loads(facts["mxmtl.temperature"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{source}: no ONNX file of mxmtl ({error}).") from error


def mxnet_threads() -> int:
    """Return how many threads MXNet computes with, so that ONNX Runtime takes as many."""
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() else 0
