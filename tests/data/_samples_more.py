"""More small tables as `_samples` has them; what is to be stored is read by pandas or json."""

from __future__ import annotations

import json

import pytest

from ._samples import lines, no_yes, picture, sample, write


def read(path, **options):
    """Return the rows of a table as pandas reads them: dicts of texts."""
    pandas = pytest.importorskip("pandas")
    return pandas.read_csv(path, dtype=str, keep_default_na=False, **options).to_dict("records")


def held(task, names, rows):
    """Return the cells of a multi-label task, of the names that hold for each row."""
    return [{f"{task}.{name}": str(int(name in own)) for name in names} for own in rows]


@sample
def fairface(root):
    rows = [["0-2", "Male", "White", True], ["3-9", "Female", "East Asian", False]]
    header = ["file", "age", "gender", "race", "service_test"]
    files = [[f"train/{at}.png", *row] for at, row in enumerate(rows)]
    write(root / "label_train.csv", lines([header, *files]))
    for name, *_ in files:
        picture(root / name)
    found = read(root / "label_train.csv")
    said = {"True": "1", "False": "0"}
    return {"": [{name: said.get(row[name], row[name]) for name in header[1:]} for row in found]}


@sample
def agedb(root):
    names = ["0_MariaCallas_35_f.png", "1_JohnCage_61_m.png", "2_MariaCallas_42_f.png"]
    for name in names:
        picture(root / "AgeDB" / name)
    parts = [name.removesuffix(".png").split("_") for name in names]
    return {"": [{"age": f"{age}.0", "sex": sex} for _, _, age, sex in parts]}


@sample
def deepfashion2(root):
    worn = [["vest", "skirt"], ["vest"], ["shorts"]]
    for at, names in enumerate(worn, start=1):
        picture(root / "image" / f"{at:06}.png")
        items = {
            f"item{place}": {"category_name": name, "style": 1, "bounding_box": [0, 0, 9, 9]}
            for place, name in enumerate(names, start=1)
        }
        text = json.dumps({"source": "shop", "pair_id": at, **items})
        write(root / "annos" / f"{at:06}.json", text)
    files = [json.loads(path.read_text()) for path in sorted(root.glob("annos/*"))]
    own = [
        {value["category_name"] for key, value in file.items() if key.startswith("item")}
        for file in files
    ]
    return {"": held("garment", ["shorts", "skirt", "vest"], own)}


@sample
def imaterialist(root):
    labels = {"1": ["95", "66"], "2": ["66"], "3": ["100", "95"]}
    for image in labels:
        picture(root / "images" / f"{image}.png")
    images = [{"url": f"https://example.org/{one}-large", "imageId": one} for one in labels]
    said = [{"imageId": image, "labelId": own} for image, own in labels.items()]
    write(root / "train.json", json.dumps({"images": images, "annotations": said}))
    found = json.loads((root / "train.json").read_text())["annotations"]
    return {"": held("category", ["66", "95", "100"], [set(one["labelId"]) for one in found])}


@sample
def imet(root):
    cells = {"00011f": "3 1", "00012a": "2", "00013b": "1 10"}
    write(root / "train.csv", lines([["id", "attribute_ids"], *cells.items()]))
    for name in cells:
        picture(root / "train" / f"{name}.png")
    own = [row["attribute_ids"].split() for row in read(root / "train.csv")]
    return {"": held("attribute_ids", ["1", "2", "3", "10"], own)}


@sample
def planet(root):
    tags = ["haze primary", "agriculture clear primary", "clear water"]
    rows = [[f"train_{at}", tag] for at, tag in enumerate(tags)]
    write(root / "train_v2.csv", lines([["image_name", "tags"], *rows]))
    for at in range(len(tags)):
        picture(root / "train-jpg" / f"train_{at}.png")
    own = [row["tags"].split() for row in read(root / "train_v2.csv")]
    return {"": held("tags", ["agriculture", "clear", "haze", "primary", "water"], own)}


@sample
def protein_atlas_2021(root):
    cells = {"5c27-1": "8|5|0", "5c27-2": "14", "5c27-3": "5|16"}
    write(root / "train.csv", lines([["ID", "Label"], *cells.items()]))
    for name in cells:
        for colour in ("blue", "green"):
            picture(root / "train" / f"{name}_{colour}.png")
    own = [row["Label"].split("|") for row in read(root / "train.csv")]
    return {"": held("Label", ["0", "5", "8", "14", "16"], own)}


@sample
def v7(root):
    tags = [["hat"], ["hat", "bag"], ["bag"]]
    for at, names in enumerate(tags):
        picture(root / "images" / f"{at}.png")
        slots = [{"type": "image", "slot_name": "0", "width": 8, "height": 9}]
        item = {"name": f"{at}.png", "path": "/", "slots": slots}
        said = [
            {"id": f"{at}-{name}", "name": name, "tag": {}, "slot_names": ["0"]} for name in names
        ]
        file = {"version": "2.0", "item": item, "annotations": said}
        write(root / "annotations" / f"{at}.json", json.dumps(file))
    files = [json.loads(path.read_text()) for path in sorted(root.glob("annotations/*"))]
    own = [{one["name"] for one in file["annotations"]} for file in files]
    return {"": held("annotations_name", ["bag", "hat"], own)}


@sample
def deepfashion_categories(root):
    kinds = {"img/a/1.png": 2, "img/a/2.png": 1, "img/b/3.png": 2}
    parts = ["train", "val", "train"]
    for path in kinds:
        picture(root / "Img" / path)
    write(
        root / "Anno" / "list_category_cloth.txt",
        "2\ncategory_name  category_type\nAnorak         1\nPleated Skirt  2\n",
    )
    rows = "".join(f"{path:<40} {kind}\n" for path, kind in kinds.items())
    write(root / "Anno" / "list_category_img.txt", f"3\nimage_name  category_label\n{rows}")
    rows = "".join(f"{path:<40} {part}\n" for path, part in zip(kinds, parts))
    write(root / "Eval" / "list_eval_partition.txt", f"3\nimage_name  evaluation_status\n{rows}")
    spaces = {"sep": r"\s+", "skiprows": 1}
    labels = read(root / "Anno" / "list_category_img.txt", **spaces)
    splits = read(root / "Eval" / "list_eval_partition.txt", **spaces)
    names = {"1": "Anorak", "2": "Pleated Skirt"}
    found = {"_train": [], "_val": []}
    for row, split in zip(labels, splits):
        found[f"_{split['evaluation_status']}"].append({"kind": names[row["category_label"]]})
    return found


@sample
def deepfashion_csv(root):
    rows = [["1.png", 1, 0], ["2.png", -1, 1], ["3.png", 0, -1]]
    write(root / "attr.csv", lines([["path", "a_line", "floral"], *rows]))
    for name, *_ in rows:
        picture(root / name)
    found = read(root / "attr.csv")
    return {"": [{name: no_yes(int(row[name])) for name in ("a_line", "floral")} for row in found]}


@sample
def cub_csv(root):
    rows = [["1.png", "001.Owl", 1], ["2.png", "002.Wren", 0], ["3.png", "002.Wren", 1]]
    write(root / "joined.csv", lines([["path", "bird", "is_training_image"], *rows]))
    for name, *_ in rows:
        picture(root / name)
    found = {"_train": [], "_test": []}
    for row in read(root / "joined.csv"):
        found["_train" if row["is_training_image"] == "1" else "_test"].append(
            {"bird": row["bird"]}
        )
    return found


@sample
def celeba_lst(root):
    rows = [[0, 1, -1, "1.png"], [1, -1, -1, "2.png"], [2, 1, 1, "3.png"]]
    write(root / "celeba.lst", lines(rows, "\t"))
    for *_, name in rows:
        picture(root / name)
    found = read(root / "celeba.lst", sep="\t", header=None)
    names = {1: "attr.Beak", 2: "attr.Hat"}
    return {"": [{name: no_yes(int(row[at])) for at, name in names.items()} for row in found]}


@sample
def label_studio_min(root):
    chosen = ["hat", {"choices": ["hat", "bag"]}, "bag"]
    rows = [
        {"image": f"/data/upload/1/8d-{at}.png", "id": at + 7, "choice": one, "annotator": 1}
        for at, one in enumerate(chosen)
    ]
    write(root / "project.json", json.dumps(rows))
    for at in range(len(chosen)):
        picture(root / "upload" / "1" / f"8d-{at}.png")
    found = [row["choice"] for row in json.loads((root / "project.json").read_text())]
    own = [one["choices"] if isinstance(one, dict) else [one] for one in found]
    return {"": held("choice", ["bag", "hat"], own)}


@sample
def hugging_face_csv(root):
    rows = [["1.png", "cat"], ["2.png", "dog"]]
    write(root / "train" / "metadata.csv", lines([["file_name", "label"], *rows]))
    for name, _ in rows:
        picture(root / "train" / name)
    found = read(root / "train" / "metadata.csv")
    return {"": [{"label": row["label"]} for row in found]}


# -- one frame, in each of the files that pandas writes --------------------------------------------
def frame(root, name, save, **options):
    """Write a frame, and return its cells as pandas has them."""
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("openpyxl" if name.endswith("xlsx") else "pyarrow")
    made = pandas.DataFrame({
        "path": [f"img/{at}.png" for at in range(4)],
        "breed": ["pug", "boxer", None, "pug"],
        "outdoors": [1.0, 0.0, None, 1.0],
        "age": [None, 1.5, 3.0, 4.25],
    })  # fmt: skip
    root.mkdir(parents=True)
    getattr(made, save)(root / name, **options)
    for path in made["path"]:
        picture(root / path)
    rows = made.drop(columns="path").astype(object).where(made.notna(), "").to_dict("records")
    return {"": [{**row, "outdoors": str(row["outdoors"])[:1], "age": str(row["age"])}
                 for row in rows]}  # fmt: skip


@sample
def pandas_csv(root):
    return frame(root, "train.csv", "to_csv")


@sample
def pandas_nan(root):
    return frame(root, "train.csv", "to_csv", na_rep="nan", index=False)


@sample
def excel_text(root):
    return frame(root, "train.csv", "to_csv", encoding="utf-16", sep="\t", index=False)


@sample
def excel(root):
    return frame(root, "train.xlsx", "to_excel", index=False)


@sample
def parquet(root):
    return frame(root, "train.parquet", "to_parquet")


@sample
def json_lines(root):
    return frame(root, "train.jsonl", "to_json", orient="records", lines=True)
