"""``mxmtl convert``: a table and its images become records."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .. import data
from .._options import Options
from ._arguments import add_options, given, task_spec

EXAMPLE = "mxmtl convert train.csv --images jpg --prefix data/train --resize 256 --yes"
OPTIONS: Sequence[type[Options]] = (data.TableOptions, data.ImageOptions, data.OutputOptions)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument(
        "table", help="CSV, TSV, text, Excel, Parquet, JSON, XML, .lst, or a folder; see --layout"
    )
    parser.add_argument("--images", help="folder that the paths begin from (that of the table)")
    parser.add_argument("--prefix", required=True, help="what to write, without .rec")
    add_task_arguments(parser)
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument(
        "--write-tasks",
        metavar="FILE",
        help="write the proposed tasks there, to be corrected; not with --dry-run",
    )
    instead.add_argument(
        "--dry-run",
        action="store_true",
        help="show all that is wrong with the table and its images, and write nothing",
    )
    for kind in OPTIONS:
        add_options(parser, kind)


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how tasks are given; without them they are proposed from the table."""
    group = parser.add_argument_group("tasks (proposed from the table where none are given)")
    group.add_argument("--tasks", help="a .tasks.json file")
    group.add_argument(
        "--task",
        action="append",
        default=[],
        type=task_spec,
        metavar="'TYPE NAME [column=C] [columns=6-] [classes=a,b] [weight=0.5]'",
        help="one task; class and label names come from the table where they are left out: from "
        "its column, or the headers of several",
    )
    group.add_argument("--ignore", action="append", default=[], help="a column that is no task")
    group.add_argument("--yes", action="store_true", help="take proposed tasks without asking")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print what was written."""
    writing = (data.ImageOptions, data.OutputOptions)
    chosen = {name: value for kind in writing for name, value in given(arguments, kind).items()}
    for kind in OPTIONS:
        kind(**given(arguments, kind))  # what is wrong by itself is said before a table is read
    tasks, doubt = arguments.tasks, False
    if arguments.images and not os.path.isdir(arguments.images):
        raise FileNotFoundError(f"--images {arguments.images}: no such folder.")
    if arguments.write_tasks:
        return write_tasks(arguments)
    table = opened(arguments)
    if tasks is None:
        inference = infer(arguments, table)
        if arguments.task:
            for name, note in inference.notes.items():
                print(f"{name}: note: {note}")
        elif not confirmed(inference, arguments.yes or arguments.dry_run):
            doubt = True
            if not arguments.dry_run:
                return 2
        tasks = inference.tasks
    if arguments.dry_run:
        faults = data.find_faults(table, arguments.images, tasks=tasks, **chosen)
        print(faults)
        return 2 if doubt else 3 if faults.num_bad else 0
    summary = data.write_records(
        table, arguments.images, prefix=arguments.prefix, tasks=tasks, **chosen
    )
    print(summary)
    return 3 if summary.num_skipped or summary.num_blanked else 0


def write_tasks(arguments: argparse.Namespace) -> int:
    """Write the proposed tasks to a file that is not there yet, or is to be replaced."""
    if os.path.exists(arguments.write_tasks) and not getattr(arguments, "force", False):
        raise FileExistsError(f"{arguments.write_tasks} is there; --force replaces it.")
    inference = infer(arguments, opened(arguments))
    inference.tasks.save(arguments.write_tasks)
    print(inference.text())
    print(f"{arguments.write_tasks}: correct it, and give it back as --tasks")
    return 0


def opened(arguments: argparse.Namespace) -> data.tables.TableReader:
    """Open the table, once for all that is done with it."""
    reading = {**given(arguments, data.TableOptions), "missing_values": missing_values(arguments)}
    return data.tables.open_table(arguments.table, data.TableOptions(**reading))


def infer(arguments: argparse.Namespace, table: data.tables.TableReader) -> data.Inference:
    """Take the tasks from the table, and from what the command line says of them."""
    told = given(arguments, data.OutputOptions)
    not_tasks = [told.get("split_column"), told.get("group"), *arguments.ignore]
    return data.infer_tasks(
        table, given=arguments.task, ignore=[one for one in not_tasks if one is not None]
    )


def missing_values(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the spellings of an unknown label: the empty cell, and those that are given."""
    return ("", *given(arguments, data.TableOptions).get("missing_values", ()))


def confirmed(inference: data.Inference, yes: bool) -> bool:
    """Show the proposed tasks, and ask whether they are right."""
    print(inference.text(), flush=True)
    if inference.doubts:
        print("mxmtl convert: first answer what is in doubt.", file=sys.stderr)
        return False
    if yes:
        return True
    if sys.stdin.isatty():
        return input("Are these the tasks? [y/N] ").strip().lower() in ("y", "yes")
    mend = (
        "add --yes if these are the tasks, or --write-tasks FILE, correct it, and give --tasks FILE"
    )
    print(f"mxmtl convert: {mend}.", file=sys.stderr)
    return False
