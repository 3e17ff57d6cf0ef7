"""What ``mx.metric.create(**metric.get_config())`` makes: the same metric, having seen nothing."""

from __future__ import annotations

import copy
from typing import Any

import mxnet as mx

NAME = "mxmtl"


class Recreated(mx.metric.EvalMetric):  # type: ignore[misc]
    """What MXNet finds under the name in a configuration; making one gives a copy of ``of``.

    MXNet's way, the name of the class and numbers, would make MXNet's own `F1` of ours, for it
    knows no tasks.
    """

    def __new__(cls, of: Any = None) -> Any:
        if of is None:
            raise TypeError(
                "metrics of mxmtl are objects, not names: give tasks.metrics(), or "
                "mxmtl.metrics.Suite(tasks, [...])."
            )
        return copy.deepcopy(of)


mx.metric.register(Recreated, NAME)


def config_of(metric: Any) -> dict[str, Any]:
    """Return what ``mx.metric.create`` takes to make a metric like this one, having seen nothing.

    >>> import mxmtl, numpy as np
    >>> f1 = mxmtl.metrics.F1(mxmtl.Binary("outdoors"), threshold=0.2)
    >>> f1.update(np.array([1]), np.array([[0.9]]))
    >>> again = mx.metric.create(**f1.get_config())
    >>> type(again) is type(f1), again.threshold, again.get()
    (True, 0.2, ('outdoors/f1', nan))
    """
    like = copy.deepcopy(metric)
    like.reset()
    return {"metric": NAME, "of": like}
