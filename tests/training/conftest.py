"""Records for the tests of training, written once."""

import shutil

from tests.training import _small

import pytest


@pytest.fixture(scope="session")
def records(tmp_path_factory):
    """Prefix of the records that `_small` writes."""
    return _small.write(tmp_path_factory.mktemp("records"))


@pytest.fixture
def here(records, tmp_path, monkeypatch):
    """A folder with data/train and data/val, as the example wants it."""
    (tmp_path / "data").mkdir()
    for ending in (".rec", ".idx", ".tasks.json"):
        for name in ("train", "val"):
            shutil.copy(records + ending, tmp_path / "data" / (name + ending))
    monkeypatch.chdir(tmp_path)
    return tmp_path
