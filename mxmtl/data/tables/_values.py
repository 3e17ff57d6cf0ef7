"""What cells say in words of the table's own: -1 for no in one, for uncertain in another.

Numbers compare as numbers: -1 is -1.0. What is said of no column holds for all of them.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ..._options import read_character
from ._chunk import Cell

STATES = {"yes": "1", "no": "0", "missing": ""}
LONG = ("image", "label", "value")
CODE = re.compile(r"[+-]?0\d+")  # 007 is a name: nobody writes an amount like that
Words = dict[str, dict[str, list[str]]]


@functools.lru_cache(1 << 16)
def number(cell: str) -> float | None:
    """Return the number that a cell is, or None for a name (007, 1_000).

    >>> number("1e3"), number("007"), number("0.5")
    (1000.0, None, 0.5)
    """
    if "_" in cell or CODE.fullmatch(cell):
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def read_states(text: str) -> Words:
    """Read ``yes=1,no=-1,missing=0`` or ``Edema: missing=-1``; several words go behind one state.

    >>> read_states("no=-1,missing=0,u")
    {'': {'no': ['-1'], 'missing': ['0', 'u']}}
    >>> read_states("yes=x,no=")  # an empty cell says no
    {'': {'yes': ['x'], 'no': ['']}}
    >>> read_states("Edema: missing=-1")
    {'Edema': {'missing': ['-1']}}
    """
    found = re.match(r"(?:(.*?)[:：])?\s*(?=(?:yes|no|missing)=)", text, re.DOTALL)
    if found is None:
        raise ValueError("expected yes=...,no=...,missing=..., a column and a colon before it")
    said: dict[str, list[str]] = {}
    state = ""
    for part in re.split(r"[,，\s]+(?=(?:yes|no|missing)=)|[,，]", text[found.end() :]):
        name, equals, word = part.partition("=")
        if equals and name.strip() in STATES:
            state, part = name.strip(), word
        said.setdefault(state, []).append(part.strip())
    return {(found.group(1) or "").strip(): said}


def read_names(text: str) -> dict[str, str]:
    """Read ``image=ImageID,label=LabelName``; white space separates as well.

    >>> read_names("image=ImageID label=Label Name")
    {'image': 'ImageID', 'label': 'Label Name'}
    """
    parts = re.split(r"[,\s]+(?=\w+=)", text.strip())
    return {name: value.strip() for name, _, value in (part.partition("=") for part in parts)}


def states(given: Any) -> Words | None:
    """Return what is said of cells as {column, '' for all: {state: words}}."""
    if not given:
        return None
    merged: Words = {}
    for one in [given] if isinstance(given, Mapping) else given:
        by_column = {"": one} if set(one) <= set(STATES) else one
        for column, said in by_column.items():
            if not isinstance(said, Mapping) or not set(said) <= set(STATES):
                raise ValueError(
                    f"values={said!r}: expected {{'yes': ..., 'no': ..., 'missing': ...}}."
                )
            for state, words in said.items():
                listed = [words] if isinstance(words, str | int | float) else words
                merged.setdefault(column, {}).setdefault(state, []).extend(map(str, listed))
    for column, said in merged.items():
        words = [key_of(word) for listed in said.values() for word in listed]
        if len(set(words)) < len(words):
            twice = next(word for word in words if words.count(word) > 1)
            raise ValueError(
                f"values: {twice!r} says two things{f' of {column!r}' * bool(column)}."
            )
    return merged


def read_separator(text: str) -> dict[str, str]:
    """Read ``|``, or ``Tags: ;`` for one column.

    >>> read_separator("space"), read_separator("Finding Labels: |")
    ({'': ' '}, {'Finding Labels': '|'})
    """
    found = re.fullmatch(r"(\S.*):\s*(\S+)", text, re.DOTALL)
    column, mark = found.groups() if found else ("", text)
    return {column: read_character(mark)}


def by_column(given: Any, name: str, merge: Callable[[Any, Any], Any]) -> dict[str, Any]:
    """Return what is said of each column, '' for the others, of one value or several sayings.

    What is said of a column twice is merged.
    """
    if given is None:
        return {}
    merged: dict[str, Any] = {}
    for one in [given] if isinstance(given, str | Mapping) else given:
        for column, value in ({"": one} if isinstance(one, str) else one).items():
            merged[column] = merge(merged[column], value) if column in merged else value
    return merged


def separators(given: Any) -> Any:
    """Return what separates names: one for all columns, or {column, '' for others: it}.

    Several of one column are a tuple.

    >>> separators(";"), separators([{"tags": ";"}, {"tags": ","}])
    (';', {'tags': (';', ',')})
    """
    merged = by_column(given, "separator", lambda a, b: (*all_of(a), *all_of(b)))
    if any("" in all_of(one) for one in merged.values()):
        raise ValueError("separator='': expected what stands between names, such as ';'.")
    return merged.get("") if set(merged) <= {""} else merged


def all_of(marks: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return separators as a tuple, also one."""
    return (marks,) if isinstance(marks, str) else tuple(marks)


def split_at(text: str, separator: str | tuple[str, ...]) -> list[str]:
    """Cut a text at a separator, or at any of several.

    >>> split_at("a;b", ";"), split_at("a; b, c", (";", ","))
    (['a', 'b'], ['a', ' b', ' c'])
    """
    if isinstance(separator, str):
        return text.split(separator)
    return re.split("|".join(map(re.escape, separator)), text)


def read_amounts(text: str) -> dict[str, str]:
    """Read ``comma``, or ``Price: comma`` for one column.

    >>> read_amounts("comma"), read_amounts("Price: comma")
    ({'': 'comma'}, {'Price': 'comma'})
    """
    column, _, how = text.rpartition(":")
    return {column.strip(): how.strip()}


def amounts_of(given: Any, choices: Sequence[str]) -> Any:
    """Return how numbers are written: the same in all columns, or {column, '' for others: how}."""

    def merge(first: str, second: str) -> str:
        if first != second:
            raise ValueError(f"amounts: {first!r} and {second!r} are said of the same column.")
        return first

    merged = by_column(given, "amounts", merge)
    for how in merged.values():
        if how not in choices:
            raise ValueError(f"amounts={how!r}: expected one of [{', '.join(choices)}].")
    return merged.get("", "plain") if set(merged) <= {""} else merged


def checked_long(long: Mapping[str, str]) -> dict[str, str]:
    """Return the columns of a long table; `ValueError` if one is not named."""
    unknown = [name for name in long if name not in LONG]
    if unknown or "label" not in long:
        raise ValueError(
            f"long={dict(long)}: expected image=..., label=... and, if any, value=...."
        )
    return dict(long)


def key_of(word: str) -> Any:
    """Return by what words are compared: numbers by what they are worth.

    >>> key_of("-1") == key_of("-1.0"), key_of("007") == key_of("7")
    (True, False)
    """
    value = number(word)
    return word if value is None or math.isnan(value) else value


def parts_of(cell: Cell, separator: str | tuple[str, ...] | None) -> set[str]:
    """Return the names in a cell: those of a list, or of a text, which a separator cuts.

    >>> parts_of("a; b;", ";") == parts_of(("a", "b"), None)
    True
    """
    if isinstance(cell, str):
        cell = (cell,) if separator is None else tuple(split_at(cell, separator))
    return {name.strip() for name in cell} - {""}


class WordMap:
    """Turns words into what they say, and remembers which were met.

    Parameters
    ----------
    said : mapping
        {state: words}, of one column or of all.
    missing : str or tuple of str
        What a word for unknown becomes.
    """

    def __init__(self, *said: Mapping[str, Sequence[str]], missing: Cell = "") -> None:
        become: dict[str, Cell] = {**STATES, "missing": missing}
        self._says = {
            key_of(word): become[state] for one in said for state in one for word in one[state]
        }
        self._written = {key_of(word): word for one in said for state in one for word in one[state]}
        self._met: set[Any] = set()

    def __bool__(self) -> bool:
        return bool(self._says)

    def __call__(self, cell: Cell) -> Cell:
        """Return 1, 0 or nothing for a word that says so, and any other cell as it is."""
        if not isinstance(cell, str):
            return cell
        key = key_of(cell)
        if key not in self._says:
            return cell
        self._met.add(key)
        return self._says[key]

    def answers(self) -> bool:
        """Tell whether words for yes and for no were met."""
        return {self._says[key] for key in self._met} >= {STATES["yes"], STATES["no"]}

    def unmet(self) -> list[str]:
        """Return the words that no cell was."""
        return [word for key, word in self._written.items() if key not in self._met]


class ColumnValues:
    """The `WordMap` of each column, from the options of a table."""

    def __init__(self, values: Mapping[str, Any] | None) -> None:
        self._values: Mapping[str, Any] = values or {}
        self._maps: dict[str, WordMap] = {}

    def of(self, column: str) -> WordMap:
        """Return what turns a column's cells into what they say."""
        if column not in self._maps:
            general, own = self._values.get("", {}), self._values.get(column, {})
            self._maps[column] = WordMap(general, own)
        return self._maps[column]

    def unmet(self, columns: Iterable[str]) -> list[str]:
        """Say which words no cell of these columns was."""
        columns, found = list(columns), list[str]()
        general = {word for words in self._values.get("", {}).values() for word in words}
        left = set(general)
        for name in columns:
            left &= set(self.of(name).unmet())
            own = {word for words in self._values.get(name, {}).values() for word in words}
            missed = own & set(self.of(name).unmet())
            found += [f"values of {name!r}: no cell is {word!r}" for word in sorted(missed)]
        return found + [f"values: no cell is {word!r}" for word in sorted(left)]


def changed_by(*changes: Callable[[Cell], Cell] | None) -> Callable[[Cell], Cell]:
    """Return one change that makes several, one after the other."""
    made = [change for change in changes if change]

    def change(cell: Cell) -> Cell:
        for one in made:
            cell = one(cell)
        return cell

    return change
