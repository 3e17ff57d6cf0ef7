"""What a model is for: ``model.json`` beside MXNet's own files."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from .._files import PathLike, check_form, read_json, write_json
from ..augment import CenterCrop
from ..data.images import WHITE, Rendering
from ..tasks import TaskSet

log = logging.getLogger("mxmtl")
FORMAT = "mxmtl.model"
VERSION = 1
PREPROCESSING = {"data_shape": [int], "mean": [float], "std": [float], "crop": float,
                 "background?": [int], "bits?": int}  # fmt: skip
FORM = {"tasks": object, "preprocessing": object, "thresholds": {str: [float]},
        "temperature": {str: float}, "constants?": {str: [(float, None)]},
        "tuned?": {str: {"checkpoint?": str, "records?": object,
                         "files?": [{"file?": str, "bytes?": int, "sha256?": (str, None)}]}},
        }  # fmt: skip
MOST_INPUT = 1 << 24  # pixels that a network takes: 4,096 x 4,096


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of the network, outside training.

    The middle of the image, scaled so that ``crop`` of its shorter edge fills ``data_shape``;
    then ``(pixel - mean) / std`` on the scale of 0 to 255, RGB, planes first.

    Attributes
    ----------
    data_shape : (int, int, int)
        Channels (3, or 1 for grey), height and width.
    mean, std : tuple of float
        One number, or one for each channel.
    crop : float
        Share of the shorter edge that is kept: 0.875 is scaling to 256 and cropping to 224.
    background : (int, int, int)
        Red, green and blue behind transparent pixels.
    bits : int
        How many of 16 bits a sample are used.
    """

    data_shape: tuple[int, int, int]
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    crop: float = 1.0
    background: tuple[int, ...] = WHITE
    bits: int = 16

    def __post_init__(self) -> None:
        shape = self.data_shape
        if len(shape) != 3 or not all(isinstance(length, int) for length in shape):
            raise ValueError(
                f"data_shape={shape}: expected channels, height and width, such as 3,96,96."
            )
        if shape[0] not in (1, 3) or not 0 < shape[1] * shape[2] <= MOST_INPUT or min(shape) < 1:
            raise ValueError(
                f"data_shape={shape}: expected 1 or 3 channels, and at most {MOST_INPUT} pixels."
            )
        if not 8 <= self.bits <= 16 or not 0 < self.crop <= 1:
            raise ValueError(
                f"bits={self.bits}, crop={self.crop}: expected 8 to 16, and a share above 0 and at "
                "most 1."
            )

    @property
    def rendering(self) -> Rendering:
        """What transparent and deep samples become."""
        return Rendering(self.background, self.bits)

    def options(self) -> dict[str, Any]:
        """Return the arguments of `mxmtl.RecordIter` that do this."""
        return {
            "data_shape": self.data_shape,
            "mean": self.mean,
            "std": self.std,
            "augment": [CenterCrop(self.crop)],
            "background": self.background,
            "bits": self.bits,
        }

    @staticmethod
    def from_dict(spec: Mapping[str, Any]) -> Preprocessing:
        """Make what ``dataclasses.asdict`` described, from JSON."""
        check_form(spec, PREPROCESSING, "preprocessing")
        return Preprocessing(
            tuple(spec["data_shape"]),  # type: ignore[arg-type]
            tuple(spec["mean"]),
            tuple(spec["std"]),
            spec["crop"],
            tuple(spec.get("background", WHITE)),
            spec.get("bits", 16),
        )


def check_tuned(
    tasks: TaskSet, thresholds: Mapping[str, Sequence[float]], temperature: Mapping[str, float]
) -> None:
    """Raise `ValueError` for thresholds or a temperature, by task, that cannot be; `KeyError`."""
    for name, levels in thresholds.items():
        expected = tasks[name].num_outputs
        if len(levels) != expected or not all(0 <= level <= 1 for level in levels):
            raise ValueError(f"task {name!r}: thresholds {levels}; expected {expected} in [0, 1].")
    for name, value in temperature.items():
        if name not in tasks or not 0 < value < math.inf:
            raise ValueError(f"task {name!r}: temperature {value}; expected a task, above 0.")


@dataclass(frozen=True)
class ModelFile:
    """The tasks of a model, its preprocessing, and what was tuned after training.

    Attributes
    ----------
    tasks : TaskSet
        What the outputs mean.
    preprocessing : Preprocessing
        What the input is.
    thresholds : dict
        By task: the threshold of each label, a list. Empty until they are tuned.
    temperature : dict
        By task: what logits are divided by. Empty until it is tuned.
    tuned : dict
        How the two came about: checkpoint, records, objective. Empty until then.
    constants : dict
        By task: the best constant answer of the training labels, (num_outputs,), with which
        losses are compared. Empty where that is not known.
    """

    tasks: TaskSet
    preprocessing: Preprocessing
    thresholds: dict[str, list[float]] = field(default_factory=dict)
    temperature: dict[str, float] = field(default_factory=dict)
    tuned: dict[str, Any] = field(default_factory=dict)
    constants: dict[str, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_tuned(self.tasks, self.thresholds, self.temperature)
        for name, values in self.constants.items():
            if name not in self.tasks or len(values) != self.tasks[name].num_outputs:
                raise ValueError(f"task {name!r}: constants {values}; expected one an output.")

    def for_checkpoint(self, stem: str) -> ModelFile:
        """Return it without what was tuned for other checkpoints than ``model-0003``, or such.

        Other weights have other logits: their probabilities would be wrong, and their thresholds
        arbitrary. A warning names the tasks. What does not say what it was tuned for stays.
        """
        others: dict[str, list[str]] = {}
        for name, how in self.tuned.items():
            if isinstance(how, dict) and how.get("checkpoint", stem) != stem:
                others.setdefault(how["checkpoint"], []).append(name)
        for checkpoint, names in others.items():
            log.warning(
                "thresholds and temperatures were tuned for %s: %s. They are not applied to %s, "
                "for which mxmtl tune chooses others.",
                checkpoint, ", ".join(sorted(names)), stem,
            )  # fmt: skip
        gone = {name for names in others.values() for name in names}

        def left(known: dict[str, Any]) -> dict[str, Any]:
            return {name: value for name, value in known.items() if name not in gone}

        return replace(
            self,
            thresholds=left(self.thresholds),
            temperature=left(self.temperature),
            tuned=left(self.tuned),
        )

    def save(self, path: PathLike) -> None:
        """Write ``model.json``."""
        write_json(
            path,
            {
                "format": FORMAT,
                "version": VERSION,
                "tasks": self.tasks.to_dict(),
                "preprocessing": asdict(self.preprocessing),
                "thresholds": self.thresholds,
                "temperature": self.temperature,
                "tuned": self.tuned,
                "constants": self.constants,
            },
        )

    @staticmethod
    def load(path: PathLike) -> ModelFile:
        """Read ``model.json``; `ValueError` naming the file if it is something else."""
        data = read_json(path, FORMAT, VERSION, FORM)
        try:
            return ModelFile(
                TaskSet.from_dict(data["tasks"], source=str(path)),
                Preprocessing.from_dict(data["preprocessing"]),
                dict(data["thresholds"]),
                dict(data["temperature"]),
                dict(data.get("tuned", {})),
                dict(data.get("constants", {})),
            )
        except ValueError as error:
            text = str(error)
            raise ValueError(text if str(path) in text else f"{path}: {text}") from error
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{path}: {type(error).__name__}: {error}") from error
