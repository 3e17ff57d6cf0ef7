"""JSON and XML in layouts like those of docs/tables.md, each otherwise than its sample."""

from __future__ import annotations

import gzip
import json

from ._samples import lines, picture, write
from ._variants import pictures, variant, yes_no


@variant
def label_studio_choices(root):
    tasks = []
    said = [("day", [["Animal", "Dog"]], ["indoor"]), ("night", [["Animal"]], ["indoor", "wet"])]
    for at, (when, kind, more) in enumerate(said):
        picture(root / f"{at}.png")
        tasks.append(
            {
                "id": at,
                "data": {"img": f"/data/local-files/?d=pics/{at}.png"},
                "annotations": [
                    {"was_cancelled": True, "result": []},
                    {
                        "result": [
                            {"from_name": "when", "type": "choices", "value": {"choices": [when]}},
                            {"from_name": "kind", "type": "taxonomy", "value": {"taxonomy": kind}},
                            {"from_name": "more", "type": "choices", "value": {"choices": more}},
                            {"from_name": "size", "type": "number", "value": {"number": at + 2.5}},
                        ]
                    },
                ],
                "predictions": [],
            }
        )
    write(root / "export.json", json.dumps(tasks))
    rows = [
        {
            "when.day": str(int(when == "day")),
            "when.night": str(int(when == "night")),
            "kind.Animal": "1",
            "kind.Dog": str(int("Dog" in kind[0])),
            "more.indoor": "1",
            "more.wet": str(int("wet" in more)),
            "size": str(at + 2.5),
        }
        for at, (when, kind, more) in enumerate(said)
    ]
    return "export.json --yes", {"": rows}


@variant
def label_studio_min(root):
    rows = []
    chosen = ["hat", {"choices": ["hat", "bag"]}, "bag"]
    for at, one in enumerate(chosen):
        picture(root / "upload" / f"{at}.png")
        rows.append(
            {
                "image": f"/data/upload/{at}.png",
                "id": at,
                "choice": one,
                "annotator": at + 1,
                "annotation_id": at,
                "created_at": f"2026-01-0{at + 1}",
                "updated_at": f"2026-01-0{at + 1}",
                "lead_time": 1.5 + at,
            }
        )
    write(root / "min.json", json.dumps(rows))
    return "min.json --yes", {
        "": yes_no("choice", ["bag", "hat"], [["hat"], ["hat", "bag"], ["bag"]])
    }


@variant
def cvat_subsets(root):
    text = '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>\n'
    for at, smiling in enumerate(["true", "false", "true"]):
        picture(root / "img" / f"{at}.png")
        subset = "Train" if at < 2 else "Test"
        text += (
            f'<image id="{at}" name="img/{at}.png" subset="{subset}" width="8" height="9">'
            f'<tag label="person" source="manual"><attribute name="smiling">{smiling}</attribute>'
            f'<attribute name="pose">{"left" if at else "right"}</attribute></tag></image>\n'
        )
    write(root / "annotations.xml", text + "</annotations>")
    rows = [
        {"person_smiling": "1", "person_pose": "right"},
        {"person_smiling": "0", "person_pose": "left"},
        {"person_smiling": "1", "person_pose": "left"},
    ]
    return "annotations.xml --split-column subset --yes", {"_Train": rows[:2], "_Test": rows[2:]}


@variant
def cvat_video(root):
    write(
        root / "annotations.xml",
        '<?xml version="1.0"?>\n<annotations><version>1.1</version><track id="0" label="car">'
        '<box frame="0" outside="0"></box></track></annotations>',
    )
    return "annotations.xml --yes", "video.*CVAT for images"


@variant
def fiftyone_words(root):
    pictures(root, [f"data/{at}.png" for at in range(3)])
    labels = {
        "0": {"label": "cat", "confidence": 0.5},
        "1": {"label": "dog", "confidence": 0.75},
        "2": None,
    }
    write(root / "labels.json", json.dumps({"classes": ["cat", "dog"], "labels": labels}))
    return "labels.json --images data --task 'Multiclass label column=label.label'", {
        "": [{"label": "cat"}, {"label": "dog"}, {"label": ""}]
    }


@variant
def fiftyone_samples(root):
    samples = []
    for at, name in enumerate(["cat", "dog", "cat"]):
        picture(root / "data" / f"{at}.png")
        samples.append(
            {
                "filepath": f"data/{at}.png",
                "tags": ["train"],
                "metadata": {"width": 8, "_cls": "ImageMetadata"},
                "ground_truth": {"_cls": "Classification", "label": name, "tags": []},
                "weather": {"_cls": "Classification", "label": "sun" if at else "rain"},
            }
        )
    write(root / "samples.json", json.dumps({"samples": samples}))
    rows = [
        {"ground_truth_label": name, "weather_label": "sun" if at else "rain"}
        for at, name in enumerate(["cat", "dog", "cat"])
    ]
    return (
        "samples.json --task 'Multiclass ground_truth_label column=ground_truth.label' "
        "--task 'Multiclass weather_label column=weather.label'"
    ), {"": rows}


@variant
def roboflow_coco(root):
    for split, held in {"train": [[1, 2], [2]], "valid": [[]]}.items():
        images = [
            {"id": at, "file_name": f"{split}{at}.png", "license": 1} for at in range(len(held))
        ]
        for image in images:
            picture(root / split / image["file_name"])
        anns = [
            {
                "id": 10 * at + one,
                "image_id": at,
                "category_id": one,
                "bbox": [0, 0, 1, 1],
                "segmentation": [],
            }
            for at, own in enumerate(held)
            for one in own
        ] or [{"id": 0, "image_id": 0, "category_id": 1, "bbox": [0, 0, 1, 1]}]
        write(
            root / split / "_annotations.coco.json",
            json.dumps(
                {
                    "images": images,
                    "annotations": anns,
                    "categories": [
                        {"id": 0, "name": "traffic", "supercategory": "none"},
                        {"id": 1, "name": "bus", "supercategory": "traffic"},
                        {"id": 2, "name": "car", "supercategory": "traffic"},
                    ],
                }
            ),
        )
    return ". --task 'Multilabel category labels=bus,car'", {
        "_train": yes_no("category", ["bus", "car"], [["bus", "car"], ["car"]]),
        "_valid": yes_no("category", ["bus", "car"], [["bus"]]),
    }


@variant
def hugging_face_splits(root):
    for split, rows in {
        "train": [("a/1.png", "cat"), ("a/2.png", "dog")],
        "test": [("1.png", "dog")],
    }.items():
        write(root / split / "metadata.csv", lines([["file_name", "label"], *rows]))
        pictures(root / split, [name for name, _ in rows])
    return ". --yes", {"_train": [{"label": "cat"}, {"label": "dog"}], "_test": [{"label": "dog"}]}


@variant
def nested_lines(root):
    rows = [
        {"image": "1.png", "labels": {"wet": True, "red": None}, "n": 3, "at": {"bbox": [[1, 2]]}},
        {"image": "2.png", "labels": {"wet": False, "red": 1}, "n": 4.5},
    ]
    pictures(root, ["1.png", "2.png"])
    write(root / "t.ndjson", "".join(json.dumps(row) + "\n" for row in rows))
    return "t.ndjson --yes", {
        "": [
            {"labels.wet": "1", "labels.red": "", "n": "3.0"},
            {"labels.wet": "0", "labels.red": "1", "n": "4.5"},
        ]
    }


@variant
def by_picture(root):
    pictures(root, ["p/1.png", "p/2.png"])
    write(
        root / "t.json",
        json.dumps({"1.png": {"kind": "owl", "age": 2.5}, "2.png": {"kind": "wren", "age": None}}),
    )
    return "t.json --images p --yes", {
        "": [{"kind": "owl", "age": "2.5"}, {"kind": "wren", "age": ""}]
    }


@variant
def annotations_of_pascal(root):
    for at, names in enumerate([["dog", "cat", "dog"], ["cat"]]):
        picture(root / "JPEGImages" / f"{at}.png")
        things = "".join(
            f"<object><name>{name}</name><bndbox><xmin>1</xmin></bndbox></object>" for name in names
        )
        write(
            root / "Annotations" / f"{at}.xml",
            f"<annotation><filename>{at}.png</filename>{things}</annotation>",
        )
    return (
        "Annotations --images JPEGImages --task 'Multilabel thing column=object.name'",
        {"": yes_no("thing", ["cat", "dog"], [["dog", "cat"], ["cat"]])},
    )


@variant
def coco_of_captions(root):
    picture(root / "1.png")
    write(
        root / "c.json",
        json.dumps(
            {
                "images": [{"id": 1, "file_name": "1.png"}],
                "annotations": [{"id": 1, "image_id": 1, "caption": "a dog"}],
            }
        ),
    )
    return "c.json --yes", "no category_id"


@variant
def coco_of_strings(root):
    pictures(root, ["d/a.png", "d/b.png"])
    write(root / "c.json.gz", "")
    with gzip.open(root / "c.json.gz", "wt") as stream:
        json.dump(
            {
                "images": [{"id": "a", "file_name": "a.png"}, {"id": "b", "file_name": "b.png"}],
                "categories": [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}],
                "annotations": [
                    {
                        "image_id": "a",
                        "category_id": 7,
                        "id": 1,
                        "segmentation": {"counts": "abc", "size": [1, 2]},
                        "iscrowd": 1,
                    },
                    {"image_id": "a", "category_id": 3, "id": 2, "segmentation": [[1, 2.5e1, -3]]},
                    {"image_id": "a", "category_id": 3, "id": 3, "segmentation": []},
                ],
            },
            stream,
        )
    return "c.json.gz --images d --yes", {
        "": yes_no("category", ["cat", "dog"], [["cat", "dog"], []])
    }


@variant
def visual_genome(root):
    pictures(root, ["p/1.png", "p/2.png"])
    data = [
        {
            "image_id": 1,
            "attributes": [
                {"names": ["cup"], "attributes": ["red", "big"], "x": 1},
                {"names": ["fork"], "x": 2},
            ],
        },
        {"image_id": 2, "attributes": [{"names": ["cup"], "attributes": ["big"], "x": 4}]},
    ]
    write(root / "a.json", json.dumps(data))
    return (
        "a.json --images p --task 'Multilabel thing column=attributes.names' "
        "--task 'Multilabel attr column=attributes.attributes'",
        {
            "": [
                {**a, **b}
                for a, b in zip(
                    yes_no("thing", ["cup", "fork"], [["cup", "fork"], ["cup"]]),
                    yes_no("attr", ["big", "red"], [["red", "big"], ["big"]]),
                )
            ]
        },
    )


def of_kinds(root, data):
    """Write two pictures and what is said of them, and return the usual command and truth."""
    pictures(root, ["1.png", "2.png"])
    write(root / "t.json", json.dumps(data))
    return "t.json --yes", {"": [{"kind": "owl"}, {"kind": "wren"}]}


@variant
def columns_by_row(root):
    return of_kinds(root, {"path": {"0": "1.png", "1": "2.png"}, "kind": {"0": "owl", "1": "wren"}})


@variant
def columns_as_lists(root):
    return of_kinds(root, {"path": ["1.png", "2.png"], "kind": ["owl", "wren"]})


@variant
def columns_and_data(root):
    rows = [["1.png", "owl"], ["2.png", "wren"]]
    return of_kinds(root, {"columns": ["path", "kind"], "index": [0, 1], "data": rows})


@variant
def records_of_splits(root):
    rows = {"train": [{"path": "1.png", "kind": "owl"}], "val": [{"path": "2.png", "kind": "wren"}]}
    command, truth = of_kinds(root, rows)
    return command, {"_train": truth[""][:1], "_val": truth[""][1:]}


@variant
def images_of_classes(root):
    command, _ = of_kinds(root, {"owl": ["1.png"], "wren": ["2.png"]})
    return command, {"": [{"class": "owl"}, {"class": "wren"}]}


@variant
def images_of_classes_without_endings(root):
    pictures(root, ["owl/1.png", "wren/2.png"])
    write(root / "t.json", json.dumps({"owl": ["owl/1"], "wren": ["wren/2"]}))
    return "t.json --yes", {"": [{"class": "owl"}, {"class": "wren"}]}


@variant
def images_of_labels(root):
    command, _ = of_kinds(root, {"wet": ["1.png", "2.png"], "red": ["2.png"]})
    return command, {"": yes_no("class", ["red", "wet"], [["wet"], ["red", "wet"]])}


@variant
def lists_of_things_that_may_be_empty(root):
    rows = [{"image": "1.png", "things": [{"name": "a"}, {"name": "b"}]},
            {"image": "2.png", "things": []}, {"image": "3.png"}]  # fmt: skip
    pictures(root, ["1.png", "2.png", "3.png"])
    write(root / "t.json", json.dumps(rows))
    cells = yes_no("things_name", ["a", "b"], [["a", "b"], []])
    return "t.json --yes", {"": [*cells, {"things_name.a": "", "things_name.b": ""}]}


@variant
def one_hot_lists(root):
    rows = [
        {"image": "1.png", "x": [1, 0, 0], "y": "a"},
        {"image": "2.png", "x": [0, 1, 0], "y": "b"},
    ]
    pictures(root, ["1.png", "2.png"])
    write(root / "t.json", json.dumps(rows))
    return "t.json --yes", {"": [{"y": "a"}, {"y": "b"}]}, "lists of 0 and 1, whose places say"


@variant
def coco_of_two_files_with_one_id(root):
    data = {"images": [{"id": 1, "file_name": "1.png"}, {"id": 1, "file_name": "2.png"}],
            "annotations": [{"image_id": 1, "category_id": 3}]}  # fmt: skip
    pictures(root, ["1.png", "2.png"])
    write(root / "t.json", json.dumps(data))
    return "t.json --yes", "image '1' is '1.png' and '2.png'"


@variant
def coco_by_image_id_and_more(root):
    images = [{"image_id": at, "url": [f"https://example.org/{at}x.png"], "weather": "wet"}
              for at in (7, 8)]  # fmt: skip
    said = [{"image_id": 7, "label_id": 3}, {"image_id": 8, "label_id": 4}]
    pictures(root, ["d/7.png", "d/8.png"])
    write(root / "t.json", json.dumps({"images": images, "annotations": said}))
    return (
        "t.json --yes",
        {"": [{"category": "3"}, {"category": "4"}]},
        r"annotations \['weather'\] are not read",
    )


@variant
def via(root):
    rows = {f"{at}.png{size}": {"filename": f"{at}.png", "size": size, "regions": [],
                                "file_attributes": {"kind": kind}}
            for at, size, kind in ((1, 55, "owl"), (2, 55, "wren"))}  # fmt: skip
    command, truth = of_kinds(root, rows)
    return command, {"": [{"file_attributes_kind": row["kind"]} for row in truth[""]]}


@variant
def files_beside_the_pictures(root):
    for at, label in enumerate(["owl", "wren"]):
        picture(root / f"{at}.JPG")
        shapes = [{"label": label, "points": [[1.0, 2.0]], "flags": {}}]
        about = {"flags": {"wet": at == 1}, "shapes": shapes, "imagePath": f"{at}.JPG"}
        write(root / f"{at}.json", json.dumps({**about, "imageData": None}))
    named = yes_no("kind", ["owl", "wren"], [["owl"], ["wren"]])
    rows = [{"flags.wet": str(at), **row} for at, row in enumerate(named)]
    return ". --task 'Multilabel flags' --task 'Multilabel kind column=shapes.label'", {"": rows}


@variant
def files_beside_the_pictures_of_splits(root):
    for split, things in {"train": ["dog", "cat"], "valid": ["cat", "dog"]}.items():
        for at, name in enumerate(things):
            picture(root / split / f"{at}.jpg")
            thing = f"<object><name>{name}</name></object>"
            about = f"<annotation><filename>{at}.jpg</filename>{thing}</annotation>"
            write(root / split / f"{at}.xml", about)
        write(root / split / "README.txt", "from elsewhere")
    rows = yes_no("object_name", ["cat", "dog"], [["dog"], ["cat"]])
    return ". --yes", {"_train": rows, "_valid": rows[::-1]}


@variant
def via_project(root):
    rows = {f"{at}.png{size}": {"filename": f"{at}.png", "size": size, "regions": [],
                                "file_attributes": {"kind": kind}}
            for at, size, kind in ((1, 55, "owl"), (2, 55, "wren"))}  # fmt: skip
    about = {"_via_settings": {}, "_via_img_metadata": rows, "_via_attributes": {}}
    command, truth = of_kinds(root, about)
    return command, {"": [{"file_attributes_kind": row["kind"]} for row in truth[""]]}


@variant
def vott(root):
    assets = {
        f"{at:04}": {
            "asset": {"name": f"{at}.png", "path": f"file:C:/x/{at}.png", "type": 1},
            "regions": [{"tags": [kind], "points": [{"x": 1.5, "y": 2}]}],
        }
        for at, kind in ((1, "owl"), (2, "wren"))
    }
    of_kinds(root, {"name": "project", "tags": [{"name": "owl"}], "assets": assets})
    return (
        "t.json --path asset.name --task 'Multilabel kind column=regions.tags'",
        {"": yes_no("kind", ["owl", "wren"], [["owl"], ["wren"]])},
    )


@variant
def vott_without_a_path(root):
    assets = {str(at): {"asset": {"name": f"{at}.png", "path": f"{at}.png"}} for at in (1, 2)}
    of_kinds(root, {"assets": assets})
    return "t.json --yes", "'asset.name' and 'asset.path' name image files: --path"


@variant
def datumaro(root):
    items = [
        {"id": str(at), "image": {"path": f"{at}.png", "size": [9, 8]}, "attr": {"frame": at},
         "annotations": [{"id": 0, "type": "label", "label_id": one, "group": 0,
                          "attributes": {"wet": at == 2} if one else {}} for one in said]}
        for at, said in ((1, [0]), (2, [0, 1]), (3, []))
    ]  # fmt: skip
    names = [{"name": "owl", "parent": ""}, {"name": "wren", "parent": ""}]
    of_kinds(root, {"info": {}, "categories": {"label": {"labels": names}}, "items": items})
    pictures(root, ["3.png"])
    rows = yes_no("label", ["owl", "wren"], [["owl"], ["owl", "wren"], []])
    return "t.json --task 'Multilabel label'", {"": rows}
