"""MXNet's im2rec, with its command lines, on mxmtl's converter.

    python tools/im2rec.py --list --recursive --train-ratio 0.8 data/dogs jpg/
    python tools/im2rec.py --resize 256 --quality 95 --num-thread 4 data/dogs jpg/

What differs: all labels of a line are packed, always; PREFIX stands for PREFIX.lst and
PREFIX_*.lst, and not for other lists that begin like it; a bad line or image stops the run or is
listed, and is never passed over in silence; the order does not depend on the number of threads;
images that nothing has to be done to keep their bytes; output appears when it is complete, with a
manifest beside it. Exit codes: 0 done; 1 failed; 2 wrong command line; 3 done, rows left out.
"""

from __future__ import annotations

import argparse
import os
import sys

from mxmtl.cli import add_options, describe, given
from mxmtl.data import ImageOptions, OutputOptions, write_records

from _image_lists import ListOptions, find_lists, write_lists

OURS = ("on_error", "shard_rows", "shard_bytes", "workers", "resume")
COLORS = {1: "color", 0: "gray", -1: "unchanged"}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        "im2rec", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("prefix", help="of the .lst and .rec files, read and written")
    made.add_argument("root", help="folder of the images")
    lists = made.add_argument_group("lists of images")
    lists.add_argument("--list", action="store_true", help="write PREFIX.lst instead of records")
    lists.add_argument("--exts", nargs="+", default=[".jpeg", ".jpg", ".png"])
    lists.add_argument("--chunks", type=int, default=1, help="number of lists")
    lists.add_argument("--train-ratio", type=float, default=1.0)
    lists.add_argument("--test-ratio", type=float, default=0.0)
    lists.add_argument("--recursive", action="store_true", help="each folder is a class")
    lists.add_argument("--no-shuffle", dest="shuffle", action="store_false")
    images = made.add_argument_group("records")
    images.add_argument("--pass-through", action="store_true", help="store every image as it is")
    images.add_argument("--resize", type=int, default=0, help="length of the shorter edge")
    images.add_argument("--center-crop", action="store_true", help="cut out the middle square")
    images.add_argument("--quality", type=int, help="of jpg, 1 to 100 (95), or png, 0 to 9 (3)")
    images.add_argument("--num-thread", type=int, default=0, help="threads; 0: one for each core")
    images.add_argument("--color", type=int, default=1, choices=list(COLORS))
    images.add_argument("--encoding", choices=[".jpg", ".png", ".webp"], default=".jpg")
    images.add_argument("--pack-label", action="store_true", help="always so; accepted as it is")
    ours = made.add_argument_group("of mxmtl")
    ours.add_argument("--tasks", help="what the labels are: a .tasks.json file")
    add_options(made, ImageOptions, only=("background", "check"))
    add_options(made, OutputOptions, only=OURS)
    return made


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        return make_lists(arguments) if arguments.list else make_records(arguments)
    except KeyboardInterrupt:
        print("im2rec: stopped.", file=sys.stderr)
        return 130
    except (OSError, ValueError, TypeError) as error:
        print(f"im2rec: {describe(error)}", file=sys.stderr)
        return 1


def make_lists(arguments: argparse.Namespace) -> int:
    chosen = ListOptions(
        recursive=arguments.recursive,
        endings=arguments.exts,
        shuffle=arguments.shuffle,
        chunks=arguments.chunks,
        train_ratio=arguments.train_ratio,
        test_ratio=arguments.test_ratio,
    )
    _, classes = write_lists(os.path.abspath(arguments.prefix), arguments.root, chosen)
    for folder, label in classes.items() if arguments.recursive else ():
        print(folder, label)
    return 0


def make_records(arguments: argparse.Namespace) -> int:
    quality = arguments.quality
    if quality is not None and arguments.encoding == ".png":
        quality = min(quality, 9)  # as OpenCV takes it
    more = {**given(arguments, ImageOptions), **given(arguments, OutputOptions)}
    for taken in ("resize", "center_crop", "quality", "encoding", "color"):
        more.pop(taken, None)  # MXNet's own, in its spelling
    code = 0
    for path in find_lists(arguments.prefix):
        summary = write_records(
            path,
            arguments.root,
            prefix=os.path.splitext(path)[0],
            tasks=arguments.tasks,
            resize=arguments.resize,
            center_crop=arguments.center_crop,
            quality=quality,
            encoding=arguments.encoding[1:],
            color=COLORS[arguments.color],
            passthrough="always" if arguments.pass_through else "auto",
            **{"workers": arguments.num_thread, **more},
            force=True,
        )
        print(summary)
        code = 3 if summary.num_skipped else code
    return code


if __name__ == "__main__":
    sys.exit(main())
