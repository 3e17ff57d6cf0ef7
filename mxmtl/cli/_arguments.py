"""From declared options to the arguments of a command line, and back to what was given."""

from __future__ import annotations

import argparse
import itertools
import shlex
from collections.abc import Container, Mapping, Sequence
from dataclasses import MISSING
from types import UnionType
from typing import Any, Union, get_args, get_origin

from .._options import Option, Options, check, coerced, declared, read_value

SHOWN = 60  # characters: longer choices are in the text alone
CALLS = ("loss", "missing_as")  # options of a task that are written as calls


def add_options(
    parser: argparse.ArgumentParser,
    kind: type[Options],
    *,
    only: Container[str] | None = None,
    without: Container[str] = (),
    **defaults: Any,
) -> None:
    """Declare an argument for each option of a class; what is not given is left to the class.

    ``defaults`` are those that the verb has instead of the class's, as its help shows them.
    """
    for name, (type_, known) in declared(kind).items():
        if known.flag != "" and name not in without and (only is None or name in only):
            default = defaults.get(name, getattr(kind, name, MISSING))  # where dataclasses keep it
            add_option(group_of(parser, known.group), name, type_, known, default)


def add_option(group: Any, name: str, type_: Any, known: Option, default: Any) -> None:
    """Declare the argument of one option."""
    flag = known.flag or "--" + name.replace("_", "-")
    common: dict[str, Any] = {"default": argparse.SUPPRESS, "dest": name}
    if type_ is bool:
        text, action = (
            (f"do not {known.help}", "store_false") if default else (known.help, "store_true")
        )
        flag = "--no-" + flag[2:] if default else flag
        group.add_argument(flag, action=action, help=escaped(text), **common)
        return
    more: dict[str, Any] = {"action": "append"} if known.repeat else {}
    if default is MISSING:
        more["required"] = True
    if known.bare is not None:
        more |= {"nargs": "?", "const": known.bare}
    group.add_argument(
        *(flag.split("/")), type=Reader(name, type_, known), help=escaped(help_of(known, default)),
        metavar=known.metavar or metavar_of(name, type_, known), **common, **more,
    )  # fmt: skip


class Reader:
    """Reads one value from the command line; says what was expected if it is none."""

    def __init__(self, name: str, type_: Any, known: Option) -> None:
        self.name, self.type, self.known = name, type_, known

    def __call__(self, text: str) -> Any:
        """Return the value; `argparse.ArgumentTypeError` says why there is none."""
        try:
            value = self._read(text)
            check(self.name, self.known, value)
        except (ValueError, TypeError) as error:
            said = str(error)
            starts = f"{self.name}=", f"{self.name}["
            said = said.split(": ", 1)[-1] if said.startswith(starts) else said
            raise argparse.ArgumentTypeError(f"{text!r}: {said.rstrip('.')}") from error
        return value

    def _read(self, text: str) -> Any:
        if self.known.read is not None:
            return self.known.read(text)
        kind = without_none(self.type)
        if is_a(kind, tuple):
            items = [text] if self.known.repeat else [part for part in text.split(",") if part]
            inner = get_args(kind)[0]
            found = tuple(coerced(self.name, inner, plain(inner, item)) for item in items)
            return found[0] if self.known.repeat else found
        if is_a(kind, Mapping):
            return coerced(self.name, kind, text)
        return coerced(self.name, kind, plain(kind, text))


def plain(kind: Any, text: str) -> Any:
    """Read a number where one is wanted, or leave the text as it is."""
    for read in {int: (int, float), float: (float,)}.get(kind, ()):
        try:
            return read(text)
        except ValueError:
            continue  # what it is not is said by whoever expected it
    return text


def without_none(kind: Any) -> Any:
    """Return T of ``T | None``."""
    if get_origin(kind) in (Union, UnionType):
        return next((part for part in get_args(kind) if part is not type(None)), kind)
    return kind


def is_a(kind: Any, container: type) -> bool:
    """Tell whether an annotation is that of such a container."""
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, container)


def help_of(known: Option, default: Any) -> str:
    """Return what --help says: what it is for, what it may be, what it is by default."""
    text = known.help
    meanings = [f"{name} ({about})" for name, about in known.chosen_from.items() if about]
    text += f": {', '.join(meanings)}" if meanings else ""
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return text if shown in ("", 0, None, MISSING) else f"{text} ({shown})"


def metavar_of(name: str, type_: Any, known: Option) -> str:
    """Return what --help calls a value."""
    kind = without_none(type_)
    names = ",".join(filter(None, known.names))
    if names and len(names) <= SHOWN and not is_a(kind, tuple):
        return f"{{{names}}}"
    if is_a(kind, tuple) and not known.repeat:
        return "VALUE,..."
    return "NAME=VALUE" if is_a(kind, Mapping) else name.upper()


def escaped(text: str) -> str:
    """Return a text that argparse does not take for a format."""
    return text.replace("%", "%%")


def group_of(parser: argparse.ArgumentParser, title: str) -> Any:
    """Return the parser's group of a title, made where there is none."""
    found = (group for group in parser._action_groups if group.title == title)
    return next(found, None) or parser.add_argument_group(title)


def given(arguments: argparse.Namespace, kind: type[Options]) -> dict[str, Any]:
    """Return the options of a class that the command line names."""
    known = declared(kind)
    on_the_line = {name for name, (_, option) in known.items() if option.flag != ""}
    return {name: value for name, value in vars(arguments).items() if name in on_the_line}


def read_options(kind: type[Options], texts: Mapping[str, str]) -> dict[str, Any]:
    """Read options that come as texts from elsewhere, such as the environment.

    Raises `ValueError` with the option's name for a text that is none of its values.
    """
    found = {}
    for name, text in texts.items():
        try:
            found[name] = Reader(name, *declared(kind)[name])(text)
        except argparse.ArgumentTypeError as error:
            raise ValueError(f"{name.upper()}={error}") from error
    return found


def no_option(name: str, options: Sequence[str], number: int) -> str:
    """Say what is wrong with an option without a value: mostly, that a name has spaces in it.

    >>> print(no_option("colour", ["column=Main", "Colour"], 1))
    'Colour' is no OPTION=VALUE; what has spaces stands in quotes, as column="Main Colour"
    """
    key, _, start = options[number - 1].partition("=") if number else ("column", "", name)
    words = list(itertools.takewhile(lambda word: "=" not in word, options[number:]))
    return (
        f"{words[0]!r} is no OPTION=VALUE; what has spaces stands in quotes, as "
        f'{key}="{" ".join([start, *words])}"'
    )


def task_spec(text: str) -> Mapping[str, Any]:
    """Read ``TYPE NAME option=value ...`` as `Task.to_dict` has it; lists are comma separated.

    >>> task_spec("Multiclass breed classes=beagle,pug weight=0.5")
    {'type': 'Multiclass', 'name': 'breed', 'classes': ['beagle', 'pug'], 'weight': 0.5}
    >>> task_spec('Binary edema column="Lung Edema"')
    {'type': 'Binary', 'name': 'edema', 'column': 'Lung Edema'}
    >>> task_spec("Multilabel toys loss=Asymmetric(gamma_neg=4, gamma_pos=0)")["loss"]
    'Asymmetric(gamma_neg=4,gamma_pos=0)'

    Raises `argparse.ArgumentTypeError`, whose text argparse shows, for what is none.
    """
    try:
        kind, name, *options = _calls_whole(shlex.split(text))
    except ValueError as error:  # a quote that has no end, or fewer words
        raise argparse.ArgumentTypeError(
            f"{text!r}: expected TYPE NAME and options, as 'Binary edema column=\"Lung Edema\"'"
        ) from error
    spec: dict[str, Any] = {"type": kind, "name": name}
    for number, option in enumerate(options):
        key, equals, value = option.partition("=")
        if not equals:
            raise argparse.ArgumentTypeError(f"{text!r}: {no_option(name, options, number)}")
        call = value.endswith(")") and key in CALLS
        listed = ("," in value and not call) or key in ("classes", "labels", "columns")
        spec[key] = value.split(",") if listed else read_value(value)
        if key == "column":
            spec[key] = value
    return spec


def _calls_whole(words: Sequence[str]) -> list[str]:
    """Put together what spaces within the brackets of a loss have parted."""
    whole: list[str] = []
    for word in words:
        last = whole[-1] if whole else ""
        if last.partition("=")[0] in CALLS and last.count("(") > last.count(")"):
            whole[-1] += word
        else:
            whole.append(word)
    return whole
