"""Everything that a training run is told, in one place."""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import dataclasses
import functools
import json
import os
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from .. import augment as augmentations
from .._files import read_json, write_json
from .._options import MOST_TEXT, Options, one_of, option, read_pair
from ..augment import Augmentation
from ..balance import balance_of, method_names
from ..data.records import record_files
from ..model import Preprocessing
from ..nets import TRUNKS, head_kind
from ..tasks import Task, TaskSet

STAGES = "stages"  # as layers=: the last one of each height and width
FINETUNE_EPOCHS = 5
# What --finetune chooses, where nothing else is said; compare with tools/benchmarks/finetune.py.
FINETUNE: dict[str, Any] = {
    "trunk": "efficientnet_lite0",
    "layers": (STAGES,),
    "optimizer": "adam",
    "frozen_epochs": 20,
    "frozen_lr": 3e-3,
    "lr": 1e-3,
    "head_wd": 0.1,
    "warmup": 0.5,
    "keep_statistics": True,
}
# Optimizers that divide by the size of the gradient, so that their steps are bounded.
ADAPTIVE = ("adam", "adamax", "nadam", "rmsprop", "ftml", "adagrad", "adadelta", "lamb", "signum")
# What is not given, of such an optimizer (True) and of another; see docs/benchmarks/defaults.md.
USUAL = {True: {"lr": 0.002, "clip": 0.0}, False: {"lr": 0.02, "clip": 0.1}}
FORMAT = "mxmtl.settings"
VERSION = 1
MONITOR = "all_tasks/relative_loss"  # of all values the one that has no unit


def augmentation_spec(step: Augmentation) -> dict[str, Any]:
    """Return an augmentation as JSON-able data: its class and its fields."""
    return {"type": type(step).__name__, **{f.name: getattr(step, f.name) for f in fields(step)}}  # type: ignore[arg-type]


def known_augmentations() -> list[str]:
    """Return the names of the augmentations that a text can describe: no base classes."""
    return sorted(
        name
        for name, kind in vars(augmentations).items()
        if dataclasses.is_dataclass(kind)
        and issubclass(kind, Augmentation)  # type: ignore[arg-type]
        and kind is not augmentations.Apply  # takes a function, which no text can be
    )


def augmentation(spec: Any) -> Augmentation:
    """Make the augmentation that a mapping ``{"type": ..., option: ...}`` or a text describes."""
    if isinstance(spec, Augmentation):
        return spec
    if isinstance(spec, str):
        return read_augmentation(spec)
    if not isinstance(spec, Mapping):
        raise ValueError(f"augment={spec!r}: expected augmentations, as RandomMirror().")
    options = dict(spec)
    kind = str(options.pop("type", None))
    if kind not in known_augmentations():
        raise ValueError(f"augmentation {kind!r}: expected {one_of(kind, known_augmentations())}.")
    made = getattr(augmentations, kind)
    lists = {name: tuple(v) if isinstance(v, list) else v for name, v in options.items()}
    try:
        return made(**lists)
    except TypeError as error:  # an option that it has not, or a value of a wrong type
        raise ValueError(f"augmentation {kind}: {error}.") from error


def read_augmentation(text: str) -> Augmentation:
    """Read ``RandomZoom least=0.8 most=1.2``.

    >>> read_augmentation("RandomResizedCrop area=0.3,1").area
    (0.3, 1)
    """
    if len(text) > MOST_TEXT:
        raise ValueError(f"augment={text[:40]!r}...: at most {MOST_TEXT} letters are read.")
    kind, *pairs = shlex.split(text) or [""]
    return augmentation({"type": kind, **dict(map(read_pair, pairs))})


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return the items of a list; one of them by itself is a list of one."""
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def declarations(tasks: Any) -> str | Mapping[str, Any]:
    """Return the name of a file of tasks, or given tasks as `TaskSet.to_dict` has them.

    >>> declarations([Task.from_dict({"type": "Binary", "name": "outdoors"})])["tasks"]
    [{'type': 'Binary', 'name': 'outdoors'}]
    """
    given = getattr(tasks, "tasks", tasks)  # what `mxmtl.data.infer_tasks` returns
    if isinstance(given, str | os.PathLike):
        return os.fspath(given)
    if isinstance(given, Mapping):
        return TaskSet.from_dict(given).to_dict()
    try:
        return (given if isinstance(given, TaskSet) else TaskSet(as_tuple(given))).to_dict()
    except TypeError as error:
        raise ValueError(f"tasks: expected a .tasks.json file, or {error}") from error


def usual_metrics() -> list[str]:
    """Return the names of the metrics by which epochs are compared, as tasks have them."""
    names = [name for kind in Task.types.values() for name in kind.default_metrics]
    counts = ("num_", "baseline_")  # of the labels alone: no epoch is better at these
    return sorted({"relative_loss", *(name for name in names if not name.startswith(counts))})


# An option under each heading of ``mxmtl train --help``.
network = functools.partial(option, group="network")
of_tasks = functools.partial(option, group="tasks")
images = functools.partial(option, group="images")
optimization = functools.partial(option, group="optimization")
fine_tuning = functools.partial(option, group="fine-tuning")
checkpoints = functools.partial(option, group="checkpoints")
devices = functools.partial(option, group="devices", changeable=True)


@dataclass(frozen=True)
class Settings(Options):
    """Settings of a training run; each field is an option of `mxmtl.fit` and ``mxmtl train``.

    Raises `ValueError` for a value that cannot be. See ``docs/training.md`` for what they do.

    Examples
    --------
    >>> Settings(epochs=3, data_shape=(3, 64, 64)).num_epochs
    3
    """

    tasks: str | Mapping[str, Any] = of_tasks(
        "", "a .tasks.json file: other declarations (losses, weights) of the records' columns",
        metavar="FILE",
    )  # fmt: skip
    task_weight: Mapping[str, float] = of_tasks(
        (), "what a task's loss is multiplied by; may be repeated", repeat=True
    )
    trunk: str = network("small", "a name of mxmtl trunks or GluonCV, or a checkpoint's prefix")
    layer: str = network("flatten0_output", "where to cut the checkpoint's network")
    layers: tuple[str, ...] = network(
        (), "join these layers, averaged, as features; stages: the last one of each size"
    )
    weights: str = network(
        "", "pretrained: .params, .pth, .safetensors, imagenet (see mxmtl trunks), or a run folder"
    )
    weights_map: str | Mapping[str, str] = network(
        "", "JSON file: {name in the file of weights: name in the trunk}"
    )
    heads: str = network(
        "linear",
        "a task's own layers: linear, hidden(units=(128,), dropout=0.2), mmoe, cgc, csra, "
        "queries",
    )
    data_shape: tuple[int, ...] = images((3, 224, 224), "channels, height, width", low=1)
    mean: tuple[float, ...] = images(
        (127.0,), "mean of the pixels, 0 to 255: one number or one a channel; what --weights expect"
    )
    std: tuple[float, ...] = images((64.0,), "standard deviation of the pixels, likewise")
    crop: float = images(1.0, "share of the shorter edge kept in validation")
    augment: tuple[Augmentation, ...] = images(
        (), "random changes, in order: 'NAME [OPTION=VALUE ...]', NAME one of "
        + ", ".join(known_augmentations()) + "; as --augment 'RandomRotation degrees=9'",
        metavar="STEP", read=read_augmentation, repeat=True,
    )  # fmt: skip
    batch_size: int = images(32, "pictures in a batch, of all devices together", low=1)
    threads: int = images(0, "decoding threads; 0 is one for each core", low=0, changeable=True)
    epochs: int = optimization(10, "epochs, after those of --frozen-epochs", low=0)
    optimizer: str = optimization("adam", "an optimizer of MXNet, by name")
    optimizer_params: Mapping[str, Any] = optimization(
        (), "more parameters of the optimizer", repeat=True
    )
    # None is what is usual for the optimizer, and becomes a number below.
    lr: float = optimization(
        None, "highest learning rate; by default 0.002 for adam, 0.02 for sgd", low=0
    )  # type: ignore[arg-type]
    momentum: float = optimization(0.9, "momentum of optimizers that have one", low=0)
    wd: float = optimization(1e-4, "weight decay; biases and norms have none", low=0)
    clip: float = optimization(
        None, "limit of each entry of a gradient; by default 0.1 for sgd", low=0
    )  # type: ignore[arg-type]
    schedule: str = optimization(
        "cosine", "how the learning rate falls", choices=("constant", "cosine", "step", "poly")
    )
    warmup: float = optimization(1.0, "epochs in which the learning rate rises from 0", low=0)
    steps: tuple[float, ...] = optimization(
        (), "of --schedule step: epochs at which the rate falls to a tenth"
    )
    power: float = optimization(2.0, "of --schedule poly", low=0)
    minutes: float = optimization(
        0.0, "stop after so many minutes; 0 is no limit", low=0, changeable=True
    )
    balance: str = optimization(
        "equal",
        f"how tasks are weighed, NAME or NAME(OPTION=VALUE): {', '.join(method_names())}",
    )
    label_smoothing: float = optimization(
        0.0, "share of a label that the others get, in tasks that declare none", low=0, below=1
    )
    mixup: float = optimization(0.0, "strength of mixup, such as 0.2; 0 is off", low=0)
    cutmix: float = optimization(0.0, "strength of CutMix, such as 1; 0 is off", low=0)
    logic_mix: int = optimization(
        0, "LogicMix: means of up to so many images, what holds of one holds; 0 is off", low=0
    )
    ema: float = optimization(
        0.0, "average the weights with this decay, such as 0.999; 0 is off", low=0, below=1
    )
    begin: int = optimization(0, "epochs of earlier parts of the run", low=0, flag="")
    seed: int = optimization(
        0, "random seed of weights, order, augmentation and dropout", low=-(2**63), high=2**64 - 1
    )
    finetune: int = fine_tuning(
        0, "begin from trained weights: heads first, then so many epochs of all; chooses trunk, "
        "rates and all of this group, unless they are given", low=0, bare=FINETUNE_EPOCHS,
    )  # fmt: skip
    frozen_epochs: int = fine_tuning(
        0, "first train the heads alone for so many epochs, with the trunk frozen", low=0
    )
    frozen_lr: float = fine_tuning(0.0, "highest learning rate in these epochs; 0 is --lr", low=0)
    head_wd: float = fine_tuning(
        0.0, "weight decay of the heads' weights, which learn few labels by heart; 0 is --wd", low=0
    )
    layer_decay: float = fine_tuning(
        1.0, "learning rate of the first layer, as a share of --lr", low=0
    )
    keep_statistics: bool = fine_tuning(
        False, "leave batch normalization's statistics as they are, in all epochs"
    )
    cache: bool = fine_tuning(True, "keep the frozen trunk's features in memory")
    monitor: str = checkpoints(
        MONITOR,
        "value that says which is best: TASK/METRIC, all_tasks/METRIC or all_tasks/worst_METRIC, "
        f"METRIC one of {', '.join(usual_metrics())}, or another of mxmtl.metrics",
    )
    patience: int = checkpoints(
        0, "early stopping: stop after so many epochs without a better one", low=0, changeable=True
    )
    keep: int = checkpoints(
        2, "how many of the newest checkpoints to keep, beside the best", low=1, changeable=True
    )
    save_batches: int = checkpoints(
        0, "also save a checkpoint after so many batches", low=0, changeable=True
    )
    save_minutes: float = checkpoints(
        0.0, "also save a checkpoint after so many minutes", low=0, changeable=True
    )
    logs: tuple[str, ...] = option(
        (), "files of all values, in the run folder", group="logs",
        choices=("csv", "jsonl", "tensorboard"), changeable=True,
    )  # fmt: skip
    gpus: str = devices("", "such as 0,1; by default all that work, else the CPU")
    kvstore: str = devices(
        "", "how MXNet adds gradients up; chosen to fit by default",
        choices=("", "local", "device", "dist_sync", "dist_sync_device"),
    )  # fmt: skip

    def __post_init__(self) -> None:
        object.__setattr__(self, "augment", tuple(map(augmentation, as_tuple(self.augment))))
        object.__setattr__(self, "tasks", declarations(self.tasks))
        for name in ("balance", "heads"):  # declarations are kept as texts
            object.__setattr__(self, name, str(getattr(self, name)))
        bounded = str(self.optimizer).lower() in ADAPTIVE
        for name, usual in USUAL[bounded].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, usual)
        super().__post_init__()
        if self.head_wd and not self.wd:
            raise ValueError("head_wd is counted in multiples of wd: give a wd above 0.")
        balance_of(self.balance)  # says what is wrong with it
        head_kind(self.heads)
        if "/" not in self.monitor:
            raise ValueError(
                f"monitor={self.monitor!r}: expected TASK/METRIC, as {MONITOR} or "
                f"breed/accuracy. METRIC is {one_of(self.monitor, usual_metrics())}."
            )
        if self.weights_map and not self.weights:
            raise ValueError("weights_map says what weights are called; give weights, too.")
        trunk = TRUNKS.get(self.trunk)
        if self.weights == "imagenet" and not (trunk and trunk.package):
            packaged = [name for name, known in TRUNKS.items() if known.package]
            files = [f"{whose}'s {name}" for whose, name in (trunk.fits if trunk else {}).items()]
            raise ValueError(
                f"weights='imagenet' is a package, and goes with {', '.join(packaged)}. For trunk "
                f"{self.trunk!r} give a file (.pth, .safetensors, .params)"
                + (f", such as that of {' or '.join(files)}." if files else ".")
            )
        if self.num_epochs < 1:
            raise ValueError("epochs and frozen_epochs are both 0: there is nothing to train.")
        if self.logic_mix == 1 or (self.logic_mix and (self.mixup or self.cutmix)):
            raise ValueError(
                f"logic_mix={self.logic_mix}: expected 2 or more images, and neither mixup nor "
                "cutmix beside it."
            )
        if self.schedule == "step" and not self.steps:
            raise ValueError("schedule='step' needs steps=(epoch, ...), as (30, 60).")

    @classmethod
    def of(cls, options: Mapping[str, Any], also: Iterable[str] = ()) -> Settings:
        """Make them of keyword arguments; with ``finetune``, what is not given is its choice."""
        given = dict(options)
        if given.get("finetune"):
            given = {**FINETUNE, "epochs": given["finetune"], **given}
            trunk = TRUNKS.get(given["trunk"])
            if trunk and trunk.package:
                given.setdefault("weights", "imagenet")
        return super().of(given, also)

    @property
    def num_epochs(self) -> int:
        """All epochs, frozen ones first."""
        return self.frozen_epochs + self.epochs

    @property
    def preprocessing(self) -> Preprocessing:
        """How images are read outside training."""
        return Preprocessing(self.data_shape, self.mean, self.std, self.crop)  # type: ignore[arg-type]

    def to_dict(self) -> dict[str, Any]:
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
    def from_dict(spec: Mapping[str, Any]) -> Settings:
        """Make settings from `to_dict`; `TypeError` for a name that is no setting.

        Mixed precision has been one: what was trained without it is read as before.
        """
        given = dict(spec)
        precision = given.pop("precision", "float32")
        if precision not in ("float32", "auto"):
            raise ValueError(
                f"precision={precision!r}: trained in mixed precision, which this mxmtl has not. "
                "Install the mxmtl that wrote it."
            )
        return Settings.of(given)


def save_settings(
    path: Path,
    settings: Settings,
    train: Any,
    val: Any | None,
    noted: Mapping[str, Any] = {},
    parts: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write ``settings.json``: the settings, the records that the run was given, and their note.

    ``parts`` are the settings of parts of the run that are finished.
    """
    write_json(
        path,
        {
            "format": FORMAT, "version": VERSION, "train": train, "val": val, "records": noted,
            "folder": os.getcwd(), "parts": list(parts), "settings": settings.to_dict(),
        },
    )  # fmt: skip


NOTED = {"records": int, "files": [{"bytes": int, "sha256": (str, None)}]}
FORM = {"settings": {str: object}, "train": (str, [str], None), "val": (str, [str], None),
        "folder?": str, "records?": {"train?": NOTED, "val?": NOTED},
        "parts?": [{"end": int, "settings": {str: object}}]}  # fmt: skip


def load_settings(path: Path) -> tuple[Settings, Any, Any]:
    """Read ``settings.json``: the settings, the training and the validation records.

    Records are looked for from where the run began, from here, and from beside the run as they
    lay then.
    """
    data = read_json(path, FORMAT, VERSION, FORM)
    try:
        settings = Settings.from_dict(data["settings"])
        began = data.get("folder", "")
        return settings, *(_found(data[name], began, path.parent) for name in ("train", "val"))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path}: {error}. Was it written by a newer mxmtl?") from error


def _found(prefixes: Any, began: str, run: Path) -> Any:
    if not isinstance(prefixes, str):
        return None if prefixes is None else [_found(each, began, run) for each in prefixes]
    places = [prefixes if began == os.getcwd() else os.path.join(began, prefixes), prefixes]
    if began:  # the run and its records may have been moved together
        places += [os.path.normpath(run / up / prefixes) for up in ("..", "../..", "../../..")]
    return next(filter(_is_there, places), prefixes)


def _is_there(prefix: str) -> bool:
    try:
        return bool(record_files(prefix))
    except (OSError, ValueError):
        return False


def load_noted(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read what ``settings.json`` has noted about the records, and about finished parts."""
    data = read_json(path, FORMAT, VERSION, FORM)
    return dict(data.get("records", {})), list(data.get("parts", []))
