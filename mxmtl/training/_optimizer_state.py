"""What an optimizer remembers, as named arrays and JSON; no pickle."""

from __future__ import annotations

from typing import Any, Dict, List, Tuple

import mxnet as mx

from ..model import Arrays

Tree = Any  # None, a name of an array, a number, or {"tuple": [Tree, ...]}


def updater_of(module: mx.mod.Module) -> Any:
    """Return the object that holds the optimizer's states: the module's, or the kvstore's."""
    return module._kvstore._updater if module._update_on_kvstore else module._updater


def numbers_of(optimizer: mx.optimizer.Optimizer) -> Dict[str, float]:
    """Return its numbers; those that change while it works belong to its state.

    Nadam, for one, keeps a product of momenta as an attribute.
    """
    return {
        name: value
        for name, value in vars(optimizer).items()
        if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def pack_states(module: mx.mod.Module) -> Tuple[Arrays, List[Tuple[str, Tree]]]:
    """Return the arrays of all states by name, and for each parameter's name how they nest."""
    arrays: Arrays = {}
    trees: Dict[str, Tree] = {}
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
    if isinstance(state, (tuple, list)):
        parts = [_pack(part, f"{name}.{place}", arrays) for place, part in enumerate(state)]
        return {"tuple": parts}
    if state is None or isinstance(state, (int, float)):
        return state if state is None else {"number": state}
    raise TypeError(
        f"an optimizer state of type {type(state).__name__} cannot be saved without pickle; "
        "choose an optimizer whose states are arrays."
    )


def unpack_states(module: mx.mod.Module, arrays: Arrays, trees: List[Any]) -> None:
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
