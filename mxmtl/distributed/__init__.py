"""Training on many processes and machines, over MXNet's own parameter server."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from .._worker_rank import WorkerRank as WorkerRank
    from .._worker_rank import end_at_once_on_errors as end_at_once_on_errors
    from .._worker_rank import exit_worker as exit_worker
    from .._worker_rank import find_worker_rank as find_worker_rank
    from ._launch import Launch as Launch
    from ._launch import Launcher as Launcher
    from ._launch import launch as launch
    from ._launch import make_members as make_members
    from ._nodes import Nodes as Nodes
    from ._nodes import meet as meet
    from ._workers import KINDS as KINDS
    from ._workers import Workers as Workers
    from ._workers import WorkersError as WorkersError
    from ._workers import workers as workers

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
