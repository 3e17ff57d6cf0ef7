"""Pictures of classes that have an order: skin tones of emoji, ranks of playing cards."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from _loss_runs import Part

EXAMPLES = Path(__file__).parents[2] / "examples"
CARDS = "gnome-cards-data"  # Debian; GPL-3+, to be fetched, not handed on
SUITS, RANKS = 4, 10  # the ace to the ten; king, queen and knave have no number of pips
Source = tuple[np.ndarray, np.ndarray, np.ndarray]  # images, classes, group of each


class Ordered(NamedTuple):
    """Names of the classes in order, and how to get pictures, classes and groups."""

    classes: list[str]
    load: Callable[[Path], Source]


def parts(source: Source, seed: int) -> tuple[Part, Part]:
    """Split by groups: a fourth of the groups is tested on, and nothing like it is trained on."""
    images, classes, groups = source
    names = np.random.RandomState(seed).permutation(np.unique(groups))
    tested = np.isin(groups, names[: len(names) // 4])
    labels = classes[:, np.newaxis].astype(np.float32)
    return Part(images[~tested], labels[~tested]), Part(images[tested], labels[tested])


def tones(root: Path) -> Source:
    """Emoji of people with one skin tone; an emoji and its variants are a group."""
    place = EXAMPLES / "emoji.py"
    spec = importlib.util.spec_from_file_location("emoji_example", place)
    assert spec is not None
    assert spec.loader is not None
    emoji = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(emoji)
    folder, names = emoji.fetch(root), list(emoji.TONES.values())
    rows = [row for row in emoji.rows(folder) if row["tone"]]
    images = []
    for row in rows:
        path = folder / "img" / "google" / "64" / row["path"]
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.float32) / 255
        seen = picture[..., 3:]
        images.append(cv2.resize(picture[..., :3] * seen + 1 - seen, (24, 24)))
    classes = np.array([names.index(row["tone"]) for row in rows])
    return _first_channels(images), classes, np.array([row["base"] for row in rows])


def ranks(root: Path) -> Source:
    """Cards of 30 decks, each in a group with those that are drawn after it."""
    path = root / "cards.npz"
    if not path.exists():
        images, classes, groups = [], [], []
        for file in sorted(_decks(root).glob("*.svgz")):
            sheet = _drawn(file)
            height, width = sheet.shape[0] / 5, sheet.shape[1] / 13
            for place in range(SUITS * RANKS):
                suit, rank = divmod(place, RANKS)
                top, left = round(suit * height), round(rank * width)
                card = sheet[top : top + int(height), left : left + int(width)]
                images.append(cv2.resize(card, (24, 36), interpolation=cv2.INTER_AREA))
                classes.append(rank)
                groups.append(_family(file.stem))
        arrays = {"images": _first_channels(images), "classes": classes, "groups": groups}
        np.savez_compressed(path, **arrays)  # type: ignore[arg-type]
    with np.load(path) as stored:
        return stored["images"], stored["classes"], stored["groups"]


def _first_channels(images: list[np.ndarray]) -> np.ndarray:
    return np.stack(images).transpose(0, 3, 1, 2).astype(np.float32) - 0.5


def _family(deck: str) -> str:
    """Return the deck that this one is a variant of."""
    for ending in ("_bitmap", "_4_color", "_skat", "_modern", "_poker", "_nuevo"):
        deck = deck.replace(ending, "")
    return "atlasnye" if not deck.isascii() else deck


def _decks(root: Path) -> Path:
    """Get the package of cards, unless it is there; return the folder of its decks."""
    unpacked = root / "deb"
    folder = unpacked / "usr" / "share" / "aisleriot" / "cards"
    if not folder.exists():
        if shutil.which("apt-get") is None:
            sys.exit(f"The cards come as the Debian package {CARDS} (apt-get, dpkg-deb).")
        unpacked.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", CARDS], check=True, cwd=unpacked)
        package = max(unpacked.glob(f"{CARDS}_*.deb"))
        subprocess.run(["dpkg-deb", "-x", package.name, "."], check=True, cwd=unpacked)
    return folder


def _drawn(file: Path) -> Any:
    """Draw a sheet of 13 x 5 cards on white: float32 (H, W, 3), 0 to 1."""
    import gzip

    import resvg_py

    text = gzip.decompress(file.read_bytes()).decode("utf-8")
    png = bytes(resvg_py.svg_to_bytes(svg_string=text, height=400))
    sheet = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    sheet = np.asarray(sheet, np.float32) / 255
    seen = sheet[..., 3:]
    return sheet[..., :3] * seen + 1 - seen


SETS = {
    "skin tone": Ordered(["light", "medium-light", "medium", "medium-dark", "dark"], tones),
    "card rank": Ordered([str(rank) for rank in range(1, RANKS + 1)], ranks),
}
