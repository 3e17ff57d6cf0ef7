"""Files of torchvision and timm: every array has its place, and the features are theirs."""

import gzip
import json
import os
import subprocess
from pathlib import Path

import mxmtl
from mxmtl.nets import TRUNKS
from mxmtl.training import Settings, Weights, make_network
from mxmtl.training._weight_names import GOOGLE, HALVES, IMAGENET, fit_names

import mxnet as mx
import numpy as np
import pytest

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "tools" / "benchmarks" / "torch_trunks.py"
PYTHON = os.environ.get("MXMTL_TORCH_PYTHON")
NAMES = json.loads(gzip.decompress((HERE / "weight_names.json.gz").read_bytes()))
UNUSED = {"fc", "classifier", "classifier.1", "classifier.6", "head.fc"}  # what follows the trunk
TASKS = mxmtl.TaskSet([mxmtl.Binary("b")])


def _trunk_of(network):
    library, _, theirs = network.partition("/")
    return next(name for name, trunk in TRUNKS.items() if trunk.fits.get(library) == theirs)


def _parameters(trunk):
    """Return {name: shape} of a trunk's parameters at 224 pixels."""
    with mx.name.NameManager():
        symbol = mxmtl.nets.named_trunk(trunk)(mx.sym.var("data"))
    shapes, _, aux = symbol.infer_shape(data=(1, 3, 224, 224))
    names = [*symbol.list_arguments(), *symbol.list_auxiliary_states()]
    return {name: shape for name, shape in zip(names, [*shapes, *aux]) if name != "data"}


@pytest.mark.parametrize("network", sorted(NAMES))
def test_every_array_of_a_file_has_its_place(network):
    theirs = {name: tuple(shape) for name, shape in NAMES[network].items()}
    ours = _parameters(_trunk_of(network))
    fit = fit_names(theirs, _trunk_of(network))
    used = {name for name in theirs if name.rpartition(".")[0] not in UNUSED}
    assert set(fit.names) == used
    assert len(set(fit.names.values())) == len(used)
    for name, place in fit.names.items():
        assert np.prod(theirs[name]) == np.prod(ours[place]), (name, place)
        assert "dense" in place or theirs[name] == ours[place], (name, place)
    empty = set(ours) - set(fit.names.values())
    if network == "torchvision/resnet50":
        empty = {name for name in empty if not name.endswith("_bias")}  # Gluon's own, all 0
    first = "linearbottleneck0_conv0", "linearbottleneck0_batchnorm0"  # not in those networks
    assert not [name for name in empty if not any(part in name for part in first)]
    assert fit.pixels == IMAGENET


def test_densenet_files_of_before_2020():
    theirs = {name: tuple(shape) for name, shape in NAMES["torchvision/densenet121"].items()}
    before = {
        name.replace(".norm1", ".norm.1").replace(".norm2", ".norm.2")
        .replace(".conv1", ".conv.1").replace(".conv2", ".conv.2"): shape
        for name, shape in theirs.items()
    }  # fmt: skip
    assert set(before) != set(theirs)
    assert sorted(fit_names(before, "densenet121").names.values()) == sorted(
        fit_names(theirs, "densenet121").names.values()
    )


def test_what_the_names_alone_do_not_tell():
    """TensorFlow's and PyTorch's EfficientNet-Lite have arrays of the same names and shapes."""
    theirs = {name: tuple(shape) for name, shape in NAMES["timm/efficientnet_lite0"].items()}
    own, tf = (fit_names(theirs, name) for name in ("efficientnet_lite0", "tf_efficientnet_lite0"))
    assert own.names == tf.names
    assert (own.tensorflow, own.pixels) == (False, IMAGENET)
    assert (tf.tensorflow, tf.pixels) == (True, HALVES)
    assert "if they are of tf_efficientnet_lite0" in own.doubt
    google = fit_names({"_conv_stem.weight": (32, 3, 3, 3)}, "efficientnet_lite0")
    assert (google.tensorflow, google.pixels, google.doubt) == (True, GOOGLE, "")


@pytest.mark.parametrize(
    ("names", "trunk"), [("torchvision/resnet18", "vgg11"), ("timm/vgg11", "squeezenet1.0")]
)
def test_names_of_another_family_are_not_guessed_at(names, trunk):
    assert fit_names({name: tuple(s) for name, s in NAMES[names].items()}, trunk) is None


@pytest.mark.parametrize(
    ("network", "asked"),
    [
        ("torchvision/resnet50", "resnet18_v1"),
        ("torchvision/resnet18", "resnet34_v1"),
        ("timm/efficientnet_lite1", "efficientnet_lite0"),
    ],
)
def test_weights_of_another_trunk_are_told_whose_they_are(network, asked):
    """Also where a shallower trunk finds all that it has: it would be half of another network."""
    right = _trunk_of(network)
    arrays = {
        name: np.broadcast_to(np.float32(0), tuple(shape)) for name, shape in NAMES[network].items()
    }
    weights = Weights(
        "x.safetensors", arrays, fit_names({n: a.shape for n, a in arrays.items()}, asked)
    )
    with mx.name.NameManager():
        symbol = mxmtl.nets.named_trunk(asked)(mx.sym.var("data"))
    with pytest.raises(ValueError, match=f"does not fit the trunk: they are weights of '{right}'"):
        _load(weights, symbol)


def _load(weights, symbol):
    weights.check(symbol)
    weights.fill(symbol)


NETWORKS = [
    *[f"torchvision/{n}" for n in ("resnet18", "resnet50", "mobilenet_v2", "densenet121")],
    *[f"timm/{n}" for n in ("resnet18", "resnet50", "mobilenetv2_100", "densenet121")],
    *[f"timm/{n}" for n in ("efficientnet_lite0", "tf_efficientnet_lite0", "efficientnet_lite1")],
    *["torchvision/vgg11_bn", "timm/vgg11_bn"],
]


@pytest.mark.skipif(
    not PYTHON,
    reason="set MXMTL_TORCH_PYTHON to an interpreter that has torch, torchvision and timm",
)
@pytest.mark.parametrize("network", NETWORKS)
def test_features_are_those_of_the_library(network, tmp_path):
    subprocess.run([PYTHON, str(SCRIPT), str(tmp_path), network], check=True, timeout=300)
    stem = tmp_path / network.replace("/", "-")
    with np.load(f"{stem}.npz") as arrays:
        images, expected = arrays["images"], arrays["features"]
    for kind in (".pth", ".safetensors"):
        settings = Settings(
            trunk=_trunk_of(network), weights=f"{stem}{kind}", data_shape=images.shape[1:]
        )
        made = make_network(settings, TASKS)
        shared = mxmtl.nets.features_of(made.symbol, TASKS)
        values = {**made.args, "data": mx.nd.array(images)}
        bound = shared.bind(mx.cpu(), values, aux_states=made.auxs, grad_req="null")
        found = bound.forward(is_train=False)[0].asnumpy()
        assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()
