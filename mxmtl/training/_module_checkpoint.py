"""Checkpoints of a module, for training loops of one's own, without `fit`."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any, Dict, Union

import mxnet as mx

from .._files import PathLike
from ..model import Checkpoint, CheckpointError, write_checkpoint, write_symbol
from ._module_state import numbers_of, pack_states, unpack_states, updater_of


def save_module(
    folder: PathLike, module: mx.mod.Module, *, epoch: int, state: Any = None
) -> Checkpoint:
    """Write a checkpoint of a module: its network, weights and optimizer, without pickle.

    Parameters
    ----------
    folder : str or Path
        Made if it is not there. The files are those of a run folder: MXNet reads
        ``model-symbol.json`` and ``model-0001.params``.
    module : mx.mod.Module
        Bound, with parameters and an optimizer.
    epoch : int
        How many epochs are finished.
    state : optional
        What else the loop must know to go on; anything that JSON holds.

    Returns
    -------
    Checkpoint
        `newest_good` finds it, if its files are all as they were written.

    Examples
    --------
    >>> import tempfile
    >>> import mxnet as mx
    >>> from mxmtl.training import load_module, newest_good, save_module
    >>> def begin():
    ...     output = mx.sym.LinearRegressionOutput(
    ...         mx.sym.FullyConnected(mx.sym.var("data"), num_hidden=1, name="fc"))
    ...     module = mx.mod.Module(output, label_names=["linearregressionoutput0_label"])
    ...     module.bind([("data", (2, 3))], [("linearregressionoutput0_label", (2, 1))])
    ...     return module
    >>> with mx.name.NameManager():
    ...     module = begin()
    >>> module.init_params()
    >>> module.init_optimizer(optimizer="adam")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = save_module(folder, module, epoch=1, state={"best": 0.5})
    ...     checkpoint, saved = newest_good(folder)
    ...     with mx.name.NameManager():
    ...         module = begin()
    ...     load_module(module, checkpoint, optimizer="adam")
    {'best': 0.5}
    """
    # MXNet does not see that BatchNorm's backward pass writes its averages: they may still be old.
    mx.nd.waitall()
    arrays, trees = pack_states(module)
    home = Path(folder)
    home.mkdir(parents=True, exist_ok=True)
    write_symbol(home, module.symbol)
    optimizer = updater_of(module).optimizer
    numbers = counted(optimizer)
    own = {
        "optimizer": {"name": name_of(optimizer), "trees": trees, "numbers": numbers},
        "loop": state,
    }
    return write_checkpoint(Checkpoint(home, epoch), own, module.get_params(), arrays)


def load_module(module: mx.mod.Module, checkpoint: Checkpoint, **options: Any) -> Any:
    """Give a bound module the weights and the optimizer of a checkpoint of `save_module`.

    They take the place of those that it may have.

    Parameters
    ----------
    module : mx.mod.Module
        Bound, of the same network.
    checkpoint : Checkpoint
        What to go on from.
    **options
        Of ``module.init_optimizer``, as when the loop began. What the optimizer counted itself
        goes on, and so does a schedule that depends on the number of updates.

    Returns
    -------
    object
        The ``state`` that was saved.

    Raises
    ------
    CheckpointError
        If a file is missing or changed, or `fit` wrote it (`resume` goes on with that), or the
        optimizer is another than the saved one; the module is left as it was.
    """
    saved: Dict[str, Any] = checkpoint.state()
    if "loop" not in saved:
        raise CheckpointError(
            f"{checkpoint.path('.json')}: not written by save_module. A run of fit goes on with "
            "mxmtl.training.resume."
        )
    given = name_of(options.get("optimizer", "sgd"))  # the default of Module.init_optimizer
    name = saved["optimizer"].get("name", given)  # older checkpoints do not say
    if name != given:
        raise CheckpointError(
            f"{checkpoint.path('.json')}: it has the states of {name!r}, and this is {given!r}. "
            f"Go on with optimizer={name!r}."
        )
    params, arrays = checkpoint.params(), checkpoint.optimizer()
    module.init_params(None, *params, force_init=True)
    module.init_optimizer(**{**options, "force_init": True})
    unpack_states(module, arrays, saved["optimizer"]["trees"])
    optimizer = updater_of(module).optimizer
    vars(optimizer).update(saved["optimizer"]["numbers"])
    optimizer.begin_num_update = optimizer.num_update  # where each weight's count begins
    return saved["loop"]


def name_of(optimizer: Union[str, mx.optimizer.Optimizer]) -> str:
    """Return MXNet's name of an optimizer.

    >>> name_of("Adam"), name_of(mx.optimizer.Adam())
    ('adam', 'adam')
    """
    return (optimizer if isinstance(optimizer, str) else type(optimizer).__name__).lower()


def counted(optimizer: mx.optimizer.Optimizer) -> Dict[str, float]:
    """Return the numbers that an optimizer has counted itself, not those that it was given."""
    given = {"lr"}  # the attribute of what is called learning_rate
    for kind in type(optimizer).__mro__[:-1]:
        given.update(inspect.signature(vars(kind).get("__init__", object)).parameters)
    return {name: value for name, value in numbers_of(optimizer).items() if name not in given}
