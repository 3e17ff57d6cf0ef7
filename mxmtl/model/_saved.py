"""A trained network on disk: a run folder, or MXNet's own files; and what both load into."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mxnet as mx

from .._files import PathLike
from .._foreign import load_arrays, load_symbol
from ..nets import logits_symbol
from ..tasks import TaskSet
from ._checkpoint import (
    PREFIX,
    SYMBOL,
    Arrays,
    Checkpoint,
    CheckpointError,
    find_checkpoints,
    find_epoch,
    newest_good,
    no_good,
    of_two_kinds,
)
from ._model_file import ModelFile, Preprocessing

MODEL = f"{PREFIX}.json"
SETTINGS = "settings.json"
NUMBERED = re.compile(r"(.*)-(\d{4,})(?:\.params)?")


class RunFolder:
    """A folder that `mxmtl.fit` or ``mxmtl train`` wrote, as files.

    What the run was told is in `mxmtl.training.Run`, which is one.

    Parameters
    ----------
    folder : str or Path
        It holds ``settings.json``, ``model.json``, ``model-symbol.json`` and checkpoints.
    check : bool
        Whether to look for them at once; on a worker that does not write them they may be on
        another machine.

    Raises
    ------
    FileNotFoundError
        If it is no run folder.
    """

    def __init__(self, folder: PathLike, *, check: bool = True) -> None:
        self.folder = Path(folder)
        if check and not (self.folder / SETTINGS).is_file():
            raise FileNotFoundError(
                f"{self.folder} is no run folder: it has no {SETTINGS}. mxmtl train makes one."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.folder)!r})"

    @property
    def model(self) -> ModelFile:
        """Tasks, preprocessing, and all that was tuned, for whatever checkpoint."""
        return ModelFile.load(self.folder / MODEL)

    @property
    def tasks(self) -> TaskSet:
        """What the outputs mean."""
        return self.model.tasks

    @property
    def checkpoints(self) -> list[Checkpoint]:
        """All that are there, oldest first."""
        return find_checkpoints(self.folder)

    @property
    def history(self) -> list[dict[str, Any]]:
        """One entry for each finished epoch, from the newest good checkpoint."""
        return list(self._newest()[1]["history"])

    @property
    def last(self) -> Checkpoint:
        """The newest good checkpoint; `CheckpointError` if there is none."""
        return self._newest()[0]

    @property
    def best(self) -> Checkpoint:
        """The checkpoint of the best epoch by the monitored value."""
        last, state = self._newest()
        best = best_entry(state["history"])
        return last if best is None else Checkpoint(self.folder, best["epoch"])

    def checkpoint(self, which: str = "best") -> Checkpoint:
        """Return the ``"best"`` or the ``"last"`` checkpoint."""
        if which not in ("best", "last"):
            raise ValueError(f"which={which!r} is not 'best' or 'last'.")
        return self.best if which == "best" else self.last

    def model_of(self, which: str = "best") -> ModelFile:
        """Return `model` with what was tuned for this checkpoint; a warning names what was not."""
        return self.model.for_checkpoint(self.checkpoint(which).stem)

    def load(self, which: str = "best") -> tuple[mx.sym.Symbol, Arrays, Arrays]:
        """Return (symbol, arg_params, aux_params) of the ``"best"`` or the ``"last"`` checkpoint.

        The symbol is the training symbol; `mxmtl.prediction_symbol` makes one without labels.
        The files' SHA-256 are checked.
        """
        checkpoint = self.checkpoint(which)
        try:
            checkpoint.state()
        except CheckpointError as error:
            raise CheckpointError(f"{error} {self._best_is_gone(checkpoint)}") from error
        args, auxs = checkpoint.params()
        return load_symbol(self.folder / SYMBOL), args, auxs

    @property
    def doubt(self) -> str:
        """Which file of the best checkpoint is missing, and what can be done; "" if none is."""
        best = self.best
        gone = [path for path in map(best.path, (".json", ".params")) if not path.exists()]
        return f"{gone[0]}: no such file. {self._best_is_gone(best)}" if gone else ""

    def _best_is_gone(self, best: Checkpoint) -> str:
        return (
            f"{best.stem} is of the best epoch; put the file back, or take the last checkpoint, "
            f'{self.last.stem} (--which last, in Python which="last").'
        )

    def _newest(self) -> tuple[Checkpoint, dict[str, Any]]:
        newest: tuple[Checkpoint, dict[str, Any]] | None = newest_good(self.folder)
        if newest is None:
            raise CheckpointError(no_good(self.folder))
        if "history" not in newest[1]:
            raise CheckpointError(
                f"{newest[0].path('.json')}: it has no history, so no run wrote it."
            )
        return newest


def best_entry(history: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the best epoch of a history; None if it is empty."""
    marked = [entry for entry in history if entry.get("best")]
    return marked[-1] if marked else None


@dataclass(frozen=True)
class Model:
    """A trained network and what it is for; made by `load_model`.

    Attributes
    ----------
    symbol : Symbol
        The training symbol, or one that predicts.
    params : (dict, dict)
        Arguments and auxiliary states.
    file : ModelFile
        Tasks, preprocessing, thresholds, temperatures.
    name : str
        Where it came from, as ``runs/first/model-0003``.
    """

    symbol: mx.sym.Symbol
    params: tuple[Arrays, Arrays]
    file: ModelFile
    name: str

    @property
    def tasks(self) -> TaskSet:
        """What the outputs mean."""
        return self.file.tasks

    @property
    def in_8_bits(self) -> bool:
        """Whether it computes in 8 bits, as `mxmtl.export.quantize` makes it."""
        nodes = json.loads(self.symbol.tojson())["nodes"]
        return any("quantize" in node["op"] for node in nodes)

    def predicting(self) -> mx.sym.Symbol:
        """Return the network with activations and temperatures: its outputs are predictions."""
        outputs, temperature = [], self.file.temperature
        with mx.name.NameManager():  # the same names each time, so the same files
            for task, logits in zip(self.tasks, logits_symbol(self.symbol, self.tasks)):
                divisor = temperature.get(task.name, 1.0)
                cooled = logits if divisor == 1.0 else logits / divisor
                outputs.append(task.prediction_output(mx.sym, cooled, name=task.name))
        return mx.sym.Group(outputs)


def load_model(
    source: PathLike | RunFolder,
    which: str = "best",
    *,
    tasks: TaskSet | PathLike | None = None,
    preprocessing: Preprocessing | None = None,
) -> Model:
    """Load a trained network.

    Parameters
    ----------
    source : str, Path or Run
        A run folder; or the prefix of MXNet's files, ``prefix-symbol.json`` and
        ``prefix-0001.params`` (the highest number, or the one that is named:
        ``prefix-0003`` or ``prefix-0003.params``).
    which : {"best", "last"}
        Which checkpoint of a run.
    tasks : TaskSet or str, optional
        For MXNet's files: what the outputs mean. By default read from ``prefix.json`` (as a run
        folder has it) or ``prefix.tasks.json``.
    preprocessing : Preprocessing, optional
        For MXNet's files without a ``prefix.json``: how images become input.

    Raises
    ------
    FileNotFoundError
        If there is no such model, or nothing says what its outputs mean.
    ValueError
        If a file is damaged, or the preprocessing is not known.
    """
    if isinstance(source, RunFolder) or os.path.isdir(source):
        run = source if isinstance(source, RunFolder) else RunFolder(source)
        symbol, args, auxs = run.load(which)
        stem = run.checkpoint(which).stem
        return Model(symbol, (args, auxs), run.model_of(which), str(run.folder / stem))
    prefix, number = find_files(os.fspath(source))
    file = _model_file(prefix, tasks, preprocessing)
    folder, name = os.path.split(prefix)
    if name == PREFIX and os.path.exists(os.path.join(folder, SETTINGS)):  # of a run, by its files
        file = file.for_checkpoint(f"{name}-{number:04d}")
    symbol = load_symbol(f"{prefix}-symbol.json")
    params = of_two_kinds(load_arrays(f"{prefix}-{number:04d}.params"))
    return Model(symbol, params, file, f"{prefix}-{number:04d}")


def find_files(source: str) -> tuple[str, int]:
    """Return prefix and number of MXNet's files; `FileNotFoundError` if there are none."""
    match = NUMBERED.fullmatch(source)
    if match and os.path.exists(f"{match.group(1)}-symbol.json"):
        return match.group(1), int(match.group(2))
    number = find_epoch(source)
    if number is None:
        raise FileNotFoundError(
            f"{source}: no model. Expected a run folder (mxmtl train makes one), or the prefix of "
            f"MXNet's files {source}-symbol.json and {source}-0001.params."
        )
    return source, number


def _model_file(
    prefix: str, tasks: TaskSet | PathLike | None, preprocessing: Preprocessing | None
) -> ModelFile:
    if tasks is None and preprocessing is None and os.path.exists(f"{prefix}.json"):
        return ModelFile.load(f"{prefix}.json")
    if not isinstance(tasks, TaskSet):
        beside = f"{prefix}.tasks.json"
        if tasks is None and not os.path.exists(beside):
            raise FileNotFoundError(
                f"{beside}: no such file, and no {prefix}.json: give the tasks that the network "
                "was trained for (the .tasks.json beside its records)."
            )
        tasks = TaskSet.load(beside if tasks is None else tasks)
    if preprocessing is None:
        raise ValueError(
            f"{prefix}: nothing says what images the network takes; give its data_shape, and the "
            "mean and std that it was trained with."
        )
    return ModelFile(tasks, preprocessing)
