"""How metrics are made and given arrays: what is wrong with that is said in their users' words."""

from __future__ import annotations

import abc
import difflib
import inspect
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from .._options import constructor_signature, meant
from ..tasks import Task
from ._statistic import Entry

STOCK = ("output_names", "label_names")  # what MXNet's metrics take
DEFAULT = "default"  # the first of a metric's averages
Called = Mapping[str, tuple[str, str]]  # by task: what its label and its output are called


class MetricType(abc.ABCMeta):
    """The type of metrics: refuses options that one does not have, by the metric's own name."""

    @property
    def __signature__(cls) -> inspect.Signature:
        return constructor_signature(cls)

    def __call__(cls, *args: Any, **options: Any) -> Any:
        known = cls.__signature__.parameters
        kinds = {each.kind for each in known.values()}
        if inspect.Parameter.VAR_KEYWORD not in kinds:
            for name in options:
                if name not in known:
                    own = [each for each, one in known.items() if one.default is not one.empty]
                    raise cls._has_no(name, own)
        if inspect.Parameter.VAR_POSITIONAL not in kinds:
            first = [name for name, one in known.items() if one.kind != one.KEYWORD_ONLY]
            for name in first[len(args) :]:
                if known[name].default is inspect.Parameter.empty and name not in options:
                    raise TypeError(f"{cls.__name__}: no {name} given.")
            if len(args) > len(first):
                names = [name for name in known if name not in first]
                raise TypeError(
                    f"{cls.__name__}: {args[len(first)]!r} without a name; options have names: "
                    f"{', '.join(f'{name}=' for name in names)}."
                )
        return super().__call__(*args, **options)

    def _has_no(cls, name: str, known: Sequence[str]) -> TypeError:
        if name in STOCK:
            return TypeError(
                f"{cls.__name__}: {name}= is not needed where a task is called as the network's "
                "output is: of the task 'breed' it is 'breed_output', and the label is "
                "'breed_label'. Name the task so, or say what yours are called to a Suite: "
                f"Suite(tasks, [...], {name}=[...])."
            )
        return TypeError(
            f"{cls.__name__}: no option {name!r}{meant(name, known)}; there are "
            f"{', '.join(known)}."
        )


def called_by(
    tasks: Sequence[Task],
    label_names: Sequence[str] | Mapping[str, str] | None,
    output_names: Sequence[str] | Mapping[str, str] | None,
) -> Called:
    """Return what tasks' labels and outputs are called, from lists or mappings of some.

    >>> import mxmtl
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("a"), mxmtl.Binary("b")])
    >>> called_by(tasks, None, {"b": "sigmoid0_output"})
    {'a': ('a_label', 'a_output'), 'b': ('b_label', 'sigmoid0_output')}
    """
    names = [task.name for task in tasks]
    given: dict[str, dict[str, str]] = {}
    for option, found in (("label_names", label_names), ("output_names", output_names)):
        if found is None or isinstance(found, Mapping):
            given[option] = dict(found or {})
        elif not isinstance(found, str) and len(found) == len(names):
            given[option] = dict(zip(names, found))
        else:
            raise ValueError(f"{option}={found!r}: expected one name a task of {names}.")
        strange = [name for name in given[option] if name not in names]
        if strange:
            raise ValueError(f"{option}: no task {strange[0]!r}{meant(strange[0], names)}.")
    return {
        task.name: (
            given["label_names"].get(task.name, task.label_name),
            given["output_names"].get(task.name, task.output_name),
        )
        for task in tasks
    }


def by_name(
    tasks: Iterable[Task],
    labels: Mapping[str, Any],
    preds: Mapping[str, Any],
    called: Called | None = None,
) -> list[Entry]:
    """Find the arrays of each task, or raise `ValueError` naming the one that is not there."""
    entries = []
    for task in tasks:
        label, output = (called or {}).get(task.name, (task.label_name, task.output_name))
        if label not in labels or output not in preds:
            what, names = ("label", labels) if label not in labels else ("output", preds)
            name = label if what == "label" else output
            raise ValueError(
                f"task {task.name!r}: no {what} {name!r} among {list(names)}"
                f"{_near(name, names, f'_{what}')}. Name the task, or the output operator "
                f"(name={task.name!r}), so that they agree, give the Module "
                "label_names=tasks.label_names, or say to a Suite what yours are called: "
                f"Suite(tasks, [...], {what}_names={{{task.name!r}: ...}})."
            )
        entries.append((task, labels[label], preds[output]))
    return entries


def _near(name: str, names: Iterable[str], end: str) -> str:
    """Ask whether the nearest of the names was meant; that all end alike does not make them near.

    >>> _near("cls_output", ["tags_output", "clss_output"], "_output")
    " (did you mean 'clss_output'?)"
    >>> _near("cls_output", ["tags_output", "softmax_output"], "_output")
    ''
    """
    stems = {each.removesuffix(end): each for each in names}
    close = difflib.get_close_matches(name.removesuffix(end), stems, n=1)
    return f" (did you mean {stems[close[0]]!r}?)" if close else ""


def as_list(arrays: Any) -> list[Any]:
    """Return a list of arrays, from a list or a single one."""
    return list(arrays) if isinstance(arrays, list | tuple) else [arrays]


def arrays_in(given: Any, single: bool) -> list[Any]:
    """Return a list of arrays; of a metric of one task, a list of numbers or of rows is one.

    >>> arrays_in([0, 1], single=True), arrays_in([[0.2, 0.8], [0.5, 0.5]], single=True)
    ([array([0, 1])], [array([[0.2, 0.8],
           [0.5, 0.5]])])
    """
    found = as_list(given)
    if single and isinstance(given, list | tuple) and found and not getattr(found[0], "shape", ()):
        return [np.array(found)]
    return found
