"""How tasks are balanced along a run: what a method remembers, and what the log tells of it.

A network that is balanced has one more output (`mxmtl.nets`), which tells what was found in the
batch. What the method remembers is copied from there into its variable, on the device and without
waiting for it; and weights, lengths of gradients and cosines are added up there for the epoch's
entry in the history.
"""

from __future__ import annotations

import math
from itertools import combinations

import mxnet as mx
import numpy as np

from ..balance import Balance
from ..nets import BALANCE_OUTPUT, BALANCE_STATE
from ..tasks import TaskSet
from ._stream import Stream


class Balancing:
    """Keeps the state of a method, and sums of what it did in an epoch.

    Parameters
    ----------
    method : Balance
        As in the training symbol.
    tasks : TaskSet
        Whose weights they are.
    """

    def __init__(self, method: Balance, tasks: TaskSet) -> None:
        self.method, self.tasks = method, tasks
        self.width = method.state_width(len(tasks))
        self._sums: mx.nd.NDArray | None = None

    @property
    def fixed(self) -> list[str]:
        """Parameters that the optimizer must leave alone."""
        return [BALANCE_STATE] if self.width and not self.method.trained else []

    def after_batch(self, module: mx.mod.Module, batch: mx.io.DataBatch, stream: Stream) -> None:
        """Take note of a batch that was trained."""
        if f"{BALANCE_OUTPUT}_output" not in module.output_names:
            return  # the heads alone, on features that do not change
        found = _output(module)
        self._add_up(found)
        if not self.fixed:
            return
        state = mx.nd.slice_axis(found, axis=1, begin=2, end=2 + self.width)
        if stream.at_end or self.method.looks_again:
            following = state.asnumpy()
            if self.method.looks_again:
                before = found[:, 1].asnumpy()  # forward writes over what it is taken from
                with stream.once_more():
                    module.forward(batch, is_train=True)
                after = _output(module)[:, 1].asnumpy()
                following = self.method.look_again(following, before, after)
            following = self.method.next_epoch(following) if stream.at_end else following
            state = mx.nd.array(following, found.context)
        for executor in module._exec_group.execs:
            state.copyto(executor.arg_dict[BALANCE_STATE])

    def _add_up(self, found: mx.nd.NDArray) -> None:
        """Add weights, presence, lengths and cosines of a batch: (T, 3 + 2T)."""
        weights, losses = found[:, 0:1], found[:, 1:2]
        present = losses != 0
        parts = [weights, present]
        if self.method.uses_gradients:
            gramian = found[:, 2 + self.width :]
            lengths = mx.nd.sqrt(mx.nd.maximum(_diagonal(gramian), 0))
            both = mx.nd.dot(lengths, lengths, transpose_b=True)
            known = both > 0
            parts += [lengths, gramian / mx.nd.maximum(both, 1e-30) * known, known]
        sums = mx.nd.concat(*parts, dim=1)
        self._sums = sums if self._sums is None else self._sums + sums

    def epoch_values(self) -> dict[str, float]:
        """Return the epoch's means over batches with labels, and begin anew.

        Names are ``weight/<task>``, ``gradient/<task>`` (length at the features) and
        ``cosine/<task>/<task>``.
        """
        if self._sums is None:
            return {}
        sums, self._sums = self._sums.asnumpy().astype(np.float64), None
        names, count = self.tasks.names, len(self.tasks)
        weights, batches = sums[:, 0], sums[:, 1]
        values = {f"weight/{name}": _mean(w, n) for name, w, n in zip(names, weights, batches)}
        if self.method.uses_gradients:
            cosines, known = sums[:, 3 : 3 + count], sums[:, 3 + count :]
            for name, length, number in zip(names, sums[:, 2], batches):
                values[f"gradient/{name}"] = _mean(length, number)
            for i, j in combinations(range(count), 2):
                values[f"cosine/{names[i]}/{names[j]}"] = _mean(cosines[i, j], known[i, j])
        return values


def _output(module: mx.mod.Module) -> mx.nd.NDArray:
    """Return the output of balancing, a mean over devices, each of which has rows of its own."""
    outputs = module.get_outputs(merge_multi_context=False)[-1]
    others = (one.as_in_context(outputs[0].context) for one in outputs[1:])
    return sum(others, outputs[0]) / len(outputs)


def _diagonal(matrix: mx.nd.NDArray) -> mx.nd.NDArray:
    return mx.nd.diag(matrix).reshape((-1, 1))


def _mean(total: float, count: float) -> float:
    return float(total / count) if count else math.nan
