"""Models whose every parameter matters, without training: what is exported in these tests."""

from __future__ import annotations

import mxmtl
from mxmtl.model import Model
from mxmtl.training import ModelFile, Preprocessing

import mxnet as mx
import numpy as np

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", ["比格犬", "boxer", "pug"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Multilabel("toys", ["ball", "rope", "bone"]),
        mxmtl.Regression("age"),
    ]
)
PREPROCESSING = Preprocessing((3, 40, 32), (120.0, 110.0, 100.0), (60.0, 50.0, 70.0), 0.875)


def model_of(
    trunk,
    preprocessing: Preprocessing = PREPROCESSING,
    tasks: mxmtl.TaskSet = TASKS,
    **more,
) -> Model:
    """Return a model with drawn parameters: none is 0 or 1, and features keep their size."""
    symbol = mxmtl.training_symbol(mxmtl.MultiTaskNet(trunk, tasks), tasks)
    predicting = mxmtl.prediction_symbol(symbol, tasks)
    args, _, auxs = predicting.infer_shape(data=(2, *preprocessing.data_shape))
    names, states = predicting.list_arguments(), predicting.list_auxiliary_states()
    rng = np.random.RandomState(5)
    params = {n: _draw(rng, n, shape) for n, shape in zip(names, args) if n != "data"}
    others = {n: _draw(rng, n, shape) for n, shape in zip(states, auxs)}
    return Model(symbol, (params, others), ModelFile(tasks, preprocessing, **more), "drawn")


def _draw(rng, name, shape):
    if name.endswith(("gamma", "var")):
        return mx.nd.array(rng.uniform(0.5, 1.5, shape))
    if len(shape) < 2:
        return mx.nd.array(rng.uniform(-0.3, 0.3, shape))
    # Deviation of He et al. 2015: activations neither fade nor grow.
    return mx.nd.array(rng.normal(0, np.sqrt(2 / np.prod(shape[1:])), shape))
