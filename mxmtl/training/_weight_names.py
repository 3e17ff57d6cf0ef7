"""What the arrays of other libraries' networks are called here, and how their networks differ.

torchvision and timm name a layer by the block that it stands in (``layer2.0.conv1``), Gluon by its
number among those of its kind in a stage (``stage2_conv0``). So the layers of a file are put in the
order of the network, and counted. Where two libraries build a network of one name differently, the
trunk takes the form of the file that it is filled from: a ResNet of 50 layers and more goes down in
its 3x3 convolutions, not in the 1x1 ones before; a MobileNetV2 begins without an expansion; and a
DenseNet ends with the mean over the whole picture. Each of this is proved by running a network of
the library beside ours: ``tests/training/test_weight_names.py``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

Node = dict[str, Any]
Place = tuple[int, ...]
Pixels = tuple[tuple[float, ...], tuple[float, ...]]  # mean and std of 0..255
IMAGENET: Pixels = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
HALVES: Pixels = (127.5,), (127.5,)
GOOGLE: Pixels = (127.0,), (128.0,)
NORM = {"weight": "gamma", "bias": "beta"}  # of batch normalization, which is called otherwise
COUNTED = {2: "dense", 4: "conv"}  # by the dimensions of a layer's weight
UNUSED = re.compile(r"num_batches_tracked$|^(module\.)?(fc|classifier|head|_fc)\.")


class Layer(NamedTuple):
    """Where a layer of a file stands: the part of the trunk, and its place in it."""

    part: str
    place: Place


class Fit(NamedTuple):
    """How the arrays of a file become a trunk's.

    Attributes
    ----------
    library : str
        Whose names they are.
    names : dict
        {name in the file: name in the trunk}; what is the classifier's is left out.
    pixels : tuple
        Mean and std of the pixels, 0 to 255, that the weights expect.
    change : callable, optional
        Changes the nodes of the trunk's symbol to what they are in that library.
    tensorflow : bool
        Of EfficientNet-Lite: whether it is in TensorFlow's form.
    doubt : str
        What the file itself does not tell, and the user should know.
    """

    library: str
    names: dict[str, str]
    pixels: Pixels = IMAGENET
    change: Callable[[list[Node]], None] | None = None
    tensorflow: bool = True
    doubt: str = ""


def fit_names(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    """Return how arrays of such names and shapes become those of a trunk; None if they do not.

    >>> found = fit_names({"conv1.weight": (64, 3, 7, 7), "fc.weight": (1000, 512)}, "resnet18_v1")
    >>> found.names
    {'conv1.weight': 'resnetv10_conv0_weight'}
    """
    family = next((f for pattern, f in FAMILIES.items() if re.fullmatch(pattern, trunk)), None)
    return None if family is None else family(shapes, trunk)


def _layers(
    shapes: Mapping[str, Place],
    find: Callable[[str], Layer | None],
    prefix: str,
    first: Mapping[tuple[str, str], int] = MappingProxyType({}),
) -> dict[str, str]:
    """Name the arrays of all layers that ``find`` knows: numbered by place, in each part.

    ``first`` are the numbers to begin with, by part and kind, where that is not 0.
    """
    modules = {name.rpartition(".")[0] for name in shapes if not UNUSED.search(name)}
    found = {module: layer for module in modules if (layer := find(module)) is not None}
    named: dict[str, str] = {}
    count = Counter(first)
    for module, (part, _) in sorted(found.items(), key=lambda item: item[1]):
        norm = f"{module}.running_mean" in shapes
        kind = "batchnorm" if norm else COUNTED.get(len(shapes.get(f"{module}.weight", ())), "")
        named[module] = f"{prefix}{part}{kind}{count[part, kind]}_"
        count[part, kind] += 1
    return _arrays(shapes, named)


def _arrays(shapes: Iterable[str], named: Mapping[str, str]) -> dict[str, str]:
    """Return {name in the file: name in the trunk} of the arrays of named layers."""
    known = set(shapes)
    names = {}
    for name in known:
        module, _, kind = name.rpartition(".")
        if module in named and kind != "num_batches_tracked":
            norm = f"{module}.running_mean" in known
            names[name] = named[module] + (NORM.get(kind, kind) if norm else kind)
    return names


def _numbers(pattern: str, module: str) -> Place | None:
    found = re.fullmatch(pattern, module)
    return None if found is None else tuple(map(int, found.groups()))


# -- ResNet ----------------------------------------------------------------------------------------
def _resnet(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    if "layer1.0.conv1.weight" not in shapes and "conv1.weight" not in shapes:
        return None

    def find(module: str) -> Layer | None:
        if module in ("conv1", "bn1"):
            return Layer("", (0,))
        if place := _numbers(r"layer(\d)\.(\d+)\.(?:conv|bn)(\d)", module):
            return Layer(f"stage{place[0]}_", place[1:])
        if place := _numbers(r"layer(\d)\.(\d+)\.downsample\.[01]", module):
            return Layer(f"stage{place[0]}_", (*place[1:], 9))  # after all others of its block
        return None

    deep = "layer1.0.conv3.weight" in shapes
    names = _layers(shapes, find, "resnetv10_")
    return Fit("torchvision, timm", names, change=_down_in_the_middle if deep else None)


def _down_in_the_middle(nodes: list[Node]) -> None:
    """Let the 3x3 convolution of a stage's first block make it smaller, not the 1x1 before."""
    for node in nodes:
        found = re.search(r"_stage[234]_conv([01])_fwd$", node["name"])
        if found:
            node["attrs"]["stride"] = "(1, 1)" if found[1] == "0" else "(2, 2)"


# -- MobileNetV2 -----------------------------------------------------------------------------------
# Of timm's blocks, the order in which their layers are run; the first block has no conv_pwl.
TIMM = {"conv_pw": 0, "bn1": 0, "conv_dw": 1, "bn2": 1, "conv_pwl": 2, "bn3": 2}
TIMM_FIRST = {"conv_dw": 1, "bn1": 1, "conv_pw": 2, "bn2": 2}


def _timm_blocks(shapes: Iterable[str]) -> dict[tuple[int, int], int]:
    """Return the numbers of timm's blocks, which are called by stage and place in it."""
    blocks = {place for name in shapes if (place := _numbers(r"blocks\.(\d+)\.(\d+)\..*", name))}
    return {(stage, block): number for number, (stage, block) in enumerate(sorted(blocks))}


def _timm_step(shapes: Mapping[str, Place], module: str) -> tuple[int, int] | None:
    """Return a layer's block, and its step in it: 0 widens, 1 filters, 2 narrows."""
    place = _numbers(r"blocks\.(\d+)\.(\d+)\.\w+", module)
    if place is None:
        return None
    block, _, layer = module.rpartition(".")
    steps = TIMM if f"{block}.conv_pwl.weight" in shapes else TIMM_FIRST
    if layer not in steps:
        return None
    return _timm_blocks(shapes)[place[0], place[1]], steps[layer]


def _mobilenet(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    timm = "conv_stem.weight" in shapes
    if not timm and "features.0.0.weight" not in shapes:
        return None
    ends = {"conv_stem": 0, "bn1": 0, "conv_head": 1, "bn2": 1}

    def find(module: str) -> Layer | None:
        if timm:
            step = _timm_step(shapes, module)
            if step is not None:
                return Layer(f"linearbottleneck{step[0]}_", step[1:])
            return Layer("", (ends[module],)) if module in ends else None
        if place := _numbers(r"features\.(\d+)\.[01]", module):
            return Layer("", place)
        if place := _numbers(r"features\.(\d+)\.conv\.(\d)(?:\.[01])?", module):
            return Layer(f"linearbottleneck{place[0] - 1}_", place[1:])
        return None

    # Gluon's first block widens, too, by a factor of 1: what others have are its second and third.
    first = {("linearbottleneck0_", kind): 1 for kind in ("conv", "batchnorm")}
    names = _layers(shapes, find, "mobilenetv20_features_", first)
    return Fit("timm" if timm else "torchvision", names, change=_past_the_first_expansion)


def _past_the_first_expansion(nodes: list[Node]) -> None:
    """Let the first block's 3x3 convolution read what its expansion would have read."""
    expansion, filtering = (
        next(node for node in nodes if node["name"].endswith(f"linearbottleneck0_conv{i}_fwd"))
        for i in (0, 1)
    )
    filtering["inputs"][0] = expansion["inputs"][0]


# -- VGG, DenseNet ---------------------------------------------------------------------------------
def _vgg(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    if "features.0.weight" not in shapes:
        return None
    dense = {"classifier.0": 0, "classifier.3": 1, "pre_logits.fc1": 0, "pre_logits.fc2": 1}

    def find(module: str) -> Layer | None:
        place = _numbers(r"features\.(\d+)", module)
        return None if place is None else Layer("", place)

    names = _layers(shapes, find, "vgg0_")
    names |= _arrays(shapes, {module: f"vgg0_dense{number}_" for module, number in dense.items()})
    return Fit("timm" if "pre_logits.fc1.weight" in shapes else "torchvision", names)


def _densenet(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    if "features.conv0.weight" not in shapes:
        return None

    def find(module: str) -> Layer | None:
        if place := _numbers(r"features\.(?:conv|norm)(\d)", module):
            return Layer("", (*place, 0))
        # Files of before 2020 have norm.1 where newer ones have norm1.
        if place := _numbers(
            r"features\.denseblock(\d)\.denselayer(\d+)\.(?:norm|conv)\.?(\d)", module
        ):
            return Layer(f"stage{place[0]}_", place[1:])
        if place := _numbers(r"features\.transition(\d)\.(?:norm|conv)", module):
            return Layer("", (*place, 1))
        return None

    names = _layers(shapes, find, "densenet0_")
    return Fit("torchvision, timm", names, change=_mean_of_all)


def _mean_of_all(nodes: list[Node]) -> None:
    """Let the last pooling take the whole picture, of whatever size."""
    last = [node for node in nodes if node["op"] == "Pooling"][-1]
    last["attrs"]["global_pool"] = "True"


# -- EfficientNet-Lite -----------------------------------------------------------------------------
# timm's layers by the step of a block, here by name.
STEPS = (("expand_conv", "bn0"), ("depthwise_conv", "bn1"), ("project_conv", "bn2"))
ENDS = {"conv_stem": "conv_stem_", "bn1": "bn0_", "conv_head": "conv_head_", "bn2": "bn1_"}


def _lite(shapes: Mapping[str, Place], trunk: str) -> Fit | None:
    prefix = f"lite{trunk[-1]}_"
    if "_conv_stem.weight" in shapes:
        modules = {name.rpartition(".")[0] for name in shapes if not UNUSED.search(name)}
        named = {m: prefix + re.sub(r"\._?", "_", m).lstrip("_") + "_" for m in modules}
        return Fit("Google's, of the package", _arrays(shapes, named), GOOGLE)
    if "conv_stem.weight" not in shapes:
        return None
    named = {module: prefix + name for module, name in ENDS.items()}
    for module in {name.rpartition(".")[0] for name in shapes}:
        step = _timm_step(shapes, module)
        if step is not None:
            layer = STEPS[step[1]]["bn" in module.rpartition(".")[2]]
            named[module] = f"{prefix}blocks_{step[0]}_{layer}_"
    tensorflow = trunk.startswith("tf_")
    pixels = HALVES if tensorflow else IMAGENET
    other = trunk.removeprefix("tf_") if tensorflow else f"tf_{trunk}"
    doubt = f"weights read as those of timm's {trunk}; if they are of {other}, that is the trunk"
    return Fit("timm", _arrays(shapes, named), pixels, tensorflow=tensorflow, doubt=doubt)


FAMILIES: dict[str, Callable[[Mapping[str, Place], str], Fit | None]] = {
    r"resnet\d+_v1": _resnet,
    r"mobilenetv2_1\.0": _mobilenet,
    r"vgg\d+(_bn)?": _vgg,
    r"densenet\d+": _densenet,
    r"(tf_)?efficientnet_lite\d": _lite,
}
