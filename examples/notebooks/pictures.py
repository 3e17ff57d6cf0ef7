"""What the notebooks draw: pictures with labels, so that nothing has to be downloaded.

Each function writes pictures and a table into a folder, as a person would have them, and returns
what is known of them.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import shlex
import sys
import tempfile
import urllib.request
from pathlib import Path
from threading import Thread

import mxmtl

import cv2
import numpy as np


def new_folder() -> Path:
    """Go into an empty folder, and return it as a relative path, so that paths stay short."""
    os.chdir(tempfile.mkdtemp())
    return Path()


def shell(command: str, show: int = 100) -> None:
    """Run a command line of mxmtl in this process, and print it with its answer."""
    from mxmtl.cli import main

    print("$", command)
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        main(shlex.split(command)[1:])
    lines = said.getvalue().rstrip().splitlines()
    print("\n".join(lines[:show]))
    if len(lines) > show:
        print(f"... {len(lines) - show} lines more")


def ask(service: mxmtl.serving.Service, picture: Path | str) -> str:
    """Post a picture to a service while it runs in a thread, and return its answer."""
    thread = Thread(target=service.run)
    thread.start()
    try:
        request = urllib.request.Request(f"{service.url}/predict", Path(picture).read_bytes())
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read().decode()
    finally:
        service.stop()
        thread.join()


KINDS = ("bowl", "jug", "mug", "vase")
DECOR = ("dots", "ring", "stripes")


def pottery(folder: Path, rows: int, size: int = 128, seed: int = 0) -> None:
    """Draw a potter's stock, and the table that three people filled in by hand.

    `stock.csv` has columns photo, kind, lid, decor and height (in mm, of 60 to 240). Of the cells
    two in five are empty; some are misspelt or say "?", one picture is missing and one cut short.
    """
    rng = np.random.RandomState(seed)
    (folder / "photos").mkdir()
    with (folder / "stock.csv").open("w", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(["photo", "kind", "lid", "decor", "height"])
        for row in range(rows):
            kind, height = KINDS[rng.randint(4)], rng.randint(60, 240)
            lid = kind != "mug" and rng.rand() < 0.4
            decor = [name for name in DECOR if rng.rand() < 0.4]
            picture = draw_pot(rng, size, kind, height, lid, decor)
            cv2.imwrite(str(folder / "photos" / f"{row:04}.jpg"), picture)
            cells = [kind, "yes" if lid else "no", ";".join(decor), str(height)]
            # An empty cell of decor would not tell "none" from "nobody looked".
            cells[2] = cells[2] or "plain"
            known = rng.rand(4) < 0.6
            table.writerow([f"{row:04}.jpg", *(c if k else "" for c, k in zip(cells, known))])
    spoil(folder, rows)


def spoil(folder: Path, rows: int) -> None:
    """Put into the table and the pictures what real ones have."""
    lines = (folder / "stock.csv").read_text().splitlines()
    at = dict.fromkeys((5, 17, 40, 77, 90, 111), "")
    faults = ["mgu,no,,120", "vase,?,dots,", "Bowl,yes,,95", "jug,no,ring,12 cm", "n/a,no,,", "mug,,,"]
    for row, cells in zip(at, faults):
        lines[row] = f"{row - 1:04}.jpg,{cells}"
    lines.append(f"{rows:04}.jpg,mug,no,plain,88")  # a picture that is not there
    lines.append(lines[3])  # a row that is there twice
    (folder / "stock.csv").write_text("\n".join(lines) + "\n")
    cut = folder / "photos" / "0060.jpg"
    cut.write_bytes(cut.read_bytes()[:900])


def draw_pot(rng, size: int, kind: str, height: int, lid: bool, decor: list[str]) -> np.ndarray:
    """Return one picture, BGR: a pot on a table, as high as it is at 0.4 pixels a millimetre."""
    glaze = tuple(int(part) for part in rng.randint(60, 200, 3))
    picture = np.full((size, size, 3), rng.randint(205, 240), np.uint8)
    floor = size - size // 8
    picture[floor - 6 :] = (120, 150, 175)
    tall = round(height * size * 0.0031)
    wide = {"bowl": 44, "jug": 26, "mug": 24, "vase": 17}[kind] * size // 128
    x, top = size // 2 + rng.randint(-8, 9), floor - tall
    foot = {"bowl": 0.45, "jug": 0.9, "mug": 1.0, "vase": 0.7}[kind]
    neck = {"bowl": 1.0, "jug": 0.7, "mug": 1.0, "vase": 0.45}[kind]
    belly = 1.25 if kind in ("jug", "vase") else 1.0
    left = [(-neck, top), (-belly, (top + floor) // 2), (-foot, floor)]
    outline = [(x + round(w * wide), y) for w, y in left]
    outline += [(x - round(w * wide), y) for w, y in reversed(left)]
    if kind in ("mug", "jug"):
        centre = (x + round(wide * belly), (top + floor) // 2)
        cv2.ellipse(picture, centre, (wide // 2, max(tall // 4, 4)), 0, 0, 360, glaze, 5, cv2.LINE_AA)
    mask = np.zeros((size, size), np.uint8)
    cv2.fillPoly(mask, [np.array(outline)], 255, cv2.LINE_AA)
    surface = np.full_like(picture, glaze)
    light = tuple(min(part + 55, 255) for part in glaze)
    for y in range(top, floor, 8) if "stripes" in decor else ():
        cv2.line(surface, (0, y), (size, y), light, 2)
    for spot in range(14) if "dots" in decor else ():
        place = (x - wide + spot * 37 % (2 * wide), top + spot * 53 % max(tall, 1))
        cv2.circle(surface, place, 3, (250, 250, 250), -1, cv2.LINE_AA)
    if "ring" in decor:
        cv2.rectangle(surface, (0, floor - tall // 3), (size, floor - tall // 3 + 5), (40, 40, 60), -1)
    picture = np.where(mask[..., None] > 127, surface, picture)
    if lid:
        half = round(wide * neck) + 2
        cv2.rectangle(picture, (x - half, top - 5), (x + half, top), (50, 60, 80), -1)
        cv2.circle(picture, (x, top - 8), 4, (50, 60, 80), -1, cv2.LINE_AA)
    noise = rng.randint(-10, 11, picture.shape)
    return np.clip(picture.astype(int) + noise, 0, 255).astype(np.uint8)


def need(*packages: str) -> None:
    """Leave the notebook, with a line that says what to install, where a package is missing."""
    import importlib.util

    if missing := [name for name in packages if importlib.util.find_spec(name) is None]:
        print(f'SKIPPED: pip install ".[notebooks]" brings {", ".join(missing)}.')
        sys.exit()


def digits(folder: Path, rows: int) -> str:
    """Write scikit-learn's handwritten digits and `digits.csv`; return its first lines.

    Columns: digit, even, parts.loop, parts.bar, parts.hook, and ink, a number of about 0 that
    differs by about 1. Each cell is empty with a chance of one half.
    """
    from sklearn.datasets import load_digits  # 1,797 digits of 8 x 8, within the package

    found, rng = load_digits(), np.random.RandomState(0)
    lines = ["path,digit,even,parts.loop,parts.bar,parts.hook,ink"]
    parts = ({0, 6, 8, 9}, {1, 4, 5, 7}, {2, 3, 5, 6, 9})  # which digits have which part
    for row in range(rows):
        picture = cv2.resize((found.images[row] * 15.9).astype(np.uint8), (24, 24))
        cv2.imwrite(str(folder / f"{row}.png"), picture)
        digit = found.target[row]
        cells = [digit, int(digit % 2 == 0), *(int(digit in part) for part in parts)]
        cells.append(f"{(picture.mean() - 78) / 10:.2f}")
        known = rng.rand(len(cells)) < 0.5
        lines.append(",".join([f"{row}.png", *(str(c) if k else "" for c, k in zip(cells, known))]))
    (folder / "digits.csv").write_text("\n".join(lines) + "\n")
    return "\n".join(lines[:5])


# How many classes each of FashionAI's eight tasks has, for attributes of a face.
FACE_TASKS = {
    "clothing": 8, "glasses": 5, "beard": 5, "eyes": 5,
    "hair_color": 10, "mouth": 6, "skin_color": 6, "top": 9,
}  # fmt: skip


def faces(folder: Path, count: int, size: int, rng: np.random.RandomState) -> dict[str, np.ndarray]:
    """Draw cartoon faces, and return the class of each, by task."""
    import python_avatars as pa

    kinds = {
        "clothing": pa.ClothingType, "glasses": pa.AccessoryType, "beard": pa.FacialHairType,
        "eyes": pa.EyeType, "hair_color": pa.HairColor, "mouth": pa.MouthType,
        "skin_color": pa.SkinColor,
    }  # fmt: skip
    called = {"glasses": "accessory", "beard": "facial_hair"}  # what the package calls them
    truth = {name: rng.randint(0, most, count) for name, most in FACE_TASKS.items()}
    for row in range(count):
        parts = {called.get(n, n): list(kind)[truth[n][row]] for n, kind in kinds.items()}
        parts["top"] = list(pa.HairType)[1 + 3 * truth["top"][row]]
        write_face(folder / f"{row}.png", parts, size)
    return truth


def write_face(path: Path, parts: dict, size: int) -> None:
    """Write a face of the package python-avatars as PNG."""
    import python_avatars as pa
    import resvg_py

    drawing = pa.Avatar(style=pa.AvatarStyle.TRANSPARENT, **parts).render()
    path.write_bytes(bytes(resvg_py.svg_to_bytes(svg_string=drawing, width=size, height=size)))


def one_label_a_row(path: Path, truth: dict, rows: int, rng: np.random.RandomState) -> None:
    """Write a table as FashionAI has it: picture, the one task it was asked about, nnynn."""
    asked = rng.permutation(np.arange(rows) % len(truth))
    with open(path, "w", newline="") as stream:
        for row in range(rows):
            task = list(truth)[asked[row]]
            letters = "".join("y" if c == truth[task][row] else "n" for c in range(FACE_TASKS[task]))
            csv.writer(stream).writerow([f"{row}.png", f"{task}_labels", letters])


def faces_with_words(folder: Path, rows: int, size: int) -> str:
    """Draw faces and `faces.csv` as PASCAL tables are: names with spaces between them."""
    import python_avatars as pa

    tops = [pa.HairType.NONE, pa.HairType.HAT, pa.HairType.FRO, pa.HairType.BOB]
    tops += [pa.HairType.MOHAWK, pa.HairType.STRAIGHT_1, pa.HairType.SHORT_FLAT]
    kinds = {
        "accessory": list(pa.AccessoryType)[:9],
        "facial_hair": list(pa.FacialHairType)[:6],
        "skin_color": list(pa.SkinColor),
        "hair_color": list(pa.HairColor),
        "clothing": list(pa.ClothingType)[:12],
        "mouth": list(pa.MouthType)[:8],
        "eyes": list(pa.EyeType)[:4],
        "top": [*tops, pa.HairType.LONG_NOT_TOO_LONG],
    }
    rng = np.random.RandomState(0)
    lines = ["fname,labels,is_valid"]
    for row in range(rows):
        parts = {name: choices[rng.randint(len(choices))] for name, choices in kinds.items()}
        write_face(folder / f"{row}.png", parts, size)
        lines.append(f"{row}.png,{' '.join(words(parts))},{rng.rand() < 0.3}")
    (folder / "faces.csv").write_text("\n".join(lines))
    return "\n".join(lines[:5])


def words(face: dict) -> list[str]:
    """Return the labels of a face."""
    import python_avatars as pa

    top, glasses, beard = face["top"], face["accessory"], face["facial_hair"]
    clothing, colour, skin = face["clothing"], face["hair_color"], face["skin_color"]
    hair, glass, kind = pa.HairType, pa.AccessoryType, pa.ClothingType
    shades = (glass.SUNGLASSES, glass.SUNGLASSES_2)
    bare = top in (hair.NONE, hair.HAT)
    beards = pa.FacialHairType
    said = {
        "bald": top == hair.NONE,
        "hat": top == hair.HAT,
        "afro": top == hair.FRO,
        "mohawk": top == hair.MOHAWK,
        "longhair": top in (hair.STRAIGHT_1, hair.BOB, hair.LONG_NOT_TOO_LONG),
        "blond": not bare
        and colour in (pa.HairColor.BLONDE, pa.HairColor.BLONDE_GOLDEN, pa.HairColor.PLATINUM),
        "pink": not bare and colour == pa.HairColor.PASTEL_PINK,
        "blackhair": not bare and colour == pa.HairColor.BLACK,
        "glasses": glasses not in (glass.NONE, glass.EYEPATCH, *shades),
        "sunglasses": glasses in shades,
        "eyepatch": glasses == glass.EYEPATCH,
        "beard": beard in (beards.BEARD_LIGHT, beards.BEARD_MEDIUM, beards.BEARD_MAGESTIC),
        "moustache": beard in (beards.MOUSTACHE_FANCY, beards.MOUSTACHE_MAGNUM),
        "darkskin": skin in (pa.SkinColor.BROWN, pa.SkinColor.DARK_BROWN, pa.SkinColor.BLACK),
        "paleskin": skin in (pa.SkinColor.PALE, pa.SkinColor.LIGHT),
        "suit": clothing in (kind.BLAZER_SHIRT, kind.BLAZER_SWEATER, kind.BOND_SUIT),
        "hoodie": clothing == kind.HOODIE,
        "overall": clothing == kind.OVERALL,
        "astronaut": clothing == kind.ASTRONAUT_SUIT,
        "grimace": face["mouth"] == pa.MouthType.GRIMACE,
    }
    return [word for word, holds in said.items() if holds]


# 13 colours by 3 places: whether there is a disc of that colour in that third of the picture.
DISCS = [f"hue{hue}-{place}" for hue in range(0, 351, 27) for place in ("left", "middle", "right")]


def discs(folder: Path, name: str, count: int, size: int, seed: int, columns: list[str]) -> Path:
    """Draw pictures of discs and their table; one cell in five is empty. Return its path."""
    rng = np.random.RandomState(seed)
    lines = [",".join(["path", *columns])]
    for index in range(count):
        picture, label = draw_discs(rng, size)
        cv2.imwrite(str(folder / f"{name}{index}.png"), picture)
        cells = ["" if unknown else str(cell) for cell, unknown in zip(label, rng.rand(39) < 0.2)]
        lines.append(",".join([f"{name}{index}.png", *cells]))
    (folder / f"{name}.csv").write_text("\n".join(lines) + "\n")
    return folder / f"{name}.csv"


def draw_discs(rng: np.random.RandomState, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a picture (size, size, 3) and which of the 39 labels it has."""
    picture = rng.randint(200, 256, (size, size, 3)).astype(np.uint8)
    label = np.zeros(len(DISCS), int)
    for index in rng.choice(len(DISCS), rng.randint(1, 7), replace=False):
        hue = np.uint8([[[index // 3 * 27 // 2, 230, 210]]])
        color = [int(part) for part in cv2.cvtColor(hue, cv2.COLOR_HSV2BGR)[0, 0]]
        radius = size // 8
        x = rng.randint(size * (index % 3) // 3 + radius, size * (index % 3 + 1) // 3 - radius + 1)
        cv2.circle(picture, (int(x), rng.randint(radius, size - radius)), radius, color, -1)
        label[index] = 1
    return picture, label
