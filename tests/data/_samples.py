"""Small tables in the layouts of published data sets, with values and pictures of our own.

Each function writes one under a folder, and returns what is to be stored: {ending of the prefix:
[{column: cell} for each record]}.
"""

from __future__ import annotations

import gzip
import json

import cv2
import numpy as np

Truth = dict[str, list[dict[str, str]]]
SAMPLES = {}


def sample(make):
    """Register a sample by its name."""
    SAMPLES[make.__name__] = make
    return make


def picture(path):
    """Write a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = sum(map(ord, path.name))
    pixels = np.random.RandomState(seed).randint(0, 255, (9, 8, 3)).astype(np.uint8)
    assert cv2.imwrite(str(path), pixels)


def write(path, text):
    """Write a text, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def lines(rows, between=","):
    """Join rows of cells."""
    return "".join(between.join(map(str, row)) + "\n" for row in rows)


def no_yes(value):
    """Return the cell of 1, -1 (no) and 0 (unknown)."""
    return {1: "1", -1: "0", 0: ""}[value]


@sample
def classes(root):
    for name in ("owl", "wren"):
        picture(root / name / "1.png")
    return {"": [{"class": "owl"}, {"class": "wren"}]}


@sample
def imagefolder(root):
    for split in ("train", "val"):
        for name in ("owl", "wren"):
            picture(root / split / name / f"{split}.png")
    rows = [{"class": "owl"}, {"class": "wren"}]
    return {"_train": rows, "_val": rows}


ATTRIBUTES = {"Big_Beak": [1, -1, -1, 1], "Asleep": [-1, -1, 1, 1]}
CELEBS = [f"{number:06}.png" for number in range(1, 5)]


def celeba_truth(name):
    rows = [
        {name(label): no_yes(values[at]) for label, values in ATTRIBUTES.items()} for at in range(4)
    ]
    return {"_train": rows[:2], "_val": rows[2:3], "_test": rows[3:]}


@sample
def celeba_csv(root):
    rows = [["image_id", *ATTRIBUTES], *zip(CELEBS, *ATTRIBUTES.values())]
    write(root / "list_attr_celeba.csv", lines(rows))
    parts = zip(CELEBS, (0, 0, 1, 2))
    write(root / "list_eval_partition.csv", lines([["image_id", "partition"], *parts]))
    for name in CELEBS:
        picture(root / "img_align_celeba" / "img_align_celeba" / name)
    return celeba_truth(lambda label: f"attr.{label}")


@sample
def celeba_txt(root):
    rows = (
        f"{name}  {'  '.join(f'{value:2}' for value in values)}\n"
        for name, *values in zip(CELEBS, *ATTRIBUTES.values())
    )
    write(root / "list_attr_celeba.txt", f"4\n{' '.join(ATTRIBUTES)} \n" + "".join(rows))
    write(root / "list_eval_partition.txt", lines(zip(CELEBS, (0, 0, 1, 2)), " "))
    for name in CELEBS:
        picture(root / "img_align_celeba" / name)
    return celeba_truth(lambda label: f"attr.{label}")


@sample
def chexpert(root):
    findings = {"Lung Opacity": ["1.0", "", "-1.0"], "Pleural Effusion": ["0.0", "1.0", ""]}
    rows = [["Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *findings]]
    for at in range(3):
        path = f"CheXpert-v1.0-small/train/patient{at}/view1.png"
        picture(root / path)
        own = [cells[at] for cells in findings.values()]
        rows.append([path, "Female", 40 + at, "Frontal", "AP", *own])
    write(root / "CheXpert-v1.0-small" / "train.csv", lines(rows))
    said = {"1.0": "1", "0.0": "0", "": "", "-1.0": ""}
    return {
        "": [
            {f"finding.{name}": said[cells[at]] for name, cells in findings.items()}
            for at in range(3)
        ]
    }


@sample
def nih(root):
    found = ["Mass|Hernia", "No Finding", "Hernia", "Mass"]
    rows = [["Image Index", "Finding Labels", "Patient ID", "Size[Width", "Height]", ""]]
    for at, cell in enumerate(found):
        picture(root / f"images_00{at // 2}" / "images" / f"0000{at}.png")
        rows.append([f"0000{at}.png", cell, at, 9, 8, ""])
    write(root / "Data_Entry_2017.csv", lines(rows))
    write(root / "train_val_list.txt", "00000.png\n00001.png\n00002.png\n")
    write(root / "test_list.txt", "00003.png\n")
    rows = [
        {f"finding.{name}": str(int(name in cell)) for name in ("Hernia", "Mass")} for cell in found
    ]
    return {"_train": rows[:3], "_test": rows[3:]}


@sample
def padchest(root):
    found = [["cardiomegaly", "pleural effusion"], ["normal"], ["cardiomegaly"], []]
    rows = [["", "ImageID", "ImageDir", "Labels"]]
    for at, names in enumerate(found):
        picture(root / str(at % 2) / f"{at}.png")
        rows.append([at, f"{at}.png", at % 2, f'"{names}"'])
    write(root / "PADCHEST.csv", lines(rows))
    return {
        "": [
            {f"finding.{name}": str(int(name in names)) for name in sorted(found[0])}
            for names in found
        ]
    }


@sample
def open_images(root):
    names = {"/m/01": "Tortoise", "/m/02": "Dog", "/m/03": "Cat"}
    said = {"a0": {"/m/01": 1, "/m/02": 0}, "a1": {"/m/02": 1}, "a2": {"/m/03": 1, "/m/01": 0}}
    rows = [["ImageID", "Source", "LabelName", "Confidence"]]
    for image, labels in said.items():
        picture(root / "train" / f"{image}.png")
        rows += [[image, "verification", label, state] for label, state in labels.items()]
    write(root / "labels.csv", lines(rows))
    write(root / "classes.csv", lines([["LabelName", "DisplayName"], *names.items()]))
    order = sorted(names, key=names.get)
    return {
        "": [
            {f"object.{names[code]}": str(labels.get(code, "")) for code in order}
            for labels in said.values()
        ]
    }


def coco_data(root):
    categories = {1: "person", 18: "dog", 44: "bottle"}
    held = {9: [1, 18], 10: [44], 11: []}
    for image in held:
        picture(root / "train2017" / f"{image:012}.png")
    data = {
        "info": {},
        "images": [{"id": one, "file_name": f"{one:012}.png"} for one in held],
        "annotations": [
            {"id": 10 * one + label, "image_id": one, "category_id": label, "bbox": [1, 2, 3, 4.5],
             "segmentation": [[1.5, 2, 3]], "iscrowd": 0}
            for one, labels in held.items() for label in labels
        ],
        "categories": [{"id": one, "name": name} for one, name in categories.items()],
    }  # fmt: skip
    return data, categories, held


@sample
def coco(root):
    data, categories, held = coco_data(root)
    write(root / "instances_train2017.json", json.dumps(data))
    order = sorted(categories, key=categories.get)
    return {
        "": [
            {f"category.{categories[code]}": str(int(code in labels)) for code in order}
            for labels in held.values()
        ]
    }


@sample
def lvis(root):
    data, categories, held = coco_data(root)
    for image in data["images"]:
        image["neg_category_ids"] = [44] if 44 not in held[image["id"]] else [1]
        image["not_exhaustive_category_ids"] = [18]
    write(root / "lvis_v1_train.json", json.dumps(data))
    no = {image["id"]: image["neg_category_ids"] for image in data["images"]}
    order = sorted(categories, key=categories.get)
    return {
        "": [
            {
                f"category.{categories[code]}": "1" if code in labels else "0" * (code in no[image])
                for code in order
            }
            for image, labels in held.items()
        ]
    }


@sample
def inaturalist(root):
    kinds = [("Turdus merula", "Turdidae"), ("Falco tinnunculus", "Falconidae")]
    for at in range(2):
        picture(root / "train_mini" / str(at) / f"{at}.png")
    data = {
        "images": [{"id": at, "file_name": f"train_mini/{at}/{at}.png"} for at in range(2)],
        "annotations": [{"id": at, "image_id": at, "category_id": at} for at in range(2)],
        "categories": [
            {"id": at, "name": name, "family": family} for at, (name, family) in enumerate(kinds)
        ],
    }
    write(root / "train_mini.json", json.dumps(data))
    return {"": [{"category": name, "family": family} for name, family in kinds]}


@sample
def voc(root):
    sets = {"cat_train": {"1": 1, "2": -1}, "dog_train": {"1": 0, "2": 1}, "cat_val": {"3": -1},
            "dog_val": {"3": 1}}  # fmt: skip
    for name, states in sets.items():
        write(
            root / "ImageSets" / "Main" / f"{name}.txt",
            "".join(f"{image} {state:2}\n" for image, state in states.items()),
        )
    for image in "123":
        picture(root / "JPEGImages" / f"{image}.png")
    rows = [{"object.cat": "1", "object.dog": ""}, {"object.cat": "0", "object.dog": "1"}]
    return {"_train": rows, "_val": [{"object.cat": "0", "object.dog": "1"}]}


BIRDS = ["001.Owl/1.png", "002.Wren/2.png", "001.Owl/3.png"]


def cub_files(root):
    for name in BIRDS:
        picture(root / "images" / name)
    write(root / "images.txt", lines(enumerate(BIRDS, 1), " "))
    write(root / "image_class_labels.txt", "1 1\n2 2\n3 1\n")
    write(root / "classes.txt", "1 001.Owl\n2 002.Wren\n")
    write(root / "train_test_split.txt", "1 1\n2 1\n3 0\n")


@sample
def cub(root):
    cub_files(root)
    rows = [{"bird": name.split("/")[0]} for name in BIRDS]
    return {"_train": rows[:2], "_test": rows[2:]}


@sample
def cub_attributes(root):
    cub_files(root)
    write(root / "attributes.txt", "1 has_wing_color::blue\n2 has_bill_shape::hooked (up)\n")
    said = "1 1 1 4 5.5\n1 2 0 1 2.25\n2 1 0 3 1.5\n2 2 1 4 0.5\n3 1 0 4 2.5\n3 2 0 2 3.5\n"
    write(root / "attributes" / "image_attribute_labels.txt", said)
    names = ["attr.has_bill_shape::hooked (up)", "attr.has_wing_color::blue"]
    return {"": [dict(zip(names, cells)) for cells in (["", "1"], ["1", "0"], ["0", "0"])]}


@sample
def deepfashion(root):
    said = [[1, -1, 0], [-1, 1, 1], [0, -1, -1]]
    names = ["a-line", "abstract chevron", "floral"]
    paths = [f"img/Blouse/img_{at}.png" for at in range(3)]
    for path in paths:
        picture(root / "Img" / path)
    kinds = "".join(f"{name:<28} 1\n" for name in names)
    write(root / "Anno" / "list_attr_cloth.txt", f"3\nattribute_name  attribute_type\n{kinds}")
    rows = "".join(
        f"{path:<70} {' '.join(f'{state:2}' for state in states)}\n"
        for path, states in zip(paths, said)
    )
    write(root / "Anno" / "list_attr_img.txt", f"3\nimage_name  attribute_labels\n{rows}")
    parts = "".join(f"{path:<70} {part}\n" for path, part in zip(paths, ["train", "train", "test"]))
    write(root / "Eval" / "list_eval_partition.txt", f"3\nimage_name  evaluation_status\n{parts}")
    rows = [
        {f"attribute_labels.{name}": no_yes(state) for name, state in zip(names, states)}
        for states in said
    ]
    return {"_train": rows[:2], "_test": rows[2:]}


@sample
def fashionai(root):
    rows = [("1.png", "coat_labels", "nym"), ("2.png", "neck_labels", "yn")]
    write(root / "label.csv", lines(rows))
    for name in ("1.png", "2.png"):
        picture(root / name)
    return {"": [{"coat": "1", "neck": ""}, {"coat": "", "neck": "0"}]}


@sample
def ham10000(root):
    cells = [("l1", "ISIC_1", "nv", "35.5", "male"), ("l2", "ISIC_2", "mel", "", "unknown"),
             ("l3", "ISIC_3", "nv", "80.0", "female")]  # fmt: skip
    write(
        root / "HAM10000_metadata.csv",
        lines([["lesion_id", "image_id", "dx", "age", "sex"], *cells]),
    )
    for at, row in enumerate(cells):
        picture(root / f"part_{at % 2}" / f"{row[1]}.png")
    return {
        "": [
            {"dx": dx, "age": age, "sex": "" if sex == "unknown" else sex}
            for _, _, dx, age, sex in cells
        ]
    }


@sample
def isic(root):
    write(
        root / "train.csv",
        "image,MEL,NV,UNK\nISIC_1,1.0,0.0,0.0\nISIC_2,0.0,1.0,0.0\nISIC_3,0.0,0.0,1.0\n",
    )
    for at in range(1, 4):
        picture(root / "input" / f"ISIC_{at}.png")
    return {"": [{"dx": "MEL"}, {"dx": "NV"}, {"dx": ""}]}


@sample
def aptos(root):
    write(root / "train.csv", "id_code,diagnosis\n00a1,0\n00b2,2\n00c3,1\n")
    for name in ("00a1", "00b2", "00c3"):
        picture(root / "train_images" / f"{name}.png")
    return {"": [{"diagnosis": cell} for cell in "021"]}


@sample
def plant_pathology(root):
    cells = ["healthy", "scab rust", "scab", "rust complex"]
    write(
        root / "train.csv",
        lines([["image", "labels"], *((f"{at}.png", cell) for at, cell in enumerate(cells))]),
    )
    for at in range(4):
        picture(root / "train_images" / f"{at}.png")
    return {
        "": [
            {
                f"labels.{name}": str(int(name in cell.split()))
                for name in ("complex", "rust", "scab")
            }
            for cell in cells
        ]
    }


@sample
def protein_atlas(root):
    cells = {"ab-1": "16 0", "ab-2": "5"}
    write(root / "train.csv", lines([["Id", "Target"], *cells.items()]))
    for name in cells:
        for colour in ("green", "red"):
            picture(root / "train" / f"{name}_{colour}.png")
    return {
        "": [
            {f"Target.{code}": str(int(code in cell.split())) for code in ("0", "5", "16")}
            for cell in cells.values()
        ]
    }


@sample
def label_studio(root):
    chosen = [["hat"], ["hat", "bag"], ["bag"]]
    rows = ["annotation_id,choice,id,image"]
    for at, names in enumerate(chosen):
        picture(root / "upload" / "1" / f"8d-{at}.png")
        cell = names[0] if len(names) == 1 else json.dumps({"choices": names}).replace('"', '""')
        rows.append(f'{at},"{cell}",{at},/data/upload/1/8d-{at}.png')
    write(root / "project.csv", "\n".join(rows) + "\n")
    return {
        "": [
            {f"choice.{name}": str(int(name in names)) for name in ("bag", "hat")}
            for names in chosen
        ]
    }


@sample
def label_studio_json(root):
    chosen = [["hat"], ["hat", "bag"], []]
    tasks = []
    for at, names in enumerate(chosen):
        picture(root / "upload" / "1" / f"8d-{at}.png")
        result = [
            {"from_name": "garment", "type": "choices", "value": {"choices": names}},
            {"from_name": "stars", "type": "rating", "value": {"rating": at + 0.5}},
        ]
        tasks.append({"id": at, "data": {"image": f"/data/upload/1/8d-{at}.png"},
                      "annotations": [{"result": result}]})  # fmt: skip
    write(root / "project.json", json.dumps(tasks))
    return {
        "": [
            {
                **{f"garment.{name}": str(int(name in names)) for name in ("bag", "hat")},
                "stars": str(at + 0.5),
            }
            for at, names in enumerate(chosen)
        ]
    }


@sample
def cvat(root):
    tags = [["hat"], ["hat", "bag"], []]
    images = ""
    for at, names in enumerate(tags):
        picture(root / "images" / f"{at}.png")
        inner = "".join(f'<tag label="{name}"></tag>' for name in names)
        images += f'<image id="{at}" name="{at}.png" width="8" height="9">{inner}</image>\n'
    write(
        root / "annotations.xml", f'<?xml version="1.0"?>\n<annotations>\n{images}</annotations>\n'
    )
    return {
        "": [{f"tag.{name}": str(int(name in names)) for name in ("bag", "hat")} for names in tags]
    }


@sample
def fiftyone(root):
    for at in range(3):
        picture(root / "data" / f"{at:06}.png")
    labels = {f"{at:06}": at % 2 for at in range(3)}
    write(root / "labels.json", json.dumps({"classes": ["cat", "dog"], "labels": labels}))
    return {"": [{"label": name} for name in ("cat", "dog", "cat")]}


@sample
def roboflow(root):
    for split, rows in {"train": ["0, 1", "1, 0"], "valid": ["1, 1"]}.items():
        text = "".join(f"{split}{at}.png, {row}\n" for at, row in enumerate(rows))
        write(root / split / "_classes.csv", "filename, Alert, eye closed\n" + text)
        for at in range(len(rows)):
            picture(root / split / f"{split}{at}.png")
    names = ["class.Alert", "class.eye closed"]
    return {
        "_train": [dict(zip(names, "01")), dict(zip(names, "10"))],
        "_valid": [dict(zip(names, "11"))],
    }


@sample
def hugging_face(root):
    tags = [["a"], ["a", "b"], []]
    for at in range(len(tags)):
        picture(root / "train" / f"{at}.png")
    rows = [
        {"file_name": f"{at}.png", "age": at + 0.5, "tags": names} for at, names in enumerate(tags)
    ]
    write(root / "train" / "metadata.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    return {
        "": [
            {"age": str(at + 0.5), **{f"tags.{name}": str(int(name in names)) for name in "ab"}}
            for at, names in enumerate(tags)
        ]
    }


@sample
def utkface(root):
    for age, sex, race in ((25, 1, 0), (61, 0, 2), (7, 1, 1)):
        picture(root / f"{age}_{sex}_{race}_2017.png")
    return {
        "": [
            {"age": f"{age}.0", "sex": sex, "race": race}
            for age, sex, race in ((25, "1", "0"), (61, "0", "2"), (7, "1", "1"))
        ]
    }


@sample
def vaw(root):
    things = [("1", ["red"], ["wet"]), ("1", ["old"], []), ("2", ["wet"], ["red"])]
    for name in "12":
        picture(root / "images" / f"{name}.png")
    data = [
        {"image_id": image, "positive_attributes": yes, "negative_attributes": no}
        for image, yes, no in things
    ]
    write(root / "train.json", json.dumps(data))
    names = ["attribute.old", "attribute.red", "attribute.wet"]
    return {"": [dict(zip(names, ["1", "1", "0"])), dict(zip(names, ["", "0", "1"]))]}


@sample
def mimic(root):
    studies = {"50": ("1.0", ""), "51": ("-1.0", "0.0")}
    rows, text = [["dicom_id", "subject_id", "study_id"]], lines(
        [["subject_id", "study_id", "Edema", "Lung Lesion"],
         *([f"100{study}", study, *cells] for study, cells in studies.items())]
    )  # fmt: skip
    for study in studies:
        for view in "ab":
            name = f"{study}{view}"
            picture(root / "files" / "p10" / f"p100{study}" / f"s{study}" / f"{name}.png")
            rows.append([name, f"100{study}", study])
    for name, content in (("metadata.csv.gz", lines(rows)), ("chexpert.csv.gz", text)):
        (root / name).write_bytes(gzip.compress(content.encode()))
    said = {"1.0": "1", "0.0": "0", "": "", "-1.0": ""}
    return {
        "": [
            {"finding.Edema": said[cells[0]], "finding.Lung Lesion": said[cells[1]]}
            for cells in studies.values()
            for _ in "ab"
        ]
    }
