"""The notebooks run from top to bottom, in their shortened setting, and hold what they say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "examples" / "notebooks").glob("*.ipynb"))


def tool():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "tools" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def skipped(notebook):
    """Return what a notebook says where a data package is missing, or nothing."""
    texts = [o.get("text", "") for c in notebook.cells for o in c.get("outputs", [])]
    return next((text for text in texts if text.startswith("SKIPPED")), "")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_in_its_shortened_setting(path):
    done = tool().run(path, quick=True)
    if skipped(done):
        pytest.skip(skipped(done))
    assert all(cell.execution_count for cell in done.cells if cell.cell_type == "code")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_kept_with_outputs_and_without_faults(path):
    kept = nbformat.read(path, as_version=4)
    nbformat.validate(kept)
    outputs = [output for cell in kept.cells for output in cell.get("outputs", [])]
    assert outputs
    assert not skipped(kept)
    assert not [o for o in outputs if o.output_type == "error" or o.get("name") == "stderr"]
    assert str(ROOT) not in path.read_text("utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_screen_says_what_it_is_and_where_to_go(path):
    cells = nbformat.read(path, as_version=4).cells
    text = cells[0].source
    assert "*Summary in Chinese:*\n\n## 摘要\n" in text
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text.split("## 摘要")[1])
    links = re.findall(
        r"\]\(([^)#]+)", "".join(c.source for c in cells if c.cell_type == "markdown")
    )
    assert [link for link in links if "docs/" in link]
    assert [link for link in links if link.endswith(".ipynb")]
    assert all((path.parent / link).exists() for link in links if "://" not in link)
    for cell in cells[1:3]:  # parameters and imports: what draws stands in pictures.py
        assert len(cell.source.splitlines()) <= 24
        assert "def " not in cell.source
