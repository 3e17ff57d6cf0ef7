"""The demo's data: 3,781 emoji with labels that nature left incomplete.

Fetches the pictures with the npm client, writes a table and converts it to records, split in two:

    python examples/emoji.py --out data

The tasks, and where their labels come from:

    category  9 classes   the emoji's own category; every picture has one
    tone      5 classes   skin tone, where the emoji has exactly one
    gender    3 classes   male, female or mixed, where the name or its sign says so
    colors    9 labels    from the pixels: does the color cover a tenth of the drawing? Between
                          5 and 15 % the answer depends on taste, and the cell is left empty
    coverage  a number    from the pixels: the share of the square that the drawing covers

A base emoji and its skin-tone variants look alike, so they stand on the same side of the split.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import mxmtl

import cv2
import numpy as np

PACKAGE = "emoji-datasource-google@16.0.0"  # data: MIT; pictures: Noto Emoji, Apache-2.0
TONES = {"1F3FB": "light", "1F3FC": "medium-light", "1F3FD": "medium", "1F3FE": "medium-dark"}
TONES["1F3FF"] = "dark"
FEMALE = {"WOMAN", "WOMEN", "GIRL", "GIRLS", "MOTHER", "PRINCESS", "QUEEN", "BRIDE", "FEMALE"}
MALE = {"MAN", "MEN", "BOY", "BOYS", "FATHER", "PRINCE", "KING", "MALE", "SANTA"}
HUES = {"red": (0, 10), "orange": (10, 22), "yellow": (22, 35), "green": (35, 85)}
HUES.update({"blue": (85, 130), "purple": (130, 172)})
COLORS = [*HUES, "black", "grey", "white"]
CATEGORIES = ["People & Body", "Flags", "Objects", "Symbols", "Travel & Places"]
CATEGORIES += ["Smileys & Emotion", "Animals & Nature", "Food & Drink", "Activities"]


def task_set() -> mxmtl.TaskSet:
    return mxmtl.TaskSet(
        [
            mxmtl.Multiclass("category", CATEGORIES),
            mxmtl.Multiclass("tone", list(TONES.values())),
            mxmtl.Multiclass("gender", ["female", "male", "mixed"]),
            mxmtl.Multilabel("colors", COLORS),
            mxmtl.Regression("coverage"),
        ]
    )


def fetch(root: Path) -> Path:
    """Install the picture set with npm, unless it is there; return its folder."""
    folder = root / "node_modules" / PACKAGE.split("@")[0]
    if not (folder / "emoji.json").exists():
        npm = shutil.which("npm")
        if npm is None:
            sys.exit(
                "The pictures come as an npm package. On Debian or Ubuntu: apt-get install npm"
            )
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        subprocess.run([npm, "install", *options, "--prefix", str(root), PACKAGE], check=True)
    return folder


def gender(entry: dict[str, Any]) -> str:
    words = set(re.split(r"[^A-Z]+", entry["name"]))
    if entry["category"] != "People & Body":
        return ""
    signs = entry["unified"].split("-")
    female = bool(words & FEMALE) or "2640" in signs
    male = bool(words & MALE) or "2642" in signs
    if female or male:
        return "mixed" if female and male else "female" if female else "male"
    return ""


def pixel_labels(path: Path) -> dict[str, str]:
    """Read colors and coverage off the drawing's opaque pixels."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    opaque = picture[..., 3] > 127
    hsv = cv2.cvtColor(picture[..., :3], cv2.COLOR_BGR2HSV)[opaque]
    hue, saturation, value = hsv[:, 0], hsv[:, 1], hsv[:, 2]
    black, colorful = value < 64, (saturation >= 64) & (value >= 64)
    pale = ~black & ~colorful
    found = {"black": black, "grey": pale & (value < 200), "white": pale & (value >= 200)}
    hue = np.where(hue >= HUES["purple"][1], 0, hue)  # red stands at both ends of the circle
    for name, (low, high) in HUES.items():
        found[name] = colorful & (hue >= low) & (hue < high)
    shares = {name: found[name].mean() for name in COLORS}
    cells = {
        f"colors.{name}": "" if 0.05 < share < 0.15 else str(int(share >= 0.15))
        for name, share in shares.items()
    }
    return {**cells, "coverage": f"{opaque.mean():.4f}"}


def rows(folder: Path) -> Iterator[dict[str, str]]:
    """Yield one row a picture; `base` is the emoji that it is a variant of."""
    pictures = folder / "img" / "google" / "64"
    for entry in json.loads((folder / "emoji.json").read_text("utf-8")):
        if entry["category"] == "Component":
            continue
        for key, image in [("", entry), *entry.get("skin_variations", {}).items()]:
            tones = set(key.split("-")) & set(TONES)
            yield {
                "path": image["image"],
                "base": entry["unified"],
                "category": entry["category"],
                "tone": TONES[tones.pop()] if len(tones) == 1 else "",
                "gender": gender(entry),
                **pixel_labels(pictures / image["image"]),
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("data"), help="where files go")
    parser.add_argument("--limit", type=int, help="take only so many pictures (for a quick try)")
    parser.add_argument("--seed", type=int, default=0, help="of the split")
    arguments = parser.parse_args()

    folder = fetch(arguments.out)
    table = list(rows(folder))
    if arguments.limit:
        table = table[:: max(1, len(table) // arguments.limit)][: arguments.limit]
    path = arguments.out / "emoji.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    summary = mxmtl.write_records(
        path,
        images=folder / "img" / "google" / "64",
        prefix=arguments.out / "emoji",
        tasks=task_set(),
        split={"train": 0.78, "test": 0.22},
        group="base",
        seed=arguments.seed,
        force=True,
    )
    print(summary)


if __name__ == "__main__":
    main()
