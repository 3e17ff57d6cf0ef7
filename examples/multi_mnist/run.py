"""MultiMNIST and its kin by the protocols of two papers, in several seeds.

    python examples/multi_mnist/run.py --protocol sener --dataset multi_mnist    # hours
    python examples/multi_mnist/run.py --images 512 --epochs 1 --seeds 1         # seconds

Each finished run adds a line to the log (results.jsonl, kept in the repository); runs whose line
is there are left out, and one that was stopped goes on at the epoch where it was. `table.py`
prints the log beside the published figures.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Dict, Iterator, List

import digits
from protocols import EPOCHS, MODELS, PROTOCOLS
from training import Job, train

HERE = Path(__file__).parent


def read_log(path: Path) -> List[Dict]:
    """Read the results; a line that a crash left unfinished is refused by its number."""
    rows = []
    for number, line in enumerate(path.read_text("utf-8").splitlines() if path.exists() else [], 1):
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise SystemExit(f"{path} line {number} is no JSON ({error}). Delete it.") from error
    return rows


def jobs(arguments: argparse.Namespace) -> Iterator[Job]:
    """Yield the jobs that the command line asks for, all models of a seed before the next."""
    for seed in range(arguments.seeds):
        for model in arguments.models:
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
                )


@lru_cache(maxsize=1)
def pictures(dataset: str, data: Path, held_out: int, images: int) -> Dict[str, digits.Pictures]:
    parts = digits.make(dataset, data, held_out=held_out)
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
    parser.add_argument("--seeds", type=int, default=3, help="run the seeds 0, 1, ...")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--images", type=int, default=0, help="of each part; 0: all")
    parser.add_argument("--tune", nargs="+", type=float, metavar="LR", help="compare rates on val")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where the packages go")
    parser.add_argument("--work", type=Path, default=Path("runs/multi_mnist"), help="checkpoints")
    parser.add_argument("--log", type=Path, default=HERE / "results.jsonl")
    arguments = parser.parse_args()

    for job in jobs(arguments):
        key = asdict(job).items()
        if any(key <= row.items() for row in read_log(arguments.log)):
            print(job.name, "is done")
            continue
        held_out = 10000 if job.tune else PROTOCOLS[job.protocol].held_out
        parts = dict(pictures(job.dataset, arguments.data, held_out, job.images))
        if job.tune:
            del parts["test"]
        result = train(job, parts, arguments.work)
        arguments.log.parent.mkdir(parents=True, exist_ok=True)
        with arguments.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
