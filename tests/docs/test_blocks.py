"""Every block of code of README, docs and examples is run, or says why it is not.

A page's blocks run in order, in one folder and with one set of Python names, as a reader would run
them. To take seconds it differs in this: pictures are small, epochs few, and reports are Markdown.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import runpy
import shlex
import shutil
import sys
import warnings
from pathlib import Path

import mxmtl
from mxmtl.cli import main

import mxnet as mx
import pytest

from ._pages import PAGES, TWINS, blocks, name_of

# Commands that are not ours, and what holds that those in the pages work.
ELSEWHERE = {
    "pip": "tools/check_environments.sh",
    "make": ".ci/run, and the session that releases",
    "curl": "tests/serving",
    "bash": "tools/check_environments.sh, tools/gpu_check.sh",
}
DATA = ("csv", "text", "yaml", "jsonl")  # what is looked at, and not run
SMALL = {
    r"data_shape=\(3, \d+, \d+\)": "data_shape=(3, 16, 16)",
    r"(num_epoch|[ (]epochs)=\d+": r"\1=1",
    r"frozen_epochs=\d+": "frozen_epochs=1",
    r"(save\(\"\w+)\.html": r"\1.json",
}


def small(text: str) -> str:
    for pattern, replacement in SMALL.items():
        text = re.sub(pattern, replacement, text)
    return text


def small_command(words: list[str]) -> list[str]:
    """Return a command with small pictures and few epochs; pages are drawn by tests/reporting."""
    if words[0] == "report":
        return [word.replace(".html", ".page.md") for word in words]
    if words[0] != "train" or "--resume" in words:
        return words
    values = {"--data-shape": "3,16,16", "--epochs": "1"}
    words = [values.get(before, word) for before, word in zip(["", *words], words)]
    return [*words, *(w for pair in values.items() if pair[0] not in words for w in pair)]


def exit_code(script: str) -> object:
    """Run a Python file as a program, and return what it leaves with."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as leaving:
        return leaving.code
    return 0


def run_command(words: list[str]) -> None:
    """Run one command line of a page in this process."""
    match words:
        case ["mxmtl", *rest]:
            if rest[0] == "train" and "--run" in rest:  # as in a folder without that run
                shutil.rmtree(rest[rest.index("--run") + 1], ignore_errors=True)
            free = ["--port", "0"] if rest[0] == "serve" else []
            assert main([*small_command(rest), *free]) == 0, shlex.join(words)
        case ["python", script, *rest]:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(sys, "argv", [script, *rest])
                patch.syspath_prepend(Path(script).parent)
                assert not exit_code(script), shlex.join(words)
        case [name, *_]:
            assert name in ELSEWHERE, f"{name}: what tests it?"


def run_block(block, names) -> None:
    match block.language:
        case "bash":
            for words in block.commands:
                run_command(words)
        case "python":
            code = compile(small(block.text), "page", "exec")
            exec(code, names)
        case "json":
            json.loads(block.text)
        case language:
            assert language in DATA, "a block says what it is: bash, python, text, ..."


@pytest.fixture(autouse=True)
def _small_world(monkeypatch):
    """A service that a page starts ends at once; what a page trains from Python is small, too."""
    monkeypatch.setattr("mxmtl.serving.Service.run", lambda self: True)
    for kind in (mxmtl.losses.Declaration, mxmtl.metrics.Metric):  # what a page adds is forgotten,
        ours = {  # and so is what a doctest has added
            name: one
            for name, one in kind.types.items()
            if getattr(sys.modules[one.__module__], one.__name__, None) is one
        }
        monkeypatch.setattr(kind, "types", ours)
    for one in mxmtl.tasks.Kind.known.values():
        monkeypatch.setattr(one, "metrics", {k: v for k, v in one.metrics.items() if k in ours})
    fit, few = mxmtl.fit, {"data_shape": (3, 16, 16), "epochs": 1}
    monkeypatch.setattr(mxmtl, "fit", lambda *args, **given: fit(*args, **{**few, **given}))


# What a twin has is run with the English page; that it is the same, tests/docs/test_pages.py holds.
@pytest.mark.parametrize("page", [page for page in PAGES if page not in TWINS], ids=name_of)
def test_the_code_of_a_page_runs(page, request):
    found = blocks(page)
    if not any(block.why is None and block.language in ("bash", "python") for block in found):
        return  # nothing to run: links and words are looked at elsewhere
    request.getfixturevalue("world")
    names = {"mxmtl": mxmtl, "mx": mx, "__name__": "page"}
    for block in found:
        if block.why is not None:
            if block.language == "python":
                compile(block.text, name_of(page), "exec")
            continue
        printed = io.StringIO()
        try:
            with (
                warnings.catch_warnings(),
                contextlib.redirect_stdout(printed),
                contextlib.redirect_stderr(printed),
            ):
                warnings.simplefilter("ignore")
                run_block(block, names)
        except (Exception, SystemExit) as error:
            where = f"{name_of(page)}, line {block.line}"
            said = printed.getvalue()[-2000:]
            raise AssertionError(f"{where}: {type(error).__name__}: {error}\n{said}") from error
        finally:
            mx.nd.waitall()
    shutil.rmtree(request.getfixturevalue("world"))


def test_the_example_of_the_readme_prints_how_many_labels_each_task_has(world, capsys):
    page = next(page for page in PAGES if page.name == "README.md")
    block = next(block for block in blocks(page) if "module.fit" in block.text)
    names = {}
    exec(small(block.text).replace("data/photos_", "data/"), names)
    printed = [line.split()[:2] for line in capsys.readouterr().out.splitlines()]
    tasks = json.loads(Path("data/val.manifest.json").read_text())["tasks"]
    for name in names["tasks"].names:
        assert [name, str(tasks[name]["known"])] in printed
    for iterator in (names["train"], names["val"]):
        iterator.close()


def test_a_block_that_is_not_run_says_what_holds_it_instead():
    for page in PAGES:
        for block in blocks(page):
            for path in re.findall(r"\btests/[\w/]+\.py", block.why or ""):
                assert (PAGES[0].parent / path).is_file(), f"{name_of(page)}: {path}"
