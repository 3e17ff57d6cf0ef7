"""Parameters on their way from Gluon to Module."""

from __future__ import annotations

from typing import Dict, Tuple

import mxnet as mx

Params = Dict[str, mx.nd.NDArray]


def module_params(net: mx.gluon.HybridBlock) -> Tuple[Params, Params]:
    """Return (arg_params, aux_params) of a Gluon net, for ``Module.fit`` or ``save_checkpoint``.

    Parameters that have no values yet (not initialized, or waiting for their shape until the
    first forward pass) are left out: fit with ``allow_missing=True`` and an initializer. The
    arrays are copies on the CPU.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors")])
    >>> net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    >>> mxmtl.module_params(net)
    ({}, {})
    >>> net.initialize(); _ = net(mx.nd.ones((2, 3, 4, 4)))
    >>> sorted(mxmtl.module_params(net)[0])
    ['outdoors_bias', 'outdoors_weight']
    """
    mx.nd.waitall()  # MXNet does not wait for BatchNorm's statistics by itself
    outputs = net(mx.sym.var("data"))
    symbol = mx.sym.Group(list(outputs) if isinstance(outputs, (list, tuple)) else [outputs])
    auxiliary = set(symbol.list_auxiliary_states())
    args: Params = {}
    auxs: Params = {}
    for name, parameter in net.collect_params().items():
        if _has_values(parameter):
            target = auxs if name in auxiliary else args
            target[name] = parameter.data(parameter.list_ctx()[0]).copyto(mx.cpu())
    return args, auxs


def _has_values(parameter: mx.gluon.Parameter) -> bool:
    try:
        parameter.list_data()
    except (mx.gluon.parameter.DeferredInitializationError, RuntimeError):
        return False
    return True
