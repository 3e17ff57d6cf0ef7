"""Options, each declared once: what Python, the command line, JSON files and messages know of it.

An option is a field of a frozen dataclass that derives from `Options`, made by `option`. From its
one line follow what is checked, what `--help` says, how the command line reads it, what the class's
docstring lists, and what is said where a name or a value is none (with the one that was perhaps
meant). It loads nothing but Python's own library: a command line that is refused should not wait.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect  # which dataclasses loads as well
import json
import math
import numbers
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any, NoReturn, TypeVar, Union, get_args, get_origin, get_type_hints

SHOWN = 10
SHOWN_TEXT = 100  # letters
SEARCHED = 10_000  # comparing one name with so many takes some 0.1 s
MOST_TEXT = 10_000  # letters of an option that is read as words
Self = TypeVar("Self", bound="Options")
Value = TypeVar("Value")
Names = Sequence[str] | Mapping[str, str]
Choices = Names | Callable[[], Names]


@dataclass(frozen=True)
class Option:
    """What is known of an option beside its name, type and default; see `option`."""

    help: str
    group: str = "options"
    choices: Choices | None = None
    low: float = -math.inf
    high: float = math.inf
    below: float = math.inf
    changeable: bool = False
    flag: str | None = None
    metavar: str | None = None
    read: Callable[[str], Any] | None = None
    repeat: bool = False
    bare: Any = None

    @property
    def chosen_from(self) -> Mapping[str, str]:
        """What may be chosen, each with what it means; empty where anything may."""
        found = self.choices() if callable(self.choices) else self.choices
        return found if isinstance(found, Mapping) else dict.fromkeys(found or (), "")

    @property
    def names(self) -> tuple[str, ...]:
        """What may be chosen, by name."""
        return tuple(self.chosen_from)


def option(
    default: Any = dataclasses.MISSING,
    help: str = "",
    *,
    group: str = "options",
    choices: Choices | None = None,
    low: float = -math.inf,
    high: float = math.inf,
    below: float = math.inf,
    changeable: bool = False,
    flag: str | None = None,
    metavar: str | None = None,
    read: Callable[[str], Any] | None = None,
    repeat: bool = False,
    bare: Any = None,
) -> Any:
    """Declare a field of an `Options` class.

    Parameters
    ----------
    default : object, optional
        What holds where nothing is said; needed without it.
    help : str
        What it is for, in a few words: for ``--help`` and for the class's docstring.
    group : str
        Heading under which ``--help`` shows it.
    choices : sequence of str, mapping of str, or function that returns one
        What it may be, or each of its items; a mapping says what each means. A function is asked
        when it is needed, so that it may name what is registered later.
    low, high, below : float
        Bounds of a number, or of each of its items: low <= value <= high, value < below.
    changeable : bool
        Whether it may be another when a run goes on: what comes out does not depend on it.
    flag : str, optional
        What the command line calls it; ``--name`` by default, "" if it does not have it.
    metavar : str, optional
        What ``--help`` calls its value.
    read : function, optional
        Makes a value of the command line's text; by default that follows from the type.
    repeat : bool
        Whether the command line takes it several times, each with one of the items.
    bare : object, optional
        What the command line means by it where no value follows.
    """
    known = Option(
        help, group, choices, low, high, below, changeable, flag, metavar, read, repeat, bare
    )
    default = tuple(default) if isinstance(default, list) else default
    return dataclasses.field(default=default, metadata={"option": known})


class Options:
    r"""Base of a frozen dataclass whose fields are options: checked, and plain, when it is made.

    Lists become tuples and NumPy's numbers become Python's. Raises `ValueError` that names the
    option, what was given and what was expected.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Rating(Options):
    ...     stars: int = option(3, "how many", low=0, high=5)
    ...     order: str = option("best", "what comes first", choices=("best", "newest"))
    >>> Rating(stars=4.0)
    Rating(stars=4, order='best')
    >>> Rating(order="bst")
    Traceback (most recent call last):
    ValueError: order='bst': expected one of [best, newest] (did you mean 'best'?).
    >>> Rating.of({"star": 4})
    Traceback (most recent call last):
    TypeError: no option 'star'; did you mean 'stars'?
    >>> print(*Rating.__doc__.splitlines()[-4:], sep="\n")
    stars : int, 3 by default
        How many.
    order : str, 'best' by default
        What comes first: best, newest.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = {
            name: value for name, value in vars(cls).items() if isinstance(value, dataclasses.Field)
        }
        lines = [line for name, value in own.items() for line in described(cls, name, value)]
        if lines:  # Python's help and the command line's are one text
            cls.__doc__ = "\n".join([cls.__doc__ or "", "", "Options", "-------", *lines])

    def __post_init__(self) -> None:
        for name, (kind, known) in declared(type(self)).items():
            value = coerced(name, kind, getattr(self, name))
            object.__setattr__(self, name, value)
            check(name, known, value)

    @classmethod
    def of(cls: type[Self], options: Mapping[str, Any], also: Iterable[str] = ()) -> Self:
        """Make one of keyword arguments; `TypeError`, with the nearest name, if one is no option.

        ``also`` are other names that a user might have meant.
        """
        known = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
        for name in options:
            if name not in known:
                raise unknown_option(name, [*also, *known])
        return cls(**options)

    @classmethod
    def changeable(cls) -> list[str]:
        """Return the options that may be others when a run goes on."""
        return [name for name, (_, known) in declared(cls).items() if known.changeable]


def described(cls: type, name: str, field: dataclasses.Field[Any]) -> list[str]:
    """Return the lines of a docstring about an option; none about another field."""
    if "option" not in field.metadata:
        return []
    known: Option = field.metadata["option"]
    needed = field.default is dataclasses.MISSING
    default = "" if needed else f", {field.default!r} by default"
    names = () if callable(known.choices) else known.names  # what is registered is not yet
    choices = f": {', '.join(filter(None, names))}" if names else ""
    text = known.help[:1].upper() + known.help[1:]
    return [f"{name} : {cls.__annotations__[name]}{default}", f"    {text}{choices}."]


def declared(cls: type[Options]) -> dict[str, tuple[Any, Option]]:
    """Return {name: (type, what is known)} of the fields that `option` made, in order."""
    if cls not in _DECLARED:
        kinds = get_type_hints(cls)
        _DECLARED[cls] = {
            field.name: (kinds[field.name], field.metadata["option"])
            for field in dataclasses.fields(cls)  # type: ignore[arg-type]
            if "option" in field.metadata
        }
    return _DECLARED[cls]


_DECLARED: dict[type, dict[str, tuple[Any, Option]]] = {}  # asked for whenever options are made


def coerced(name: str, kind: Any, value: Any) -> Any:
    """Return a value as Python's own type, which JSON holds; NumPy's numbers are numbers, too.

    >>> coerced("epochs", int, 3.0), coerced("lr", float, 1), coerced("cache", bool, 0)
    (3, 1, False)
    >>> coerced("mean", tuple[float, ...], 127)
    (127,)
    >>> coerced("task_weight", Mapping[str, float], "age=5,race=2")
    {'age': 5, 'race': 2}
    """
    if get_origin(kind) in (Union, UnionType):
        alternatives = [part for part in get_args(kind) if part is not type(None)]
        if value is None or len(alternatives) > 1:
            return value
        kind = alternatives[0]
    inner = get_args(kind)
    if get_origin(kind) is Mapping:
        return as_mapping(name, inner[1], value)
    if get_origin(kind) is tuple:
        single = isinstance(value, str | int | float)
        if not single and not isinstance(value, Iterable):
            raise ValueError(f"{name}={value!r}: expected a list.")
        items = (value,) if single else tuple(value)
        return tuple(coerced(name, inner[0], item) for item in items) if inner else items
    number = isinstance(value, numbers.Real)
    if kind is bool:
        # NumPy's bool is no number, but compares as one.
        if not (number or type(value).__name__ in ("bool_", "bool")) or value not in (0, 1):
            raise ValueError(f"{name}={value!r}: expected True or False.")
        return bool(value)
    if kind is int:
        if not number or value != value // 1:
            raise ValueError(f"{name}={value!r}: expected a whole number.")
        return int(value)
    if kind is float:
        if not number:
            raise ValueError(f"{name}={value!r}: expected a number.")
        return value if isinstance(value, int | float) else float(value)
    if kind is str and not isinstance(value, str):
        raise ValueError(f"{name}={value!r}: expected a text, in quotes.")
    return value


def as_mapping(name: str, kind: Any, value: Any) -> dict[str, Any]:
    """Return a mapping as a dict, or what a text ``NAME=VALUE``, pairs, or several of these say.

    Numbers, of which a text may hold several between commas, are checked.

    >>> as_mapping("optimizer_params", Any, ["beta1=0.9", ("epsilon", 1e-6)])
    {'beta1': 0.9, 'epsilon': 1e-06}
    """
    made: dict[str, Any] = {}
    try:
        if isinstance(value, str):
            made.update(map(read_pair, value.split(",") if kind is float else [value]))
        elif isinstance(value, Mapping):
            made.update(value)
        else:
            for each in value:
                made.update([each] if isinstance(each, tuple) else as_mapping(name, kind, each))
    except (TypeError, ValueError):
        wanted = "NAME=VALUE" if isinstance(value, str) else "a mapping, {name: value}"
        raise ValueError(f"{name}={value!r}: expected {wanted}.") from None
    if kind is not float:
        return made
    return {key: coerced(f"{name}[{key!r}]", kind, each) for key, each in made.items()}


def as_float(number: Any) -> float:
    """Return a number as a float; infinity for a whole one that no float holds.

    >>> as_float(3), as_float(-(10**400))
    (3.0, -inf)
    """
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def check(name: str, known: Option, value: Any) -> None:
    """Raise `ValueError` unless a value, or each of its items, is among what may be."""
    for item in value if isinstance(value, tuple) else (value,):
        if item is None:
            continue
        names = known.names if isinstance(item, str) else ()
        if names and item not in names:
            raise ValueError(f"{name}={item!r}: expected {one_of(item, names)}.")
        if isinstance(item, int | float) and not isinstance(item, bool):
            within = known.low <= item <= known.high and as_float(item) < known.below
            if not within:  # NaN ends here, too
                raise ValueError(f"{name}={item!r}: expected {bounds(known)}.")


def bounds(known: Option) -> str:
    """Say between what a number may be."""
    parts = []
    if known.low > -math.inf:
        parts.append(f"{known.low} or more")
    if known.high < math.inf:
        parts.append(f"at most {known.high}")
    if known.below < math.inf or not parts:
        parts.append("a finite number" if known.below == math.inf else f"less than {known.below}")
    return ", ".join(parts)


def one_of(name: str, names: Sequence[str]) -> str:
    """List some of the allowed names, and the one that was perhaps meant.

    >>> one_of("bal", ["ball", "rope"])
    "one of [ball, rope] (did you mean 'ball'?)"
    >>> one_of("犬", "abcdefghijklmnopq")
    'one of [a, b, c, d, e, f, g, h, i, j, ... (7 more)]'
    """
    listed = ", ".join(names[:SHOWN])
    if len(names) > SHOWN:
        listed += f", ... ({len(names) - SHOWN} more)"
    return f"one of [{listed}]{meant(name, names)}"


def meant(name: str, names: Sequence[str]) -> str:
    """Ask whether the nearest of the names was meant; '' if none is near.

    >>> meant("colum", ["classes", "column"])
    " (did you mean 'column'?)"
    """
    compared = len(names) <= SEARCHED and len(name) <= SHOWN_TEXT
    close = difflib.get_close_matches(name, names, n=1) if compared else []
    return f" (did you mean {close[0]!r}?)" if close else ""


class ByName(dict[str, Value]):
    """A dict of names that says which there are, where one is asked for that is not.

    >>> ByName({"breed/f1": 0.5})["breed/F1"]
    Traceback (most recent call last):
    KeyError: "'breed/F1' is not one of [breed/f1] (did you mean 'breed/f1'?)"
    """

    def __missing__(self, name: str) -> NoReturn:
        raise KeyError(f"{name!r} is not {one_of(str(name), list(self))}")


def constructor_signature(made: Any) -> inspect.Signature:
    """Return what `help` and editors show of a class whose type has a ``__call__`` of its own.

    >>> class Point:
    ...     def __init__(self, x: int, y: int = 0) -> None: ...
    >>> constructor_signature(Point).parameters["y"].default
    0
    """
    whole = inspect.signature(made.__init__)
    return whole.replace(parameters=list(whole.parameters.values())[1:])


def unknown_option(name: str, known: Sequence[str]) -> TypeError:
    """Make the error for an option that is none, with the name that was perhaps meant.

    >>> unknown_option("batchsize", ["batch_size", "seed"])
    TypeError("no option 'batchsize'; did you mean 'batch_size'?")
    """
    close = difflib.get_close_matches(name[:SHOWN_TEXT], known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else f"; expected {sorted(known)}."
    return TypeError(f"no option {name!r}{hint}")


def read_value(text: str) -> Any:
    """Read a JSON value, or leave the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def read_values(text: str) -> tuple[Any, ...]:
    """Read ``3,224,224``, ``csv,jsonl``.

    >>> read_values("3,224,224"), read_values("0.5"), read_values("csv")
    ((3, 224, 224), (0.5,), ('csv',))
    """
    return tuple(read_value(part) for part in text.split(",") if part)


def read_pair(text: str) -> tuple[str, Any]:
    """Read ``beta1=0.9`` or ``area=0.3,1``.

    >>> read_pair("beta1=0.9"), read_pair("area=0.3,1")
    (('beta1', 0.9), ('area', (0.3, 1)))
    """
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"{text!r}: expected NAME=VALUE")
    return name, read_values(value) if "," in value else read_value(value)


def read_call(text: str, name: str, example: str) -> tuple[str, dict[str, Any]]:
    """Read ``cagrad(c=0.4)`` or ``cagrad``: a name, and options in brackets.

    Words need no quotes, which a command line would take away. Raises `ValueError` with the
    option's name and an example for what is neither. Nothing is run; an option that is a call
    itself is left as text, for whoever knows what it makes.

    >>> read_call("cagrad(c=0.4)", "balance", "cagrad(c=0.4)")
    ('cagrad', {'c': 0.4})
    >>> read_call("random(draw=dirichlet)", "balance", "cagrad(c=0.4)")
    ('random', {'draw': 'dirichlet'})
    >>> read_call("ClassBalanced(loss=Focal(gamma=1))", "loss", "Focal(gamma=1)")
    ('ClassBalanced', {'loss': 'Focal(gamma=1)'})
    """
    word, bracket, _ = str(text).partition("(")
    if not bracket:
        return word, {}
    try:
        if len(str(text)) > MOST_TEXT:
            raise ValueError("it is too long")
        call = ast.parse(str(text), mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("options have names")
        return word, {each.arg or "**": _literal(each.value) for each in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last: too deep
        begin = str(text)[:SHOWN_TEXT]
        raise ValueError(
            f"{name}={begin!r}: expected NAME or NAME(OPTION=VALUE, ...), as {example}."
        ) from error


def _literal(node: ast.expr) -> Any:
    if isinstance(node, ast.Name | ast.Call):
        return ast.unparse(node)
    return ast.literal_eval(node)


def read_size(text: str) -> int:
    """Read ``1000``, ``64K``, ``512M`` or ``2G`` as bytes.

    >>> read_size("64K"), read_size("10")
    (65536, 10)
    """
    units = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    found = re.fullmatch(r"(\d+)([KMG]?)", text.upper())
    if found is None:
        raise ValueError("expected a whole number, or one with K, M or G behind it")
    return int(found.group(1)) * units[found.group(2)]


def read_shares(text: str) -> dict[str, float]:
    """Read ``train=0.8,val=0.2``.

    >>> read_shares("train=0.8,val=0.2")
    {'train': 0.8, 'val': 0.2}
    """
    parts = [part.partition("=") for part in text.split(",")]
    try:
        return {name: float(share) for name, _, share in parts}
    except ValueError:
        raise ValueError("expected NAME=SHARE,..., such as train=0.8,val=0.2") from None


def read_character(text: str) -> str:
    r"""Read one character, ``\t`` and ``tab`` for a tab."""
    return {"\\t": "\t", "tab": "\t", "space": " "}.get(text, text)
