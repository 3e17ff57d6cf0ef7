"""A run folder: what training writes, and everything else reads."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import mxnet as mx

from .._files import PathLike
from ..tasks import TaskSet
from ._checkpoint import PREFIX, SYMBOL, Checkpoint, CheckpointError, find_checkpoints
from ._checkpoint import newest_good as newest_good
from ._model_file import ModelFile
from ._monitor import best_entry
from ._optimizer_state import Arrays
from ._settings import Settings, load_settings

MODEL = f"{PREFIX}.json"
SETTINGS = "settings.json"


class Run:
    """A folder that `mxmtl.fit` or ``mxmtl train`` wrote.

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
        return f"Run({str(self.folder)!r})"

    @property
    def settings(self) -> Settings:
        """What the run was told."""
        return load_settings(self.folder / SETTINGS)[0]

    @property
    def records(self) -> Tuple[Any, Any]:
        """Prefixes of the training and the validation records (None where there are none)."""
        return load_settings(self.folder / SETTINGS)[1:]

    @property
    def model(self) -> ModelFile:
        """Tasks, preprocessing, and all that was tuned, for whatever checkpoint."""
        return ModelFile.load(self.folder / MODEL)

    @property
    def tasks(self) -> TaskSet:
        """What the outputs mean."""
        return self.model.tasks

    @property
    def checkpoints(self) -> List[Checkpoint]:
        """All that are there, oldest first."""
        return find_checkpoints(self.folder)

    @property
    def history(self) -> List[Dict[str, Any]]:
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

    def load(self, which: str = "best") -> Tuple[mx.sym.Symbol, Arrays, Arrays]:
        """Return (symbol, arg_params, aux_params) of the ``"best"`` or the ``"last"`` checkpoint.

        The symbol is the training symbol; `mxmtl.prediction_symbol` makes one without labels.
        The files' SHA-256 are checked.
        """
        checkpoint = self.checkpoint(which)
        checkpoint.state()
        args, auxs = checkpoint.params()
        return mx.sym.load(os.fspath(self.folder / SYMBOL)), args, auxs

    def _newest(self) -> Tuple[Checkpoint, Dict[str, Any]]:
        newest: Optional[Tuple[Checkpoint, Dict[str, Any]]] = newest_good(self.folder)
        if newest is None:
            raise CheckpointError(f"{self.folder}: no good checkpoint.")
        return newest
