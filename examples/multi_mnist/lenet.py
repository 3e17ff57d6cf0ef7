"""The LeNet of both papers as MXNet symbols, ending in one output operator a task."""

from __future__ import annotations

import mxmtl

import mxnet as mx

FEATURES = 50


def convolve_and_pool(x: mx.sym.Symbol, filters: int, channels: int, name: str) -> mx.sym.Symbol:
    """Convolve with 5x5 kernels, add biases, and take the maximum of each 2x2 square.

    The four values of a square are those of one 6x6 convolution of stride 2 with the kernel in
    each of its four corners. The same numbers come out as of Convolution and Pooling, in half
    the time on a CPU, where oneDNN's pooling of 10 channels is slow.
    """
    weight = mx.sym.var(f"{name}_weight", shape=(filters, channels, 5, 5))
    bias = mx.sym.var(f"{name}_bias", shape=(1, filters, 1, 1))
    corners = [
        mx.sym.pad(weight, mode="constant", pad_width=(0, 0, 0, 0, i, 1 - i, j, 1 - j))
        for i in (0, 1)
        for j in (0, 1)
    ]
    options = {"num_filter": 4 * filters, "kernel": (6, 6), "stride": (2, 2), "no_bias": True}
    x = mx.sym.Convolution(x, mx.sym.concat(*corners, dim=0), **options)
    a, b, c, d = mx.sym.SliceChannel(x, num_outputs=4, axis=1)
    return mx.sym.broadcast_add(mx.sym.maximum(mx.sym.maximum(a, b), mx.sym.maximum(c, d)), bias)


def drop(x: mx.sym.Symbol, share: float, axes: tuple = ()) -> mx.sym.Symbol:
    """Set values to 0 while training, and leave the others as they are: nothing is rescaled.

    The public code of both papers does so; the usual dropout would multiply what remains by
    1 / (1 - share). ``axes`` share one draw.
    """
    kept = mx.sym.Dropout(mx.sym.ones_like(x), p=share, axes=axes)  # 0 or 1 / (1 - share), or 1
    return mx.sym.broadcast_mul(x, mx.sym.minimum(kept, 1.0))


def trunk(dropout: float = 0.0) -> mx.sym.Symbol:
    """Map pictures (N, 1, 28, 28) to features (N, 50)."""
    x = mx.sym.relu(convolve_and_pool(mx.sym.var("data"), 10, 1, "conv1"))
    x = convolve_and_pool(x, 20, 10, "conv2")
    if dropout:  # of whole channels, the same ones in all of a batch
        x = drop(x, dropout, axes=(0, 2, 3))
    return mx.sym.relu(mx.sym.FullyConnected(mx.sym.relu(x), num_hidden=FEATURES, name="fc"))


def network(tasks: mxmtl.TaskSet, *, hidden: bool = False, dropout: float = 0.0) -> mx.sym.Symbol:
    """Return the symbol to train: labels in, predictions out.

    Without ``hidden``, a head is one layer from the features to the logits, which is what
    ``mxmtl.training_symbol`` adds. With it each task has a layer of its own before that; then
    its output operator is asked from the task itself.
    """
    features = trunk(dropout)
    if not hidden:
        return mxmtl.training_symbol(features, tasks)
    outputs = []
    for task in tasks:
        name = f"{task.name}_hidden"
        x = mx.sym.relu(mx.sym.FullyConnected(features, num_hidden=FEATURES, name=name))
        if dropout:
            x = drop(x, dropout)
        logits = mx.sym.FullyConnected(x, num_hidden=task.num_outputs, name=task.name)
        label = mx.sym.var(task.label_name)
        outputs.append(task.training_output(mx.sym, logits, label, name=task.name))
    return mx.sym.Group(outputs)
