"""How two sets of tasks differ, told to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from ._task import Task
from ._taskset import TaskSet

SHOWN, WIDE = 8, 60  # differences, and letters of a value


def differences(one: tuple[str, TaskSet], other: tuple[str, TaskSet]) -> str:
    r"""Tell how two sets of tasks differ, each given with where it is from: a line a difference.

    >>> from mxmtl import Binary, TaskSet
    >>> print(differences(("a", TaskSet([Binary("x")])), ("b", TaskSet([Binary("x", weight=2)]))))
    x: weight 1.0 in a, and 2 in b
    """
    lines = list(_lines(one, other))
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return ";\n".join([*lines[:SHOWN], *more])  # a command puts them on one


def _lines(one: tuple[str, TaskSet], other: tuple[str, TaskSet]) -> Iterator[str]:
    (here, tasks), (there, theirs) = one, other
    for name in dict.fromkeys([*tasks.names, *theirs.names]):
        if name not in tasks or name not in theirs:
            where, whose = (here, tasks) if name in tasks else (there, theirs)
            yield f"{name}: in {where} alone, {type(whose[name]).__name__}"
        elif tasks[name] != theirs[name]:
            what, *values = _first_option(tasks[name], theirs[name])
            yield f"{name}: {what} {values[0]} in {here}, and {values[1]} in {there}"
    if sorted(tasks.names) == sorted(theirs.names) and tasks.names != theirs.names:
        yield f"the order is {', '.join(tasks.names)} in {here}, and another in {there}"


def _first_option(one: Task, other: Task) -> tuple[str, str, str]:
    """Return the first option in which two tasks differ, and its values."""
    if type(one) is not type(other):
        return "type", type(one).__name__, type(other).__name__
    what = next(
        f.name for f in fields(one)
        if f.compare and getattr(one, f.name) != getattr(other, f.name)
    )  # fmt: skip
    told = (repr(getattr(task, what)) for task in (one, other))
    mine, theirs = (text if len(text) <= WIDE else text[:WIDE] + " ..." for text in told)
    return what, mine, theirs
