"""``mxmtl train``: records in, a run folder out."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import shlex
import sys
from typing import Any, Dict

from ..distributed import workers
from ..training import RateFinding, Settings, find_lr, fit, resume
from . import _options as options

EXAMPLE = "mxmtl train data/train --val data/val --run runs/first --epochs 5 --lr 0.05"
DESCRIPTION = """\
Train a network with one head a task on records, through MXNet's own Module.fit.

The run folder gets MXNet's files (model-symbol.json, model-0001.params, ...), model.json with the
tasks and the preprocessing, settings.json, and beside each checkpoint a JSON with what is needed
to go on from it. Ctrl-C stops after the batch and saves; mxmtl train --resume RUN goes on, and
ends with the same weights as a run that was not stopped.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line: one option for each field of `Settings`."""
    parser.description = DESCRIPTION
    parser.add_argument("train", nargs="*", help="records to train on, without .rec")
    parser.add_argument("--val", action="append", help="records to validate on; may be repeated")
    parser.add_argument("--run", help="folder to write")
    parser.add_argument("--force", action="store_true", help="replace a run that is there")
    parser.add_argument("--resume", metavar="RUN", help="go on with a run that was stopped")
    parser.add_argument(
        "--find-lr",
        metavar="FILE",
        help="only try growing learning rates, print a suggestion, and write the curve: .csv, "
        ".png or .svg",
    )
    groups: Dict[str, Any] = {}
    for field in dataclasses.fields(Settings):
        name = field.metadata["group"]
        group = groups.setdefault(name, None) or parser.add_argument_group(name)
        groups[name] = group
        add_option(group, field)


def add_option(group: Any, field: "dataclasses.Field[Any]") -> None:
    """Declare the option of one field; what is not given is left to `Settings`."""
    common: Dict[str, Any] = {"default": argparse.SUPPRESS, "dest": field.name}
    flag, text = "--" + field.name.replace("_", "-"), field.metadata["help"]
    if field.name == "augment":
        group.add_argument(
            flag, action="append", type=step, metavar="'NAME [OPTION=VALUE ...]'", **common,
            help=f"{text}; may be repeated, as --augment 'RandomRotation degrees=9'",
        )  # fmt: skip
    elif field.name == "optimizer_params":
        group.add_argument(
            flag, action="append", type=pair, metavar="NAME=VALUE", help=text, **common
        )
    elif field.default is False:
        group.add_argument(flag, action="store_true", help=text, **common)
    elif field.default is True:
        group.add_argument(
            "--no-" + flag[2:], action="store_false", help=f"do not {text}", **common
        )
    elif isinstance(field.default, tuple):
        text += f" ({','.join(map(str, field.default))})" if field.default else ""
        group.add_argument(flag, type=values, metavar="VALUE,...", help=text, **common)
    else:
        shown = f"{text} ({field.default})" if field.default not in ("", 0) else text
        group.add_argument(flag, type=type(field.default), help=shown, **common)


def run(arguments: argparse.Namespace) -> int:
    """Train, or go on training."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    names = {field.name for field in dataclasses.fields(Settings)}
    given = {name: value for name, value in vars(arguments).items() if name in names}
    if arguments.find_lr:
        unused = [name for name in ("resume", "run", "val") if getattr(arguments, name)]
        if unused:
            named = ", ".join("--" + name for name in unused)
            return wrong(f"--find-lr keeps nothing, and tries training records alone: no {named}.")
        if not arguments.train:
            return wrong("expected records to try learning rates on.")
        RateFinding.check(arguments.find_lr, arguments.force)
        finding = find_lr(one_or_more(arguments.train), **given)
        finding.save(arguments.find_lr)
        print(finding)
        return 0
    if arguments.resume:
        if arguments.train or arguments.val or arguments.run or arguments.force:
            return wrong("--resume RUN takes records and folder from the run.")
        done = resume(arguments.resume, **given)
    else:
        if not arguments.train or not arguments.run:
            return wrong("expected records to train on and --run FOLDER, or --resume RUN.")
        done = fit(
            one_or_more(arguments.train),
            one_or_more(arguments.val),
            run=arguments.run,
            force=arguments.force,
            **given,
        )
    if workers().leads:
        print(f"{done.folder}: best {done.best.stem}, last {done.last.stem}")
    return 0


def wrong(text: str) -> int:
    """Say what is wrong with the command line."""
    print(f"mxmtl train: {text} See mxmtl train --help.", file=sys.stderr)
    return 2


def one_or_more(prefixes: Any) -> Any:
    """Return a single prefix as itself."""
    return prefixes[0] if prefixes and len(prefixes) == 1 else prefixes


def values(text: str) -> Any:
    """Read ``3,224,224``, ``csv,jsonl``.

    >>> values("3,224,224"), values("0.5"), values("csv")
    ((3, 224, 224), (0.5,), ('csv',))
    """
    return tuple(options.number(part) for part in text.split(",") if part)


def pair(text: str) -> Any:
    """Read ``beta1=0.9``."""
    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(text)
    return name, options.number(value)


def step(text: str) -> Dict[str, Any]:
    """Read ``RandomZoom least=0.8 most=1.2`` as `Settings` takes it.

    >>> step("RandomResizedCrop area=0.3,1")
    {'type': 'RandomResizedCrop', 'area': (0.3, 1)}
    """
    kind, *pairs = shlex.split(text)
    chosen = dict(pair(part) for part in pairs)
    read = {k: values(v) if isinstance(v, str) and "," in v else v for k, v in chosen.items()}
    return {"type": kind, **read}
