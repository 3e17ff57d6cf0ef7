"""The house stays one: what tools/house.py counts as a fault must not come back."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("house", ROOT / "tools" / "house.py")
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
NEVER = (
    "private imports across packages",
    "the same, rooms of data as packages",
    "import circles",
    "circles of rooms",
    "arrows that run back up",
    "branches on kind outside tasks",
    "files above 500 lines",
)


@pytest.fixture(scope="module")
def rows():
    """All that is counted of this checkout, by name."""
    house = tool.House(ROOT)
    assert {"mxmtl.tasks", "mxmtl.data", "mxmtl.cli"} <= set(house.modules)
    assert len(house.imports) > len(house.modules) > 50  # else it has read something else
    return {row.name: row for row in [*tool.sizes(house), *tool.faults(house)]}


@pytest.mark.parametrize("name", NEVER)
def test_the_house_has_none(rows, name):
    assert sorted(rows[name].places) == []
    assert rows[name].value == 0


def test_functions_are_short(rows):
    assert 0 < rows["lines of a function: 99th percentile"].value <= 45
