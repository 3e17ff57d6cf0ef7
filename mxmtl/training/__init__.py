"""Training: `fit` around ``mx.mod.Module.fit``, run folders, checkpoints, callbacks."""

from ._checkpoint import Checkpoint as Checkpoint
from ._checkpoint import CheckpointError as CheckpointError
from ._fit import fit as fit
from ._fit import resume as resume
from ._keeper import Keeper as Keeper
from ._model_file import ModelFile as ModelFile
from ._model_file import Preprocessing as Preprocessing
from ._monitor import Monitor as Monitor
from ._run import Run as Run
from ._session import Callback as Callback
from ._session import Session as Session
from ._settings import Settings as Settings
