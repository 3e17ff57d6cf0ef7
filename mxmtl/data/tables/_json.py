"""JSON files of many shapes; each shape says whether a file is of it, and makes rows of it."""

from __future__ import annotations

import abc
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from .._errors import TableError
from ._arrange import SPLIT, Derived
from ._chunk import Chunk
from ._long import UNKNOWN, Statements, StatementsTable, statements_of
from ._paths import USUAL, is_picture, plain
from ._records import GEOMETRY, JsonLinesTable, Record, RecordsTable, read_json
from ._table import TableOptions, TableReader
from ._text import text_of
from ._words import SPLITS

# What images and annotations of COCO's shape say, and is read, or nothing to predict.
OF_COCO = GEOMETRY | frozenset(
    "id image_id imageId file_name filename path file url coco_url flickr_url width height license "
    "date_captured rights_holder location location_uncertainty latitude longitude date category_id "
    "category_ids labelId label_id label labels area iscrowd ignore num_keypoints score "
    "neg_category_ids not_exhaustive_category_ids".split()
)
LISTS = ("samples", "data", "items", "records", "annotations", "rows")  # names of a list of records
BY_KEY = (
    "_via_img_metadata",
    "assets",
)  # and of records by a key that is none of theirs: VIA, VoTT


class JsonTable(Derived):
    """A JSON file: records, COCO's and LVIS's, Label Studio's, FiftyOne's, Datumaro's, VAW's."""

    layout, about = "json", "JSON: records, COCO, LVIS, Label Studio, FiftyOne"
    endings = (".json", ".json.gz")

    def __init__(self, path: str, options: TableOptions, several: bool = False) -> None:
        super().__init__(opened_json(path, options, several))

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        if path.lower().endswith(JsonLinesTable.endings):
            return False
        text = text_of(head).lstrip()
        return text[:1] == "{" or (text[:1] == "[" and text[1:].lstrip()[:1] in ("{", "]"))

    def chunks(self) -> Iterator[Chunk]:
        return self.inner.chunks()


def opened_json(path: str, options: TableOptions, several: bool = False) -> TableReader:
    """Read a JSON file, as rows of the first shape that it is of.

    With ``several``, images may have several categories though in this file none has.
    """
    try:
        data = read_json(path)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return JsonLinesTable(path, options)
        raise TableError(f"{path} line {error.lineno}: no JSON ({error.msg}).") from error
    except RecursionError as error:
        raise TableError(f"{path}: its JSON is too deep to be read.") from error
    for shape in Shape.known:
        if shape is Coco and shape.fits(data):
            return Coco.table(path, options, data, several)
        if shape.fits(data):
            return shape.table(path, options, data)
    raise TableError(
        f"{path}: JSON of a shape that is not known: expected records ([{{...}}, ...]), or COCO's "
        "images and annotations. Load it, and save its rows as CSV or as JSON lines; in Python, "
        "dicts of {column: cell} are a table as well."
    )


class Shape(abc.ABC):
    """Abstract: a shape that JSON may have; the first that is defined is asked first."""

    known: ClassVar[list[type[Shape]]] = []

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Shape.known.append(cls)

    @staticmethod
    @abc.abstractmethod
    def fits(data: Any) -> bool:
        """Tell whether data has this shape."""

    @staticmethod
    @abc.abstractmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        """Make a table of it."""


class Coco(Shape):
    """``images`` and ``annotations`` that name images and categories; LVIS says what is not there.

    What an image has no annotation of is not there, as all of COCO's categories were looked for;
    in LVIS it is unknown, but for its ``neg_category_ids``.
    """

    @staticmethod
    def fits(data: Any) -> bool:
        return isinstance(data, dict) and all(
            isinstance(data.get(name), list) for name in ("images", "annotations")
        )

    @staticmethod
    def table(path: str, options: TableOptions, data: Any, several: bool = False) -> TableReader:
        paths: dict[str, str] = {}
        for one in data["images"]:
            key, file = image_id(one, path), path_of(one)
            if paths.setdefault(key, file) != file:
                raise TableError(f"{path}: image {key!r} is {paths[key]!r} and {file!r}.")
        if not paths or not data["annotations"]:
            raise TableError(f"{path}: no images or no annotations in it.")
        called = names_of(data.get("categories") or [])
        pairs = [
            (image_id(one, path, paths), called.get(label, label), 1)
            for one in data["annotations"]
            for label in labels_of(one, path)
        ]
        held = {(image, name) for image, name, _ in pairs}
        for image in data["images"]:
            key = image_id(image, path)
            pairs += [
                (key, called.get(str(label), str(label)), 0)
                for label in image.get("neg_category_ids", ())
            ]
            unsure = (
                called.get(str(label), str(label))
                for label in image.get("not_exhaustive_category_ids", ())
            )
            pairs += [(key, name, UNKNOWN) for name in unsure if (key, name) not in held]
        one_each = len(held) == len(paths) == len({image for image, _ in held})
        if one_each and not several and all(state == 1 for _, _, state in pairs):
            table: TableReader = RecordsTable(
                path, options, levels(data, dict(held), paths, called)
            )
        else:
            said = in_order_of(paths, pairs, options, path)
            table = StatementsTable(path, options, "category", said)
        more = {name for one in (*data["images"][:20], *data["annotations"][:20]) for name in one}
        if more - OF_COCO:
            table.notes = [f"of its images and annotations {sorted(more - OF_COCO)} are not read."]
        return table


def in_order_of(
    paths: Mapping[str, str], pairs: list[tuple[str, str, int]], options: TableOptions, source: str
) -> Statements:
    """Make statements about images, in the order of the images, those without any included."""
    order = {key: at for at, key in enumerate(paths)}
    said = statements_of(sorted(pairs, key=lambda pair: order[pair[0]]), options, source)
    return said.about(list(paths), list(paths.values()))


def image_id(record: Record, source: str, known: Mapping[str, Any] | None = None) -> str:
    """Return the image that a record of COCO's is, or is about."""
    names = ("id", "imageId", "image_id") if known is None else ("image_id", "imageId", "id")
    found = next((str(record[name]) for name in names if name in record), None)
    if found is None or (known is not None and found not in known):
        raise TableError(f"{source}: {str(record)[:200]} names no image that is there.")
    return found


def labels_of(record: Record, source: str) -> list[str]:
    """Return the categories that an annotation names."""
    for name in ("category_id", "labelId", "category_ids", "label_id", "label", "labels"):
        if name in record:
            value = record[name]
            return [str(one) for one in value] if isinstance(value, list) else [str(value)]
    raise TableError(f"{source}: annotation {str(record)[:200]} has no category_id.")


def path_of(record: Record) -> str:
    """Return the image file that a record of COCO's names."""
    for name in ("file_name", "filename", "path", "file"):
        if record.get(name):
            return str(record[name])
    url = next((record[name] for name in ("coco_url", "url") if record.get(name)), "")
    tail = "/".join(str(url).split("?")[0].split("/")[-2:])
    return tail if is_picture(tail) else image_id(record, "")


def names_of(categories: Sequence[Record]) -> dict[str, str]:
    """Return {id: name}; a name that two have is told with the id."""
    called = {str(one["id"]): str(one.get("name", one["id"])) for one in categories if "id" in one}
    twice = [name for name in set(called.values()) if list(called.values()).count(name) > 1]
    return {key: f"{name} ({key})" if name in twice else name for key, name in called.items()}


def levels(
    data: Any, held: Mapping[str, str], paths: Mapping[str, str], called: Mapping[str, str]
) -> list[Record]:
    """Return a row for each image of one category, with what the category belongs to."""
    about = {
        called[str(one["id"])]: {
            name: value
            for name, value in one.items()
            if name not in ("id", "name", "image_count", "image_dir_name")
            and isinstance(value, str)
        }
        for one in data.get("categories") or ()
        if "id" in one
    }
    return [
        {"path": path, "category": held[key], **about.get(held[key], {})}
        for key, path in paths.items()
    ]


class Vaw(Shape):
    """Things in pictures, each with attributes that it has and attributes that it has not."""

    @staticmethod
    def fits(data: Any) -> bool:
        first = data[0] if isinstance(data, list) and data else None
        return isinstance(first, dict) and "positive_attributes" in first

    @staticmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        pairs = [
            (image_id(one, path, {image_id_of(one): ""}), str(name), state)
            for one in data
            for key, state in (("positive_attributes", 1), ("negative_attributes", 0))
            for name in one.get(key, ())
        ]
        images = dict.fromkeys(image_id_of(one) for one in data)
        said = in_order_of({image: image for image in images}, pairs, options, path)
        return StatementsTable(path, options, "attribute", said)


def image_id_of(record: Record) -> str:
    """Return the image that a thing is in."""
    return str(record.get("image_id", record.get("imageId", "")))


class LabelStudio(Shape):
    """Label Studio's full export: what was asked, and the results of each annotation."""

    @staticmethod
    def fits(data: Any) -> bool:
        first = data[0] if isinstance(data, list) and data else None
        return (
            isinstance(first, dict)
            and isinstance(first.get("data"), dict)
            and any(name in first for name in ("annotations", "completions"))
        )

    @staticmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        return RecordsTable(path, options, [answers(task, path) for task in data])


def answers(task: Record, source: str) -> dict[str, Any]:
    """Return a row: what was shown, and what was answered to each question."""
    row = dict(task["data"])
    given = [
        one
        for one in task.get("annotations", task.get("completions", ()))
        if isinstance(one, dict) and not one.get("was_cancelled")
    ]
    all_said = []
    for annotation in given:
        said: dict[str, Any] = {}
        for result in annotation.get("result", ()):
            value = result.get("value", {}).get(result.get("type"))
            if value is None:
                continue
            name = str(result.get("from_name", result.get("type")))
            if isinstance(value, list):
                value = [*said.get(name, []), *value]
            said[name] = value
        all_said.append(said)
    if any(said != all_said[0] for said in all_said):
        raise TableError(
            f"{source}: task {task.get('id')!r} has annotations that differ: {all_said[:3]}. Keep "
            "one of each task."
        )
    return {**row, **(all_said[0] if all_said else {})}


class FiftyOneLabels(Shape):
    """FiftyOne's image classification: ``classes``, and the ``labels`` of each image."""

    @staticmethod
    def fits(data: Any) -> bool:
        return isinstance(data, dict) and isinstance(data.get("labels"), dict)

    @staticmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        classes = data.get("classes") or []

        def named(label: Any) -> Any:
            if isinstance(label, list):
                return [named(one) for one in label]
            if isinstance(label, dict):
                return {key: named(one) if key == "label" else one for key, one in label.items()}
            is_place = isinstance(label, int) and not isinstance(label, bool)
            return classes[label] if is_place and 0 <= label < len(classes) else label

        rows = [{"path": image, "label": named(one)} for image, one in data["labels"].items()]
        return RecordsTable(path, options, rows)


class Datumaro(Shape):
    """Datumaro's ``items``, whose annotations name labels by their place among the categories."""

    @staticmethod
    def fits(data: Any) -> bool:
        named = isinstance(data, dict) and data.get("categories")
        return isinstance(named, dict) and "label" in named and isinstance(data.get("items"), list)

    @staticmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        called = [one["name"] for one in data["categories"]["label"].get("labels", ())]
        rows = []
        for item in data["items"]:
            image = (item.get("image") or {}).get("path") or item.get("id")
            row: dict[str, Any] = {"path": image, "label": []}
            for one in item.get("annotations", ()):
                place = one.get("label_id")
                if not isinstance(place, int) or not 0 <= place < len(called):
                    continue
                row["label"].append(called[place])
                for name, value in (one.get("attributes") or {}).items():
                    row.setdefault(f"{called[place]}_{name}", value)
            rows.append(row)
        return RecordsTable(path, options, rows)


class Records(Shape):
    """Records: a list of them, by itself, under a name, by splits, by images or by columns."""

    @staticmethod
    def fits(data: Any) -> bool:
        return bool(records_in(data))

    @staticmethod
    def table(path: str, options: TableOptions, data: Any) -> TableReader:
        table = RecordsTable(path, options, records_in(data))
        if isinstance(data, dict) and SPLITS.issuperset(data):
            table.split_column = SPLIT
        return table


def records_in(data: Any) -> list[Record]:
    """Return the records that data has; none if it has none.

    >>> records_in({"path": {"0": "1.jpg"}, "kind": {"0": "owl"}})  # as pandas writes a frame
    [{'path': '1.jpg', 'kind': 'owl'}]
    >>> records_in({"owl": ["1.jpg"], "wren": ["2.jpg"]})
    [{'path': '1.jpg', 'class': 'owl'}, {'path': '2.jpg', 'class': 'wren'}]
    """
    if isinstance(data, list):
        return data if data and all(isinstance(one, dict) for one in data) else []
    if not isinstance(data, dict) or not data:
        return []
    if isinstance(data.get("columns"), list) and isinstance(data.get("data"), list):
        return [dict(zip(data["columns"], row)) for row in data["data"]]
    if SPLITS.issuperset(data):
        return [{SPLIT: split, **one} for split in data for one in records_in(data[split])]
    for name in LISTS:
        if isinstance(data.get(name), list):
            return records_in(data[name])
    for name in BY_KEY:
        if isinstance(data.get(name), dict):
            return records_in(list(data[name].values()))
    kinds, images = {type(one) for one in data.values()}, all(map(is_picture, data))
    if kinds == {dict}:
        found = [] if images else by_column(data)
        cells = (pair for one in data.values() for pair in one.items())
        if not images and any(plain(name) in USUAL and is_picture(cell) for name, cell in cells):
            return found or list(data.values())  # VIA's, by names and sizes
        return found or [{"path": image, **one} for image, one in data.items()]
    if images:
        return [{"path": image, "label": label} for image, label in data.items()]
    if kinds != {list}:
        return []
    usual = any(plain(name) in USUAL for name in data)
    return by_column(data) if usual else by_class(data) or by_column(data)


def by_column(data: Record) -> list[Record]:
    """Return the records of columns: lists of one length, or cells by the number of the row."""
    cells = list(data.values())
    if isinstance(cells[0], dict):
        rows = [str(row) for row in range(len(cells[0]))]
        if any(list(column) != rows for column in cells):
            return []
        cells = [list(column.values()) for column in cells]
    if len({len(column) for column in cells}) > 1:
        return []
    return [dict(zip(data, row)) for row in zip(*cells)]


def by_class(data: Record) -> list[Record]:
    """Return the records of {class: images}; of an image that several have, a list of them."""
    held: dict[str, list[str]] = {}
    for name, images in data.items():
        for image in images:
            if not is_picture(image) and not str(image).startswith(f"{name}/"):
                return []
            held.setdefault(image, []).append(name)
    several = any(len(names) > 1 for names in held.values())
    return [
        {"path": image, "class": names if several else names[0]} for image, names in held.items()
    ]
