"""The LeNet of both papers as MXNet symbols, ending in one output operator a task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mxmtl

import mxnet as mx

FEATURES = 50


def bias(name: str, fan_in: int, random: bool, **options: Any) -> mx.sym.Symbol:
    """Biases that begin at 0, or drawn as PyTorch does, from U(-b, b) with b = 1 / sqrt(fan in)."""
    initializer = mx.init.Uniform(fan_in**-0.5) if random else mx.init.Zero()
    return mx.sym.var(f"{name}_bias", init=initializer, **options)


def dense(x: mx.sym.Symbol, name: str, fan_in: int, num_hidden: int, random: bool) -> mx.sym.Symbol:
    """Map (N, fan_in) to (N, num_hidden)."""
    biases = bias(name, fan_in, random)
    return mx.sym.FullyConnected(x, bias=biases, num_hidden=num_hidden, name=name)


def convolve_and_pool(
    x: mx.sym.Symbol, filters: int, channels: int, name: str, random: bool = False
) -> mx.sym.Symbol:
    """Convolve with 5x5 kernels, take the maximum of each 2x2 square, and relu.

    Channels of zeros make their number a multiple of 16: oneDNN then has its fast layout, and
    the network needs two thirds of the time. So ``x`` has 1 channel or a multiple of 16, of which
    the first ``channels`` are read, and so has what comes out, its first ``filters`` in use.
    """
    weight = mx.sym.var(f"{name}_weight", shape=(filters, channels, 5, 5))
    biases = bias(name, 25 * channels, random, shape=(filters,))
    width, depth = multiple_of_16(filters), multiple_of_16(channels) if channels > 1 else 1
    if depth > channels:
        weight = mx.sym.concat(weight, mx.sym.zeros((filters, depth - channels, 5, 5)), dim=1)
    weight = mx.sym.concat(weight, mx.sym.zeros((width - filters, depth, 5, 5)), dim=0)
    biases = mx.sym.concat(biases, mx.sym.zeros((width - filters,)), dim=0)
    x = mx.sym.Convolution(x, weight, biases, num_filter=width, kernel=(5, 5))
    x = mx.sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="max")
    return mx.sym.Activation(x, act_type="relu")


def multiple_of_16(number: int) -> int:
    """Round up."""
    return -(-number // 16) * 16


@dataclass(frozen=True)
class Dropout:
    """How values are set to 0 in training.

    ``channels`` is the share of the second convolution's channels, ``hidden`` that of the values
    of a task's own layer. Usually each picture has a draw of its own, and what remains is
    multiplied by 1 / (1 - share). ``published`` does as the public code of both papers: the
    channels are drawn once a batch, and nothing is multiplied.
    """

    channels: float
    hidden: float
    published: bool = False

    def of_channels(self, x: mx.sym.Symbol) -> mx.sym.Symbol:
        """Drop channels of (N, C, H, W)."""
        return self._drop(x, self.channels, (0, 2, 3) if self.published else (2, 3))

    def of_hidden(self, x: mx.sym.Symbol) -> mx.sym.Symbol:
        """Drop values of (N, num_features)."""
        return self._drop(x, self.hidden, ())

    def _drop(self, x: mx.sym.Symbol, share: float, axes: tuple[int, ...]) -> mx.sym.Symbol:
        if not self.published:
            return mx.sym.Dropout(x, p=share, axes=axes)
        # In training 0 or 1 / (1 - share), so 0 or 1; in testing 1.
        kept = mx.sym.minimum(mx.sym.Dropout(mx.sym.ones_like(x), p=share, axes=axes), 1.0)
        return mx.sym.broadcast_mul(x, kept)


def trunk(dropout: Dropout, random: bool) -> mx.sym.Symbol:
    """Map pictures (N, 1, 28, 28) to features (N, 50)."""
    x = convolve_and_pool(mx.sym.var("data"), 10, 1, "conv1", random)
    x = convolve_and_pool(x, 20, 10, "conv2", random)
    x = dropout.of_channels(mx.sym.slice_axis(x, axis=1, begin=0, end=20))
    return mx.sym.relu(dense(x, "fc", 320, FEATURES, random))


def network(
    tasks: mxmtl.TaskSet, dropout: Dropout, random_biases: bool = False, balance: str = "equal"
) -> mx.sym.Symbol:
    """Return the symbol to train: pictures and labels in, predictions out.

    Each task has a layer of its own between the features and its logits, with the dropout of the
    papers, which `mxmtl.nets.Hidden` has not; so the heads are made by hand.
    """
    features, heads = trunk(dropout, random_biases), []
    for task in tasks:
        x = dense(features, f"{task.name}_hidden", FEATURES, FEATURES, random_biases)
        x = dropout.of_hidden(mx.sym.relu(x))
        heads.append(dense(x, f"{task.name}_fwd", FEATURES, task.num_outputs, random_biases))
    return mxmtl.training_symbol(mx.sym.Group(heads), tasks, balance=balance)
