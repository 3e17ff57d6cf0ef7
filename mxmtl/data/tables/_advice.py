"""Options that messages propose: worded so that they work where they are pasted, in one place.

What is proposed of a table is worded for the command line; `in_python` says what its options are
there. Errors, which both doors raise, say both at once.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Any, get_origin

from ..._options import declared
from .._options import OutputOptions
from ._table import TableOptions

PROPOSED = re.compile(r"""(--[a-z][a-z-]*)(?:[= ]((?:'[^']*'|"[^"]*"|[^\s'"])+))?""")
PLAIN = re.compile(r"[\w.,+-]+")
# What answers a doubt without another option: the proposal, read and given back.
AS_IT_IS = "--write-tasks FILE, and --tasks FILE"


def option(flag: str, value: str) -> str:
    """Return an option as a shell takes it.

    >>> print(option("--ignore", "Article No"), option("--missing-value", "--"))
    --ignore 'Article No' --missing-value=--
    """
    between = "=" if value.startswith("-") and value != "-" else " "  # else it is another option
    return f"{flag}{between}{shlex.quote(value)}"


def task_option(kind: str, name: str, **fields: Any) -> str:
    """Return the option that gives a task in words; what has spaces stands in quotes.

    >>> print(task_option("Ordinal", "stars", classes=["1 star", "2 stars"]))
    --task 'Ordinal stars classes="1 star,2 stars"'
    """
    words = [kind, name]
    for field, value in fields.items():
        text = value if isinstance(value, str) else ",".join(value)
        inner = re.sub(r'(["\\])', r"\\\1", text)
        words.append(f"{field}={text}" if PLAIN.fullmatch(text) else f'{field}="{inner}"')
    return option("--task", " ".join(words))


def hint(cells: Iterable[str]) -> str:
    """Say how to have cells read as unknown.

    >>> hint({"NaN"})
    "If that means unknown: --missing-value NaN (missing_values=['NaN'])."
    """
    found = sorted(cells)
    options = " ".join(option("--missing-value", cell) for cell in found)
    return f"If that means unknown: {options} (missing_values={found})."


def in_python(text: str) -> str:
    """Say what the options that a text proposes are in Python, each once; '' if it proposes none.

    Those of `hint` stand there beside them.

    >>> print(in_python("If it means no: --values no=-1."))
    in Python, by TableOptions and infer_tasks: --values no=-1 is values={'no': ['-1']}
    """
    said = {"--missing-value": ""}
    for found in PROPOSED.finditer(text.replace(AS_IT_IS, "")):
        flag, word = found.group(1), (found.group(2) or "").rstrip(".,:;)")
        keyword = keyword_of(flag, " ".join(shlex.split(word))) if flag not in said else ""
        if keyword:
            said[flag] = f"{found.group(0).rstrip('.,:;)')} is {keyword}"
    if AS_IT_IS in text:
        said[""] = f"{AS_IT_IS} is tasks=inference.tasks"
    told = ", ".join(filter(None, said.values()))
    return f"in Python, by TableOptions and infer_tasks: {told}" if told else ""


def keyword_of(flag: str, value: str) -> str:
    """Return an option of the command line as a keyword argument; '' for what is none.

    >>> keyword_of("--empty-names", "none"), keyword_of("--merge-names", "")
    ("empty_names='none'", 'merge_names=True')
    """
    if flag == "--task" and len(words := shlex.split(value)) > 1:
        more = (word.partition("=") for word in words[2:])
        listed = {name: text if name == "column" else text.split(",") for name, _, text in more}
        return f"given={[{'type': words[0], 'name': words[1], **listed}]}"
    if flag == "--ignore":
        return f"ignore={[value]}"
    for kind in (TableOptions, OutputOptions):
        for name, (type_, known) in declared(kind).items():
            if flag not in (known.flag or "--" + name.replace("_", "-")).split("/"):
                continue
            if type_ is bool:
                return f"{name}=True"
            if value and known.read:
                found = known.read(value)
                return f"{name}={found['']!r}" if set(found) == {""} else f"{name}={found!r}"
            return f"{name}={[value] if get_origin(type_) is tuple else value!r}" if value else ""
    return ""
