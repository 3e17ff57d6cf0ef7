"""Measure the house: how large its rooms are, who uses whose private doors, what runs in circles.

    python tools/house.py                   # this checkout, as a table
    python tools/house.py --where           # and the places behind each number
    python tools/house.py FOLDER --json     # another checkout, for a program
    python tools/house.py BEFORE AFTER      # two checkouts side by side, in Markdown

Files are read and never imported, so that any commit can be measured, with no more than Python.
"""

from __future__ import annotations

import argparse
import ast
import json
import math
import re
import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = "mxmtl"
LONG_FILE, SHORT_FILE, LONG_FUNCTION = 500, 60, 45
ROOMS_WITHIN = ("data",)  # packages whose own packages are rooms
# From the ground up: an import may go down, or stay on its level. "ground" is what stands in
# private modules directly below a package that has rooms; its "door" is the package itself.
# `deploy` is what `model` and `export` were before, and a door to both since.
ORDER = """
    ground < losses < tasks < nets, balance, augment
    < data.ground < data.images, data.records, data.tables
    < data.convert, data.loading, data.inspect < data.door
    < metrics, distributed, onnx < model < training
    < evaluation, reporting, export, deploy, serving, review < cli < door
"""
KINDS = {"class", "cells", "value"}  # of the first day; others are found beside the tasks
Graph = dict[str, set[str]]


class Module(NamedTuple):
    """A file of Python: its dotted name, where it is, and what is in it."""

    name: str
    path: Path
    text: str
    nodes: Sequence[Any]  # of its tree, all: to walk it again for each question takes long

    @property
    def package(self) -> str:
        """The package that its relative imports begin from."""
        return self.name if self.path.stem == "__init__" else self.name.rpartition(".")[0]

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.text.count("\n")


class Import(NamedTuple):
    """A module that a module imports, somewhere in its file."""

    importer: Module
    imported: str
    line: int
    typing: bool = False  # under TYPE_CHECKING: for annotations, never at run time


class Row(NamedTuple):
    """A number about the house, and the places that it counts, where it counts some."""

    name: str
    value: float
    places: Sequence[str] = ()


class House:
    """A checkout: the modules of the package, those of its tests, and what the package imports."""

    def __init__(self, folder: Path) -> None:
        self.modules = {module.name: module for module in read_modules(folder, PACKAGE)}
        if PACKAGE not in self.modules:
            raise FileNotFoundError(f"{folder}: no {PACKAGE}/__init__.py in it.")
        self.tests = list(read_modules(folder, "tests"))
        self.imports = [one for m in self.modules.values() for one in self.imports_of(m)]

    def imports_of(self, module: Module) -> Iterator[Import]:
        """Find all imports of the package's modules in a file, those inside functions as well."""
        # A door's imports for types are those that it makes when a name is asked for.
        typing = set() if module.path.name == "__init__.py" else typing_lines(module)
        bound: dict[str, str] = {}  # name in the file -> the module that it stands for
        for node in module.nodes:
            for name, target in self._targets(node, module):
                bound.update({name: target} if name else {})
                yield Import(module, target, node.lineno, node.lineno in typing)
        for node in module.nodes:  # as mxmtl.training._fit, without an import of its own
            if isinstance(node, ast.Attribute):
                target = dotted(node, bound)
                if target in self.modules and is_private(target):
                    yield Import(module, target, node.lineno, node.lineno in typing)

    def _targets(self, node: ast.AST, module: Module) -> Iterator[tuple[str, str]]:
        """Yield (name that is bound to a module, or "", that module) for each one imported."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in self.modules:
                    yield alias.asname or "", alias.name
                    if not alias.asname:  # `import mxmtl.data` binds mxmtl
                        yield PACKAGE, PACKAGE
        elif isinstance(node, ast.ImportFrom):
            origin = resolved(module.package, node.level, node.module or "")
            for alias in node.names:
                if f"{origin}.{alias.name}" in self.modules:
                    yield alias.asname or alias.name, f"{origin}.{alias.name}"
                elif origin in self.modules:
                    yield "", origin


def read_modules(folder: Path, package: str) -> Iterator[Module]:
    """Read all files of a package; their paths are relative to the folder."""
    for path in sorted((folder / package).rglob("*.py")):
        inside = path.relative_to(folder)
        parts = inside.with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text("utf-8")
        yield Module(name, inside, text, list(ast.walk(ast.parse(text, str(path)))))


def resolved(package: str, dots: int, name: str) -> str:
    """Return what a relative name stands for in a package.

    >>> resolved("mxmtl.data.records", 2, "tables._table")
    'mxmtl.data.tables._table'
    """
    if not dots:
        return name
    parts = package.split(".")
    return ".".join(parts[: len(parts) - dots + 1] + ([name] if name else []))


def dotted(node: ast.AST, bound: dict[str, str]) -> str:
    """Return the dotted name that an expression stands for; empty if it begins with no module."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    begin = bound.get(name_of(node), "") if isinstance(node, ast.Name) else ""
    return ".".join([begin, *reversed(parts)]) if begin else ""


def name_of(node: ast.AST) -> str:
    """Return the last part of a name: ``kind`` of ``self.task.kind``."""
    return str(getattr(node, "attr", getattr(node, "id", "")))


def typing_lines(module: Module) -> set[int]:
    """Return the lines under ``if TYPE_CHECKING``."""
    guards = (node for node in module.nodes if isinstance(node, ast.If))
    parts = [part for node in guards if name_of(node.test) == "TYPE_CHECKING" for part in node.body]
    return {line for part in parts for line in range(part.lineno, (part.end_lineno or 0) + 1)}


# -- private doors ---------------------------------------------------------------------------------
def is_private(name: str) -> bool:
    """Tell whether a dotted name leads through something private, as ``mxmtl.tasks._task``."""
    return any(part.startswith("_") and not part.startswith("__") for part in name.split("."))


def owner_of(name: str, rooms_within: Sequence[str] = ()) -> str:
    """Return the room whose private matter a private module is.

    >>> owner_of("mxmtl._files"), owner_of("mxmtl.data.records._index")
    ('mxmtl', 'mxmtl.data')
    >>> owner_of("mxmtl.data.records._index", ["data"])
    'mxmtl.data.records'
    """
    parts = name.split(".")
    public = parts[: next(i for i, part in enumerate(parts) if part.startswith("_"))]
    return ".".join(public[: 3 if public[1:2] and public[1] in rooms_within else 2])


def private_passages(house: House, rooms_within: Sequence[str] = ()) -> list[str]:
    """Return imports of a private module from outside its room, one for each pair of files.

    A private module directly below the package belongs to the whole house.
    """
    return one_a_pair(
        one
        for one in house.imports
        if is_private(one.imported)
        and not f"{one.importer.package}.".startswith(f"{owner_of(one.imported, rooms_within)}.")
    )


def one_a_pair(imports: Iterable[Import]) -> list[str]:
    """Return the first of all imports of one file by another."""
    found: dict[tuple[str, str], str] = {}
    for one in imports:
        where = f"{one.importer.path}:{one.line} imports {one.imported}"
        found.setdefault((one.importer.name, one.imported), where)
    return list(found.values())


def private_in_tests(house: House) -> list[str]:
    """Return private modules that tests import, or name in a string, one for each pair of files."""
    found: list[Import] = []
    for test in house.tests:
        found += [*house.imports_of(test), *named_in_strings(house, test)]
    return one_a_pair(one for one in found if is_private(one.imported))


def named_in_strings(house: House, test: Module) -> Iterator[Import]:
    """Find what monkeypatch and import_module are told: the longest name that is a module."""
    for node in test.nodes:
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and re.fullmatch(rf"{PACKAGE}(\.\w+)+", text):
            while text not in house.modules:
                text = text.rpartition(".")[0]
            yield Import(test, text, getattr(node, "lineno", 0))


# -- circles and arrows ----------------------------------------------------------------------------
def module_graph(house: House) -> Graph:
    """Return who imports whom at run time.

    ``from ..metrics import X`` leads to the door of metrics, not to the file behind it. That Python
    runs the doors above a module as well is left out: each door leads to all that is behind it.
    """
    graph: Graph = {name: set() for name in house.modules}
    for one in house.imports:
        if not one.typing and one.imported != one.importer.name:
            graph[one.importer.name].add(one.imported)
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Return the strongly connected parts of more than one node, largest first (Tarjan 1972).

    >>> circles({"a": {"b"}, "b": {"a", "c"}, "c": {"d"}, "d": set()})
    [['a', 'b']]
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(max(sys.getrecursionlimit(), 10 * len(graph) + 1000))
    for node in sorted(graph):
        if node not in index:
            visit(node)
    return sorted(found, key=len, reverse=True)


def place_of(module: str) -> str:
    """Return the name in `ORDER` that a module belongs to.

    >>> place_of("mxmtl._files"), place_of("mxmtl.tasks._task"), place_of("mxmtl")
    ('ground', 'tasks', 'door')
    >>> place_of("mxmtl.data.records._index"), place_of("mxmtl.data")
    ('data.records', 'data.door')
    """
    room, *inside = [*module.split(".")[1:], ""]
    if room in ("", "__main__"):
        return "door"
    if room.startswith("_"):
        return "ground"
    if room not in ROOMS_WITHIN:
        return room
    within = inside[0] or "door"
    return f"{room}.{'ground' if within.startswith('_') else within}"


def room_graph(house: House) -> Graph:
    """Return which room goes into which, by their names in `ORDER`."""
    graph: Graph = {}
    for name, others in module_graph(house).items():
        here = place_of(name)
        graph.setdefault(here, set()).update({place_of(other) for other in others} - {here})
    return graph


def arrows_up(house: House) -> list[str]:
    """Return imports that lead from a room into one above it, one for each pair of files.

    Raises `ValueError` for a room that has no place in `ORDER`.
    """
    rooms = [re.findall(r"[\w.]+", names) for names in ORDER.split("<")]
    level = {name: height for height, names in enumerate(rooms) for name in names}
    unknown = sorted({place_of(name) for name in house.modules} - set(level))
    if unknown:
        raise ValueError(f"{unknown}: no place in the order of rooms (ORDER in tools/house.py).")
    return one_a_pair(
        one
        for one in house.imports
        if not one.typing and level[place_of(one.importer.name)] < level[place_of(one.imported)]
    )


# -- what follows from a kind ----------------------------------------------------------------------
def kind_branches(house: House) -> list[str]:
    """Return where something outside tasks decides by the kind or the class of a task.

    That is a comparison of ``.kind``, or of a name ``kind``, with what a kind is called or with
    what tasks has for it; a ``match`` of it; and ``isinstance`` with a class of task. A look-up by
    kind is none.
    """
    names, classes = kind_names(house), task_classes(house)
    found = []
    for module in house.modules.values():
        if place_of(module.name) == "tasks":
            continue
        constants = taken_from_tasks(module)
        for node in module.nodes:
            if decides_by_kind(node, names, constants) or decides_by_class(node, classes):
                text = (ast.get_source_segment(module.text, node) or "").partition("\n")[0]
                found.append(f"{module.path}:{getattr(node, 'lineno', 0)} {text}")
    return found


def taken_from_tasks(module: Module) -> set[str]:
    """Return what a module imports from tasks, beside the two classes that all use."""
    origins = (node for node in module.nodes if isinstance(node, ast.ImportFrom))
    return {
        alias.asname or alias.name
        for node in origins
        if place_of(resolved(module.package, node.level, node.module or "")) == "tasks"
        for alias in node.names
    } - {"Task", "TaskSet"}


def nodes_of_tasks(house: House) -> list[ast.AST]:
    """Return all that is in the files of tasks."""
    files = [m for m in house.modules.values() if place_of(m.name) == "tasks"]
    return [node for module in files for node in module.nodes]


def kind_names(house: House) -> set[str]:
    """Return what kinds are called: the strings that are given to ``kind`` beside the tasks."""
    names = set(KINDS)
    for node in nodes_of_tasks(house):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(name_of(target) == "kind" for target in targets):
                names |= strings_in(node.value)
    return names


def strings_in(node: ast.AST) -> set[str]:
    """Return the strings in an expression."""
    found = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
    return {value for value in found if isinstance(value, str)}


def task_classes(house: House) -> set[str]:
    """Return the names of all classes in tasks that derive from ``Task``, without itself."""
    classes = [node for node in nodes_of_tasks(house) if isinstance(node, ast.ClassDef)]
    found: set[str] = {"Task"}
    for _ in classes:  # as deep as it may be
        found |= {c.name for c in classes if found & {name_of(base) for base in c.bases}}
    return found - {"Task"}


def decides_by_kind(node: ast.AST, names: set[str], constants: set[str]) -> bool:
    """Tell whether a node compares a kind, or matches it."""
    if type(node).__name__ == "Match":  # not in Python 3.8
        return "kind" in words_of(node.subject)  # type: ignore[attr-defined]
    if not isinstance(node, ast.Compare):
        return False
    sides = [node.left, *node.comparators]
    others = [side for side in sides if "kind" not in words_of(side)]
    if len(others) == len(sides):
        return False
    known = {part for side in others for part in words_of(side)}
    return any(strings_in(side) & names for side in others) or bool(known & constants)


def words_of(node: ast.AST) -> set[str]:
    """Return all names in an expression."""
    return {name_of(part) for part in ast.walk(node)} - {""}


def decides_by_class(node: ast.AST, classes: set[str]) -> bool:
    """Tell whether a node asks if something is a task of some class."""
    asks = isinstance(node, ast.Call) and name_of(node.func) in ("isinstance", "issubclass")
    return asks and bool(classes & words_of(node))


# -- what is shown ---------------------------------------------------------------------------------
def functions(house: House) -> list[tuple[int, str]]:
    """Return the length of each function and method, and where it is; longest first."""
    found = [
        (body_lines(node), f"{module.path}:{node.lineno} {node.name}")
        for module in house.modules.values()
        for node in module.nodes
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return sorted(found, reverse=True)


def body_lines(node: Any) -> int:
    """Return how many lines there are from the first statement after the docstring to the last."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return int(body[-1].end_lineno - body[0].lineno + 1) if body else 0


def percentile(values: Sequence[float], share: float) -> float:
    """Return the least value that so large a share of the values does not exceed."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] if values else 0


def sizes(house: House) -> list[Row]:
    """Measure files and functions."""
    modules, found = house.modules.values(), functions(house)
    lengths = [module.lines for module in modules]
    long = [f"{m.path}, {m.lines} lines" for m in modules if m.lines > LONG_FILE]
    short = [f"{m.path}, {m.lines} lines" for m in modules if m.lines < SHORT_FILE]
    beyond = [f"{where}, {length} lines" for length, where in found if length > LONG_FUNCTION]
    return [
        Row("files", len(lengths)),
        Row("lines", sum(lengths)),
        Row("lines of a file: median", statistics.median(lengths)),
        Row("lines of a file: most", max(lengths)),
        Row(f"files above {LONG_FILE} lines", len(long), long),
        Row(f"files under {SHORT_FILE} lines", len(short), short),
        Row("lines of a function: 99th percentile", percentile([n for n, _ in found], 0.99)),
        Row(f"functions over {LONG_FUNCTION} lines", len(beyond), beyond),
        Row("test files", len(house.tests)),
        Row("test lines", sum(test.lines for test in house.tests)),
    ]


def faults(house: House) -> list[Row]:
    """Count what a house should not have."""
    ties = [f"{len(part)} files: {', '.join(part)}" for part in circles(module_graph(house))]
    found = {
        "private imports across packages": private_passages(house),
        "the same, rooms of data as packages": private_passages(house, ROOMS_WITHIN),
        "private modules imported by tests": private_in_tests(house),
        "import circles": ties,
        "circles of rooms": [", ".join(part) for part in circles(room_graph(house))],
        "arrows that run back up": arrows_up(house),
        "branches on kind outside tasks": kind_branches(house),
    }
    return [Row(name, len(places), places) for name, places in found.items()]


def side_by_side(before: Sequence[Row], after: Sequence[Row]) -> str:
    """Return a table in Markdown."""
    rows = [f"| {one.name} | {one.value:,} | {two.value:,} |" for one, two in zip(before, after)]
    return "\n".join(["| | before | after |", "|---|---|---|", *rows])


def main(argv: Sequence[str] | None = None) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    here = Path(__file__).resolve().parent.parent
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", default=[here])
    parser.add_argument("--json", action="store_true", help="{name: number}, one for each folder")
    parser.add_argument("--where", action="store_true", help="the places behind each number")
    options = parser.parse_args(argv)
    if len(options.folders) > 2:
        parser.error("one folder, or two: BEFORE and AFTER.")
    try:
        found = [House(folder) for folder in options.folders]
        houses = [[*sizes(house), *faults(house)] for house in found]
    except (OSError, SyntaxError, ValueError) as error:
        print(f"house.py: {error}", file=sys.stderr)
        return 1
    if options.json:
        numbers = [{row.name: row.value for row in rows} for rows in houses]
        print(json.dumps(numbers[0] if len(numbers) == 1 else numbers, indent=2))
    elif len(houses) == 2:
        print(side_by_side(*houses))
    else:
        for row in houses[0]:
            places = sorted(row.places) if options.where else []
            print("\n".join([f"{row.name:<40} {row.value:>8,}", *(f"    {p}" for p in places)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
