"""A folder as the examples in the help want it: data/train, data/val, runs/first, photos/."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.training import _small

import cv2
import numpy as np
import pytest


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Made once; tests that write take a copy (`here`)."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "data").mkdir()
    prefix = _small.write(folder / "data")
    for name in ("train", "val"):
        for ending in (".rec", ".idx", ".tasks.json"):
            shutil.copy(prefix + ending, folder / "data" / (name + ending))
    _small.fit(prefix, folder / "runs" / "first", epochs=2)
    (folder / "photos").mkdir()
    write_photos(folder / "photos")
    return folder


@pytest.fixture
def here(world, tmp_path, monkeypatch):
    """A copy of the world, as the current folder."""
    shutil.copytree(world, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def write_photos(folder: Path, count: int = 5) -> None:
    """Write pictures of several sizes and kinds."""
    rng = np.random.RandomState(5)
    for index in range(count):
        picture = rng.randint(0, 256, (9 + index, 12, 3)).astype(np.uint8)
        cv2.imwrite(str(folder / f"{index}.{'png' if index % 2 else 'jpg'}"), picture)
