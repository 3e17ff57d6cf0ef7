r"""Load on a service from a second process: good requests, bad ones and slow clients, all at once.

    python tools/serve_load.py runs/first model.onnx --seconds 60 --out docs/benchmarks/serving.md
    python tools/serve_load.py --url http://127.0.0.1:8000 --seconds 5

With models it starts ``mxmtl serve`` for one after the other, watches its memory, and stops it with
SIGTERM while requests are in flight. Every answer is checked: good requests must get 200 and always
the same answer for an image, each bad one the status that it deserves. Exit code 1 if anything
else came.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _serve_requests import Kind, Load, bad_requests, pictures, slow_requests
from tabulate import tabulate


def good(load: Load, images: list[bytes], start: int) -> None:
    """Ask again and again on one connection; an image's answer must stay the same."""
    known: dict[int, Any] = {}
    connection = http.client.HTTPConnection("127.0.0.1", load.port, timeout=60)
    for number in itertools.count(start):
        if load.end.is_set():
            break
        index = number % len(images)
        begun = time.perf_counter()
        status, answer = load.post(images[index], {}, connection)
        load.seconds.append(time.perf_counter() - begun)
        same = status != 200 or near(known.setdefault(index, answer), answer)
        load.note("image", (200,), status, "" if same else "another answer than before")
    connection.close()


def near(one: Any, other: Any) -> bool:
    """Tell whether two answers are the same but for rounding, as batches differ."""
    if isinstance(one, dict):
        return set(one) == set(other) and all(near(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return abs(one - other) <= 1e-4 * max(1.0, abs(one))
    return bool(one == other)


def repeat(load: Load, kinds: list[Kind], least: int = 1) -> None:
    for number, (name, expected, send) in enumerate(itertools.cycle(kinds)):
        if load.end.is_set() and number >= least:
            break
        try:
            load.note(name, expected, send())
        except ConnectionError as error:  # a client that is cut off while it sends too much
            load.note(name, expected, 0, type(error).__name__)
        time.sleep(0.01)


def memory(pid: int | None) -> float:
    """Return the resident memory of a process in MiB."""
    if pid is None:
        return 0.0
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) / 256  # pages of 4 KiB


def run(load: Load, options: argparse.Namespace, pid: int | None) -> list[float]:
    """Send all of it for so many seconds; return the service's memory, ten times."""
    images = pictures(8)
    bad, slow = bad_requests(load, images[0]), slow_requests(load)
    threads = [
        *(threading.Thread(target=good, args=(load, images, n)) for n in range(options.clients)),
        threading.Thread(target=repeat, args=(load, bad, len(bad))),
        *(threading.Thread(target=repeat, args=(load, slow[n % 3 :])) for n in range(options.slow)),
    ]
    for thread in threads:
        thread.start()
    samples = []
    for _ in range(10):
        time.sleep(options.seconds / 10)
        samples.append(memory(pid))
    load.end.set()
    for thread in threads:
        thread.join()
    return samples


@contextlib.contextmanager
def service(source: str) -> Iterator[tuple[int, subprocess.Popen | None]]:
    """Start the service of a model; of an address nothing, it runs."""
    if source.startswith("http://"):
        yield int(source.rsplit(":", 1)[1]), None
        return
    command = [sys.executable, "-m", "mxmtl", "serve", source, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline() if process.stdout else ""
        yield int(said.split(" (")[0].rsplit(":", 1)[1]), process
    finally:
        process.kill()
        process.communicate()


def stop(load: Load, process: subprocess.Popen) -> str:
    """Stop the service while requests are in flight: each must be answered."""
    found: list[int] = []
    image = pictures(1)[0]
    target = lambda: found.append(load.post(image, {})[0])  # noqa: E731
    threads = [threading.Thread(target=target) for _ in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    for thread in threads:
        thread.join()
    code = process.wait(60)
    for status in found:
        load.note("in flight at SIGTERM", (200,), status)
    load.note("exit code after SIGTERM", (0,), code)
    return f"{len(found)} of 8 requests in flight at SIGTERM were answered; exit code {code}"


def report(load: Load, samples: list[float], options: argparse.Namespace, ended: str) -> str:
    rows = [[kind, status, count] for (kind, status), count in sorted(load.counts.items())]
    times = np.percentile(load.seconds, [50, 95, 99, 100]) * 1000
    first, last = np.mean(samples[2:5]), np.mean(samples[7:])
    facts = [
        ["good requests a second", f"{len(load.seconds) / options.seconds:.0f}"],
        *zip(("p50", "p95", "p99", "slowest"), (f"{value:.0f} ms" for value in times)),
        ["wrong statuses or answers", len(load.wrong)],
    ]
    if first:
        facts += [["memory, 30 to 50 % of the time", f"{first:.0f} MiB"]]
        facts += [["memory, 80 to 100 %", f"{last:.0f} MiB"]]
    tables = [
        tabulate(part, heads, tablefmt="github", disable_numparse=True)
        for part, heads in ((facts, ["", "value"]), (rows, ["request", "status", "times"]))
    ]
    return "\n\n".join([*tables, ended])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("models", nargs="*", help="what mxmtl serve takes")
    parser.add_argument("--url", help="of a service that runs already")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=16, help="with good requests")
    parser.add_argument("--slow", type=int, default=8, help="clients that are slow")
    parser.add_argument("--max-bytes", type=int, default=16 << 20, help="of the service")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    sources = [*options.models, *filter(None, [options.url])]
    if not sources:
        parser.error("expected a model or --url")
    parts, failed = [INTRODUCTION.format(options=options)], False
    for source in sources:
        with service(source) as (port, process):
            load = Load(port, options.max_bytes)
            samples = run(load, options, process.pid if process else None)
            ended = stop(load, process) if process else ""
        kind = "ONNX Runtime" if source.endswith(".onnx") else "MXNet"
        parts.append(
            f"## {kind if process else source}\n\n{report(load, samples, options, ended)}\n"
        )
        print(parts[-1])
        for line in load.wrong[:20]:
            print(f"WRONG: {line}", file=sys.stderr)
        failed = failed or bool(load.wrong)
    if options.out:
        options.out.write_text("\n".join(parts), encoding="utf-8")
    return int(failed)


INTRODUCTION = """\
# The service under load

`python tools/serve_load.py MODEL --seconds {options.seconds:g}`: from a second process on
loopback, {options.clients} clients that send images without a pause, one that sends bad
requests of every kind, and {options.slow} slow ones, all at once; then SIGTERM with requests in
flight. Every status and every answer is checked.
"""

if __name__ == "__main__":
    sys.exit(main())
