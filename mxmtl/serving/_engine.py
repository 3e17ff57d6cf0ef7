"""What computes answers: a network in MXNet, or an ONNX file in ONNX Runtime."""

from __future__ import annotations

import abc
import os
from dataclasses import asdict
from typing import Any, Dict, List

import numpy as np

from .._files import PathLike
from ..data.loading._normalize import Normalize
from ..deploy import Model, Network, load_model
from ..deploy import onnx_predictor as reader

Answers = Dict[str, Dict[str, Any]]


class Engine(abc.ABC):
    """Abstract: from the bytes of image files to answers, in two steps.

    Attributes
    ----------
    name : str
        Where the model came from.
    tasks : list of dict
        Name, kind and class or label names of each task.
    """

    name: str
    tasks: List[Dict[str, Any]]

    @abc.abstractmethod
    def prepare(self, data: bytes) -> np.ndarray:
        """Return the pixels that the network sees: uint8 (height, width, channels).

        Any number of threads may call it. `ValueError` for what does not decode.
        """

    @abc.abstractmethod
    def answers(self, crops: np.ndarray) -> List[Answers]:
        """Return what is answered for a batch of prepared images; one thread calls it."""


class OnnxEngine(Engine):
    """An ONNX file that ``mxmtl export`` wrote."""

    def __init__(self, path: PathLike, threads: int = 0) -> None:
        self._predictor = reader.OnnxPredictor(path, threads=threads)
        self.name, self.tasks = os.fspath(path), self._predictor.outputs

    def prepare(self, data: bytes) -> np.ndarray:
        return self._predictor.prepare(data)

    def answers(self, crops: np.ndarray) -> List[Answers]:
        return self._predictor.answer(self._predictor.predict(crops))


class MXNetEngine(Engine):
    """A trained network of a run folder or of MXNet's own files."""

    def __init__(self, model: Model) -> None:
        self.name, self._file, self._network = model.name, model.file, Network.of_model(model)
        self.tasks = [
            {"name": task.name, "kind": task.kind, "names": list(task.names)}
            for task in model.tasks
        ]
        spec = asdict(model.file.preprocessing)
        self._shape, self._crop = spec["data_shape"], spec["crop"]
        self._normalize = Normalize(self._shape, spec["mean"], spec["std"])

    def prepare(self, data: bytes) -> np.ndarray:
        channels, *size = self._shape
        found, source = reader.load(data, channels, tuple(size), self._crop)
        crop = reader.center_crop(found, source, tuple(size), self._crop)
        return np.ascontiguousarray(crop.reshape(*size, channels))

    def answers(self, crops: np.ndarray) -> List[Answers]:
        # The network is bound anew for each size of a batch: few sizes, so that all stay bound.
        count = 1 << (len(crops) - 1).bit_length()
        batch = np.zeros((count, *self._shape), np.float32)
        planes = self._normalize.planes()
        for crop, into in zip(crops, batch):
            self._normalize(crop if self._shape[0] > 1 else crop[:, :, 0], planes, into)
        tasks, temperature = self._file.tasks, self._file.temperature
        logits = [
            part[: len(crops)] / np.float32(temperature.get(task.name, 1.0))
            for task, part in zip(tasks, self._network.logits(batch))
        ]
        predictions = tasks.predict(logits)
        return [
            {
                task.name: task.answer(part[row], self._file.thresholds.get(task.name)).to_dict()
                for task, part in zip(tasks, predictions)
            }
            for row in range(len(crops))
        ]


def open_engine(source: PathLike, *, which: str = "best", threads: int = 0) -> Engine:
    """Open an ``.onnx`` file, a run folder, or the prefix of MXNet's files."""
    if os.fspath(source).endswith(".onnx"):
        return OnnxEngine(source, threads)
    return MXNetEngine(load_model(source, which))
