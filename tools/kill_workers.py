"""Kill workers, servers and the scheduler at random moments, go on, and compare the weights.

    python tools/kill_workers.py --kills 20

Each life of the run is a launch of two workers; one process of it is killed by SIGKILL a random
time after the first batch of that life, or during its start. After each kill everything must have
ended within 10 seconds, with an exit code that is not 0 and a message that names the process. The
last line says whether the final weights are those of an undisturbed launch, byte for byte, and how
far those, and those of 1, 2 and 4 workers without a kill, are from those of one process.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROLES = [("worker", 0), ("worker", 1), ("server", 0), ("scheduler", 0)]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--within", type=float, default=3.0, help="seconds after the first batch")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        return protocol(arguments, Path(name))


def protocol(arguments: argparse.Namespace, folder: Path) -> int:
    """Kill, go on, compare; then the same without kills; return the exit code."""
    from mxmtl import training
    from tests.distributed import _life
    from tests.distributed._launched import PROMISE
    from tests.training import _small

    rng = random.Random(arguments.seed)
    (folder / "records").mkdir()
    records = _small.write(folder / "records")
    alone = _life.live(records, folder / "alone", epochs=arguments.epochs)
    print("| kill | process | exit code | seconds | last checkpoint |\n|---|---|---|---|---|")
    seconds: list[float] = []
    for kill in range(arguments.kills):
        role, index = ROLES[kill % len(ROLES)]
        wait = rng.uniform(0, arguments.within)
        result = one_life(folder, records, f"life-{kill}", (role, index, wait, arguments.epochs))
        seconds.append(result["seconds"])
        kept = training.find_checkpoints(folder / "killed")
        for checkpoint in kept:
            checkpoint.state()  # raises for one that counts as good and is not
        last = kept[-1].stem if kept else "none"
        print(
            f"| {kill + 1} | {role} {index} | {result['code']} | {seconds[-1]:.1f} | {last} |",
            flush=True,
        )
        if result["code"] in (None, 0) or not result["named"] or seconds[-1] > PROMISE:
            print(result["text"])
            return 1
    for name in ("killed", "whole"):
        ended(launched(folder, records, name, name, arguments.epochs))
    runs = {name: training.Run(folder / name) for name in ("killed", "whole")}
    equal = _small.weights(runs["killed"]) == _small.weights(runs["whole"])
    far = {"killed": distance(runs["killed"], alone)}
    for count in (1, 2, 4):
        name = f"{count} workers"
        ended(launched(folder, records, name, name, arguments.epochs, count))
        far[name] = distance(training.Run(folder / name), alone)
    summary = {"kills": arguments.kills, "longest": round(max(seconds, default=0), 1)}
    print(json.dumps({**summary, "equal": equal, "from_one_process": far}))
    return 0 if equal and max(far.values()) < 1e-6 else 1


def ended(launch: Any) -> None:
    """Wait for a launch that must end well."""
    code = launch.end()
    if code:
        raise SystemExit(f"exit code {code}:\n{launch.text}")


def one_life(folder: Path, records: str, name: str, kill: Any) -> dict[str, Any]:
    """Go on with the run, kill a process of it; tell how that ended."""
    role, index, wait, epochs = kill
    life = launched(folder, records, "killed", name, epochs)
    if wait > 0.5:  # else while everything starts
        life.wait_for(" is done")
        time.sleep(wait - 0.5)
    else:
        while True:
            try:
                life.find(role, index)
                break
            except AssertionError:
                time.sleep(0.05)
    took = life.kill(role, index)
    who = role if role == "scheduler" else f"{role} {index}"
    named = f"mxmtl launch: {who} (process" in life.text
    return {"seconds": took, "code": life.process.returncode, "named": named, "text": life.text}


def launched(folder: Path, records: str, run: str, name: str, epochs: int, workers: int = 2) -> Any:
    """Launch workers that begin a run or go on with it."""
    from tests.distributed import _life
    from tests.distributed._launched import Launched

    command = [sys.executable, _life.__file__, records, str(folder / run), "0.05", str(epochs)]
    return Launched(folder, "-n", str(workers), "--", *command, name=name)


def distance(run: Any, other: Any) -> float:
    """Return the largest difference between the weights of two runs."""
    args, others = run.load("last")[1], other.load("last")[1]
    return max(float(abs(args[n] - others[n]).max().asscalar()) for n in others)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1:]))
