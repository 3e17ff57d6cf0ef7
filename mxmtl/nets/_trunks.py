"""Trunks: images to flat features, from a zoo, from a checkpoint, or EfficientNet-Lite0."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

import mxnet as mx

from ._net import Params

EFFICIENTNET_LITE = "lite0_"
# Expansion, channels, repeats, stride, kernel of each stage: those of EfficientNet-B0.
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def load_trunk(
    prefix: str, epoch: int, *, layer: str = "flatten0_output"
) -> tuple[mx.sym.Symbol, Params, Params]:
    """Load a checkpoint and cut its network at a layer.

    Parameters
    ----------
    prefix, epoch : str, int
        Of ``<prefix>-symbol.json`` and ``<prefix>-<epoch>.params``, as MXNet writes them.
    layer : str
        Name of an internal output, such as ``flatten0_output``; it must be flat for
        `training_symbol`.

    Returns
    -------
    symbol, arg_params, aux_params
        The trunk up to that layer, and the parameters that it uses.

    Raises
    ------
    ValueError
        If the network has no such layer; the message names the nearest ones.
    """
    symbol, args, auxs = mx.model.load_checkpoint(prefix, epoch)
    trunk = _layer(symbol, layer, f"{prefix}-symbol.json")
    wanted, wanted_aux = set(trunk.list_arguments()), set(trunk.list_auxiliary_states())
    return (
        trunk,
        {name: array for name, array in args.items() if name in wanted},
        {name: array for name, array in auxs.items() if name in wanted_aux},
    )


def joined_layers(symbol: mx.sym.Symbol, layers: Sequence[str]) -> mx.sym.Symbol:
    """Return several layers of a network side by side, each averaged over height and width.

    Features of a frozen trunk that are only its last layer know what ImageNet asks for; earlier
    layers still know colours and details.

    Parameters
    ----------
    symbol : Symbol
        A network; what none of the layers needs is left out.
    layers : sequence of str
        Names of internal outputs, (N, C) or (N, C, H, W).

    Returns
    -------
    Symbol
        (N, sum of C).

    Raises
    ------
    ValueError
        If the network has no such layer; the message names the nearest ones.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> first = mx.sym.Convolution(mx.sym.var("data"), num_filter=4, kernel=(3, 3), name="first")
    >>> second = mx.sym.Convolution(first, num_filter=6, kernel=(3, 3), name="second")
    >>> both = mxmtl.nets.joined_layers(second, ["first_output", "second_output"])
    >>> both.infer_shape(data=(2, 3, 8, 8))[1]
    [(2, 10)]
    """
    pooled = [
        mx.sym.mean(mx.sym.reshape(_layer(symbol, name, "the trunk"), shape=(0, 0, -1)), axis=2)
        for name in layers
    ]
    return mx.sym.concat(*pooled, dim=1, name="joined_layers")


def _layer(symbol: mx.sym.Symbol, layer: str, where: str) -> mx.sym.Symbol:
    internals = symbol.get_internals()
    names = [name for name in internals.list_outputs() if name.endswith("_output")]
    if layer not in names:
        near = difflib.get_close_matches(layer, names, n=3, cutoff=0.4) or names[-3:]
        raise ValueError(
            f"{where} has no layer {layer!r}. Did you mean one of {near}? "
            "symbol.get_internals().list_outputs() lists all."
        )
    return internals[layer]


def zoo_trunk(name: str, **options: Any) -> mx.gluon.HybridBlock:
    """Return the features of a network of the Gluon model zoo, or of GluonCV, as a flat trunk.

    Parameters
    ----------
    name : str
        Such as ``"resnet18_v1"``; the Gluon zoo is asked first, then GluonCV if installed.
    **options
        Passed on to the zoo, such as ``pretrained=True, root="~/models"``; a ``prefix`` of its own
        where two networks of a kind become parts of one.

    Raises
    ------
    ValueError
        If no zoo knows the name, or the network keeps its features to itself.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.zoo_trunk("squeezenet1.1")
    >>> trunk.initialize()
    >>> trunk(mx.nd.ones((1, 3, 64, 64))).shape
    (1, 512)
    """
    with mx.name.NameManager():  # else a second one in a process has parameters of other names
        network = _from_zoo(name, options)
    features = getattr(network, "features", None)
    if not isinstance(features, mx.gluon.HybridBlock):
        features = _without_classifier(name, network)
    return FlatTrunk(features)


def _without_classifier(name: str, network: mx.gluon.HybridBlock) -> mx.gluon.HybridBlock:
    # Networks that are no chain (GluonCV's ResNets) have no block of features: cut the graph in
    # front of its last fully connected layer instead.
    data = mx.sym.var("data", dtype="float32")  # with its type told, SymbolBlock does not complain
    symbol = network(data)
    nodes = json.loads(symbol.tojson())["nodes"]
    dense = [node for node in nodes if node["op"] == "FullyConnected"]
    if not dense:
        raise ValueError(f"{name!r} has neither `features` nor a fully connected classifier.")
    cut = symbol.get_internals()[nodes[dense[-1]["inputs"][0][0]]["name"] + "_output"]
    return mx.gluon.SymbolBlock(cut, data, network.collect_params())


class FlatTrunk(mx.gluon.HybridBlock):
    """Features averaged over height and width where they still have them, and flattened."""

    def __init__(self, features: mx.gluon.HybridBlock) -> None:
        super().__init__(prefix="")
        self.features = features

    def hybrid_forward(self, F: Any, images: Any) -> Any:
        # contrib.AdaptiveAvgPooling2D refuses flat input, so (N, F) takes two axes first; on
        # features that are pooled already the mean is over one cell and changes nothing.
        features = F.reshape(self.features(images), shape=(0, 0, -1))
        return F.mean(features, axis=2)


def small_trunk(channels: Sequence[int] = (32, 64, 128)) -> mx.gluon.HybridBlock:
    """Return a small convolutional trunk for small images and CPUs: (N, channels[-1]) features.

    A 3x3 convolution of stride 2; then for each number of channels two 3x3 convolutions and a
    2x2 max pooling; each convolution with batch normalization and ReLU; global average pooling
    at the end. Height and width must be at least ``2 ** (len(channels) + 1)``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.small_trunk((8, 16))
    >>> trunk.initialize()
    >>> trunk(mx.nd.ones((2, 3, 32, 32))).shape
    (2, 16)
    """
    nn = mx.gluon.nn
    trunk = nn.HybridSequential(prefix="small_")

    def convolution(width: int, stride: int = 1) -> None:
        trunk.add(nn.Conv2D(width, 3, stride, padding=1, use_bias=False))
        trunk.add(nn.BatchNorm(), nn.Activation("relu"))

    with trunk.name_scope():
        convolution(channels[0], stride=2)
        for width in channels:
            convolution(width)
            convolution(width)
            trunk.add(nn.MaxPool2D(2))
        trunk.add(nn.GlobalAvgPool2D(), nn.Flatten())
    return trunk


def _from_zoo(name: str, options: Any) -> mx.gluon.HybridBlock:
    from mxnet.gluon.model_zoo.vision import get_model

    try:
        return get_model(name, **options)
    except ValueError as error:
        unknown = error
    try:
        from gluoncv import model_zoo
    except ImportError:
        raise ValueError(
            f"{name!r} is not in the Gluon model zoo. GluonCV has more: "
            'pip install "mxmtl[gluoncv]"'
        ) from unknown
    names = model_zoo.get_model_list()
    if name.lower() not in names:
        near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
        raise ValueError(f"{name!r} is neither in the Gluon zoo nor in GluonCV. Near: {near}.")
    return model_zoo.get_model(name, **options)


# -- EfficientNet-Lite0: its ImageNet weights can be had under the Apache licence ------------------
def efficientnet_lite_trunk() -> mx.gluon.HybridBlock:
    """Return the EfficientNet-Lite0 trunk: images to 1280 features; 3.4 million weights.

    EfficientNet-B0 (Tan and Le 2019) without squeeze-and-excitation and with ReLU6. Height and
    width must be multiples of 32. Its weights expect RGB as ``(pixel - 127) / 128``.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.nets.efficientnet_lite_trunk()
    >>> trunk.initialize()
    >>> trunk(mx.nd.ones((2, 3, 64, 64))).shape
    (2, 1280)
    """
    trunk = mx.gluon.nn.HybridSequential(prefix=EFFICIENTNET_LITE)
    with trunk.name_scope():
        trunk.add(Unit("conv_stem", "bn0", 32, kernel=3, stride=2))
        number, width = 0, 32
        for expansion, channels, repeats, stride, kernel in STAGES:
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                trunk.add(
                    Block(width, channels, expansion, kernel, step, prefix=f"blocks_{number}_")
                )
                number, width = number + 1, channels
        trunk.add(Unit("conv_head", "bn1", 1280))
        trunk.add(mx.gluon.nn.GlobalAvgPool2D(), mx.gluon.nn.Flatten())
    return trunk


class Unit(mx.gluon.HybridBlock):
    """Convolution as TensorFlow pads it ("same"), batch normalization, and perhaps ReLU6."""

    def __init__(
        self,
        conv: str,
        norm: str,
        channels: int,
        *,
        kernel: int = 1,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        super().__init__(prefix="")
        self._active = active
        # Where the size is even, a stride of 2 leaves one row less to pad, and that at the top.
        before, after = (kernel - stride) // 2, (kernel - stride + 1) // 2
        self._pad: Any | None = None
        if stride > 1:
            self._pad = (0, 0, 0, 0, before, after, before, after)
        with self.name_scope():
            self.conv = mx.gluon.nn.Conv2D(
                channels,
                kernel,
                stride,
                padding=0 if self._pad else kernel // 2,
                groups=groups,
                use_bias=False,
                in_channels=groups if groups > 1 else 0,
                prefix=f"{conv}_",
            )
            self.norm = mx.gluon.nn.BatchNorm(epsilon=1e-3, momentum=0.99, prefix=f"{norm}_")

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        if self._pad is not None:
            x = F.pad(x, mode="constant", constant_value=0, pad_width=self._pad)
        x = self.norm(self.conv(x))
        return F.clip(x, 0, 6) if self._active else x


class Block(mx.gluon.HybridBlock):
    """Expand, filter each channel by itself, project; added to its input where shapes allow."""

    def __init__(
        self, width: int, channels: int, expansion: int, kernel: int, stride: int, prefix: str
    ) -> None:
        super().__init__(prefix=prefix)
        self._add = stride == 1 and width == channels
        wide = width * expansion
        with self.name_scope():
            self.units = mx.gluon.nn.HybridSequential(prefix="")
            with self.units.name_scope():
                if expansion > 1:
                    self.units.add(Unit("expand_conv", "bn0", wide))
                self.units.add(
                    Unit("depthwise_conv", "bn1", wide, kernel=kernel, stride=stride, groups=wide),
                    Unit("project_conv", "bn2", channels, active=False),
                )

    def hybrid_forward(self, F: Any, x: Any) -> Any:
        y = self.units(x)
        return x + y if self._add else y
