"""Images a second of prediction: Module.predict, the Predictor on its backends, INT8, PyTorch.

    python tools/benchmarks/prediction.py                    # about 3 minutes on 2 cores
    python tools/benchmarks/prediction.py --torch ../torch/bin/python
    python tools/benchmarks/prediction.py --trunk small --size 64 --calls 10000

Module.predict is given batches that are prepared already; the Predictor gets pixels, scales them
and gives answers in words. Variants take turns, round after round, each in a process of its own;
the table shows the median over rounds of the rate relative to Module.predict with the same number
of threads. "MXNet's threads" is Module.predict as it is where nobody sets OMP_NUM_THREADS.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BATCHES = (1, 32)
MODULE = "Module.predict"
STOCK = "Module.predict, MXNet's threads"
MXNET, ONNX, INT8, TORCH = "Predictor", "Predictor, ONNX Runtime", "Predictor, INT8", "PyTorch"


def model_of(trunk: str, size: int) -> Any:
    """Return a network with four tasks, whose parameters are drawn."""
    import mxmtl
    from mxmtl.model import Model, ModelFile, Preprocessing

    import mxnet as mx

    tasks = mxmtl.TaskSet(
        [
            mxmtl.Multiclass("breed", [f"c{i}" for i in range(10)]),
            mxmtl.Binary("outdoors"),
            mxmtl.Multilabel("toys", [f"l{i}" for i in range(10)]),
            mxmtl.Regression("age"),
        ]
    )
    mx.random.seed(1)
    body = mxmtl.small_trunk() if trunk == "small" else mxmtl.zoo_trunk(trunk)
    net = mxmtl.MultiTaskNet(body, tasks)
    net.initialize(mx.init.Xavier(magnitude=2))
    net(mx.nd.zeros((1, 3, size, size)))
    file = ModelFile(tasks, Preprocessing((3, size, size), (127.0,), (64.0,)))
    return Model(mxmtl.training_symbol(net, tasks), mxmtl.module_params(net), file, trunk)


def pixels(size: int, rows: int) -> Any:
    import numpy as np

    return np.random.RandomState(0).randint(0, 256, (rows, size, size, 3)).astype(np.uint8)


def by_module(arguments: argparse.Namespace, batch: int) -> Callable[[], Any]:
    """Return Module.predict over as many rows as there are in a batch."""
    import mxmtl

    import mxnet as mx
    import numpy as np

    model = model_of(arguments.trunk, arguments.size)
    symbol = mxmtl.prediction_symbol(model.symbol, model.tasks)
    module = mx.mod.Module(symbol, label_names=None)
    images = pixels(arguments.size, batch).transpose(0, 3, 1, 2)
    data = mx.io.NDArrayIter((images.astype(np.float32) - 127) / 64, batch_size=batch)
    module.bind(data.provide_data, for_training=False)
    module.set_params(*model.params)
    return lambda: [part.asnumpy() for part in module.predict(data, always_output_list=True)]


def by_predictor(arguments: argparse.Namespace, batch: int, variant: str) -> Callable[[], Any]:
    """Return a call of the Predictor with a batch of pixels, one of them alone for 1."""
    import mxmtl
    from mxmtl.export import quantize

    model = model_of(arguments.trunk, arguments.size)
    if variant == INT8:
        model = quantize(model, records_of(arguments.size))
    backend = "onnxruntime" if variant == ONNX else "mxnet"
    predictor = mxmtl.Predictor(model, backend=backend, batch_size=batch, device="cpu")
    images = pixels(arguments.size, batch)
    return lambda: predictor(images[0] if batch == 1 else images)


def records_of(size: int) -> str:
    """Write records to calibrate on; return their prefix."""
    import mxmtl

    import cv2

    folder = Path(tempfile.mkdtemp())
    lines = ["path,b"]
    for index, image in enumerate(pixels(size, 64)):
        cv2.imwrite(str(folder / f"{index}.png"), image)
        lines.append(f"{index}.png,1")
    (folder / "c.csv").write_text("\n".join(lines), "utf-8")
    tasks = mxmtl.TaskSet([mxmtl.Binary("b")])
    mxmtl.write_records(folder / "c.csv", images=folder, prefix=folder / "c", tasks=tasks)
    return str(folder / "c")


def by_torch(arguments: argparse.Namespace, batch: int) -> Callable[[], Any]:
    """Return a forward pass of the same ResNet-18 with four heads in PyTorch."""
    import torch
    from torch import nn

    def block(wide: int, channels: int, stride: int) -> nn.Module:
        class Residual(nn.Module):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.body = nn.Sequential(
                    nn.Conv2d(wide, channels, 3, stride, 1, bias=False), nn.BatchNorm2d(channels),
                    nn.ReLU(), nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
                    nn.BatchNorm2d(channels),
                )  # fmt: skip
                self.short = nn.Identity()
                if stride != 1 or wide != channels:
                    self.short = nn.Sequential(
                        nn.Conv2d(wide, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
                    )

            def forward(self, x: Any) -> Any:
                return torch.relu(self.body(x) + self.short(x))

        return Residual()

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    plan = [(64, 64, 1), (64, 64, 1), (64, 128, 2), (128, 128, 1)]
    plan += [(128, 256, 2), (256, 256, 1), (256, 512, 2), (512, 512, 1)]
    trunk = nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(),
        nn.MaxPool2d(3, 2, 1), *(block(*each) for each in plan),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    heads = nn.ModuleList([nn.Linear(512, width) for width in (10, 1, 10, 1)])
    network = nn.ModuleList([trunk, heads]).eval().to(memory_format=torch.channels_last)
    images = torch.randn(batch, 3, arguments.size, arguments.size)
    images = images.to(memory_format=torch.channels_last)

    def step() -> None:
        with torch.inference_mode():
            features = network[0](images)
            [head(features).numpy() for head in network[1]]

    return step


def serve(arguments: argparse.Namespace) -> None:
    """Be the worker of one variant: for each line of input time some calls and print the rate."""
    variant, batch = arguments.variant, arguments.batch
    if variant == TORCH:
        call = by_torch(arguments, batch)
    elif variant in (MODULE, STOCK):
        call = by_module(arguments, batch)
    else:
        call = by_predictor(arguments, batch, variant)
    now = time.process_time if arguments.cpu else time.perf_counter
    call()
    begin = now()
    call()
    repeat = max(1, int(arguments.seconds / max(now() - begin, 1e-6)))
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = now()
        for _ in range(repeat):
            call()
        print(batch * repeat / (now() - begin), flush=True)


def compare(arguments: argparse.Namespace, batch: int, cores: int) -> dict[str, list[float]]:
    """Start all variants, let them take turns, and return their rates."""
    variants = [MODULE, *([] if arguments.cpu else [STOCK]), MXNET, ONNX, INT8]
    variants += [TORCH] if arguments.torch else []
    workers = {}
    for variant in variants:
        threads = max(1, (os.cpu_count() or 2) // 2) if variant == STOCK else cores
        line = [arguments.torch if variant == TORCH else sys.executable, __file__]
        line += ["--variant", variant, "--batch", str(batch), "--trunk", arguments.trunk]
        line += ["--size", str(arguments.size), "--seconds", str(arguments.seconds)]
        line += ["--cpu"] if arguments.cpu else []
        workers[variant] = subprocess.Popen(
            line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        )  # fmt: skip
    rates: dict[str, list[float]] = {}
    for variant, worker in list(workers.items()):
        if worker.stdout.readline().strip() == "ready":
            rates[variant] = []
        else:
            print(f"{variant}: left out (exit code {worker.wait()})", file=sys.stderr)
    for _ in range(arguments.rounds):
        for variant in rates:
            workers[variant].stdin.write("go\n")
            workers[variant].stdin.flush()
            rates[variant].append(float(workers[variant].stdout.readline()))
    for worker in workers.values():
        worker.communicate()
    return rates


def difference(arguments: argparse.Namespace) -> list[str]:
    """Say how far predictions are from those of Module.predict."""
    import numpy as np

    expected = by_module(arguments, 1)()
    lines = []
    for variant in (MXNET, ONNX, INT8):
        answers = by_predictor(arguments, 1, variant)().answers.values()
        found = [
            [answer.answer] if not answer.probabilities else list(answer.probabilities.values())
            for answer in answers
        ]
        most = max(np.abs(np.array(a) - b[0]).max() for a, b in zip(found, expected))
        lines.append(f"{variant}: {most:.1e} from {MODULE}")
    return lines


def resident() -> float:
    """Return the memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory(arguments: argparse.Namespace) -> str:
    """Call the predictor many times; say how its memory went."""
    call = by_predictor(arguments, 1, MXNET)
    sizes = []
    for part in range(11):
        for _ in range(arguments.calls // 10 if part else 100):
            call()
        sizes.append(resident())
    return f"memory after 100 calls {sizes[0]:.0f} MB, after {arguments.calls} more " + (
        f"{sizes[-1]:.0f} MB (highest {max(sizes):.0f} MB)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trunk", default="resnet18_v1")
    parser.add_argument("--size", type=int, default=224, help="height and width of the images")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one variant in one round")
    parser.add_argument("--threads", type=int, default=0, help="0: one for each core")
    parser.add_argument(
        "--cpu", action="store_true", help="count seconds of processor time (on a busy machine)"
    )
    parser.add_argument("--calls", type=int, default=0, help="count memory over so many calls")
    parser.add_argument("--torch", help="a Python with PyTorch (for ResNet-18)")
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--batch", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.variant:
        serve(arguments)
        return
    import mxmtl

    from tabulate import tabulate

    cores = arguments.threads or mxmtl.usable_cores()
    unit = "images / processor second" if arguments.cpu else "images/s"
    print(f"{arguments.trunk}, {arguments.size} px, {cores} threads\n")
    for batch in BATCHES:
        rates = compare(arguments, batch, cores)
        rows = [
            [
                name,
                f"{statistics.median(each):.1f}",
                f"{statistics.median(a / b for a, b in zip(each, rates[MODULE])):.2f}",
            ]
            for name, each in rates.items()
        ]
        print(tabulate(rows, [f"batch {batch}", unit, "ratio"], tablefmt="github"), "\n")
    print("\n".join(difference(arguments)))
    if arguments.calls:
        print(memory(arguments))


if __name__ == "__main__":
    main()
