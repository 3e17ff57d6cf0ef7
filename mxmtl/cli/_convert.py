"""``mxmtl convert``: a table and its images become records."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any, Dict

from .. import data
from . import _options as options

EXAMPLE = "mxmtl convert train.csv --images jpg --prefix data/train --resize 256 --yes"
NOT_OPTIONS = ("verb", "table", "images", "prefix", "tasks", "task", "yes", "ignore", "write_tasks")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("table", help="CSV or TSV with a header, .lst, or folder of class folders")
    parser.add_argument("--images", help="folder that the paths begin from (that of the table)")
    parser.add_argument("--prefix", required=True, help="what to write, without .rec")
    add_task_arguments(parser)
    parser.add_argument(
        "--write-tasks",
        metavar="FILE",
        help="write the proposed tasks there, to be corrected",
    )
    add_table_arguments(parser)
    image = parser.add_argument_group("images (kept byte for byte where nothing has to change)")
    image.add_argument("--resize", type=int, default=0, help="length of the shorter edge")
    image.add_argument("--center-crop", action="store_true", help="cut out the middle square")
    image.add_argument("--encoding", choices=("jpg", "png", "webp"), help="(the image's own)")
    image.add_argument("--quality", type=int, help="of jpg and webp, 0 to 100 (95); of png, 0 to 9")
    image.add_argument("--color", choices=("color", "gray", "unchanged"), default="color")
    image.add_argument("--passthrough", choices=("auto", "always", "never"), default="auto")
    options.add_image_options(parser)
    options.add_shard_options(parser)
    split = parser.add_argument_group("splits, written to PREFIX_NAME")
    split.add_argument("--split", type=options.shares, metavar="NAME=SHARE,...")
    split.add_argument("--split-column", help="column that names the split of each row")
    split.add_argument("--group", help="column whose equal cells stay together")
    split.add_argument("--stratify", action="store_true", help="even shares of every label")
    split.add_argument("--seed", type=int, default=0)
    options.add_run_options(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there")


def add_task_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how tasks are given; without them they are proposed from the table."""
    group = parser.add_argument_group("tasks (proposed from the table where none are given)")
    group.add_argument("--tasks", help="a .tasks.json file")
    group.add_argument(
        "--task",
        action="append",
        default=[],
        type=options.task_spec,
        metavar="'TYPE NAME [classes=a,b] [weight=0.5]'",
        help="one task; class and label names come from the table where they are left out",
    )
    group.add_argument("--ignore", action="append", default=[], help="a column that is no task")
    group.add_argument("--yes", action="store_true", help="take proposed tasks without asking")


def add_table_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare how the table is read."""
    group = parser.add_argument_group("table")
    group.add_argument(
        "--layout",
        default="auto",
        choices=tuple(data.layouts()),
        help="; ".join(f"{name}: {about}" for name, about in data.layouts().items()),
    )
    group.add_argument("--path-column", default="path")
    group.add_argument("--delimiter", type=options.character, help="between cells (by the header)")
    group.add_argument(
        "--missing-value",
        dest="missing_values",
        action="append",
        default=[""],
        help="a spelling of an unknown label, beside the empty cell; may be repeated",
    )
    group.add_argument(
        "--separator", type=options.character, help="between names in one multi-label column"
    )
    group.add_argument("--empty-names", choices=("missing", "none"), default="missing")


def run(arguments: argparse.Namespace) -> int:
    """Convert, and print what was written."""
    chosen: Dict[str, Any] = {
        name: value for name, value in vars(arguments).items() if name not in NOT_OPTIONS
    }
    tasks = arguments.tasks
    if arguments.write_tasks:
        return write_tasks(arguments)
    if tasks is None:
        inference = infer(arguments)
        if arguments.task:
            for name, note in inference.notes.items():
                print(f"{name}: {note}")
        elif not confirmed(inference, arguments.yes):
            return 2
        tasks = inference.tasks
    summary = data.write_records(
        arguments.table, arguments.images, prefix=arguments.prefix, tasks=tasks, **chosen
    )
    print(summary)
    return 3 if summary.num_skipped else 0


def write_tasks(arguments: argparse.Namespace) -> int:
    """Write the proposed tasks to a file that is not there yet, or is to be replaced."""
    if os.path.exists(arguments.write_tasks) and not arguments.force:
        raise FileExistsError(f"{arguments.write_tasks} is there; --force replaces it.")
    inference = infer(arguments)
    inference.tasks.save(arguments.write_tasks)
    print(inference)
    print(f"{arguments.write_tasks}: correct it, and give it back as --tasks")
    return 0


def infer(arguments: argparse.Namespace) -> data.Inference:
    """Take the tasks from the table, and from what the command line says of them."""
    not_tasks = [arguments.split_column, arguments.group, *arguments.ignore]
    return data.infer_tasks(
        arguments.table,
        given=arguments.task,
        ignore=[column for column in not_tasks if column is not None],
        options=data.TableOptions(
            layout=arguments.layout,
            path_column=arguments.path_column,
            delimiter=arguments.delimiter,
            missing_values=arguments.missing_values,
            separator=arguments.separator,
            empty_names=arguments.empty_names,
        ),
    )


def confirmed(inference: data.Inference, yes: bool) -> bool:
    """Show the proposed tasks, and ask whether they are right."""
    print(inference, flush=True)
    if yes:
        return True
    if sys.stdin.isatty():
        return input("Are these the tasks? [y/N] ").strip().lower() in ("y", "yes")
    mend = (
        "add --yes if these are the tasks, or --write-tasks FILE, correct it, and give --tasks FILE"
    )
    print(f"mxmtl convert: {mend}.", file=sys.stderr)
    return False
