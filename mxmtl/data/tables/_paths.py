"""Where the picture of a row is: the column that names it, a path made of several, its parts."""

from __future__ import annotations

import os
import re
import shlex
import string
from collections.abc import Iterator, Sequence

from .._errors import TableError
from ._chunk import Chunk, Coded

# What OpenCV reads, if it was built with all of it; a file that it cannot read is an error.
IMAGE_ENDINGS = tuple(
    ".jpg .jpeg .jpe .jfif .jp2 .png .webp .bmp .dib .gif .tif .tiff .pbm .pgm .ppm .pnm".split()
)
# Columns that hold images in tables of others, without case, spaces and underscores.
USUAL = (
    "path filename file image imagepath imgpath filepath imagefile imagefilename imgfile imagename "
    "imgname imageid imgid imageindex img picture photo foto imageurl bild bilddatei datei "
    "dateiname fichier imagen archivo immagine imagem arquivo afbeelding bestand файл изображение "
    "图片 图片名 图像 图像名 文件 文件名 画像 画像名 ファイル名 이미지 파일명 idcode id"
).split()
PATH = "path"
DECIMAL = re.compile(r"[+-]?\d*[.,]\d")
MOST = 0.8  # of a column of image files, beside sums and remarks below it
SHOWN, MANY = 5, 20


def plain(name: str) -> str:
    """Return a column's name as it is compared with usual ones."""
    return re.sub(r"[\W_]", "", name.lower())


def is_picture(cell: object) -> bool:
    """Tell whether a cell is the name of an image file."""
    return isinstance(cell, str) and cell.lower().endswith(IMAGE_ENDINGS)


def find_path_column(
    asked: str, columns: Sequence[str], rows: Sequence[Sequence[object]], titled: bool = False
) -> str:
    """Return the column of the images; '' if none is it, or more than one may be.

    Parameters
    ----------
    asked : str
        The column that the user names; ``path`` if he named none.
    columns : sequence of str
        All columns.
    rows : sequence of sequences
        Some rows, cell by cell.
    titled : bool
        Whether the columns may be those of a title, and the header one of the rows.
    """
    if asked in columns or asked != PATH:
        return asked if asked in columns else ""
    by_place = cells_by_place(columns, rows)
    named = picture_columns(columns, by_place, 1.0 if titled else MOST)
    if len(named) == 1:
        return named[0]
    usual = {plain(name): name for name in reversed(named or columns) if name}
    ranked = [usual[name] for name in USUAL if name in usual]
    for found in ranked:
        counted = counts_rows(by_place[list(columns).index(found)])
        if named or plain(found) != "id" or not counted:
            return found
    return ""


def cells_by_place(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> list[list[object]]:
    """Return the cells of each column that are not empty."""
    return [
        [row[place] for row in rows if place < len(row) and row[place]]
        for place in range(len(columns))
    ]


def picture_columns(
    columns: Sequence[str], by_place: Sequence[Sequence[object]], most: float = MOST
) -> list[str]:
    """Return the columns whose cells are image files; if none is, those of which most are.

    >>> picture_columns(["a", "b"], [["1.jpg", "2.jpg", "3.jpg", "4.jpg", "Sum: 4"], ["x", "y"]])
    ['a']
    """
    pairs = [(name, [*map(is_picture, cells)]) for name, cells in zip(columns, by_place)]
    named = [name for name, found in pairs if name and found and all(found)]
    return named or [name for name, found in pairs if name and sum(found) >= most * len(found) > 0]


def counts_rows(cells: Sequence[object]) -> bool:
    """Tell whether cells are 0, 1, 2, ... or 1, 2, 3, ..., or whole numbers that come back.

    >>> counts_rows(["1", "2", "3"]), counts_rows(["15970", "39386"]), counts_rows(["7", "7"])
    (True, False, True)
    """
    texts = [str(cell) for cell in cells]
    if not all(text.isdigit() and text == text.lstrip("0") for text in texts if text != "0"):
        return False
    start = int(texts[0]) if texts else 0
    in_order = texts == [str(start + at) for at in range(len(texts))]
    return len({*texts}) < len(texts) or (in_order and start in (0, 1))


def said_of_paths(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Say which columns may name the images, where none is taken; '' if none may."""
    by_place = cells_by_place(columns, rows)
    named = picture_columns(columns, by_place)
    if len(named) > 1:
        return (
            f"{' and '.join(map(repr, named[:SHOWN]))} name image files: --path COLUMN takes one."
        )
    may = []
    for name, cells in zip(columns, by_place):
        words = [str(cell) for cell in cells]
        names = all(re.fullmatch(r"\S+", word) and not DECIMAL.match(word) for word in words)
        if name and len(rows) == len(words) == len({*words}) > 1 and names:
            may.append((counts_rows(words), plain(name) != "id", name, words[0]))
    *_, name, word = min(may, key=lambda one: one[:2], default=("", ""))
    return f"If {name!r} does, as {word!r}: --path {shlex.quote(name)}." if may else ""


def looks_like_data(names: Sequence[str]) -> bool:
    """Tell whether the names of a header are a row: one is of an image, or a number of no order.

    >>> looks_like_data(["1025794", "Airbus"]), looks_like_data(["image", "0", "1"])
    (True, False)
    """
    numbers = [name for name in names if name.replace(".", "", 1).lstrip("+-").isdigit()]
    order = len(numbers) > 1 and len({*numbers}) == len(numbers) and counts_rows(numbers)
    return any(map(is_picture, names)) or (bool(numbers) and not order)


def no_path_column(
    source: str,
    asked: str,
    columns: Sequence[str],
    above: int = 0,
    hint: str = "",
    notes: Sequence[str] = (),
) -> TableError:
    """Make the error for a table in which no column names the images.

    ``above`` is the number of lines above its header, if there seems to be a title; ``hint`` is
    what `said_of_paths` says, ``notes`` what is said of how it was read.
    """
    shown = [name for name in columns if name][:20]
    mend = (
        "Another name can be given as path_column (--path), or a path made of columns, as "
        "'{folder}/{id}.jpg'."
    )
    if looks_like_data(shown):
        at = next((at for at, name in enumerate(columns) if is_picture(name)), 0)
        names = [f"label_{place}" for place in range(1, len(columns))] if columns[2:] else ["label"]
        names = [*names[:at], PATH, *names[at:]] if len(columns) <= MANY else [PATH, "label"]
        mend = (
            f"Its first row looks like data: name the columns, as header={names} "
            f"(--header {','.join(names)})."
        )
    elif above:
        mend = f"If that is a title above the header: skip_lines={above} (--skip-lines {above})."
    elif hint and asked == PATH:
        mend = hint
    elif len(columns) == 1 and "/" in columns[0]:
        mend = (
            "If it is a list of images, whose folders are classes: --header path --path-pattern "
            "'{class}/*'."
        )
    elif len(shown) == 1:
        mend += (
            " If that is no header: skip_lines=1 (--skip-lines 1), or delimiter (--delimiter) says "
            "what separates cells."
        )
    more = "".join(f" ({note})" for note in notes)
    return TableError(
        f"{source}: no column {asked!r} among {shown}. It names the images. {mend}{more}"
    )


# -- paths made of columns: 'files/p{subject_id:.2}/{dicom_id}.jpg' --------------------------------
def template_fields(template: str) -> list[str]:
    """Return the columns that a template of paths is made of; none if it is no template.

    >>> template_fields("train/{id:.2}/{id}.png"), template_fields("path")
    (['id', 'id'], [])
    """
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name]
    except ValueError:
        return []


def paths_of(chunk: Chunk, template: str) -> tuple[list[str], dict[int, str]]:
    """Make the path of every row from its columns; say of rows that lack one what is wrong."""
    parts = list(string.Formatter().parse(template))
    columns = {name: chunk.coded(name) for _, name, _, _ in parts if name}
    paths, problems = [], {}
    for at in range(len(chunk)):
        cells = {name: str(column[at]) for name, column in columns.items()}
        empty = next((name for name, cell in cells.items() if not cell), None)
        if empty is not None:
            problems[at] = f"column {empty!r}: the cell is empty; the image's path is made of it."
        paths.append("".join(made(part, cells) for part in parts))
    return paths, problems


def made(part: tuple[str, str | None, str | None, str | None], cells: dict[str, str]) -> str:
    """Return one part of a template with its cell put in."""
    text, name, spec, _ = part
    if not name:
        return text
    cell = cells[name]
    spec = spec or ""
    try:
        return text + format(int(cell) if spec.endswith("d") and cell.isdigit() else cell, spec)
    except ValueError as error:
        raise TableError(f"path: {cell!r} of column {name!r} as {spec!r}: {error}.") from error


# -- what paths say: '{split}/{class}/*' -----------------------------------------------------------
class PathPattern:
    """Columns that stand in paths.

    Names in braces are columns, ``*`` is anything within a name, and a slash ends a folder. The
    pattern is that of the end of a path.

    Examples
    --------
    >>> PathPattern("{age}_{sex}_*.jpg").read("faces/25_1_0.jpg")
    {'age': '25', 'sex': '1'}
    >>> PathPattern("{split}/{class}/*").read("1.jpg") is None
    True
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.columns = list(dict.fromkeys(re.findall(r"{([^{}]+)}", pattern)))
        if not self.columns or pattern.count("{") != pattern.count("}"):
            raise ValueError(f"path_pattern={pattern!r}: expected names in braces, as {{class}}/*.")
        seen: set[str] = set()
        self._regex = re.compile("(?:.*/)?" + "".join(self._parts(seen)), re.DOTALL)

    def _parts(self, seen: set[str]) -> Iterator[str]:
        for part in re.split(r"({[^{}]+}|\*)", self.pattern):
            name = part[1:-1] if part.startswith("{") else ""
            if not name:
                yield "[^/]*" if part == "*" else re.escape(part)
                continue
            group = f"g{self.columns.index(name)}"
            yield f"(?P={group})" if name in seen else f"(?P<{group}>[^/]+?)"
            seen.add(name)

    def read(self, path: str) -> dict[str, str] | None:
        """Return what a path says; None if it is not of the pattern."""
        found = self._regex.fullmatch(path.replace(os.sep, "/"))
        if found is None:
            return None
        return {name: found.group(f"g{at}") for at, name in enumerate(self.columns)}

    def columns_of(self, paths: Sequence[str]) -> tuple[dict[str, Coded], dict[int, str]]:
        """Return the columns of all paths, and the problems of those that are not of it."""
        read = [self.read(path) for path in paths]
        problems = {
            at: f"its path {paths[at]!r} is not of the pattern {self.pattern!r}."
            for at, cells in enumerate(read)
            if cells is None
        }
        made_of = {
            name: Coded.of([(cells or {}).get(name, "") for cells in read]) for name in self.columns
        }
        return made_of, problems
