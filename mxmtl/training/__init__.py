"""Training: `fit` around ``mx.mod.Module.fit``, run folders, checkpoints, callbacks."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from .._devices import devices as devices
    from ..model import PREFIX as PREFIX
    from ..model import Checkpoint as Checkpoint
    from ..model import CheckpointError as CheckpointError
    from ..model import ModelFile as ModelFile
    from ..model import Preprocessing as Preprocessing
    from ..model import find_checkpoints as find_checkpoints
    from ..model import newest_good as newest_good
    from ._callbacks import Budget as Budget
    from ._callbacks import CsvLog as CsvLog
    from ._callbacks import Interrupt as Interrupt
    from ._callbacks import Interrupted as Interrupted
    from ._callbacks import JsonLinesLog as JsonLinesLog
    from ._callbacks import Keeper as Keeper
    from ._callbacks import Monitor as Monitor
    from ._callbacks import Progress as Progress
    from ._callbacks import TensorBoardLog as TensorBoardLog
    from ._callbacks import said_once as said_once
    from ._divergence import DivergedError as DivergedError
    from ._divergence import TrainingError as TrainingError
    from ._find_lr import RateFinding as RateFinding
    from ._find_lr import find_lr as find_lr
    from ._fit import fit as fit
    from ._fit import resume as resume
    from ._logic_mix import LogicMix as LogicMix
    from ._module_state import load_module as load_module
    from ._module_state import save_module as save_module
    from ._network import decay_rates as decay_rates
    from ._network import freeze as freeze
    from ._network import make_network as make_network
    from ._optimizer import check_optimizer as check_optimizer
    from ._optimizer import make_schedule as make_schedule
    from ._preset import chosen_settings as chosen_settings
    from ._pretrained import Weights as Weights
    from ._pretrained import read_weights as read_weights
    from ._records import note_records as note_records
    from ._records import same_files as same_files
    from ._run_folder import Run as Run
    from ._runs import ALIKE as ALIKE
    from ._runs import differing_settings as differing_settings
    from ._runs import find_runs as find_runs
    from ._runs import history_alike as history_alike
    from ._runs import runs_in as runs_in
    from ._runs import runs_table as runs_table
    from ._runs import setting_text as setting_text
    from ._runs import weighed_apart as weighed_apart
    from ._session import Callback as Callback
    from ._session import RunContext as RunContext
    from ._session import Session as Session
    from ._session import direction as direction
    from ._session import make_suite as make_suite
    from ._settings import FINETUNE as FINETUNE
    from ._settings import Settings as Settings
    from ._settings import load_noted as load_noted
    from ._settings import load_settings as load_settings
    from ._settings import save_settings as save_settings
    from ._single_tasks import SINGLE_TASKS as SINGLE_TASKS
    from ._single_tasks import fit_single_tasks as fit_single_tasks
    from ._state_dict import read_state_dict as read_state_dict
    from ._stream import Mix as Mix

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
