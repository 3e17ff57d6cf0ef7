"""How a task's head is built, as it is declared: linear, of several layers, or on a map.

Nothing here loads MXNet: a command line that shows its help should not wait for it.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

from abc import ABC
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

from .._options import Options, one_of, option, read_call
from ..tasks import TaskSet


@dataclass(frozen=True)
class HeadKind(Options, ABC):
    """Abstract: how a head is built; `Linear`, `Hidden`, `MMoE`, `CGC`, `CSRA` or `Queries`.

    Attributes
    ----------
    name : str
        What options call it.
    hidden : tuple of int
        Widths of the layers before the last.
    dropped : float
        Share of what these say that is left out.
    is_chain : bool
        Whether it is a chain of fully connected layers on features (N, num_features).
    reads_map : bool
        Whether it reads a map, (N, C, H, W).
    experts : tuple of int
        Number of experts that it shares with the tasks whose heads are declared alike, of its
        own, and their width; empty without.
    """

    name: ClassVar[str]
    hidden: ClassVar[tuple[int, ...]] = ()
    dropped: ClassVar[float] = 0.0
    is_chain: ClassVar[bool] = True
    reads_map: ClassVar[bool] = False
    experts: ClassVar[tuple[int, ...]] = ()

    def __str__(self) -> str:
        given = [f"{each.name}={getattr(self, each.name)!r}" for each in fields(self)]
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


@dataclass(frozen=True)
class MMoE(HeadKind):
    """Experts that tasks share, mixed for each task by a gate of its own (Ma 2018).

    Experts are layers on the features of one trunk, (N, units) each; a task's gate says for each
    picture how much of each expert its last layer reads.
    """

    number: int = option(4, "experts that the tasks share", low=1)
    units: int = option(64, "width of an expert", low=1)

    name: ClassVar[str] = "mmoe"
    is_chain: ClassVar[bool] = False

    @property
    def experts(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.number, 0, self.units)


@dataclass(frozen=True)
class CGC(HeadKind):
    """Experts that tasks share beside experts of a task's own, mixed by a gate (Tang 2020)."""

    number: int = option(2, "experts that the tasks share", low=1)
    own: int = option(1, "experts of each task's own", low=1)
    units: int = option(64, "width of an expert", low=1)

    name: ClassVar[str] = "cgc"
    is_chain: ClassVar[bool] = False

    @property
    def experts(self) -> tuple[int, ...]:  # type: ignore[override]
        return (self.number, self.own, self.units)


@dataclass(frozen=True)
class CSRA(HeadKind):
    """The mean of each class's scores over the map, and where it scores high (Zhu & Wu 2021).

    For several labels in different places of a picture. With ``share`` 0 it is the linear head on
    the mean of the map; it has the same parameters. Other than published, rows of its weight are
    not scaled to length 1.
    """

    share: float = option(0.1, "how much places count that score high, beside the mean", low=0)
    sharpness: float = option(1.0, "how much more the highest place counts", low=0)

    name: ClassVar[str] = "csra"
    is_chain: ClassVar[bool] = False
    reads_map: ClassVar[bool] = True


@dataclass(frozen=True)
class Queries(HeadKind):
    """Each label has a query of its own that looks for it on the map: a small decoder.

    One layer of attention and one of two fully connected ones, as in Query2Label (Liu 2021) and
    ML-Decoder (Ridnik 2021), with a single attention head.
    """

    units: int = option(64, "width of a query", low=1)

    name: ClassVar[str] = "queries"
    is_chain: ClassVar[bool] = False
    reads_map: ClassVar[bool] = True


ALL = (Linear, Hidden, MMoE, CGC, CSRA, Queries)
KINDS: dict[str, type[HeadKind]] = {kind.name: kind for kind in ALL}
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
