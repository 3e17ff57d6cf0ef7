"""Run one linear multi-task model each way, and return what each way computes."""

from __future__ import annotations

from typing import NamedTuple

import mxmtl
from tests import _oracles

import mxnet as mx
import numpy as np


class Result(NamedTuple):
    """Predictions of each task, and gradients by name (parameters and ``data``)."""

    predictions: list[np.ndarray]
    gradients: dict[str, np.ndarray]


def random_params(
    tasks: mxmtl.TaskSet, features: int, rng: np.random.RandomState
) -> dict[str, np.ndarray]:
    """Head parameters of moderate size."""
    params = {}
    for task in tasks:
        rows = 1 if task.thresholds_at_start else task.num_logits
        params[f"{task.name}_weight"] = rng.normal(size=(rows, features))
        params[f"{task.name}_bias"] = rng.normal(size=task.num_logits)
    return {name: value.astype(np.float32) for name, value in params.items()}


def by_symbol(
    tasks: mxmtl.TaskSet, params: dict[str, np.ndarray], data: np.ndarray, label: np.ndarray
) -> Result:
    """Forward and backward through the training symbol."""
    symbol = mxmtl.training_symbol(mx.sym.Flatten(mx.sym.var("data")), tasks)
    labels = dict(zip(tasks.label_names, tasks.split(label)))
    shapes = {name: array.shape for name, array in labels.items()}
    executor = symbol.simple_bind(mx.cpu(), data=data.shape, grad_req="write", **shapes)
    executor.copy_params_from({name: mx.nd.array(value) for name, value in params.items()})
    outputs = executor.forward(
        is_train=True,
        data=mx.nd.array(data),
        **{name: mx.nd.array(value) for name, value in labels.items()},
    )
    executor.backward()
    gradients = {name: executor.grad_dict[name].asnumpy() for name in [*params, "data"]}
    return Result([output.asnumpy() for output in outputs], gradients)


def by_gluon(
    tasks: mxmtl.TaskSet,
    params: dict[str, np.ndarray],
    data: np.ndarray,
    label: np.ndarray,
    hybridize: bool,
    epoch: int = 0,
) -> Result:
    """Forward and backward through MultiTaskNet and MultiTaskLoss."""
    net = mxmtl.MultiTaskNet(mx.gluon.nn.Flatten(), tasks)
    net.initialize()
    loss = mxmtl.MultiTaskLoss(tasks)
    loss.epoch = epoch
    x = mx.nd.array(data)
    net(x)
    for name, parameter in net.collect_params().items():
        parameter.set_data(mx.nd.array(params[name]))
    if hybridize:
        net.hybridize()
        loss.hybridize()
    x.attach_grad()
    with mx.autograd.record():
        outputs = net(x)
        value = loss(outputs, tasks.split(mx.nd.array(label)))
    value.backward()
    gradients = {name: p.grad().asnumpy() for name, p in net.collect_params().items()}
    gradients["data"] = x.grad.asnumpy()
    return Result([p.asnumpy() for p in tasks.predict(outputs)], gradients)


def by_oracle(
    tasks: mxmtl.TaskSet, params: dict[str, np.ndarray], data: np.ndarray, label: np.ndarray
) -> dict[str, np.ndarray]:
    """Gradients in float64 NumPy, from labelled entries alone."""
    x = data.reshape(len(data), -1).astype(np.float64)
    gradients = {"data": np.zeros_like(x)}
    for task, part in zip(tasks, tasks.slices):
        weight, bias = params[f"{task.name}_weight"], params[f"{task.name}_bias"]
        logits = x @ weight.T.astype(np.float64) + bias
        _, gradient = _oracles.loss_and_gradient(task, logits, label[:, part], tasks.normalization)
        gradients[f"{task.name}_bias"] = gradient.sum(axis=0)
        if len(weight) < task.num_logits:  # one direction for all logits
            gradient = gradient.sum(axis=1, keepdims=True)
        gradients[f"{task.name}_weight"] = gradient.T @ x
        gradients["data"] += gradient @ weight
    gradients["data"] = gradients["data"].reshape(data.shape)
    return gradients
