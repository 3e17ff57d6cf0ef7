"""What several workers bring on one machine, and what their talking costs.

    python tools/benchmarks/scaling.py

ResNet-18 with two heads, 64 px, 8 rows a worker; each worker has one thread. A step is forward,
backward and update; an exchange sends all gradients to the servers and gets their sums. Medians
over ``--steps`` steps, taken in turn, of the slowest worker. Efficiency is the step alone, while
the other workers do the same, by the step with them. The first row is one process without a
server.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

ROWS, PIXELS = 8, 64
LINE = "scaling: "


def measure(steps: int) -> dict[str, Any]:
    """Be one worker: return seconds of a step alone, of a step with the others, of an exchange."""
    import mxmtl
    from mxmtl import distributed

    import mxnet as mx
    import numpy as np

    workers = distributed.workers()
    tasks = mxmtl.TaskSet([mxmtl.Multiclass("kind", list("abcd")), mxmtl.Binary("yes")])
    mx.random.seed(0)
    with mx.name.NameManager():
        symbol = mxmtl.training_symbol(mxmtl.zoo_trunk("resnet18_v1"), tasks)
    rng = np.random.RandomState(workers.rank)
    batch = mx.io.DataBatch(
        [mx.nd.array(rng.rand(ROWS, 3, PIXELS, PIXELS))],
        [mx.nd.array(rng.randint(0, 2, ROWS)) for _ in tasks],
    )
    store = workers.store()
    modules = [bound(symbol, tasks, batch, kvstore) for kvstore in (None, store)]
    gradients = [mx.nd.array(array) for array in modules[0].get_params()[0].values()]
    names = [str(place) for place in range(len(gradients))]
    if store is not None:
        store.init(names, gradients)

    def step(module: Any) -> None:
        module.forward_backward(batch)
        module.update()

    whats = {"alone": lambda: step(modules[0]), "together": lambda: step(modules[1])}
    if store is not None:
        whats["exchange"] = lambda: store.pushpull(names, gradients)
    found: dict[str, Any] = medians(whats, steps, workers)
    found["megabytes"] = sum(array.size for array in gradients) * 4 / 1e6
    return found


def bound(symbol: Any, tasks: Any, batch: Any, kvstore: Any) -> Any:
    """Return a module that is ready to train."""
    import mxnet as mx

    module = mx.mod.Module(symbol, label_names=tasks.label_names)
    labels = [(task.label_name, task.label_shape(ROWS)) for task in tasks]
    module.bind([("data", batch.data[0].shape)], labels)
    module.init_params(mx.init.Xavier())
    module.init_optimizer(kvstore=kvstore)
    return module


def medians(whats: dict[str, Any], steps: int, workers: Any) -> dict[str, Any]:
    """Return the median of the seconds that each takes, in turn, of the slowest worker."""
    import mxnet as mx

    seconds: dict[str, list[float]] = {name: [] for name in whats}
    for turn in range(steps + 2):  # two to warm up
        for name, what in whats.items():
            workers.numbers("begin")
            began = time.perf_counter()
            what()
            mx.nd.waitall()
            if turn > 1:
                seconds[name].append(time.perf_counter() - began)
    micro = [int(1e6 * statistics.median(taken)) for taken in seconds.values()]
    slowest = workers.numbers("medians", *micro).max(axis=0)
    return {name: float(value) / 1e6 for name, value in zip(whats, slowest)}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.child:
        found = measure(arguments.steps)
        if os.environ.get("DMLC_WORKER_ID", "0") == "0":
            print(LINE + json.dumps(found), flush=True)
        return 0
    print("| workers | servers | step alone | with the others | exchange | images/s | efficiency |")
    print("|---|---|---|---|---|---|---|")
    child = [sys.executable, os.path.abspath(__file__), "--child", "--steps", str(arguments.steps)]
    row(child, 0, 0)
    for count in map(int, arguments.workers.split(",")):
        for servers in (1, 2) if count > 1 else (1,):
            row(child, count, servers)
    return 0


def row(child: list[str], workers: int, servers: int) -> None:
    """Run workers, and print a row."""
    command = child
    if workers:
        command = [sys.executable, "-m", "mxmtl", "launch", "-n", str(workers), "-s", str(servers)]
        command += ["--", *child]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:  # the launcher's logs
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, cwd=folder, check=True
        )
    found = json.loads(done.stdout.partition(LINE)[2].splitlines()[0])
    rate = max(workers, 1) * ROWS / found["together"]
    exchange = f"{1000 * found['exchange']:.0f} ms" if "exchange" in found else "-"
    print(
        f"| {workers or 'none'} | {servers} | {1000 * found['alone']:.0f} ms | "
        f"{1000 * found['together']:.0f} ms | {exchange} | {rate:.1f} | "
        f"{found['alone'] / found['together']:.2f} |",
        flush=True,
    )
    if not workers:
        print(f"(gradients: {found['megabytes']:.1f} MB)", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
