"""A run folder with what the run was told: its settings, and its records."""

from __future__ import annotations

from typing import Any, Tuple

from ..model import SETTINGS, RunFolder
from ._settings import Settings, load_settings


class Run(RunFolder):
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

    @property
    def settings(self) -> Settings:
        """What the run was told."""
        return load_settings(self.folder / SETTINGS)[0]

    @property
    def records(self) -> Tuple[Any, Any]:
        """Prefixes of the training and the validation records (None where there are none)."""
        return load_settings(self.folder / SETTINGS)[1:]
