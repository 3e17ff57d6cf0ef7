"""A trained network with all that belongs to it, from a run folder or from MXNet's own files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import Dict, Optional, Tuple, Union

import mxnet as mx

from .._files import PathLike
from ..tasks import TaskSet
from ..training import PREFIX, SETTINGS, ModelFile, Preprocessing, Run, find_epoch

Arrays = Dict[str, mx.nd.NDArray]
NUMBERED = re.compile(r"(.*)-(\d{4,})(?:\.params)?")


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
    params: Tuple[Arrays, Arrays]
    file: ModelFile
    name: str

    @property
    def tasks(self) -> TaskSet:
        """What the outputs mean."""
        return self.file.tasks


def load_model(
    source: Union[PathLike, Run],
    which: str = "best",
    *,
    tasks: Union[TaskSet, PathLike, None] = None,
    preprocessing: Optional[Preprocessing] = None,
) -> Model:
    """Load a trained network.

    Parameters
    ----------
    source : Run, str or Path
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
    if isinstance(source, Run) or os.path.isdir(source):
        run = source if isinstance(source, Run) else Run(source)
        symbol, args, auxs = run.load(which)
        stem = run.checkpoint(which).stem
        return Model(symbol, (args, auxs), run.model_of(which), str(run.folder / stem))
    prefix, number = find_files(os.fspath(source))
    file = _model_file(prefix, tasks, preprocessing)
    folder, name = os.path.split(prefix)
    if name == PREFIX and os.path.exists(os.path.join(folder, SETTINGS)):  # of a run, by its files
        file = file.for_checkpoint(f"{name}-{number:04d}")
    try:
        symbol, args, auxs = mx.model.load_checkpoint(prefix, number)
    except (mx.MXNetError, UnicodeDecodeError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise ValueError(f"{prefix}-{number:04d}.params and its symbol: {reason}") from error
    return Model(symbol, (args, auxs), file, f"{prefix}-{number:04d}")


def find_files(source: str) -> Tuple[str, int]:
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
    prefix: str, tasks: Union[TaskSet, PathLike, None], preprocessing: Optional[Preprocessing]
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
