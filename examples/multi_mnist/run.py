"""MultiMNIST and its kin by the protocols of two papers, in several seeds.

    python examples/multi_mnist/run.py --protocol sener --dataset multi_mnist    # hours
    python examples/multi_mnist/run.py --images 512 --epochs 1 --seeds 1         # seconds
    python examples/multi_mnist/run.py --protocol kurin --models both --balance equal upgrad

Each finished run adds a line to the log (results.jsonl, kept in the repository); runs whose line
is there are left out, and one that was stopped goes on at the epoch where it was. `table.py`
prints the log beside the published figures.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from mxmtl.balance import balance_of

import digits
from protocols import EPOCHS, MODELS, PROTOCOLS
from results import HERE, append, read_log
from training import Job, train


def jobs(arguments: argparse.Namespace) -> Iterator[Job]:
    """Yield the jobs that the command line asks for, all of a seed before the next."""
    for seed in range(arguments.seeds):
        for model, balance in itertools.product(arguments.models, arguments.balance):
            rates = [PROTOCOLS[arguments.protocol].lr[model]]
            for lr in arguments.tune or rates:
                yield Job(
                    arguments.protocol,
                    arguments.dataset,
                    model,
                    seed,
                    arguments.epochs,
                    lr,
                    arguments.images,
                    bool(arguments.tune),
                    balance,
                )


@lru_cache(maxsize=1)
def pictures(dataset: str, data: Path, hold_out: bool, images: int) -> dict[str, digits.Pictures]:
    parts = digits.make(dataset, data, hold_out=hold_out)
    if not images:
        return parts
    return {
        name: digits.Pictures(*(array[:images] for array in part)) for name, part in parts.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--protocol", choices=PROTOCOLS, default="sener")
    parser.add_argument("--dataset", choices=digits.DATASETS, default="multi_mnist")
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument(
        "--balance", nargs="+", default=["equal"], help="how the tasks are weighed: mxmtl.balance"
    )
    parser.add_argument("--seeds", type=int, default=3, help="run the seeds 0, 1, ...")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--images", type=int, default=0, help="of each part; 0: all")
    parser.add_argument("--tune", nargs="+", type=float, metavar="LR", help="compare rates on val")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the packages go")
    parser.add_argument("--work", type=Path, default=Path("runs/multi_mnist"), help="checkpoints")
    parser.add_argument("--log", type=Path, default=HERE / "results.jsonl")
    arguments = parser.parse_args()
    for method in map(balance_of, arguments.balance):
        if method is not None and method.state_width(2) and not method.trained:
            parser.error(f"--balance {method}: it remembers what mxmtl.fit would write down.")

    for job in jobs(arguments):
        if any(job.is_that_of(row) for row in read_log(arguments.log)):
            print(job.name, "is done")
            continue
        hold_out = job.tune or PROTOCOLS[job.protocol].hold_out
        parts = dict(pictures(job.dataset, arguments.data, hold_out, job.images))
        if job.tune:
            del parts["test"]
        append(arguments.log, train(job, parts, arguments.work))


if __name__ == "__main__":
    main()
