"""What every loss is: a frozen declaration with a formula in logits, known by its name in files.

A loss knows arrays alone: neither tasks nor which labels are missing. So it stands below the
tasks, which hold it; they hand it logits and known labels, cut out what is missing, and weigh the
rest. It must be finite, with a finite gradient, at any logits (formulas in p are not, where p
rounds to 0 or 1; written with softplus they are): a loss of infinity behind a mask is NaN.
"""

from __future__ import annotations

import math
from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, ClassVar

from .._options import as_float, meant, one_of, read_call

FORMS = {"cells": "binary and multi-label", "classes": "multiclass", "values": "regression"}


def softplus(F: Any, x: Any) -> Any:
    """Return log(1 + exp(x)), exact at both ends; its gradient is sigmoid(x)."""
    return F.Activation(x, act_type="softrelu")


def cross_entropy(F: Any, logits: Any) -> tuple[Any, Any]:
    """Return what a yes costs, -log p, and what a no costs, -log(1 - p)."""
    # In this form each term is exact at both ends, and the gradient is right at 0 as well
    # (relu(z) - z*l + log(1 + exp(-|z|)) has a kink there in automatic differentiation).
    return softplus(F, -logits), softplus(F, logits)


def log_softmax(F: Any, logits: Any) -> Any:
    """Return log-probabilities (N, K)."""
    # temperature=1.0 changes nothing but the kernel: oneDNN's errs by 4e-6, MXNet's by 2e-7.
    return F.log_softmax(logits, axis=1, temperature=1.0)


def shifted(F: Any, x: Any, offsets: Sequence[float]) -> Any:
    """Return x (N, K) with a constant added to each column."""
    # Column by column, because a symbol holds no constant tensor.
    columns = [
        F.slice_axis(x, axis=1, begin=k, end=k + 1) + offset for k, offset in enumerate(offsets)
    ]
    return F.concat(*columns, dim=1)


def scaled(F: Any, x: Any, factors: Sequence[float]) -> Any:
    """Return x (N, K) with each column multiplied by a constant."""
    if len(set(factors)) == 1:
        return x * factors[0]
    columns = [
        F.slice_axis(x, axis=1, begin=k, end=k + 1) * factor for k, factor in enumerate(factors)
    ]
    return F.concat(*columns, dim=1)


@dataclass(frozen=True)
class Declaration(ABC):
    """Abstract: something small that is declared beside a task, and kept in its file.

    What is derived from it is a frozen dataclass; its class name is what files call it.
    """

    types: ClassVar[dict[str, type[Declaration]]] = {}
    word: ClassVar[str]  # what it is called in messages: the option of a task
    example: ClassVar[str]  # of it as text

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if ABC not in cls.__bases__:
            known = Declaration.types.setdefault(cls.__name__, cls)
            if known.__module__ != cls.__module__:
                raise TypeError(
                    f"{cls.__name__}: there is one of this name already, of {known.__module__}; "
                    "give it another name."
                )
            Declaration.types[cls.__name__] = cls

    def to_dict(self) -> dict[str, Any]:
        """Return JSON-able data: its name, and the options that are not at their default."""
        options: dict[str, Any] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.default is MISSING or value != field.default:
                options[field.name] = _plain(value)
        return {"type": type(self).__name__, **options}

    @classmethod
    def of(cls, given: Any, owner: str) -> Any:
        """Return a declaration as it is, or make the one that `to_dict` or a text described.

        Raises `ValueError`, with the owner's name, for anything else.

        >>> Loss.of("Focal(gamma=1)", "task 'a'").to_dict()
        {'type': 'Focal', 'gamma': 1}
        """
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            example = f"{min(cls.known())} or {cls.example}"
            name, options = read_call(given, f"{owner}: {cls.word}", example)
            given = {**options, "type": name}
        if not isinstance(given, Mapping):
            raise ValueError(
                f"{owner}: {cls.word}={given!r}; expected one of mxmtl.losses, as "
                f"{cls.word}=mxmtl.losses.{min(cls.known())}(), or as text, {cls.example}."
            )
        options = dict(given)
        name = options.pop("type", None)
        if name not in cls.known():
            found = one_of(str(name), sorted(cls.known()))
            raise ValueError(f"{owner}: {cls.word} {name!r} is not {found}.")
        made = cls.known()[name]
        names = [field.name for field in fields(made)]
        unknown = sorted(set(options) - set(names))
        if unknown:
            near = meant(unknown[0], names) or "; a newer mxmtl may have it"
            raise ValueError(f"{owner}: {name} has no option {unknown}{near}.")
        try:
            return made(**options)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{owner}: {error}") from error

    @classmethod
    def known(cls) -> dict[str, Any]:
        """Return the classes that are derived from this one, by name."""
        return {n: made for n, made in Declaration.types.items() if issubclass(made, cls)}

    def _check(self, option: str, low: float, high: float = math.inf) -> None:
        """Raise `ValueError` unless an option is a finite number within bounds, both included."""
        value = getattr(self, option)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"{type(self).__name__}: {option}={value!r} is no number.")
        if not low <= value <= high or math.isinf(as_float(value)):
            raise ValueError(
                f"{type(self).__name__}: {option}={value!r} is not in [{low:g}, {high:g}]."
            )

    def _check_flag(self, option: str) -> None:
        """Raise `ValueError` unless an option is True or False."""
        value = getattr(self, option)
        if not isinstance(value, bool):  # "false" would be taken for true
            raise ValueError(f"{type(self).__name__}: {option}={value!r}; expected True or False.")


def _plain(value: Any) -> Any:
    if isinstance(value, Declaration):
        return value.to_dict()
    return [_plain(part) for part in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Loss(Declaration, ABC):
    """Abstract: what a wrong answer costs. A loss overrides those of its three forms that it has.

    Examples
    --------
    A loss of one's own works wherever those of the package do:

    >>> import mxmtl
    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Brier(mxmtl.losses.Loss):
    ...     def cells(self, F, logits):
    ...         return F.square(F.sigmoid(-logits)), F.square(F.sigmoid(logits))
    >>> mxmtl.Binary("outdoors", loss=Brier()).to_dict()["loss"]
    {'type': 'Brier'}
    """

    word: ClassVar[str] = "loss"
    example: ClassVar[str] = "LogitAdjusted(tau=0.5)"
    adjusts: ClassVar[bool] = False  # whether predictions are those of balanced data already

    def cells(self, F: Any, logits: Any) -> tuple[Any, Any]:
        """Return what a cell costs that is 1, and what it costs that is 0: twice (N, cells).

        Of a cell between them, as label smoothing makes it, it is the mean, weighted so.
        """
        raise self._has_none("cells")

    def classes(self, F: Any, logits: Any) -> Any:
        """Return what a row costs whose class it is, of each class: (N, classes)."""
        raise self._has_none("classes")

    def values(self, F: Any, prediction: Any, label: Any) -> Any:
        """Return what a prediction (N, columns) costs, in the scale that training has: the same."""
        raise self._has_none("values")

    def named(self, names: Sequence[str], form: str, owner: str) -> Loss:
        """Return the loss for a task with these classes or labels, or raise `ValueError`."""
        if getattr(type(self), form) is getattr(Loss, form):
            own = [text for name, text in FORMS.items() if self._has(name)]
            raise ValueError(
                f"{owner}: {type(self).__name__} is no loss for {FORMS[form]} tasks; it is for "
                f"{' and '.join(own)} tasks."
            )
        return self

    def _has(self, form: str) -> bool:
        return getattr(type(self), form) is not getattr(Loss, form)

    def _has_none(self, form: str) -> TypeError:
        return TypeError(f"{type(self).__name__} is no loss for {FORMS[form]} tasks.")
