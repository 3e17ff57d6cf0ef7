"""Kill training at random moments, go on, and compare the weights with an undisturbed run's.

    python tools/kill_training.py --kills 20

Each life of the run is ended by SIGKILL (or, with --signal INT, by Ctrl-C) a random time after its
first batch. As a checkpoint is written after every batch, many kills meet one that is being
written. After each kill every checkpoint that counts as good is checked. The last line says
whether the final weights are equal, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mxmtl import training

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.05, "momentum": 0.9},
    "adam": {"optimizer": "adam", "lr": 0.01, "schedule": "cosine", "warmup": 2.0},
}


class Announce(training.Callback):
    """Says that a batch is done, once."""

    said = False

    def on_batch_end(self, session: training.Session) -> None:
        if not self.said:
            print("training", flush=True)
        self.said = True


def live(arguments: argparse.Namespace) -> None:
    """Be a life of the run: begin it, or go on with it."""
    from tests.training import _small

    run = Path(arguments.child)
    callbacks = [Announce()]
    try:
        if training.find_checkpoints(run):
            training.resume(run, callbacks=callbacks)
        else:
            options = {**OPTIMIZERS[arguments.optimizer], "epochs": arguments.epochs}
            options.update(save_batches=1, callbacks=callbacks, force=True)
            _small.fit(arguments.records, run, **options)
    except training.Interrupted as stop:
        print(stop, flush=True)
        sys.exit(130)


def spend(command: list[str], wait: float, number: int) -> int:
    """Run one life until it is killed or done; return its exit code."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if line.strip() == "training":
            break
    time.sleep(wait)
    process.send_signal(number)
    process.stdout.close()
    return process.wait()


def check(run: Path) -> int:
    """Check every checkpoint that counts as good; return how many there are."""
    checkpoints = training.find_checkpoints(run)
    for checkpoint in checkpoints:
        checkpoint.state()
    return len(checkpoints)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--optimizer", choices=sorted(OPTIMIZERS), default="sgd")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--within", type=float, default=0.4, help="seconds after the first batch")
    parser.add_argument("--signal", choices=("KILL", "INT"), default="KILL")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--records", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        live(arguments)
        return 0
    return protocol(arguments)


def protocol(arguments: argparse.Namespace) -> int:
    """Kill, go on, compare; return the exit code."""
    from tests.training import _small

    rng = random.Random(arguments.seed)
    number = getattr(signal, f"SIG{arguments.signal}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "records").mkdir()
        records = _small.write(folder / "records")
        common = [sys.executable, __file__, "--records", records]
        common += ["--optimizer", arguments.optimizer, "--epochs", str(arguments.epochs)]
        subprocess.run([*common, "--child", str(folder / "whole")], check=True, capture_output=True)
        run, kills, unfinished = folder / "killed", 0, 0
        while kills < arguments.kills:
            code = spend([*common, "--child", str(run)], rng.uniform(0, arguments.within), number)
            if code == 0:
                break
            kills += 1
            unfinished += any(run.glob(".*.part"))
            good = check(run)
            last = training.find_checkpoints(run)[-1].stem if good else "none"
            print(f"kill {kills}: exit code {code}, {good} good checkpoints, last {last}")
        subprocess.run([*common, "--child", str(run)], check=True, capture_output=True)
        equal = _small.weights(training.Run(run)) == _small.weights(training.Run(folder / "whole"))
        result = {"optimizer": arguments.optimizer, "signal": arguments.signal, "kills": kills}
        result.update(killed_while_writing=unfinished, equal=equal)
        print(json.dumps(result))
        return 0 if equal and kills == arguments.kills else 1


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    sys.exit(main(sys.argv[1:]))
