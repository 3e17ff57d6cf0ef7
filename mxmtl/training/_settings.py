"""Everything that a training run is told, in one place."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import json
import math
import numbers
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple, Union

import numpy as np

from .. import augment as augmentations
from ..augment import Augmentation
from ._json import read_json, write_json
from ._model_file import Preprocessing

FORMAT = "mxmtl.settings"
VERSION = 1
SCHEDULES = ("constant", "cosine", "step", "poly")
LOGS = ("csv", "jsonl", "tensorboard")
KVSTORES = ("local", "device", "dist_sync", "dist_sync_device")
PRECISIONS = ("float32", "float16", "bfloat16", "auto")


def option(default: Any, group: str, text: str) -> Any:
    """Declare a field together with what the command line says about it."""
    return field(default=default, metadata={"group": group, "help": text})


@dataclass(frozen=True)
class Settings:
    """Settings of a training run; each field is an option of `mxmtl.fit` and ``mxmtl train``.

    Raises `ValueError` for a value that cannot be. See ``docs/training.md`` for what they do.

    Examples
    --------
    >>> Settings(epochs=3, data_shape=(3, 64, 64)).num_epochs
    3
    """

    trunk: str = option("small", "network", "small, efficientnet_lite0, one of a zoo, or a prefix")
    layer: str = option("flatten0_output", "network", "where to cut the checkpoint's network")
    layers: Tuple[str, ...] = option((), "network", "join these layers, averaged, as features")
    weights: str = option("", "network", "pretrained: .params, PyTorch's file, or imagenet (lite0)")
    weights_map: Union[str, Mapping[str, str]] = option(
        "", "network", "JSON file: {name in the file of weights: name in the trunk}"
    )
    data_shape: Tuple[int, ...] = option((3, 224, 224), "images", "channels, height, width")
    mean: Tuple[float, ...] = option((127.0,), "images", "subtracted from pixels 0..255")
    std: Tuple[float, ...] = option((64.0,), "images", "and divided by")
    crop: float = option(1.0, "images", "share of the shorter edge kept in validation")
    augment: Tuple[Augmentation, ...] = option((), "images", "random changes, in order")
    batch_size: int = option(32, "images", "rows in a batch, of all devices together")
    threads: int = option(0, "images", "decoding threads; 0 is one for each core")
    epochs: int = option(10, "optimization", "epochs, after those of --frozen-epochs")
    optimizer: str = option("sgd", "optimization", "an optimizer of MXNet, by name")
    optimizer_params: Mapping[str, Any] = option((), "optimization", "more of its parameters")
    lr: float = option(0.05, "optimization", "highest learning rate")
    momentum: float = option(0.9, "optimization", "of optimizers that have one")
    wd: float = option(1e-4, "optimization", "weight decay; none on biases and norms")
    clip: float = option(0.0, "optimization", "limit of each gradient's entries; 0 is none")
    schedule: str = option("cosine", "optimization", "one of " + ", ".join(SCHEDULES))
    warmup: float = option(0.0, "optimization", "epochs in which the rate rises from 0")
    steps: Tuple[float, ...] = option((), "optimization", "step schedule: epochs of a tenth")
    power: float = option(2.0, "optimization", "poly schedule: its power")
    minutes: float = option(0.0, "optimization", "stop after so many minutes; 0 is no limit")
    label_smoothing: float = option(
        0.0, "optimization", "of tasks that declare none: share of a label given to the others"
    )
    mixup: float = option(0.0, "optimization", "parameter of mixup; 0 is off")
    cutmix: float = option(0.0, "optimization", "parameter of CutMix; 0 is off")
    ema: float = option(0.0, "optimization", "average weights with this decay, as 0.999; 0: off")
    precision: str = option(
        "float32", "optimization", "of the trunk, one of " + ", ".join(PRECISIONS)
    )
    seed: int = option(0, "optimization", "of weights, order, augmentation and dropout")
    frozen_epochs: int = option(0, "fine-tuning", "first epochs, with the trunk frozen")
    frozen_lr: float = option(0.0, "fine-tuning", "highest rate in them; 0 is --lr")
    layer_decay: float = option(1.0, "fine-tuning", "rate of the first layer, as a share")
    keep_statistics: bool = option(
        False, "fine-tuning", "leave batch normalization's statistics as they are, in all epochs"
    )
    cache: bool = option(True, "fine-tuning", "keep the frozen trunk's features in memory")
    monitor: str = option("all_tasks/task_loss", "checkpoints", "value that says which is best")
    patience: int = option(0, "checkpoints", "stop after so many epochs without a better one")
    keep: int = option(2, "checkpoints", "newest checkpoints to keep, beside the best")
    save_batches: int = option(0, "checkpoints", "one after so many batches, too")
    save_minutes: float = option(0.0, "checkpoints", "one after so many minutes, too")
    logs: Tuple[str, ...] = option((), "logs", "any of " + ", ".join(LOGS))
    gpus: str = option("", "devices", "such as 0,1; all that work by default, else the CPU")
    kvstore: str = option("", "devices", "one of " + ", ".join(KVSTORES) + "; it fits by default")

    def __post_init__(self) -> None:
        # JSON and command lines bring lists; a frozen declaration holds tuples.
        for name in ("data_shape", "mean", "std", "augment", "steps", "logs", "layers"):
            object.__setattr__(self, name, as_tuple(getattr(self, name)))
        for item in fields(self):
            object.__setattr__(
                self, item.name, plain(item.name, item.type, getattr(self, item.name))
            )
        steps = tuple(augmentation(step) for step in self.augment)
        object.__setattr__(self, "augment", steps)
        object.__setattr__(self, "optimizer_params", dict(self.optimizer_params))
        if self.weights_map and not self.weights:
            raise ValueError("weights_map says what weights are called; give weights, too.")
        for name, low in LOWEST.items():
            value = getattr(self, name)
            if not low <= value < math.inf:
                raise ValueError(f"{name}={value!r}: expected {low} or more.")
        if not -(1 << 63) <= self.seed < 1 << 64:
            raise ValueError(f"seed={self.seed}: expected a whole number of 64 bits.")
        for name, such in (("ema", "0.999"), ("label_smoothing", "0.1")):
            value = getattr(self, name)
            if value >= 1:
                raise ValueError(f"{name}={value!r}: expected less than 1, such as {such}.")
        for name in ("data_shape", "mean", "std", "steps"):
            if not all(isinstance(value, (int, float)) for value in getattr(self, name)):
                raise ValueError(f"{name}={getattr(self, name)!r}: expected numbers.")
        one = (("schedule", SCHEDULES), ("precision", PRECISIONS), ("kvstore", ("", *KVSTORES)))
        for name, one_of in (*one, *(("logs", LOGS) for _ in self.logs)):
            value = getattr(self, name)
            unknown = [v for v in ([value] if isinstance(value, str) else value) if v not in one_of]
            if unknown:
                raise ValueError(f"{name}={unknown[0]!r} is not one of {one_of}.")
        if self.num_epochs < 1:
            raise ValueError("epochs and frozen_epochs are both 0: there is nothing to train.")
        if self.schedule == "step" and not self.steps:
            raise ValueError("schedule='step' needs steps=(epoch, ...), as (30, 60).")

    @property
    def num_epochs(self) -> int:
        """All epochs, frozen ones first."""
        return self.frozen_epochs + self.epochs

    @property
    def preprocessing(self) -> Preprocessing:
        """How images are read outside training."""
        return Preprocessing(self.data_shape, self.mean, self.std, self.crop)  # type: ignore[arg-type]

    def to_dict(self) -> Dict[str, Any]:
        """Return all fields as JSON-able data."""
        spec = {item.name: getattr(self, item.name) for item in fields(self)}
        spec["augment"] = [augmentation_spec(step) for step in self.augment]
        try:
            return json.loads(json.dumps(spec))  # type: ignore[no-any-return]
        except TypeError as error:
            raise ValueError(
                f"settings are written as JSON, and one of them cannot be: {error}. A function of "
                "your own (augment.Apply) can be used with Module.fit and RecordIter directly."
            ) from error

    @staticmethod
    def from_dict(spec: Mapping[str, Any]) -> "Settings":
        """Make settings from `to_dict`; `TypeError` for a name that is no setting."""
        return Settings(**spec)


LOWEST = {
    "batch_size": 1, "epochs": 0, "frozen_epochs": 0, "lr": 0, "frozen_lr": 0, "momentum": 0,
    "wd": 0, "clip": 0, "warmup": 0, "minutes": 0, "patience": 0, "keep": 1, "save_batches": 0,
    "save_minutes": 0, "mixup": 0, "cutmix": 0, "ema": 0, "layer_decay": 0, "threads": 0,
    "label_smoothing": 0, "power": 0,
}  # fmt: skip


def plain(name: str, kind: Any, value: Any) -> Any:
    """Return a setting as Python's own type, which JSON holds; NumPy's numbers are numbers, too.

    ``kind`` is the field's type as it is written. Raises `ValueError` for a value of another one.

    >>> plain("epochs", "int", 3.0), plain("lr", "float", 1), plain("cache", "bool", 0)
    (3, 1, False)
    """
    number = isinstance(value, numbers.Real)
    if kind == "int":
        if not number or value != value // 1:
            raise ValueError(f"{name}={value!r}: expected a whole number.")
        return int(value)
    if kind == "float":
        if not number:
            raise ValueError(f"{name}={value!r}: expected a number.")
        return value if isinstance(value, (int, float)) else float(value)
    if kind == "bool":
        if not (number or isinstance(value, np.bool_)) or value not in (0, 1):
            raise ValueError(f"{name}={value!r}: expected True or False.")
        return bool(value)
    if kind == "str" and not isinstance(value, str):
        raise ValueError(f"{name}={value!r}: expected a text, in quotes.")
    return value


def as_tuple(value: Any) -> Tuple[Any, ...]:
    """Return a tuple of the items of a list, or of one number or text."""
    return (value,) if isinstance(value, (str, int, float)) else tuple(value)


def augmentation_spec(step: Augmentation) -> Dict[str, Any]:
    """Return an augmentation as JSON-able data: its class and its fields."""
    return {"type": type(step).__name__, **{f.name: getattr(step, f.name) for f in fields(step)}}  # type: ignore[arg-type]


def augmentation(spec: Any) -> Augmentation:
    """Make the augmentation that a mapping ``{"type": ..., option: ...}`` describes."""
    if isinstance(spec, Augmentation):
        return spec
    options = dict(spec)
    kind = options.pop("type", None)
    made = getattr(augmentations, str(kind), None)
    if not (isinstance(made, type) and issubclass(made, Augmentation)):
        known = sorted(n for n, v in vars(augmentations).items() if isinstance(v, type))
        raise ValueError(f"augmentation {kind!r} is not one of {known}.")
    lists = {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}
    try:
        return made(**lists)
    except TypeError as error:  # an option that it has not, or a value of a wrong type
        raise ValueError(f"augmentation {kind}: {error}.") from error


def save_settings(
    path: Path, settings: Settings, train: Any, val: Optional[Any], noted: Mapping[str, Any] = {}
) -> None:
    """Write ``settings.json``: the settings, the records that the run was given, and their note."""
    write_json(
        path,
        {
            "format": FORMAT, "version": VERSION, "train": train, "val": val, "records": noted,
            "settings": settings.to_dict(),
        },
    )  # fmt: skip


def load_settings(path: Path) -> Tuple[Settings, Any, Any]:
    """Read ``settings.json``: the settings, the training and the validation records."""
    data = read_json(path, FORMAT, VERSION)
    try:
        return Settings.from_dict(data["settings"]), data["train"], data["val"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: {error}. Was it written by a newer mxmtl?") from error


def load_noted(path: Path) -> Dict[str, Any]:
    """Read what ``settings.json`` has noted about the records; older ones have nothing."""
    return dict(read_json(path, FORMAT, VERSION).get("records", {}))
