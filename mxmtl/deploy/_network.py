"""A trained network that turns prepared images into logits."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

import mxnet as mx
import numpy as np

from ..nets import logits_symbol
from ..tasks import TaskSet
from ..training import Run

Arrays = Dict[str, mx.nd.NDArray]


class Network:
    """The logits of batches of images that `Preprocessing` has made ready.

    Parameters
    ----------
    symbol : Symbol
        A training or prediction symbol; `Run.load` returns it together with the parameters.
    params : (dict, dict)
        Arguments and auxiliary states.
    tasks : TaskSet
        What the outputs mean.
    ctx : mx.Context, optional
        Where to compute; the CPU by default.
    """

    def __init__(
        self,
        symbol: mx.sym.Symbol,
        params: Tuple[Arrays, Arrays],
        tasks: TaskSet,
        *,
        ctx: Optional[mx.Context] = None,
    ) -> None:
        self.tasks, self.ctx = tasks, ctx or mx.cpu()
        self._symbol = logits_symbol(symbol, tasks)
        wanted = {*self._symbol.list_arguments(), *self._symbol.list_auxiliary_states()}
        self._args, self._auxs = (
            {name: array.as_in_context(self.ctx) for name, array in part.items() if name in wanted}
            for part in params
        )
        self._executors: Dict[Tuple[int, ...], Any] = {}

    @classmethod
    def of(cls, run: Run, *, which: str = "best", ctx: Optional[mx.Context] = None) -> Network:
        """Load the ``"best"`` or the ``"last"`` checkpoint of a run."""
        symbol, args, auxs = run.load(which)
        return cls(symbol, (args, auxs), run.tasks, ctx=ctx)

    def logits(self, images: Any) -> List[np.ndarray]:
        """Return logits, float32 (N, num_outputs), one array a task in task order.

        ``images`` is an NDArray or ndarray (N, channels, height, width), float32.
        """
        executor = self._executor(tuple(images.shape))
        outputs = executor.forward(is_train=False, data=images)
        return [output.asnumpy() for output in outputs]

    def _executor(self, shape: Tuple[int, ...]) -> Any:
        if shape not in self._executors:
            data = mx.nd.zeros(shape, self.ctx)
            self._executors[shape] = self._symbol.bind(
                self.ctx, {**self._args, "data": data}, grad_req="null", aux_states=self._auxs
            )
        return self._executors[shape]
