"""A dirty table to fine-tune on: drawings on coloured cards, over half of the cells empty.

    npm install --prefix npm openmoji@17 && pip install resvg-py
    python tools/benchmarks/cards.py npm/node_modules/openmoji cards

writes cards/labels.csv and cards/pics: 1,500 pictures of 128 px, each an OpenMoji drawing (CC BY-SA
4.0, not part of this project) of some size, place and angle on a card of some colour. Tasks:
`group` (9 classes), `card` (5), `tilted` (yes/no), `colours` (several of 5), `size` (a percentage).
Some cells are misspelt, in other letters, or no answer; two pictures are missing or no picture, and
four rows come twice.
"""

from __future__ import annotations

import csv
import random
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import resvg_py

SIDE = 128
GROUPS = ["activities", "animals-nature", "flags", "food-drink", "objects", "people-body"]
GROUPS += ["smileys-emotion", "symbols", "travel-places"]
CARDS = {"mint": (170, 230, 190), "sand": (170, 210, 235), "sky": (240, 210, 170)}
CARDS |= {"rose": (200, 180, 245), "grey": (190, 190, 190)}
COLOURS = {"red": (50, 50, 210), "yellow": (60, 200, 240), "blue": (220, 170, 90)}
COLOURS |= {"green": (70, 170, 90), "black": (20, 20, 20)}
EMPTY = {"group": 0.5, "card": 0.6, "tilted": 0.55, "colours": 0.65, "size": 0.6}


def colours_of(drawing: np.ndarray) -> list[str]:
    """Return the colours that cover a twelfth of what is drawn."""
    pixels = drawing[..., :3][drawing[..., 3] > 127].astype(float)
    far = np.stack([np.abs(pixels - np.array(c)).sum(1) for c in COLOURS.values()], 1)
    near, close = far.argmin(1), far.min(1) < 130
    shares = [(near[close] == i).sum() / len(pixels) for i in range(len(COLOURS))]
    return [name for name, share in zip(COLOURS, shares) if share > 0.08]


def picture(drawing: np.ndarray, card: str, angle: float, rng: random.Random) -> np.ndarray:
    """Lay a drawing on a card of a colour that varies a little."""
    side = len(drawing)
    base = np.array(CARDS[card]) + np.array([rng.uniform(-18, 18) for _ in range(3)])
    grain = np.random.RandomState(rng.randrange(1 << 30)).normal(0, 9, (SIDE, SIDE, 3))
    top, left = (rng.randint(0, SIDE - side) for _ in range(2))
    full = np.zeros((SIDE, SIDE, 4), np.float32)
    full[top : top + side, left : left + side] = drawing
    turn = cv2.getRotationMatrix2D((left + side / 2, top + side / 2), angle, 1)
    full = cv2.warpAffine(full, turn, (SIDE, SIDE))
    share = full[..., 3:] / 255
    mixed = np.clip(base + grain, 0, 255) * (1 - share) + full[..., :3] * share
    return mixed.astype(np.uint8)


def draw(root: Path, pictures: Path, rng: random.Random) -> list[dict[str, Any]]:
    """Write the pictures; return a row for each, without a gap."""
    with (root / "data" / "openmoji.csv").open(encoding="utf-8") as stream:
        found = [r for r in csv.DictReader(stream) if r["group"] in GROUPS and not r["skintone"]]
    rng.shuffle(found)
    rows: list[dict[str, Any]] = []
    for row in found[:1500]:
        svg = root / "color" / "svg" / f"{row['hexcode']}.svg"
        size = rng.uniform(0.45, 1.0)
        side = int(112 * size)
        png = bytes(resvg_py.svg_to_bytes(svg.read_text("utf-8"), width=side, height=side))
        drawing = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
        if drawing is None or drawing.shape[2:] != (4,) or (drawing[..., 3] > 127).sum() < 30:
            continue
        tilted, card = rng.random() < 0.5, rng.choice(list(CARDS))
        angle = rng.choice([-1, 1]) * rng.uniform(18, 35) if tilted else rng.uniform(-4, 4)
        name = row["hexcode"] + rng.choice([".png", ".jpg"])
        cv2.imwrite(str(pictures / name), picture(drawing, card, angle, rng))
        rows.append({
            "path": name, "group": row["group"], "card": card, "tilted": "yes" if tilted else "no",
            "colours": ";".join(colours_of(drawing)), "size": f"{100 * size:.1f}",
            "emoji": row["hexcode"].split("-")[0],
        })  # fmt: skip
    return rows


def spoil(rows: list[dict[str, Any]], pictures: Path, rng: random.Random) -> None:
    """Empty over half of the cells, and write some as people do."""
    for row in rows:
        row.update({name: "" for name, share in EMPTY.items() if rng.random() < share})

    def some(name: str, count: int) -> list[dict[str, Any]]:
        return rng.sample([row for row in rows if row[name]], count)

    for row in some("group", 6):
        row["group"] = row["group"][:-1]
    for row in some("group", 4):
        row["group"] = row["group"].title()
    for name, cells in {"tilted": ["?", "Y", "maybe"], "size": ["45,5", "70%", "big"]}.items():
        for row in some(name, 5):
            row[name] = rng.choice(cells)
    for row in some("card", 5):
        row["card"] = "n/a"
    gone, broken = rng.sample(rows, 2)
    (pictures / gone["path"]).unlink()
    (pictures / broken["path"]).write_bytes(b"<html>404</html>")
    rows += [dict(row) for row in rng.sample(rows, 4)]


def main() -> None:
    root, out = Path(sys.argv[1]), Path(sys.argv[2])
    rng = random.Random(11)
    (out / "pics").mkdir(parents=True, exist_ok=True)
    rows = draw(root, out / "pics", rng)
    spoil(rows, out / "pics", rng)
    with (out / "labels.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows in {out / 'labels.csv'}")


if __name__ == "__main__":
    main()
