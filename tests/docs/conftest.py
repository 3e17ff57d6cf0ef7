"""A small world in which the code of pages runs: a table with gaps, records, a trained model."""

from __future__ import annotations

import csv
import fcntl
import shutil
from pathlib import Path

import mxmtl
from mxmtl.cli import main

import cv2
import numpy as np
import pytest

ROWS, SIZE = 320, 24
BREEDS = ["beagle", "boxer", "pug"]
HOME = Path(__file__).parents[2]


def draw(folder: Path) -> None:
    """Draw the pictures of the README's table: breed is a colour, toys are marks on it."""
    rng = np.random.RandomState(0)
    (folder / "photos").mkdir(parents=True)
    with (folder / "photos.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["path", "breed", "outdoors", "toys", "age"])
        for row in range(ROWS):
            breed, outdoors, ball, rope = (rng.randint(most) for most in (3, 2, 2, 2))
            picture = np.full((SIZE, SIZE, 3), (60, 180, 120)[breed], np.uint8)
            picture[:, :, breed] = 250
            picture[: SIZE // 3] = picture[: SIZE // 3] // (1 + outdoors)
            if ball:
                cv2.circle(picture, (SIZE // 3, 2 * SIZE // 3), 4, (0, 0, 255), -1)
            if rope:
                cv2.line(picture, (0, SIZE - 3), (SIZE, SIZE - 6), (0, 0, 0), 2)
            noise = rng.randint(-9, 9, picture.shape)
            picture = np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)
            cv2.imwrite(str(folder / "photos" / f"{row:03}.jpg"), picture)
            toys = ";".join(name for name, holds in (("ball", ball), ("rope", rope)) if holds)
            cells = [BREEDS[breed], ["no", "yes"][outdoors], toys]
            cells += [f"{1 + 3 * breed + rng.rand():.1f}"]
            known = rng.rand(len(cells)) < 0.8
            table.writerow([f"{row:03}.jpg", *(c if k else "" for c, k in zip(cells, known))])
    for breed in ("beagle", "pug"):
        (folder / "classes" / breed).mkdir(parents=True)
        for row in range(2):
            name = folder / "photos" / f"{row + 2 * (breed == 'pug'):03}.jpg"
            shutil.copy(name, folder / "classes" / breed / f"{breed}{row}.jpg")
    shutil.copy(folder / "photos" / "000.jpg", folder / "photo.jpg")


def run(*words: str) -> None:
    """Run a command of mxmtl; what it prints is shown where it fails."""
    assert main(list(words)) == 0, words


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the world in an empty folder."""
    draw(folder)
    monkeypatch.chdir(folder)
    table = ["photos.csv", "--images", "photos", "--separator", ";", "--yes"]
    shares = ["--split", "train=0.5,val=0.25,test=0.25"]
    run("convert", *table, "--prefix", "data/photos", *shares)
    for path in list(Path("data").iterdir()):
        path.rename(path.with_name(path.name.replace("photos_", "")))
    (folder / "tools").symlink_to(HOME / "tools")
    with (folder / "old.lst").open("w") as stream:
        for row in range(20):
            stream.write(f"{row}\t{row % 3}\t{row % 2}\t-1\t{row:03}.jpg\n")
    tasks = [mxmtl.Multiclass("breed", BREEDS), mxmtl.Multilabel("toys", ["ball", "rope"])]
    mxmtl.write_records("old.lst", images="photos", prefix="old", tasks=mxmtl.TaskSet(tasks))
    run(
        *["train", "data/train", "--val", "data/val", "--run", "runs/first", "--epochs", "1"],
        *["--data-shape", "3,16,16"],
    )
    shutil.copytree("runs/first", "runs/second")


@pytest.fixture(scope="session")
def first_world(tmp_path_factory, worker_id="master"):
    """The world, made once: by the first process of several that tests run in."""
    base = tmp_path_factory.getbasetemp()
    shared = base if not base.name.startswith("popen-") else base.parent
    world = shared / "docs-world"
    with (shared / "docs-world.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (world / "runs" / "second").is_dir():
            shutil.rmtree(world, ignore_errors=True)
            with pytest.MonkeyPatch.context() as patch:
                make(world, patch)
    return world


@pytest.fixture
def world(first_world, tmp_path, monkeypatch):
    """Go into a copy of the world, which a page may change."""
    shutil.copytree(first_world, tmp_path / "world", symlinks=True)
    monkeypatch.chdir(tmp_path / "world")
    return tmp_path / "world"
