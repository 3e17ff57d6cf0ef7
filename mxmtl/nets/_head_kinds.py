"""How a task's head is built, as it is declared: linear, or with hidden layers of its own.

Nothing here loads MXNet: a command line that shows its help should not wait for it.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from .._options import Options, one_of, option, read_call
from ..tasks import TaskSet


@dataclass(frozen=True)
class HeadKind(Options, ABC):
    """Abstract: how a head is built; `Linear` or `Hidden`."""

    name: ClassVar[str]
    hidden: ClassVar[tuple[int, ...]] = ()  # widths of the layers before the last
    dropped: ClassVar[float] = 0.0

    def __str__(self) -> str:
        given = [f"{name}={getattr(self, name)!r}" for name in type(self).__dataclass_fields__]
        return f"{self.name}({', '.join(given)})" if given else self.name


@dataclass(frozen=True)
class Linear(HeadKind):
    """One fully connected layer: features to logits."""

    name: ClassVar[str] = "linear"


@dataclass(frozen=True)
class Hidden(HeadKind):
    """Layers of a task's own before its logits, each with a rectifier and dropout behind it.

    Worth a try where tasks need different things of the same features, as with a frozen trunk;
    little is gained where the trunk itself is trained, and rare labels learn it by heart.

    Examples
    --------
    >>> import mxmtl, mxnet as mx
    >>> tasks = mxmtl.TaskSet([mxmtl.Binary("outdoors"), mxmtl.Regression("age")])
    >>> net = mxmtl.MultiTaskNet(
    ...     mx.gluon.nn.Flatten(), tasks, heads={"age": mxmtl.nets.Hidden(128, dropout=0.2)})
    >>> sorted(name for name in net.collect_params() if name.startswith("age"))
    ['age_bias', 'age_hidden0_bias', 'age_hidden0_weight', 'age_weight']
    """

    units: tuple[int, ...] = option((128,), "width of each layer", low=1)
    dropout: float = option(0.0, "share of what each layer says that is left out", low=0, below=1)

    name: ClassVar[str] = "hidden"

    @property
    def hidden(self) -> tuple[int, ...]:  # type: ignore[override]
        return self.units

    @property
    def dropped(self) -> float:  # type: ignore[override]
        return self.dropout


KINDS: dict[str, type[HeadKind]] = {kind.name: kind for kind in (Linear, Hidden)}
HeadKinds = HeadKind | str | Mapping[str, HeadKind | str] | None


def head_kind(given: HeadKind | str | None) -> HeadKind:
    """Return the head that is meant: ``hidden(units=128)``; `Linear` if nothing is said.

    >>> head_kind("hidden(units=64)").hidden
    (64,)
    """
    if isinstance(given, HeadKind):
        return given
    name, options = read_call(given or "linear", "heads", "hidden(units=128)")
    if name not in KINDS:
        raise ValueError(f"heads={given!r}: expected {one_of(name, list(KINDS))}.")
    return KINDS[name].of(options)


def head_kinds(given: HeadKinds, tasks: TaskSet) -> list[HeadKind]:
    """Return the head of each task: one for all, or by task name, the others linear.

    Raises `ValueError` for the name of no task.
    """
    if not isinstance(given, Mapping):
        return [head_kind(given)] * len(tasks)
    for name in given:
        if name not in tasks:
            raise ValueError(f"heads: {name!r} is no task; expected {one_of(name, tasks.names)}.")
    return [head_kind(given.get(task.name)) for task in tasks]
