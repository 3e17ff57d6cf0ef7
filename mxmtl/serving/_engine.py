"""What computes answers, in two steps: each image by itself, then a batch."""

from __future__ import annotations

import abc
from typing import Any, Dict, List, Union

import numpy as np

from .._files import PathLike
from ..model import Model, Prediction, Predictor

Answers = Dict[str, Dict[str, Any]]


class Engine(abc.ABC):
    """Abstract: from the bytes of image files to answers.

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


class PredictorEngine(Engine):
    """A `Predictor`, on MXNet or ONNX Runtime."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor, self.name = predictor, predictor.name
        self.tasks = [
            {"name": task.name, "kind": task.kind, "names": list(task.names)}
            for task in predictor.tasks
        ]

    def prepare(self, data: bytes) -> np.ndarray:
        return self._predictor.read(data)

    def answers(self, crops: np.ndarray) -> List[Answers]:
        tasks, levels = self._predictor.tasks, self._predictor.backend.file.thresholds
        predictions = self._predictor.backend.predict(crops)
        return [
            Prediction(
                {t.name: t.answer(p[row], levels.get(t.name)) for t, p in zip(tasks, predictions)}
            ).to_dict()
            for row in range(len(crops))
        ]


def open_engine(source: Union[PathLike, Model], *, max_batch: int = 16) -> Engine:
    """Open an ``.onnx`` file, a run folder, the prefix of MXNet's files, or a `Model`."""
    return PredictorEngine(Predictor(source, batch_size=max_batch))
