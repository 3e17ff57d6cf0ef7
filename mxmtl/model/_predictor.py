"""Images in, answers out: a trained network as one function."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import (
    Any,
    NamedTuple,
)

import mxnet as mx
import numpy as np

from .._devices import context
from .._files import PathLike
from .._options import ByName, one_of
from .._threads import ordered_map, usable_processors
from ..data import ImageError
from ..tasks import Answer, TaskSet
from ._inputs import Image, ImageReader, source_of
from ._network import Backend, MXNetBackend
from ._onnx_file import OnnxBackend
from ._saved import Model, RunFolder, load_model

BACKENDS = ("mxnet", "onnxruntime")
ON_ERROR = ("raise", "return")


@dataclass(frozen=True)
class Prediction:
    """The answers of all tasks for one image; made by `Predictor`.

    Attributes
    ----------
    answers : dict of str to Answer
        By task name: its answer, probabilities and thresholds.
    source : str, optional
        The image's path, where it had one.

    Examples
    --------
    >>> breed = Answer("pug", {"beagle": 0.25, "pug": 0.75})
    >>> prediction = Prediction({"breed": breed, "outdoors": Answer(True)}, "rex.jpg")
    >>> print(prediction)
    rex.jpg
    breed     pug  (pug 0.750, beagle 0.250)
    outdoors  yes
    >>> prediction["breed"].probabilities["pug"]
    0.75
    >>> prediction.to_dict()["outdoors"]
    {'answer': True}
    """

    answers: Mapping[str, Answer]
    source: str | None = None

    def __getitem__(self, task: str) -> Answer:
        return ByName(self.answers)[task]

    def __str__(self) -> str:
        width = max(map(len, self.answers))
        lines = [f"{name:{width}}  {answer}" for name, answer in self.answers.items()]
        return "\n".join([self.source, *lines] if self.source else lines)

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data: ``{task: {"answer": ..., "probabilities": {name: p}, ...}}``."""
        return {name: answer.to_dict() for name, answer in self.answers.items()}


Result = Prediction | ImageError


class PredictedBatch(NamedTuple):
    """What `Predictor.batches` yields.

    Attributes
    ----------
    images : list
        As they were given.
    errors : list of (ImageError or None)
        Of each image: why it could not be read.
    predictions : list of ndarray
        One array a task, float32 (N, num_outputs), of the images without an error.
    """

    images: list[Any]
    errors: list[ImageError | None]
    predictions: list[np.ndarray]


class Predictor:
    """A trained network as a function of images.

    Preprocessing, class names, thresholds and temperatures come with the model. Safe to call
    from several threads: images are read at the same time, and the network takes turns.

    Parameters
    ----------
    model : str, Path, Run or Model
        A run folder; the prefix of MXNet's files, if ``prefix.json`` says what they are for
        (for others give `mxmtl.model.load_model` the tasks, and pass what it returns); or an
        ONNX file that ``mxmtl export`` wrote.
    which : {"best", "last"}
        Which checkpoint of a run.
    device : mx.Context or str, optional
        ``"cpu"``, ``"gpu"`` or ``"gpu(1)"``; by default the first GPU that works, else the CPU.
    backend : {"mxnet", "onnxruntime"}
        What computes. An ONNX file is always ONNX Runtime's.
    batch_size : int
        Images at once, where there are several.
    threads : int
        That read images; 0 for one for each processor.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such model, or it is damaged.

    Examples
    --------
    ::

        predictor = mxmtl.Predictor("runs/first")
        print(predictor("photo.jpg"))
        predictor("photo.jpg")["breed"].answer          # 'pug'
        for prediction in predictor(paths):             # in batches, images read ahead
            prediction.to_dict()
    """

    def __init__(
        self,
        model: PathLike | RunFolder | Model,
        which: str = "best",
        *,
        device: mx.Context | str | None = None,
        backend: str = "mxnet",
        batch_size: int = 32,
        threads: int = 0,
    ) -> None:
        if batch_size < 1 or threads < 0:
            raise ValueError(f"batch_size={batch_size}, threads={threads}: expected 1 or more.")
        self.batch_size, self.threads = batch_size, threads or usable_processors()
        self.backend = make_backend(model, which, device, backend, batch_size)
        self.read = ImageReader(self.backend.file.preprocessing)

    @property
    def tasks(self) -> TaskSet:
        """What is predicted."""
        return self.backend.file.tasks

    @property
    def name(self) -> str:
        """Where the model came from."""
        return self.backend.name

    def __repr__(self) -> str:
        return f"Predictor({self.name!r}, tasks={self.tasks.names})"

    def __call__(self, images: Any, *, on_error: str = "raise") -> Any:
        """Predict one image, or many.

        Parameters
        ----------
        images : str, Path, bytes, ndarray, or list, column or iterator of these
            A file, the bytes of one, or pixels uint8 (height, width, 3) RGB or (height, width)
            grey, of any size.
        on_error : {"raise", "return"}
            What an image that cannot be read leads to: an `mxmtl.data.ImageError` that names
            it, raised; or, among many, put into its place.

        Returns
        -------
        Prediction, or list or iterator of them
            A list for a list, a tuple, an array (N, height, width, 3), and an array or a column
            of a table (``df["path"]``) of texts; for anything else that can be iterated an
            iterator, which reads no further ahead than it must.
        """
        if on_error not in ON_ERROR:
            raise ValueError(f"on_error={on_error!r} is not {one_of(on_error, ON_ERROR)}.")
        if is_image(images):
            arrays = self.backend.predict(self.read(images)[np.newaxis])
            return self._prediction(arrays, 0, source_of(images))
        stream = self._stream(images, on_error)
        many = isinstance(images, list | tuple) or hasattr(images, "dtype")
        return list(stream) if many else stream

    def batches(
        self, images: Iterable[Any], read: Callable[[Any], np.ndarray] | None = None
    ) -> Iterator[PredictedBatch]:
        """Predict many images as arrays, reading ahead no further than it must.

        ``read`` turns each into pixels (`ImageReader`, if there is none); an `ImageError` that it
        raises is kept with the image.
        """
        read = read or self.read

        def attempt(image: Any) -> np.ndarray | ImageError:
            try:
                return read(image)
            except ImageError as error:
                return error

        found = ordered_map(lambda image: (image, attempt(image)), images, self.threads)
        while True:
            part = list(islice(found, self.batch_size))
            if not part:
                return
            crops = [crop for _, crop in part if not isinstance(crop, ImageError)]
            yield PredictedBatch(
                [image for image, _ in part],
                [crop if isinstance(crop, ImageError) else None for _, crop in part],
                self.backend.predict(np.stack(crops)) if crops else [],
            )

    def _stream(self, images: Iterable[Image], on_error: str) -> Iterator[Result]:
        for batch in self.batches(images):
            row = 0
            for image, error in zip(batch.images, batch.errors):
                if error is None:
                    yield self._prediction(batch.predictions, row, source_of(image))
                    row += 1
                elif on_error == "raise":
                    raise error
                else:
                    yield error

    def _prediction(self, arrays: list[np.ndarray], row: int, source: str | None) -> Prediction:
        levels = self.backend.file.thresholds
        pairs = zip(self.tasks, arrays)
        return Prediction(
            {task.name: task.answer(part[row], levels.get(task.name)) for task, part in pairs},
            source,
        )


def is_image(images: Any) -> bool:
    """Tell one image from several; `TypeError` for a table, of which a column is meant."""
    if hasattr(images, "columns"):
        raise TypeError(
            f"a {type(images).__name__} is no list of images: give the column of their paths, as "
            "table['path']."
        )
    if isinstance(images, np.ndarray | mx.nd.NDArray):
        return len(images.shape) < 4 and np.dtype(images.dtype).kind not in "OSU"  # texts
    return isinstance(images, str | os.PathLike | bytes | bytearray | memoryview) or not hasattr(
        images, "__iter__"
    )


def make_backend(
    model: Any, which: str, device: mx.Context | str | None, backend: str, batch_size: int
) -> Backend:
    """Load a model into what shall compute it."""
    if backend not in BACKENDS:
        raise ValueError(f"backend={backend!r} is not {one_of(backend, BACKENDS)}.")
    onnx_file = isinstance(model, str | os.PathLike) and os.fspath(model).endswith(".onnx")
    if backend == "mxnet" and not onnx_file:
        loaded = model if isinstance(model, Model) else load_model(model, which)
        return MXNetBackend(loaded, device_of(device), batch_size)
    if device is not None and device_of(device) != mx.cpu():
        raise ValueError(f"device={device!r}: ONNX Runtime computes on the CPU here.")
    if onnx_file:
        return OnnxBackend(os.fspath(model))
    return OnnxBackend.of_model(model if isinstance(model, Model) else load_model(model, which))


def device_of(device: mx.Context | str | None) -> mx.Context:
    """Return the device of a name; `ValueError` if it is none."""
    if isinstance(device, mx.Context):
        return device
    if device is None:
        return context()[0]
    match = re.fullmatch(r"(cpu|gpu)(?:[(:](\d+)\)?)?", device)
    if match is None:
        raise ValueError(f"device={device!r}: expected 'cpu', 'gpu' or 'gpu(1)'.")
    number = int(match.group(2) or 0)
    if match.group(1) == "gpu" and number >= mx.context.num_gpus():
        raise ValueError(f"device={device!r}: MXNet sees {mx.context.num_gpus()} GPUs here.")
    return mx.Context(match.group(1), number)
