"""Command line options that several verbs and tools share."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import Any, Dict, Mapping, Tuple


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """Options of everything that writes records."""
    group = parser.add_argument_group("how it runs")
    group.add_argument(
        "--on-error",
        choices=("raise", "skip"),
        default="raise",
        help="a bad row stops the run, or is listed in PREFIX.skipped.csv (exit code 3)",
    )
    group.add_argument("--resume", action="store_true", help="go on where a stopped run left off")
    group.add_argument("--workers", type=int, default=0, help="threads; 0 is one for each core")


def add_image_options(parser: argparse.ArgumentParser) -> None:
    """Options that the images' look depends on, beside those of MXNet's im2rec."""
    group = parser.add_argument_group("images")
    group.add_argument(
        "--background",
        type=color,
        default=(255, 255, 255),
        metavar="R,G,B",
        help="colour behind transparent pixels (255,255,255)",
    )
    group.add_argument(
        "--check",
        choices=("structure", "decode"),
        default="structure",
        help="how images that are kept as they are get checked",
    )


def add_shard_options(parser: argparse.ArgumentParser) -> None:
    """Options that divide the output into several files."""
    group = parser.add_argument_group("shards")
    group.add_argument("--shard-rows", type=int, default=0, help="records a file; 0 is no limit")
    group.add_argument("--shard-bytes", type=size, default=0, help="size of a file, such as 512M")


def color(text: str) -> Tuple[int, ...]:
    """Read ``255,255,255``."""
    return tuple(int(level) for level in text.split(","))


def size(text: str) -> int:
    """Read ``1000``, ``64K``, ``512M`` or ``2G`` as bytes.

    >>> size("64K"), size("10")
    (65536, 10)
    """
    units = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
    unit = text[-1:].upper()
    return int(text[:-1]) * units[unit] if unit in units else int(text)


def shares(text: str) -> Dict[str, float]:
    """Read ``train=0.8,val=0.2``."""
    return {
        name: float(share) for name, _, share in (part.partition("=") for part in text.split(","))
    }


def character(text: str) -> str:
    r"""Read one character, ``\t`` and ``tab`` for a tab."""
    return {"\\t": "\t", "tab": "\t", "space": " "}.get(text, text)


def task_spec(text: str) -> Mapping[str, Any]:
    """Read ``TYPE NAME option=value ...`` as `Task.to_dict` has it; lists are comma separated.

    >>> task_spec("Multiclass breed classes=beagle,pug weight=0.5")
    {'type': 'Multiclass', 'name': 'breed', 'classes': ['beagle', 'pug'], 'weight': 0.5}
    """
    kind, name, *options = shlex.split(text)
    spec: Dict[str, Any] = {"type": kind, "name": name}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals:
            raise ValueError(option)
        spec[key] = (
            value.split(",") if "," in value or key in ("classes", "labels") else number(value)
        )
    return spec


def number(text: str) -> Any:
    """Read a JSON value, or leave the text as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
