"""Records that several tests damage."""

from __future__ import annotations

import shutil

import mxmtl

import pytest

from ._images import TASKS, random_rows, write_csv, write_images


@pytest.fixture(scope="session")
def sharded(tmp_path_factory):
    """One file ``d.rec`` and three shards ``sh-0000?.rec``."""
    folder = tmp_path_factory.mktemp("made")
    write_csv(folder / "t.csv", random_rows(9, write_images(folder / "jpg", 3)))
    for prefix, rows in (("d", 0), ("sh", 3)):
        options = {"prefix": folder / prefix, "tasks": TASKS, "shard_rows": rows}
        mxmtl.write_records(folder / "t.csv", folder / "jpg", **options)
    return folder


@pytest.fixture
def folder(sharded, tmp_path, monkeypatch):
    """A copy of them, to be damaged, as the working folder."""
    for path in sharded.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
