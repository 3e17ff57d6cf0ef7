"""tools/house.py finds each fault of a house in a small one that was made up for it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "house.py"
SPEC = importlib.util.spec_from_file_location("house", TOOL)
house = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(house)

SOUND = {
    "mxmtl/__init__.py": "from .metrics import Accuracy\nfrom .tasks import Task\n",
    "mxmtl/_files.py": "import os\n",
    "mxmtl/tasks/__init__.py": "from ._task import Multiclass, Task\n",
    "mxmtl/tasks/_task.py": (
        "from .._files import os\n"
        "class Task: ...\n"
        "class OneOf(Task):\n    kind = 'class'\n"
        "class Multiclass(OneOf): ...\n"
        "def says(task):\n    return task.kind == 'class' or isinstance(task, Multiclass)\n"
    ),
    "mxmtl/data/__init__.py": "from .convert import convert\n",
    "mxmtl/data/_errors.py": "",
    "mxmtl/data/records/__init__.py": "from ._reader import read\n",
    "mxmtl/data/records/_reader.py": "from .._errors import os\ndef read(): ...\n",
    "mxmtl/data/convert/__init__.py": "from ._convert import convert\n",
    "mxmtl/data/convert/_convert.py": (
        "from ..records import read\nfrom ...tasks import Task\ndef convert(task): ...\n"
    ),
    "mxmtl/metrics/__init__.py": "from ._metric import Accuracy\n",
    "mxmtl/metrics/_metric.py": (
        "from typing import TYPE_CHECKING\n"
        "from ..tasks import Task\n"
        "if TYPE_CHECKING:\n    from ..training import fit\n"
        "class Accuracy:\n"
        "    def takes(self, task, kinds):\n"
        "        return isinstance(task, Task) and task.kind in kinds and kinds[task.kind].width\n"
    ),
    "mxmtl/training/__init__.py": "from ._fit import fit\n",
    "mxmtl/training/_fit.py": (
        "from .. import metrics\nfrom ..data import convert\n"
        "def fit():\n    return metrics.Accuracy, metrics.accuracy._formula\n"
    ),
    "tests/test_fit.py": "from mxmtl import fit\nNAME = 'mxmtl.training.fit'\n",
}
PASSAGE, WITHIN = "private imports across packages", "the same, rooms of data as packages"
TESTS, CIRCLES, UP = (
    "private modules imported by tests",
    "import circles",
    "arrows that run back up",
)
BRANCHES, ROOMS = "branches on kind outside tasks", "circles of rooms"
BODY = "".join(f"    a = {line}\n" for line in range(46))
# What is added to which file, and which counts it changes, to how much.
FAULTS = {
    "relative": ("training/_fit.py", "from ..metrics._metric import A", {PASSAGE: 1, WITHIN: 1}),
    "absolute": ("training/_fit.py", "import mxmtl.metrics._metric as m", {PASSAGE: 1, WITHIN: 1}),
    "a private module as a name": (
        *("training/_fit.py", "def f():\n    from ..metrics import _metric"),
        {PASSAGE: 1, WITHIN: 1},
    ),
    "an attribute": ("training/_fit.py", "metrics._metric.Accuracy", {PASSAGE: 1, WITHIN: 1}),
    "for annotations": (
        *("training/_fit.py", "if TYPE_CHECKING:\n    from ..metrics._metric import A"),
        {PASSAGE: 1, WITHIN: 1},
    ),
    "twice counts once": (
        *("training/_fit.py", "from ..metrics._metric import A\nfrom ..metrics._metric import B"),
        {PASSAGE: 1, WITHIN: 1},
    ),
    "from a room of data": (
        *("data/convert/_convert.py", "from ..records._reader import read"),
        {WITHIN: 1},
    ),
    "a door past a door": ("data/__init__.py", "from .convert._convert import x", {WITHIN: 1}),
    "a circle within": ("tasks/_task.py", "from . import Task", {CIRCLES: 1}),
    "a circle in a function": (
        *("tasks/_task.py", "def f():\n    from ..metrics import Accuracy"),
        {CIRCLES: 1, UP: 1, ROOMS: 1},
    ),
    "the version": ("data/_errors.py", "from .. import __version__", {UP: 1}),
    "a way up in data": (
        *("data/records/_reader.py", "from ..convert import convert"),
        {CIRCLES: 1, UP: 1, ROOMS: 1},
    ),
    "an import in a test": ("../tests/test_fit.py", "from mxmtl.training import _fit", {TESTS: 1}),
    "a string in a test": (
        *("../tests/test_fit.py", "patch('mxmtl.training._fit.fit')"),
        {TESTS: 1},
    ),
    "an attribute in a test": (
        *("../tests/test_fit.py", "import mxmtl\nmxmtl.training._fit.fit"),
        {TESTS: 1},
    ),
    "a kind": ("training/_fit.py", "task.kind == 'class'", {BRANCHES: 1}),
    "a kind and not another": ("training/_fit.py", "'value' != self.task.kind", {BRANCHES: 1}),
    "one of several": ("training/_fit.py", "task.kind not in ('class', 'cells')", {BRANCHES: 1}),
    "a name": ("training/_fit.py", "kind = task.kind\nkind == 'cells'", {BRANCHES: 1}),
    "its name": ("training/_fit.py", "task.kind.name == 'cells'", {BRANCHES: 1}),
    "a constant": (
        *("training/_fit.py", "from ..tasks import CLASS\nif task.kind is CLASS: ..."),
        {BRANCHES: 1},
    ),
    "a class": ("training/_fit.py", "isinstance(task, tasks.Multiclass)", {BRANCHES: 1}),
    "another thing's kind": ("training/_fit.py", "file.kind == 'png' or kind in LISTS", {}),
    "a long file": ("training/_fit.py", "\n" * 500, {"files above 500 lines": 1}),
    "a function of 45": ("training/_fit.py", f"def f():\n    'Says.'\n{BODY[:-11]}", {}),
    "a long function": (
        *("training/_fit.py", f"def f():\n    'Says.'\n{BODY}"),
        {"functions over 45 lines": 1},
    ),
}


def build(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return house.House(folder)


def counted(found):
    rows = [*house.sizes(found), *house.faults(found)]
    names = [PASSAGE, WITHIN, TESTS, CIRCLES, ROOMS, UP, BRANCHES]
    names += ["files above 500 lines", "functions over 45 lines"]
    assert {row.name for row in rows} >= set(names)
    return {row.name: row.value for row in rows if row.name in names and row.value}


def test_a_sound_house_has_no_fault(tmp_path):
    assert counted(build(tmp_path, SOUND)) == {}


@pytest.mark.parametrize("name", FAULTS)
def test_each_fault_is_found(tmp_path, name):
    file, text, expected = FAULTS[name]
    path = str(Path("mxmtl") / file) if not file.startswith("..") else file[3:]
    files = {**SOUND, path: f"{SOUND[path]}{text}\n"}
    assert counted(build(tmp_path, files)) == expected


def test_a_room_without_a_place_is_named(tmp_path):
    found = build(tmp_path, {**SOUND, "mxmtl/attic/__init__.py": ""})
    with pytest.raises(ValueError, match=r"\['attic'\]: no place in the order"):
        house.arrows_up(found)


def test_circles_are_named_apart_and_the_largest_first():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert house.circles(graph) == [["a", "b", "c"], ["d", "e"]]


def test_the_percentile_is_that_of_the_nearest_rank():
    assert house.percentile(list(range(1, 201)), 0.99) == 198
    assert house.percentile([7], 0.99) == 7


def test_it_prints_a_table_json_and_two_side_by_side(tmp_path, capsys):
    build(tmp_path / "before", SOUND)
    passage = SOUND["mxmtl/training/_fit.py"] + "from ..metrics._metric import Accuracy\n"
    build(tmp_path / "after", {**SOUND, "mxmtl/training/_fit.py": passage})
    before, after = str(tmp_path / "before"), str(tmp_path / "after")
    assert house.main([before, after]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["| | before | after |", "|---|---|---|"]
    assert f"| {PASSAGE} | 0 | 1 |" in lines
    assert house.main([after, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[PASSAGE] == 1
    assert house.main([after, "--where"]) == 0
    where = str(Path("mxmtl") / "training" / "_fit.py")
    assert f"    {where}:5 imports mxmtl.metrics._metric" in capsys.readouterr().out
    assert house.main([str(tmp_path)]) == 1
    assert "no mxmtl/__init__.py" in capsys.readouterr().err
