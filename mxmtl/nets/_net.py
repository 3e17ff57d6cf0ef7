"""A trunk with one head a task, for Gluon."""

from __future__ import annotations

from typing import Any, List

import mxnet as mx

from ..tasks import TaskSet
from ._heads import Heads


class MultiTaskNet(mx.gluon.HybridBlock):
    """A shared trunk and one head a task: images (N, C, H, W) -> list of logits, in task order.

    Parameters
    ----------
    trunk : HybridBlock
        Images to flat features (N, num_features): your own, `zoo_trunk`, or a ``SymbolBlock``
        around what `load_trunk` returns.
    tasks : TaskSet
        Head t has ``tasks[t].num_logits`` outputs and the parameters ``<task>_weight`` and
        ``<task>_bias``.

    The net itself has no name prefix, so parameters are called the same in a Module made from
    `training_symbol`: a Module's ``.params`` file loads with ``net.load_parameters(file)``, and
    `module_params` gives a Module this net's.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    >>> net.initialize()
    >>> [logits.shape for logits in net(mx.nd.ones((4, 3, 8, 8)))]
    [(4, 1), (4, 1)]
    """

    def __init__(self, trunk: mx.gluon.HybridBlock, tasks: TaskSet) -> None:
        if not isinstance(trunk, mx.gluon.HybridBlock):
            raise TypeError(
                f"trunk is a {type(trunk).__name__}; expected a gluon HybridBlock. A Symbol goes "
                "to mxmtl.training_symbol(symbol, tasks)."
            )
        super().__init__(prefix="")
        self.tasks = tasks
        self.trunk = trunk
        self.heads = Heads(tasks)

    def hybrid_forward(self, F: Any, images: Any) -> List[Any]:
        return self.heads(self.trunk(images))
