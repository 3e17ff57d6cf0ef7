"""Trunks: images to flat features, from a zoo, from a checkpoint, or small and our own."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence
from typing import Any

import mxnet as mx

from .._foreign import load_arrays, load_symbol
from ._efficientnet import efficientnet_lite_trunk
from ._heads import FEATURES
from ._net import Params
from ._trunk_list import ALSO, TRUNKS, meant

# What only moves or leaves out what is there: no layer that says something of its own.
PASSING = ("Pad", "pad", "Pooling", "Dropout", "Flatten", "Reshape", "null")


def named_trunk(name: str, *, tensorflow: bool = True) -> mx.gluon.HybridBlock:
    """Return a trunk by its name: one of `TRUNKS`, or of GluonCV.

    ``tensorflow`` says which form of EfficientNet-Lite, see `efficientnet_lite_trunk`. Raises
    `ValueError` for a name that nobody knows, with that which was perhaps meant.
    """
    if name == "small":
        return small_trunk()
    if name in TRUNKS and "efficientnet_lite" in name:
        return efficientnet_lite_trunk(int(name[-1]), tensorflow=tensorflow)
    return zoo_trunk(name)


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
        `training_symbol`, or a map for heads on a map.

    Returns
    -------
    symbol, arg_params, aux_params
        The trunk up to that layer, and the parameters that it uses.

    Raises
    ------
    ValueError
        If the network has no such layer; the message names the nearest ones.
    """
    symbol = load_symbol(f"{prefix}-symbol.json")
    arrays = load_arrays(f"{prefix}-{epoch:04d}.params")
    args = {key[4:]: array for key, array in arrays.items() if key.startswith("arg:")}
    auxs = {key[4:]: array for key, array in arrays.items() if key.startswith("aux:")}
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


def stage_layers(symbol: mx.sym.Symbol, data_shape: Sequence[int]) -> list[str]:
    """Return the last layer of a network at each height and width: what a trunk knows, in steps.

    They are what `joined_layers` takes: colours and edges from the first ones, kinds of things
    from the last.

    Parameters
    ----------
    symbol : Symbol
        A network of images.
    data_shape : sequence of int
        (channels, height, width) of one image.

    Raises
    ------
    ValueError
        If it has no layer with height and width, or does not take such images.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> trunk = mxmtl.small_trunk((8, 16))(mx.sym.var("data"))
    >>> mxmtl.nets.stage_layers(trunk, (3, 32, 32))
    ['small_relu2_fwd_output', 'small_relu4_fwd_output']
    """
    internals = symbol.get_internals()
    try:
        _, shapes, _ = internals.infer_shape_partial(data=(1, *data_shape))
    except mx.MXNetError as error:
        raise ValueError(f"the trunk does not take images of shape {tuple(data_shape)}.") from error
    operators = {node["name"]: node["op"] for node in json.loads(symbol.tojson())["nodes"]}
    last = {
        shape[2:]: name
        for name, shape in zip(internals.list_outputs(), shapes)
        if len(shape) == 4
        and name.endswith("_output")
        and operators.get(name.removesuffix("_output"), "null") not in PASSING
    }
    if not last:
        raise ValueError("the trunk has no layers with height and width to join.")
    return list(last.values())


def _layer(symbol: mx.sym.Symbol, layer: str, where: str) -> mx.sym.Symbol:
    internals = symbol.get_internals()
    names = [name for name in internals.list_outputs() if name.endswith("_output")]
    if layer not in names:
        near = difflib.get_close_matches(layer, names, n=3, cutoff=0.4) or names[-3:]
        marked = [node for node, known in internals.attr_dict().items() if FEATURES in known]
        near = [*(f"{node}_output" for node in marked), *near]  # what its heads read comes first
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
        raise ValueError(f"{name!r} is no trunk. {meant(name)} {ALSO}") from unknown
    names = model_zoo.get_model_list()
    if name.lower() not in names:
        near = difflib.get_close_matches(name.lower(), names, n=3, cutoff=0.4)
        raise ValueError(f"{name!r} is no trunk. {meant(name)} In GluonCV there are {near}.")
    return model_zoo.get_model(name, **options)
