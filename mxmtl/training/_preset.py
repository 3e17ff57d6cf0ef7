"""What a run is told: fine-tuning in one word, what was said, and what follows from its weights.

``--finetune`` stands for a set of settings, each of which an option of its own overrides. They are
one place to search for better ones: `tools/benchmarks/finetune.py` measures them against others.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Any

from ..model import MODEL, ModelFile, find_epoch
from ..nets import TrunkOrNet
from ._pretrained import read_weights
from ._settings import Settings
from ._weight_names import GOOGLE, Pixels

log = logging.getLogger("mxmtl")
OF_FIT = ("train", "val", "run", "network", "callbacks", "force")  # arguments beside settings
OWN = {"trunk": "small", "weights": "", "layers": ()}  # a network of one's own brings these


def chosen_settings(given: Mapping[str, Any], network: TrunkOrNet | None = None) -> Settings:
    """Return the settings of a run: what was given, and what follows from that.

    Pixels are read as the weights expect them, unless mean and std are given, and that is said.
    """
    own = OWN if network is not None and given.get("finetune") else {}
    settings = Settings.of({**own, **given}, OF_FIT)
    missing = [name for name in ("mean", "std") if name not in given]
    pixels = pixels_of(settings) if missing and network is None else None
    if pixels is None:
        return settings
    found: dict[str, Any] = {n: v for n, v in zip(("mean", "std"), pixels) if n in missing}
    log.info("%s: as the weights expect", ", ".join(f"{n} {_text(v)}" for n, v in found.items()))
    return dataclasses.replace(settings, **found)


def pixels_of(settings: Settings) -> Pixels | None:
    """Return mean and std of the pixels that a run's weights were trained with, where known."""
    if settings.weights == "imagenet":
        return GOOGLE
    if settings.weights:
        weights = read_weights(settings.weights, settings.trunk)
        if weights.fit is not None and weights.fit.doubt:
            log.info(weights.fit.doubt)
        return weights.pixels
    model = os.path.join(os.path.dirname(settings.trunk), MODEL)
    if find_epoch(settings.trunk) is None or not os.path.exists(model):
        return None
    preprocessing = ModelFile.load(model).preprocessing
    return tuple(preprocessing.mean), tuple(preprocessing.std)


def _text(values: tuple[float, ...]) -> str:
    same = len(set(values)) == 1
    return ",".join(f"{value:g}" for value in (values[:1] if same else values))
