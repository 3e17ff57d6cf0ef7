"""An exponential moving average of the weights, which is validated and kept instead of them."""

from __future__ import annotations

from typing import Optional, Tuple

import mxnet as mx

from ..model import Arrays


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
        self._weights: Optional[Tuple[Arrays, Arrays]] = None

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
