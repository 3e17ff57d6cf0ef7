"""A trained model as files for others: ONNX, MXNet without training, a Gluon SymbolBlock.

Nothing is written before it was seen, on images, that it says what MXNet says.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import cv2
import mxnet as mx
import numpy as np

from .._files import PathLike, atomic_write
from .._progress import progress
from ..data import RecordIter
from ..data.loading import Normalize
from ..data.records import Prefixes, listed
from ..model import (
    ONNX_READER,
    Arrays,
    Model,
    ModelFile,
    Network,
    Preprocessing,
    onnx_bytes,
    reader_source,
    save_arrays,
)
from ..nets import logits_symbol
from ..onnx import INSTALL, OPSET
from ..tasks import Task, TaskSet
from ._int8 import Comparison, apart, quantize
from ._options import ExportOptions

IMAGES, BATCH = 64, 16
DRAWN = "drawn shapes"
TOLERANCE = 1e-4
MILD = 4.0  # logits up to here leave no probability at its end
SATURATED = 1e-6  # from 0 and from 1, or from each other: what float32 hardly tells apart


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
    preprocessing: Preprocessing, records: Prefixes | None = None, count: int = IMAGES
) -> Samples:
    """Take up to ``count`` images from records; without records, draw some, always the same."""
    if records is None:
        return Samples(drawn(count, preprocessing.data_shape), DRAWN)
    options = {**preprocessing.options(), "mean": None, "std": None, "dtype": "uint8"}
    taken: list[np.ndarray] = []
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


def mxnet_predictions(model: Model, samples: Samples) -> dict[str, np.ndarray]:
    """Return what MXNet predicts: float32 (N, num_outputs) by task."""
    network, planes = Network.of_model(model), samples.planes(model.file.preprocessing)
    starts = progress(range(0, len(planes), BATCH), "batches", what="MXNet's predictions")
    parts = [network.logits(planes[start : start + BATCH]) for start in starts]
    logits = [
        np.concatenate(part) / np.float32(model.file.temperature.get(task.name, 1.0))
        for task, part in zip(model.tasks, zip(*parts))
    ]
    return dict(zip(model.tasks.names, model.tasks.predict(logits)))


def compare(
    tasks: TaskSet,
    expected: dict[str, np.ndarray],
    predict: Callable[[np.ndarray], list[np.ndarray]],
    images: np.ndarray,
) -> float:
    """Return the largest difference of a model's predictions from those expected.

    Differences are those of `apart`; ``expected`` is by task.
    ``predict`` gets batches of several sizes; what it gets first is one image alone.
    """
    largest = 0.0
    parts = [slice(0, 1), *(slice(i, i + BATCH) for i in range(1, len(images), BATCH))]
    for rows in progress(parts, "batches", what="comparing"):
        for (name, right), found in zip(expected.items(), predict(images[rows])):
            if found.shape != right[rows].shape:
                raise ExportError(
                    f"output {name!r} has shape {found.shape}, expected {right[rows].shape}."
                )
            difference = apart(tasks[name], right[rows], found)
            largest = max(largest, difference if np.isfinite(difference) else np.inf)
    return largest


def check_telling(model: Model, expected: dict[str, np.ndarray], samples: Samples) -> None:
    """Raise `ExportError` where equal predictions would prove nothing.

    Probabilities that are all 0 or 1, or predictions that are the same for every image, in all
    tasks: they are equal for networks that are not. Most often pixels are scaled otherwise than in
    training.
    """
    if len(samples.pixels) < 2 or not all(
        is_mute(task, expected[task.name]) for task in model.tasks
    ):
        return
    raise ExportError(
        f"MXNet's predictions for {len(samples.pixels)} images ({samples.source}) are all 0 or 1, "
        f"or the same for all images, so that comparing proves nothing. Assumed were "
        f"{assumed(model.file.preprocessing)}: say what the network was trained with "
        "(--data-shape, --mean, --std), or compare on images of its kind (--records). Nothing was "
        "written."
    )


def is_mute(task: Task, prediction: np.ndarray) -> bool:
    """Tell whether predictions are saturated, or the same in all rows."""
    constant = np.ptp(prediction, axis=0) <= SATURATED * np.abs(prediction).max()
    saturated = np.minimum(prediction, 1 - prediction) <= SATURATED
    return bool(constant.all() or (task.kind.probabilities and saturated.all()))


def assumed(preprocessing: Preprocessing) -> str:
    """Say what images a network is taken to want."""
    size = " x ".join(map(str, preprocessing.data_shape))
    mean, std = (
        ", ".join(f"{v:g}" for v in part) for part in (preprocessing.mean, preprocessing.std)
    )
    return f"images of {size}, mean {mean}, std {std}"


def cooled(model: Model, samples: Samples) -> Model:
    """Return the model with temperatures at which no probability is at its end.

    Its predictions tell logits apart, which those of the model itself may hide.
    """
    network, planes = Network.of_model(model), samples.planes(model.file.preprocessing)
    highest = np.max(
        [
            [np.abs(part).max() for part in network.logits(planes[i : i + BATCH])]
            for i in range(0, len(planes), BATCH)
        ],
        axis=0,
    )
    mild = {
        task.name: max(float(most) / MILD, 1.0)
        for task, most in zip(model.tasks, highest)
        if task.kind.probabilities and np.isfinite(most)
    }
    return replace(model, file=replace(model.file, temperature=mild))


def check_difference(difference: float, samples: Samples) -> None:
    """Raise `ExportError` if a difference is too large, or no number."""
    if not difference <= TOLERANCE:
        real = samples.source != DRAWN
        first = "This" if real else "Compare on images of its kind (--records); if it stays, this"
        raise ExportError(
            f"the exported model differs from MXNet by {difference:.1e} on {len(samples.pixels)} "
            f"images ({samples.source}); {TOLERANCE:g} is allowed, of values in units of their "
            f"labels' spread. Nothing was written. {first} is a fault of mxmtl: please report it "
            "with the names of the network's operators."
        )


def onnx_predict(content: bytes, names: list[str]) -> Any:
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


# -- writing ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes
    ----------
    files : tuple of str
        Their paths.
    difference : float
        The largest from MXNet's predictions; of values in units of the labels' spread.
    images : int
        On how many images.
    source : str
        Where these images are from.
    text : str
        What was written, in a few words.
    comparison : Comparison, optional
        Metrics and speed of the model, as it is and in 8 bits.
    """

    files: tuple[str, ...]
    difference: float
    images: int
    source: str
    text: str
    comparison: Comparison | None = None

    def __str__(self) -> str:
        text = (
            f"{', '.join(self.files)}: {self.text}; largest difference from MXNet "
            f"{self.difference:.1e} on {self.images} images ({self.source})"
        )
        return text if self.comparison is None else f"{text}\n\n{self.comparison}"


def export_model(model: Model, path: PathLike, options: ExportOptions | None = None) -> Exported:
    """Write a trained model for others, once it is sure that it predicts what MXNet predicts.

    Parameters
    ----------
    model : Model
        From `load_model`.
    path : str or Path
        The ``.onnx`` file; for the other formats a prefix.
    options : ExportOptions, optional
        ``format="onnx"``: one file, an output a task under the task's name, (N, num_outputs),
        with activation and temperature; what it all means is in its metadata. ``"mxnet"``: the
        symbol without labels, with activation and temperature, for ``Module.load(prefix, 0,
        label_names=None)``; with ``int8`` it computes in 8 bits. ``"gluon"``: logits, for
        ``gluon.SymbolBlock.imports(prefix-symbol.json, ["data"], prefix-0000.params)``. The last
        two have ``prefix.json`` beside them, with tasks and preprocessing: `load_model` and all
        verbs take the prefix.

    Raises
    ------
    UnsupportedOperatorError
        ONNX has no counterpart of an operator; said before anything is computed.
    ExportError
        Predictions differ by more than 1e-4, those of values in units of their labels' spread;
        nothing is written.
    FileExistsError
        A file is there, and ``force`` is not given.
    """
    options = options or ExportOptions()
    path = os.fspath(path)
    files = _files(path, options)
    for file in files:
        if os.path.exists(file) and not options.force:
            raise FileExistsError(f"{file} is there already; force (--force) replaces it.")
    if options.int8 is not None:
        compared = options.int8 if options.records is None else options.records
        return _write_int8(model, files, options.int8, compared)
    write = _write_onnx if options.format == "onnx" else _write_mxnet
    return write(model, files, options)


def _files(path: str, options: ExportOptions) -> list[str]:
    if options.format == "onnx":
        reader = os.path.join(os.path.dirname(path), ONNX_READER)
        return [path, reader] if options.reader else [path]
    return [f"{path}{ending}" for ending in ("-symbol.json", "-0000.params", ".json")]


def _write_onnx(model: Model, files: list[str], options: ExportOptions) -> Exported:
    inside = options.preprocessing == "inside"
    content = onnx_bytes(model, inside=inside, metadata=options.metadata)
    predict = onnx_predict(content, model.tasks.names)
    samples = sample_images(model.file.preprocessing, options.records, options.images)
    expected = mxnet_predictions(model, samples)
    check_telling(model, expected, samples)
    images = samples.pixels if inside else samples.planes(model.file.preprocessing)
    difference = compare(model.tasks, expected, predict, images)
    mild = cooled(model, samples)  # and of logits
    content_ = onnx_bytes(mild, inside=inside, metadata=options.metadata)
    predict = onnx_predict(content_, model.tasks.names)
    of_logits = compare(model.tasks, mxnet_predictions(mild, samples), predict, images)
    difference = max(difference, of_logits)
    check_difference(difference, samples)
    reader = reader_source().encode() if options.reader else b""
    for file, data in zip(files, (content, reader)):
        with atomic_write(file) as stream:
            stream.write(data)
    text = f"ONNX opset {OPSET}, {len(content) / 2**20:.1f} MiB, takes " + (
        "pixels" if inside else "planes that are scaled"
    )
    text += f"; {assumed(model.file.preprocessing)}"
    return Exported(tuple(files), difference, len(images), samples.source, text)


def _write_mxnet(model: Model, files: list[str], options: ExportOptions) -> Exported:
    bare = options.format == "gluon"
    symbol = logits_symbol(model.symbol, model.tasks) if bare else model.predicting()
    symbol = mx.sym.load_json(symbol.tojson())  # as it will be read
    args, auxs = (
        {name: array for name, array in part.items() if name in wanted}
        for part, wanted in zip(
            model.params, (symbol.list_arguments(), symbol.list_auxiliary_states())
        )
    )

    def predict(planes: np.ndarray) -> list[np.ndarray]:
        data = mx.nd.array(planes)
        bound = symbol.bind(mx.cpu(), {**args, "data": data}, aux_states=auxs, grad_req="null")
        made = [output.asnumpy() for output in bound.forward(is_train=False)]
        if not bare:
            return made
        temperature = model.file.temperature
        cooled = [
            part / np.float32(temperature.get(task.name, 1.0))
            for task, part in zip(model.tasks, made)
        ]
        return model.tasks.predict(cooled)

    samples = sample_images(model.file.preprocessing, options.records, options.images)
    expected = mxnet_predictions(model, samples)
    check_telling(model, expected, samples)
    planes = samples.planes(model.file.preprocessing)
    difference = compare(model.tasks, expected, predict, planes)
    check_difference(difference, samples)
    _write_files(files, symbol, (args, auxs), model.file)
    text = "logits for a SymbolBlock" if bare else "predictions for a Module"
    return Exported(tuple(files), difference, len(planes), samples.source, text)


def _write_int8(model: Model, files: list[str], seen: Prefixes, records: Prefixes) -> Exported:
    small = quantize(model, seen)
    compared, source = Comparison((model, small), records), named(records)
    _write_files(files, small.predicting(), small.params, model.file)
    text = "predictions for a Module, in 8 bits"
    return Exported(tuple(files), compared.difference, compared.images, source, text, compared)


def _write_files(
    files: list[str], symbol: mx.sym.Symbol, params: tuple[Arrays, Arrays], file: ModelFile
) -> None:
    """Write MXNet's pair, and what it is for beside it; the symbol comes last."""
    named = {f"arg:{name}": array for name, array in params[0].items()}
    named.update({f"aux:{name}": array for name, array in params[1].items()})
    os.makedirs(os.path.dirname(os.path.abspath(files[1])), exist_ok=True)
    save_arrays(files[1], named)
    file.save(files[2])
    with atomic_write(files[0]) as stream:
        stream.write(symbol.tojson().encode("utf-8"))
