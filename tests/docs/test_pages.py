"""Links lead somewhere, figures say where they were measured, and both READMEs say the same."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from urllib.parse import unquote

from mxmtl import augment

import pytest

from ._pages import PAGES, ROOT, TWINS, anchors, blocks, links, name_of, prose

SPEC = importlib.util.spec_from_file_location("docs_site", ROOT / "tools" / "docs_site.py")
SITE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(SITE)
README, CHINESE = ROOT / "README.md", ROOT / "README.zh.md"
ALSO = [ROOT / "CHANGELOG.md", ROOT / ".github" / "CONTRIBUTING.md"]


@pytest.mark.parametrize("page", [*PAGES, *ALSO], ids=name_of)
def test_links_lead_to_what_is_there(page):
    for link in links(page):
        if re.match(r"https?://", link):
            continue
        target, _, anchor = unquote(link).partition("#")
        there = (page.parent / target).resolve() if target else page
        assert there.exists(), f"{name_of(page)}: {link}"
        if anchor and there.suffix == ".md":
            assert anchor in anchors(there), f"{name_of(page)}: {link}"


def test_readme_is_one_that_is_read():
    assert len(README.read_text("utf-8")) <= 8000
    assert len(CHINESE.read_text("utf-8")) <= 8000


def structure(page: Path) -> dict[str, list]:
    """Return what is to be the same in both languages: not the words."""
    text = page.read_text("utf-8")
    code = [re.sub(r"#.*", "", block.text).split() for block in blocks(page)]
    rows = [line.split("|")[1:-1] for line in text.splitlines() if line.startswith("|")]
    return {
        "headings": re.findall(r"^#+(?= )", prose(page), re.M),
        "code": code,
        "figures": re.findall(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d(?![\w.])", prose(page)),
        "tables": [len(row) for row in rows],
        "values": [row[1:] for row in rows if re.fullmatch(r" [\d. ]+ ", row[-1])],
        "pictures": re.findall(r"!\[[^]]*\]\(([^)]*)\)", text),
        "links": len(links(page)),
    }


def sorted_figures(found: dict[str, list]) -> dict[str, list]:
    return {**found, "figures": sorted(found["figures"])}  # word order differs


def test_the_chinese_readme_has_the_same_structure():
    assert sorted_figures(structure(CHINESE)) == sorted_figures(structure(README))


@pytest.mark.parametrize("chinese", TWINS, ids=name_of)
def test_a_chinese_page_has_the_code_and_tables_of_the_english_one(chinese):
    mine, theirs = structure(chinese), structure(TWINS[chinese])
    for part in ("headings", "tables", "code"):
        assert mine[part] == theirs[part], part


@pytest.mark.parametrize("package", SITE.packages())
def test_the_reference_has_every_public_name(package):
    module = importlib.import_module(package)
    listed = SITE.public_names(package)
    assert set(listed) >= set(getattr(module, "__all__", listed))
    page = SITE.reference(package)
    for name in listed:
        thing = getattr(module, name)
        assert f"::: {package}.{name}\n" in page
        assert not isinstance(thing, type) or inspect.getdoc(thing), name


def test_links_are_turned_for_the_site():
    text = "[a](../README.md#b) [c](../examples/voc.py) ![d](images/report.png)\n"
    text += "```\n[e](../x.md)\n```"
    assert SITE.turned(text, "tables.md") == (
        "[a](index.md#b) [c](source/examples/voc.py.md) ![d](images/report.png)\n"
        "```\n[e](../x.md)\n```"
    )
    assert SITE.turned("[a](docs/zh/tasks.md)", "zh/index.md") == "[a](tasks.md)"


def test_every_augmentation_has_its_entry_and_pictures():
    page = (ROOT / "docs" / "augmentations.md").read_text("utf-8")
    own = {
        name
        for name, kind in vars(augment).items()
        if isinstance(kind, type) and issubclass(kind, augment.Augmentation)
    } - {"Augmentation", "Color", "Geometric", "Pixels"}
    assert set(re.findall(r"images/augment/(\w+)\.png", page)) == own
    assert own <= set(re.findall(r"^## (\w+)$", page, re.M))


def test_figures_of_benchmarks_say_where_they_were_measured():
    for page in sorted((ROOT / "docs" / "benchmarks").glob("*.md")):
        text = page.read_text("utf-8")
        assert re.search("EPYC|Xeon", text), f"{name_of(page)}: on which machine?"
        assert re.search(r"tools/|examples/|tests/", text), f"{name_of(page)}: by what?"


def test_the_long_description_of_the_wheel_is_the_readme():
    source = (ROOT / "setup.py").read_text("utf-8")
    assert 'long_description=(HERE / "README.md").read_text("utf-8")' in source
    assert 'long_description_content_type="text/markdown"' in source
