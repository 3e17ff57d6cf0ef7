"""XML: CVAT's annotations of images, and folders of one XML or JSON file for each image."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from .._errors import TableError
from ._arrange import SPLIT
from ._paths import IMAGE_ENDINGS, is_picture
from ._records import FileOfRecords, Record, without_geometry
from ._table import TableOptions
from ._words import SPLITS

PER_IMAGE = (".json", ".xml")
NUMBERED = re.compile(r"[A-Za-z_]+\d+")
SHOWN, FEW = 200, 5  # files of a folder that are looked at


def parsed(path: str) -> ElementTree.Element:
    """Read an XML file; one that declares entities is refused, as they can grow without end."""
    with open(path, "rb") as stream:
        content = stream.read()
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise TableError(f"{path}: its XML declares a document type; such files are not read.")
    try:
        return ElementTree.fromstring(content)  # noqa: S314 (no entities, as said above)
    except ElementTree.ParseError as error:
        raise TableError(f"{path}: no XML ({error}).") from error


class CvatTable(FileOfRecords):
    """CVAT for images: the tags of each image (column ``tag``), and their attributes.

    Shapes count as tags, of the column ``object``.
    """

    layout, about, endings = "cvat", "CVAT's annotations.xml", (".xml",)

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return b"<annotations" in head and super().recognises(path, head)

    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        rows, root = [], parsed(path)
        if root.find("track") is not None and root.find("image") is None:
            raise TableError(
                f"{path}: this is CVAT for video, whose frames are no files. Export the frames and "
                "their labels as CVAT for images."
            )
        for image in root.iter("image"):
            row: dict[str, Any] = {"path": image.get("name", ""), "subset": image.get("subset")}
            row["tag"] = [one.get("label", "") for one in image.iter("tag")]
            shapes = [one for one in image if one.tag != "tag" and one.get("label")]
            row["object"] = [one.get("label", "") for one in shapes]
            for tag in image.iter("tag"):
                for attribute in tag.iter("attribute"):
                    name = f"{tag.get('label')}_{attribute.get('name')}"
                    row.setdefault(name, (attribute.text or "").strip())
            rows.append(row)
        for name in ("tag", "object", "subset"):
            if not any(row[name] for row in rows):
                for row in rows:
                    del row[name]
        return rows


class FilesTable(FileOfRecords):
    """A folder of one JSON or XML file for each image, as DeepFashion2, V7 and PASCAL VOC have.

    The columns are what the files say, by dotted names; the image is the one that a file names, or
    that is called as the file is. The folder may be that of the images, or beside it: then both are
    below the one that is given, which may also hold such folders of splits.
    """

    layout, about, reads_folder = "files", "folder of one .json or .xml file an image", True

    @classmethod
    def recognises(cls, path: str, head: bytes) -> bool:
        return bool(folder_of_files(path) or splits_of_files(path))

    def read(self, path: str, options: TableOptions) -> Sequence[Record]:
        splits = splits_of_files(path)
        if not splits:
            return list(rows_in(folder_of_files(path) or path))
        self.split_column, rows = SPLIT, list[Record]()
        for split in splits:
            own = os.path.join(path, split)
            beside = folder_of_files(own) == own  # the pictures are in the folder of the split
            for row in rows_in(folder_of_files(own)):
                image = os.path.join(split, row["path"]) if beside else row["path"]
                rows.append({**row, "path": image, SPLIT: split})
        return rows


def rows_in(folder: str) -> Iterator[Record]:
    """Yield what the files of a folder say."""
    for name in sorted(os.listdir(folder)):
        file = os.path.join(folder, name)
        if name.lower().endswith(".json"):
            record = json_of(file)
        elif name.lower().endswith(".xml"):
            root = parsed(file)
            record = element(root) if len(root) else {}
        else:
            continue
        yield {"path": named_in(record) or os.path.splitext(name)[0], **record}


def splits_of_files(path: str) -> list[str]:
    """Return the folders of splits in a folder, if each has files about images."""
    names = sorted(entry.name for entry in os.scandir(path) if entry.name.lower() in SPLITS)
    found = all(folder_of_files(os.path.join(path, name)) for name in names)
    return names if found else []


def folder_of_files(path: str) -> str:
    """Return where the files of a folder are: in it, or in the one of two that has no images.

    In it they may stand beside the images, as those of LabelMe do.
    """
    if not os.path.isdir(path):
        return ""
    if mostly(path, PER_IMAGE) or mostly(path, (*PER_IMAGE, *IMAGE_ENDINGS), each=PER_IMAGE):
        return path
    inner = [entry.path for entry in os.scandir(path) if entry.is_dir() and entry.name[0] != "."]
    files = [folder for folder in inner if mostly(folder, PER_IMAGE)]
    images = [folder for folder in inner if mostly(folder, IMAGE_ENDINGS)]
    return files[0] if len(inner) == 2 and len(files) == len(images) == 1 else ""


def mostly(folder: str, endings: tuple[str, ...], each: tuple[str, ...] = ()) -> bool:
    """Tell whether more than one of the first files of a folder, and most, end so.

    Those that end as ``each`` says must be two at least, each with an image of its name beside it.
    """
    try:
        with os.scandir(folder) as found:
            names = [entry.name for _, entry in zip(range(SHOWN), found) if entry.is_file()]
    except PermissionError:
        return False  # whoever reads it says so
    own = [name for name in names if name.lower().endswith(endings)]
    files = [name for name in names if name.lower().endswith(each)] if each else own
    paired = not each or all(has_image(folder, name) for name in files[:FEW])
    return len(files) > 1 and len(own) * 2 > len(names) and paired


def has_image(folder: str, name: str) -> bool:
    """Tell whether an image of the name of a file stands beside it."""
    stem = os.path.join(folder, os.path.splitext(name)[0])
    return any(os.path.exists(stem + one) for end in IMAGE_ENDINGS for one in (end, end.upper()))


def json_of(path: str) -> dict[str, Any]:
    """Return the object of a JSON file."""
    try:
        with open(path, encoding="utf-8-sig") as stream:
            found = json.load(stream, object_hook=without_geometry)
    except (ValueError, RecursionError) as error:
        raise TableError(f"{path}: no JSON ({error}).") from error
    if not isinstance(found, dict):
        raise TableError(f"{path}: expected an object, {{...}}, about one image.")
    return with_items(found)


def with_items(record: dict[str, Any]) -> dict[str, Any]:
    """Put DeepFashion2's ``item1``, ``item2``, ... into one list ``item``."""
    items = [
        name
        for name, value in record.items()
        if NUMBERED.fullmatch(name) and isinstance(value, dict)
    ]
    for name in items:
        stem = name.rstrip("0123456789")
        record.setdefault(stem, []).append(record.pop(name))
    return record


def named_in(record: Record) -> str:
    """Return the image that a record names, at its top or one below; '' if none or several."""
    inner = [value for value in record.values() if isinstance(value, dict)]
    found = {
        value
        for one in (record, *inner)
        for name, value in one.items()
        if is_picture(value) and name != "path"
    }
    return str(found.pop()) if len(found) == 1 else ""


def element(node: ElementTree.Element) -> Any:
    """Return an XML element as dicts, lists and texts."""
    if not len(node):
        return (node.text or "").strip()
    found: dict[str, Any] = {}
    for child in node:
        if child.tag == "bndbox":
            continue
        value = element(child)
        if child.tag in found or child.tag == "object":
            earlier = found.setdefault(child.tag, [])
            found[child.tag] = [*(earlier if isinstance(earlier, list) else [earlier]), value]
        else:
            found[child.tag] = value
    return found
