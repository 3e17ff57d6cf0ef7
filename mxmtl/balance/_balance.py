"""What a way of balancing tasks is: a declaration that makes weights of what a batch shows.

A method is written once, in operators ``F`` that symbols and arrays both have, so that it is part
of the network's graph in training and a function of arrays everywhere else. What it sees is small:
a number or a row for each task. Whoever is not there is left out exactly: a task without labels in
the batch has a row and a column of zeros, ``present`` 0, and weight 0, and the weights of the
others are those that they would have without it.
"""

# ruff: noqa: RUF009 (option() makes a dataclass field)

from __future__ import annotations

import abc
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np

from .._options import Options, one_of, option, read_call

TINY = 1e-30  # what is divided by is at least this


@dataclass(frozen=True)
class Facts:
    """What a batch shows of T tasks: arrays or symbols, float64.

    Attributes
    ----------
    F : module
        ``mx.sym`` or ``mx.nd``.
    num_tasks : int
        T.
    present : (T, 1)
        1 where the task has a label in the batch, else 0.
    losses : (T, 1)
        Mean over the labelled cells of each task's loss; 0 where there is none.
    gramian : (T, T), optional
        Products of the tasks' gradients at the features that they share.
    labels : (T, 1), optional
        Labelled rows; of a multi-label task the sum of the rows' labelled shares.
    state : (T, S), optional
        What the method remembers.
    """

    F: Any
    num_tasks: int
    present: Any
    losses: Any
    gramian: Any = None
    labels: Any = None
    state: Any = None

    @property
    def mean(self) -> Any:
        """1 / number of present tasks, and 0 for the others: (T, 1)."""
        F = self.F
        return F.broadcast_div(self.present, F.maximum(self.total(self.present), 1.0))

    @property
    def norms(self) -> Any:
        """Lengths of the gradients: (T, 1)."""
        F = self.F
        return F.sqrt(self.column(F.sum(self.gramian * self.eye, axis=1)))

    @property
    def eye(self) -> Any:
        """The identity matrix: (T, T)."""
        return self.F.eye(N=self.num_tasks, dtype="float64")

    def unit(self, index: int) -> Any:
        """Return a column of the identity matrix: (T, 1)."""
        return self.F.slice_axis(self.eye, axis=1, begin=index, end=index + 1)

    def column(self, vector: Any) -> Any:
        """Return (T,) as (T, 1)."""
        return self.F.reshape(vector, shape=(self.num_tasks, 1))

    def total(self, values: Any) -> Any:
        """Return the sum of all entries: (1, 1)."""
        return self.F.reshape(self.F.sum(values), shape=(1, 1))

    def divided(self, above: Any, below: Any) -> Any:
        """Return above / below, 0 where below is 0; both broadcast."""
        F = self.F
        wanted = F.broadcast_div(above, F.maximum(below, TINY))
        return F.broadcast_mul(wanted, below > TINY)


@dataclass(frozen=True)
class Balance(Options, abc.ABC):
    """Abstract: a way to weigh tasks; give it, or its name, as ``balance=``.

    What is derived from it, here or elsewhere, is known by its ``name`` from then on.

    Attributes
    ----------
    name : str
        What options call it.
    uses_gradients : bool
        Whether it wants the Gramian.
    weighs_losses : bool
        Whether it weighs losses, for trunk and heads; else it weighs the gradients that tasks
        send into the shared trunk, and heads keep their own.
    needs_positive : bool
        Whether it divides by losses or takes their logarithm, so that none may be below 0.
    looks_again : bool
        Whether it wants to know the losses of a batch after its step, too (`look_again`).
    trained : bool
        Whether the state is trained with the network, by the gradient of `penalty`.
    types : dict
        Every method by its name.
    """

    rescale: bool = option(
        True, "weights sum to the number of tasks with labels; else as their authors have them"
    )
    momentum: float = option(
        0.0, "share of a task's last weight in its next: smooths those of rare labels", low=0,
        below=1,
    )  # fmt: skip

    name: ClassVar[str]
    uses_gradients: ClassVar[bool] = True
    weighs_losses: ClassVar[bool] = False
    needs_positive: ClassVar[bool] = False
    looks_again: ClassVar[bool] = False
    trained: ClassVar[bool] = False
    types: ClassVar[dict[str, type[Balance]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in vars(cls):
            Balance.types[cls.name] = cls

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.trained and self.momentum:
            raise ValueError(f"momentum={self.momentum}: {self.name} trains its weights already.")

    # -- what a method says ----------------------------------------------------------------------
    @abc.abstractmethod
    def weigh(self, facts: Facts) -> Any:
        """Return the weights as published: (T, 1). Those of absent tasks are ignored."""

    def width(self, num_tasks: int) -> int:
        """Return how many numbers of each task the method remembers from batch to batch."""
        return 0

    def weigh_and_remember(self, facts: Facts) -> tuple[Any, Any]:
        """Return the weights as published, and what is remembered after the batch: (T, width)."""
        return self.weigh(facts), facts.state

    def penalty(self, facts: Facts) -> Any:
        """Return what a trained state minimizes: (T, 1), summed over the rows of the batch."""
        raise NotImplementedError(f"{type(self).__name__} is trained, and has no penalty.")

    def look_again(self, state: np.ndarray, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """Return the state after losses (T,) of one batch before and after its step; 0 is absent.

        Called where ``looks_again``, at the cost of one more forward pass.
        """
        return state

    def end_epoch(self, state: np.ndarray) -> np.ndarray:
        """Return the state, (T, width), with which the next epoch begins."""
        return state

    # -- what is asked of it ---------------------------------------------------------------------
    def state_width(self, num_tasks: int) -> int:
        """Return how many numbers of each task are kept in all: columns of ``balance_state``."""
        return self.width(num_tasks) + 2 * bool(self.momentum)

    def step(self, facts: Facts) -> tuple[Any, Any]:
        """Return the weights to train with, (T, 1), 0 for absent tasks; and what is remembered."""
        F, own, known = facts.F, self.width(facts.num_tasks), facts.state
        mine = F.slice_axis(known, axis=1, begin=0, end=own) if own else None
        found, kept = self.weigh_and_remember(replace(facts, state=mine))
        found = F.broadcast_mul(found, facts.present)
        if self.rescale:
            # Where weights sum to nothing there is nothing to scale: tasks that pull apart.
            factor = facts.divided(facts.total(facts.present), facts.total(found))
            found = F.broadcast_mul(found, factor)
        if not self.momentum:
            return found, kept
        last, seen = (F.slice_axis(known, axis=1, begin=own + i, end=own + i + 1) for i in (0, 1))
        share = self.momentum * seen * facts.present
        found = found + share * (last - found)
        last = F.where(facts.present, found, last)
        seen = F.maximum(seen, facts.present)
        return found, F.concat(*([kept] if own else []), last, seen, dim=1)

    def next_epoch(self, state: np.ndarray) -> np.ndarray:
        """Return all that is kept, (T, state_width), as the next epoch begins with it."""
        own = self.width(len(state))
        return np.concatenate([self.end_epoch(state[:, :own]), state[:, own:]], axis=1)

    def __str__(self) -> str:
        """Return what `balance_of` reads: the name, and options that are not the default."""
        given = [
            f"{one.name}={getattr(self, one.name)!r}"
            for one in fields(self)
            if getattr(self, one.name) != one.default
        ]
        return f"{self.name}({', '.join(given)})" if given else self.name


def balance_of(given: Balance | str | None) -> Balance | None:
    """Return the method that is meant; None for ``"equal"``, which changes nothing.

    Raises `ValueError` for a name that is none, and `TypeError` for an option that it has not.

    >>> import mxmtl
    >>> balance_of("cagrad(c=0.4)").c, balance_of("equal")
    (0.4, None)
    """
    if given is None or isinstance(given, Balance):
        return given
    name, options = read_call(given, "balance", "cagrad(c=0.4)")
    if name == "equal":
        return None
    if name not in Balance.types:
        raise ValueError(f"balance={given!r}: expected {one_of(name, method_names())}.")
    return Balance.types[name].of(options)


def method_names() -> list[str]:
    """Return the names of all methods, ``equal`` first."""
    return ["equal", *sorted(Balance.types)]
