"""Ten small tables for `defaults.py`: a class, a yes or no, several labels and a number each.

Rows of scikit-learn's sets are drawn as pictures (bars, or a grid of grey cells); drawn shapes,
emoji and avatars are pictures already. Numbers have units as people have them, from 1 to a
million, and half to two thirds of the training cells are empty. Held-out rows have all labels.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mxmtl

import cv2
import numpy as np

SIZE, ROWS = 24, 300  # small, so that all runs take minutes
Row = tuple[np.ndarray, dict[str, Any]]  # a picture, and its labels by column
Made = tuple[list[mxmtl.Task], list[Row]]
Unit = tuple[float, float]  # a factor and an offset


def grid(features: np.ndarray) -> Iterator[np.ndarray]:
    """Draw rows (N, F) as grids of grey cells; each feature goes from black to white."""
    low, high = features.min(axis=0), features.max(axis=0)
    cells = ((features - low) / np.maximum(high - low, 1e-9) * 255).astype(np.uint8)
    side = int(np.ceil(np.sqrt(features.shape[1])))
    for row in cells:
        square = np.zeros(side * side, np.uint8)
        square[: len(row)] = row
        picture = cv2.resize(
            square.reshape(side, side), (SIZE, SIZE), interpolation=cv2.INTER_NEAREST
        )
        yield cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)


def bars(features: np.ndarray) -> Iterator[np.ndarray]:
    """Draw rows (N, F) as bars, one a feature, in turn of three colors."""
    low, high = features.min(axis=0), features.max(axis=0)
    heights = ((features - low) / np.maximum(high - low, 1e-9) * (SIZE - 2)).astype(int) + 1
    edges = np.linspace(0, SIZE, features.shape[1] + 1).astype(int)
    for row in heights:
        picture = np.full((SIZE, SIZE, 3), 255, np.uint8)
        for place, height in enumerate(row):
            color = np.eye(3, dtype=np.uint8)[place % 3] * 200
            picture[SIZE - height :, edges[place] : edges[place + 1]] = color
        yield picture


def made(pictures: Any, kind: Any, flag: Any, marks: dict[str, Any], amount: Any) -> Made:
    """Put the columns of a table together."""
    names = sorted({str(each) for each in kind})
    tasks = [
        mxmtl.Multiclass("kind", names),
        mxmtl.Binary("flag"),
        mxmtl.Multilabel("marks", list(marks)),
        mxmtl.Regression("amount"),
    ]
    rows = []
    for place, picture in enumerate(pictures):
        row = {"kind": str(kind[place]), "flag": int(flag[place]), "amount": float(amount[place])}
        row.update({f"marks.{name}": int(column[place]) for name, column in marks.items()})
        rows.append((picture, row))
    return tasks, rows


def halves(features: np.ndarray, columns: list[int]) -> dict[str, np.ndarray]:
    """Tell of some features which rows are above the median."""
    return {f"f{c}": features[:, c] > np.median(features[:, c]) for c in columns}


def quartile(values: np.ndarray) -> list[str]:
    return [f"q{q}" for q in np.searchsorted(np.quantile(values, [0.25, 0.5, 0.75]), values)]


# -- the ten ---------------------------------------------------------------------------------------
def digits(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import load_digits

    images, label = load_digits(return_X_y=True)
    images, label = images[: max(900, ROWS)], label[: max(900, ROWS)]
    pictures = [
        cv2.cvtColor(
            cv2.resize((row.reshape(8, 8) * 15.9).astype(np.uint8), (SIZE, SIZE)),
            cv2.COLOR_GRAY2BGR,
        )
        for row in images
    ]
    marks = {
        "round": np.isin(label, [0, 6, 8, 9]),
        "large": label > 4,
        "prime": np.isin(label, [2, 3, 5, 7]),
        "heavy": images.sum(axis=1) > 310,
    }
    return made(pictures, label, label % 2 == 0, marks, images.sum(axis=1) / 100)


def wine(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import load_wine

    x, label = load_wine(return_X_y=True)
    return made(bars(x), label, x[:, 9] > np.median(x[:, 9]), halves(x, [0, 1, 5, 10]), x[:, 12])


def cancer(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import load_breast_cancer

    x, label = load_breast_cancer(return_X_y=True)
    return made(grid(x), quartile(x[:, 1]), label, halves(x, [0, 4, 9, 20]), x[:, 3])


def diabetes(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import load_diabetes

    x, target = load_diabetes(return_X_y=True)
    return made(bars(x), quartile(x[:, 2]), x[:, 1] > 0, halves(x, [0, 3, 8, 9]), target)


def friedman(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(900, noise=0.5, random_state=1)
    return made(grid(x), quartile(x[:, 3]), y > np.median(y), halves(x, [0, 1, 2, 4]), y * 1e4)


def blobs(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import make_classification

    x, label = make_classification(
        900, 16, n_informative=8, n_classes=5, n_clusters_per_class=1, random_state=2
    )
    total = x[:, :4].sum(axis=1)
    return made(grid(x), label, total > 0, halves(x, [0, 5, 10, 15]), np.exp(total / 4))


def patches(rng: np.random.RandomState) -> Made:
    from sklearn.datasets import load_sample_images

    pictures, kind, height, amounts = [], [], [], []
    for number, image in enumerate(load_sample_images().images):
        for _ in range(400):
            top, left = (rng.randint(0, side - 64) for side in image.shape[:2])
            patch = np.ascontiguousarray(image[top : top + 64, left : left + 64, ::-1])
            patch = cv2.resize(patch, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
            pictures.append(patch)
            kind.append(f"{('china', 'flower')[number]}_{('left', 'right')[int(left > 300)]}")
            height.append(top > image.shape[0] / 2)
            amounts.append(patch.mean())
    mean = np.stack([picture.reshape(-1, 3).mean(axis=0) for picture in pictures])
    marks = {"blue": mean.argmax(axis=1) == 0, "red": mean.argmax(axis=1) == 2}
    marks.update(dark=mean.mean(axis=1) < 80, flat=np.array([p.std() < 20 for p in pictures]))
    return made(pictures, kind, height, marks, amounts)


def shapes(rng: np.random.RandomState) -> Made:
    pictures, kind, flag, colors, amounts = [], [], [], [], []
    for _ in range(900):
        picture = np.clip(rng.normal(128, 20, (SIZE, SIZE, 3)), 0, 255).astype(np.uint8)
        shape, color = rng.randint(3), rng.randint(0, 2, 3)
        x, y, radius = rng.randint(8, 16), rng.randint(8, 16), rng.randint(2, 8)
        paint = tuple(int(c) * 220 + 20 for c in color)
        corners = [(x, y - radius), (x - radius, y + radius), (x + radius, y + radius)]
        if shape == 0:
            cv2.circle(picture, (x, y), radius, paint, -1)
        elif shape == 1:
            cv2.rectangle(picture, (x - radius, y - radius), (x + radius, y + radius), paint, -1)
        else:
            cv2.fillPoly(picture, [np.array(corners, np.int32)], paint)
        pictures.append(picture)
        kind.append(("circle", "square", "triangle")[shape])
        flag.append(x > 11)
        colors.append(color)
        amounts.append(50 * 2.0**radius)  # a price: most are small, a few are large
    marks = dict(zip(("blue", "green", "red"), np.array(colors, bool).T))
    return made(pictures, kind, flag, {**marks, "low": np.array(amounts) < 1000}, amounts)


def emoji(rng: np.random.RandomState) -> Made:
    from examples import emoji as demo

    folder = demo.fetch(CACHE)
    table = [row for row in demo.rows(folder) if row["gender"] or rng.rand() < 0.35]
    table = [table[i] for i in rng.permutation(len(table))[:ROWS]]
    tasks = [
        mxmtl.Multiclass("category", demo.CATEGORIES),
        mxmtl.Multiclass("gender", ["female", "male", "mixed"]),
        mxmtl.Binary("toned"),
        mxmtl.Multilabel("colors", demo.COLORS),
        mxmtl.Regression("coverage"),
    ]
    rows = []
    for row in table:
        path = str(folder / "img" / "google" / "64" / row["path"])
        drawn = cv2.imread(path, cv2.IMREAD_UNCHANGED).astype(np.float32)
        opaque = drawn[..., 3:] / 255
        picture = (drawn[..., :3] * opaque + 255 * (1 - opaque)).astype(np.uint8)
        row["toned"] = int(bool(row["tone"]))
        row["coverage"] = str(float(row["coverage"]) * 100)
        rows.append((cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA), row))
    return tasks, rows


def avatars(rng: np.random.RandomState) -> Made:
    import python_avatars as pa
    import resvg_py

    tops, skins = list(pa.HairType)[1:25:3], list(pa.SkinColor)[:5]
    colors, beards = list(pa.HairColor)[:5], list(pa.FacialHairType)[:4]
    choice = {
        name: rng.randint(0, count, ROWS)
        for name, count in {"top": 8, "skin": 5, "hair": 5, "beard": 4, "glasses": 2}.items()
    }
    pictures = []
    for place in range(ROWS):
        face = pa.Avatar(
            style=pa.AvatarStyle.TRANSPARENT,
            top=tops[choice["top"][place]],
            skin_color=skins[choice["skin"][place]],
            hair_color=colors[choice["hair"][place]],
            facial_hair=beards[choice["beard"][place]],
            accessory=(pa.AccessoryType.NONE, pa.AccessoryType.ROUND)[choice["glasses"][place]],
        ).render()
        png = resvg_py.svg_to_bytes(svg_string=face, width=64, height=64)
        drawn = cv2.imdecode(np.frombuffer(bytes(png), np.uint8), cv2.IMREAD_UNCHANGED)
        opaque = drawn[..., 3:].astype(np.float32) / 255
        picture = drawn[..., :3] * opaque + 255 * (1 - opaque)
        pictures.append(
            cv2.resize(picture.astype(np.uint8), (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        )
    dark = np.array([1e6 - picture.mean() * 4000 for picture in pictures])
    marks = {f"hair{n}": choice["hair"] == n for n in range(4)}
    return made(pictures, choice["skin"], choice["glasses"], marks, dark)


TABLES: dict[str, Callable[[np.random.RandomState], Made]] = {
    each.__name__: each
    for each in (
        digits, wine, cancer, diabetes, friedman, blobs, patches, shapes, emoji, avatars,
    )
}  # fmt: skip
MISSING = dict(zip(TABLES, (0.7, 0.5, 0.6, 0.5, 0.6, 0.6, 0.6, 0.6, 0.5, 0.7)))
CACHE = Path("data")


def write(name: str, folder: Path, unit: Unit | None = (1, 0)) -> tuple[str, str]:
    """Write a table's records, unless they are there; return training and held-out prefixes.

    Its numbers are multiplied and shifted to a ``unit``; with None there is no such task.
    """
    prefixes = str(folder / "t_train"), str(folder / "t_val")
    if all(Path(prefix + ".manifest.json").exists() for prefix in prefixes):
        return prefixes
    (folder / "pictures").mkdir(parents=True, exist_ok=True)
    rng = np.random.RandomState(sum(map(ord, name)))
    tasks, rows = TABLES[name](rng)
    rows = [rows[place] for place in rng.permutation(len(rows))[:ROWS]]
    rows = list({picture.tobytes(): (picture, row) for picture, row in rows}.values())  # once each
    held_out = rng.rand(len(rows)) < 0.3
    wanted = [task for task in tasks if unit or task.kind != "value"]
    for task in tasks if unit else []:
        if task.kind == "value":
            for _, row in rows:
                row[task.name] = float(row[task.name]) * unit[0] + unit[1]
    with (folder / "t.csv").open("w", newline="", encoding="utf-8") as stream:
        columns = [column for task in wanted for column in task.columns]
        writer = csv.DictWriter(stream, ["path", "split", *columns], extrasaction="ignore")
        writer.writeheader()
        for place, (picture, row) in enumerate(rows):
            cv2.imwrite(str(folder / "pictures" / f"{place}.png"), picture)
            if not held_out[place]:
                for task in tasks:  # a picture has been asked about a task, or not
                    if rng.rand() < MISSING[name]:
                        row.update(dict.fromkeys(task.columns, ""))
            split = "val" if held_out[place] else "train"
            writer.writerow({**row, "path": f"{place}.png", "split": split})
    mxmtl.write_records(
        folder / "t.csv", images=folder / "pictures", prefix=folder / "t",
        tasks=mxmtl.TaskSet(wanted), split_column="split", force=True,
    )  # fmt: skip
    return prefixes
