"""Stock `Module.score` beside a Speedometer."""

from __future__ import annotations

import sys

import mxnet as mx

SCORE = mx.module.base_module.BaseModule.score.__code__
# Methods of MXNet's through which score asks a metric that is one of several.
BETWEEN = (
    mx.metric.CompositeEvalMetric.get.__code__,
    mx.metric.EvalMetric.get_name_value.__code__,
)


def asked_by_score() -> bool:
    """Tell whether the method that calls this was called by ``Module.score``.

    Speedometer and score read a metric by the same call. Speedometer means the batches since it
    last reset the local values; score means all of them, and would get what Speedometer left.
    Nothing but the caller tells the two apart.
    """
    frame = sys._getframe(2)
    while frame.f_code in BETWEEN and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code is SCORE
