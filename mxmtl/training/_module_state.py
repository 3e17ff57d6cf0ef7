"""What a module holds beside its weights, made fit to be saved, shared and averaged.

A checkpoint that has only the weights goes on as another run: with another momentum, another
count of updates, another normalization. What else there is lies in corners of MXNet's own objects
that have no way out but pickle, which would run what a file says. So it is taken from these
corners here, and nowhere else, and given back:

* the optimizer's states, which an updater has by index and device, a key-value store by name;
* the statistics of batch normalization, of which each device and each worker has its own;
* the average of the weights, which is ours.

`save_module` and `load_module` do so for training loops of one's own, without `fit`.
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import mxnet as mx

from .._files import PathLike
from ..distributed import Workers, WorkersError
from ..model import Arrays, Checkpoint, CheckpointError, write_checkpoint, write_symbol

Tree = Any  # None, a name of an array, a number, or {"tuple": [Tree, ...]}
STATISTICS = "statistics:"  # before the number of a device and the name of an array


# -- the optimizer's states ----------------------------------------------------------------------
def updater_of(module: mx.mod.Module) -> Any:
    """Return the object that holds the optimizer's states: the module's, or the kvstore's."""
    return module._kvstore._updater if module._update_on_kvstore else module._updater


def numbers_of(optimizer: mx.optimizer.Optimizer) -> dict[str, float]:
    """Return its numbers; those that change while it works belong to its state.

    Nadam, for one, keeps a product of momenta as an attribute.
    """
    return {
        name: value
        for name, value in vars(optimizer).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def pack_states(module: mx.mod.Module) -> tuple[Arrays, list[tuple[str, Tree]]]:
    """Return the arrays of all states by name, and for each parameter's name how they nest."""
    arrays: Arrays = {}
    trees: dict[str, Tree] = {}
    # A kvstore knows parameters by name, an updater by an index for each device: all devices
    # have the same states, so that those of one are kept, for any number of them.
    names = module._optimizer.idx2name
    for key, state in updater_of(module).states.items():
        name = names.get(key, key)
        if name not in trees:
            trees[name] = _pack(state, name, arrays)
    return arrays, list(trees.items())


def _pack(state: Any, name: str, arrays: Arrays) -> Tree:
    if isinstance(state, mx.nd.NDArray):
        arrays[name] = state
        return name
    if isinstance(state, tuple | list):
        parts = [_pack(part, f"{name}.{place}", arrays) for place, part in enumerate(state)]
        return {"tuple": parts}
    if state is None or isinstance(state, int | float):
        return state if state is None else {"number": state}
    raise TypeError(
        f"an optimizer state of type {type(state).__name__} cannot be saved without pickle; "
        "choose an optimizer whose states are arrays."
    )


def unpack_states(module: mx.mod.Module, arrays: Arrays, trees: list[Any]) -> None:
    """Give a module whose optimizer is fresh the states that `pack_states` returned."""
    updater = updater_of(module)
    in_order = module._exec_group.param_names
    known = {key if isinstance(key, str) else in_order[key]: tree for key, tree in trees}
    names = module._optimizer.idx2name
    keys = {name: name for name in known} if module._update_on_kvstore else names
    updater.states = {
        key: _unpack(known[name], arrays) for key, name in keys.items() if name in known
    }
    # False: the updater moves each state to its weight's device at the first step.
    updater.states_synced = dict.fromkeys(updater.states, False)


def _unpack(tree: Tree, arrays: Arrays) -> Any:
    if isinstance(tree, str):
        return arrays[tree].copy()  # several devices begin with the same, each for itself
    if tree is None:
        return None
    if "number" in tree:
        return tree["number"]
    return tuple(_unpack(part, arrays) for part in tree["tuple"])


# -- the same on all workers, and the statistics of batch normalization --------------------------
def begin_as_worker_0(module: mx.mod.Module, workers: Workers, place: tuple[int, int]) -> None:
    """Give all workers the parameters of worker 0; `WorkersError` if one begins elsewhere."""
    if workers.count == 1:
        return
    places = workers.numbers("begin", *place)
    for rank, other in enumerate(places.tolist()):
        if other != places[0].tolist():
            raise WorkersError(
                f"worker {rank} begins after epoch {other[0]}, batch {other[1]}, worker 0 after "
                f"{places[0].tolist()}. All must see the same run folder to go on with it: on a "
                "file system that the machines share, or as a copy on each."
            )
    args, auxs = module.get_params()
    workers.broadcast([*args.values(), *auxs.values()])
    module.set_params(args, auxs)


def mean_statistics(module: mx.mod.Module, workers: Workers) -> None:
    """Give all workers the mean of their statistics of batch normalization.

    Each worker moves its own towards those of its batches. Their mean is what one would have
    that saw the batches of all, up to the variance between the workers' means.
    """
    mx.nd.waitall()  # MXNet does not wait for BatchNorm's statistics by itself
    group = module._exec_group
    if workers.count == 1 or not group.aux_names:
        return
    _, auxs = module.get_params()
    mine = [auxs[name] for name in group.aux_names]
    workers.mean(mine)
    for mean, devices in zip(mine, group.aux_arrays):
        for array in devices:
            mean.copyto(array)


def own_statistics(module: mx.mod.Module) -> Arrays:
    """Return the statistics of batch normalization that each of several devices has for itself.

    The parameters' file has their mean, which at the end of an epoch all begin with; a run that
    goes on in the middle of one needs each.
    """
    group = module._exec_group
    if len(group.contexts) == 1:
        return {}
    return {
        f"{STATISTICS}{number}:{name}": array
        for name, devices in zip(group.aux_names, group.aux_arrays)
        for number, array in enumerate(devices)
    }


def give_statistics(module: mx.mod.Module, arrays: Arrays) -> None:
    """Give each device what `own_statistics` returned; on another number of them the mean stays."""
    mine = own_statistics(module)
    if set(mine) == {name for name in arrays if name.startswith(STATISTICS)}:
        for name, array in mine.items():
            arrays[name].copyto(array)


# -- the average of the weights ------------------------------------------------------------------
class Average:
    """The average a of weights w: ``a += (1 - d) (w - a)`` after each update.

    The decay d is ``min(decay, (1 + n) / (10 + n))`` at update n, so that the first weights,
    which are random, are soon forgotten. Statistics of batch normalization are averages already.

    Parameters
    ----------
    decay : float
        Such as 0.999.

    Attributes
    ----------
    values : dict of NDArray
        The average by parameter name.
    """

    def __init__(self, decay: float) -> None:
        self.decay = decay
        self.values: Arrays = {}
        self._weights: tuple[Arrays, Arrays] | None = None

    def begin(self, module: mx.mod.Module, values: Arrays) -> None:
        """Begin with given values, or with the weights where there are none."""
        on_device = _weights(module)
        known = {name: values[name] for name in on_device if name in values}
        self.values = {
            name: known.get(name, weight).copyto(weight.context)
            for name, weight in on_device.items()
        }

    def update(self, module: mx.mod.Module, num_update: int) -> None:
        """Take the weights in, on the device and without waiting for them."""
        step = 1 - min(self.decay, (1 + num_update) / (10 + num_update))
        for name, weight in _weights(module).items():
            value = self.values[name]
            value += (weight - value) * step

    def swap_in(self, module: mx.mod.Module) -> None:
        """Give the module the average."""
        args, auxs = module.get_params()
        copies = ({n: a.copy() for n, a in args.items()}, {n: a.copy() for n, a in auxs.items()})
        self._weights = copies
        module.set_params(self.values, copies[1])

    def swap_out(self, module: mx.mod.Module) -> None:
        """Give the module its weights back."""
        assert self._weights is not None
        module.set_params(*self._weights)
        self._weights = None


def _weights(module: mx.mod.Module) -> Arrays:
    # All devices hold the same; those of the first are taken.
    group = module._exec_group
    return {name: arrays[0] for name, arrays in zip(group.param_names, group.param_arrays)}


# -- checkpoints of a module, for training loops of one's own --------------------------------------
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
    saved: dict[str, Any] = checkpoint.state()
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


def name_of(optimizer: str | mx.optimizer.Optimizer) -> str:
    """Return MXNet's name of an optimizer.

    >>> name_of("Adam"), name_of(mx.optimizer.Adam())
    ('adam', 'adam')
    """
    return (optimizer if isinstance(optimizer, str) else type(optimizer).__name__).lower()


def counted(optimizer: mx.optimizer.Optimizer) -> dict[str, float]:
    """Return the numbers that an optimizer has counted itself, not those that it was given."""
    given = {"lr"}  # the attribute of what is called learning_rate
    for kind in type(optimizer).__mro__[:-1]:
        given.update(inspect.signature(vars(kind).get("__init__", object)).parameters)
    return {name: value for name, value in numbers_of(optimizer).items() if name not in given}
