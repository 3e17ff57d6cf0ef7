"""Where the picture of a row is: the column that names it, a path made of several, its parts."""

from __future__ import annotations

import os
import re
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
    "imgname imageid imgid imageindex img picture photo imageurl bild bilddatei datei dateiname "
    "fichier imagen archivo immagine imagem arquivo afbeelding bestand файл изображение "
    "图片 图片名 图像 图像名 文件 文件名 画像 画像名 ファイル名 이미지 파일명 idcode id"
).split()
PATH = "path"


def plain(name: str) -> str:
    """Return a column's name as it is compared with usual ones."""
    return re.sub(r"[\W_]", "", name.lower())


def is_picture(cell: object) -> bool:
    """Tell whether a cell is the name of an image file."""
    return isinstance(cell, str) and cell.lower().endswith(IMAGE_ENDINGS)


def find_path_column(asked: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return the column of the images; '' if none is it, or more than one may be.

    Parameters
    ----------
    asked : str
        The column that the user names; ``path`` if he named none.
    columns : sequence of str
        All columns.
    rows : sequence of sequences
        Some rows, cell by cell.
    """
    if asked in columns or asked != PATH:
        return asked if asked in columns else ""
    by_place = [
        [row[place] for row in rows if place < len(row) and row[place]]
        for place in range(len(columns))
    ]
    named = [
        name
        for name, cells in zip(columns, by_place)
        if name and cells and all(map(is_picture, cells))
    ]
    if len(named) == 1:
        return named[0]
    usual = {plain(name): name for name in reversed(named or columns) if name}
    ranked = [usual[name] for name in USUAL if name in usual]
    for found in ranked:
        cells = by_place[list(columns).index(found)]
        row_numbers = all(
            str(cell) == str(cell).lstrip("0") and str(cell).isdigit() for cell in cells
        )
        if named or plain(found) != "id" or not row_numbers:
            return found
    return ""


def no_path_column(source: str, asked: str, columns: Sequence[str], above: int = 0) -> TableError:
    """Make the error for a table in which no column names the images.

    ``above`` is the number of lines above its header, if there seems to be a title.
    """
    shown = [name for name in columns if name][:20]
    looks = [name for name in shown if is_picture(name)]
    mend = "Another name can be given as path_column (--path)."
    if looks:
        mend = (
            "Its first row looks like data: name the columns, as header=['path', 'label'] "
            "(--header path,label)."
        )
    elif above:
        mend = f"If that is a title above the header: skip_lines={above} (--skip-lines {above})."
    elif len(shown) == 1:
        mend += (
            " If that is no header: skip_lines=1 (--skip-lines 1), or delimiter (--delimiter) says "
            "what separates cells."
        )
    return TableError(f"{source}: no column {asked!r} among {shown}. It names the images. {mend}")


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
