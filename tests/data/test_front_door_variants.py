"""Tables of the kinds of docs/tables.md that differ in detail: read as they say, or refused."""

from __future__ import annotations

import re
import shlex

from mxmtl.cli import main

import pytest

from . import _variants_json  # noqa: F401 (whose variants are registered)
from ._variants import VARIANTS
from .test_front_door import stored


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_is_read_as_it_says_or_refused(name, tmp_path, monkeypatch, capsys):
    (tmp_path / "in").mkdir()
    command, truth, *said = VARIANTS[name](tmp_path / "in")
    monkeypatch.chdir(tmp_path / "in")
    code = main(["convert", *shlex.split(command), "--prefix", "../out", "--passthrough", "always"])
    printed = capsys.readouterr()
    text = printed.out + printed.err
    if isinstance(truth, str):
        assert code != 0, text
        assert not list(tmp_path.glob("out*.rec"))
        said = [truth]
    else:
        assert code == 0, text
        assert {end: stored(f"../out{end}") for end in truth} == truth, text
        assert len(list(tmp_path.glob("out*.rec"))) == len(truth)

    for one in said:
        assert re.search(one, text, re.DOTALL), text
