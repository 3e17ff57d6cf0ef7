"""Training on many processes and machines, over MXNet's own parameter server."""

from typing import TYPE_CHECKING

from .._door import lazy

if TYPE_CHECKING:
    from ._ending import end_at_once_on_errors as end_at_once_on_errors
    from ._ending import leave as leave
    from ._hosts import Host as Host
    from ._hosts import read_hosts as read_hosts
    from ._launch import launch as launch
    from ._place import Place as Place
    from ._place import find_place as find_place
    from ._plan import Launch as Launch
    from ._workers import KINDS as KINDS
    from ._workers import Workers as Workers
    from ._workers import WorkersError as WorkersError
    from ._workers import workers as workers

    end_at_once_on_errors()  # in a worker; elsewhere it does nothing

__getattr__, __dir__, __all__ = lazy(__name__, __file__)
