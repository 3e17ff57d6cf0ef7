r"""Load on a service from a second process: good requests, bad ones and slow clients, all at once.

    python tools/serve_load.py runs/first --seconds 60 --out docs/benchmarks/serving.md
    python tools/serve_load.py --url http://127.0.0.1:8000 --seconds 5

With a model it starts ``mxmtl serve`` itself, watches its memory, and stops it with SIGTERM while
requests are in flight. Every answer is checked: good requests must get 200 and always the same
answer for an image, each bad one the status that it deserves. Exit code 1 if anything else came.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import itertools
import json
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path
from typing import Any, Callable, Counter, Dict, Iterator, List, Optional, Tuple

import cv2
import numpy as np
from tabulate import tabulate

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\n"
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n"
TWO_LENGTHS = b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"
Kind = Tuple[str, Tuple[int, ...], Callable[[], int]]  # name, right statuses, how to send it
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


class Load:
    """What was sent and what came, from all threads."""

    def __init__(self, port: int, max_bytes: int) -> None:
        self.port, self.max_bytes = port, max_bytes
        self.counts: Counter[Tuple[str, str]] = collections.Counter()
        self.wrong: List[str] = []
        self.seconds: List[float] = []
        self.end = threading.Event()
        self._lock = threading.Lock()

    def note(self, kind: str, expected: Tuple[int, ...], found: int, more: str = "") -> None:
        with self._lock:
            self.counts[kind, str(found)] += 1
            if found not in expected or more:
                self.wrong.append(f"{kind}: {found} {more}, expected {expected}")

    def post(self, body: bytes, headers: Dict[str, str], connection: Any = None) -> Tuple[int, Any]:
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("POST", "/predict", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())

    def raw(self, data: bytes, drops: bytes = b"", pause: float = 0.1) -> int:
        """Send bytes as they are, then one at a time; return the status, 0 if none came."""
        found = b""
        address = ("127.0.0.1", self.port)
        with contextlib.suppress(ConnectionError), socket.create_connection(address, 60) as stream:
            stream.sendall(data)
            stream.settimeout(pause)
            for byte in drops:
                with contextlib.suppress(socket.timeout):
                    found = stream.recv(1 << 16)
                    break
                stream.sendall(bytes([byte]))
            stream.settimeout(60)
            found = found or stream.recv(1 << 16)
        match = re.match(rb"HTTP/1\.1 (\d+) ", found)
        return int(match.group(1)) if match else 0


def pictures(count: int) -> List[bytes]:
    """Draw pictures, as JPEG and PNG."""
    rng = np.random.RandomState(0)
    small = rng.randint(0, 256, (count, 9, 12, 3)).astype(np.uint8)
    large = [cv2.resize(part, (400 - 20 * n, 300)) for n, part in enumerate(small)]
    endings = [".png" if number % 4 == 3 else ".jpg" for number in range(count)]
    return [cv2.imencode(end, image)[1].tobytes() for end, image in zip(endings, large)]


def good(load: Load, images: List[bytes], start: int) -> None:
    """Ask again and again on one connection; an image's answer must stay the same."""
    known: Dict[int, Any] = {}
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


def bad_requests(load: Load, image: bytes) -> List[Kind]:
    """Return kinds of bad requests."""

    def post(body: bytes, **headers: str) -> Callable[[], int]:
        return lambda: load.post(body, headers)[0]

    return [
        ("no body", (400,), post(b"")),
        ("text", (415,), post(b"hello")),
        ("truncated image", (422,), post(image[: len(image) // 2])),
        ("decompression bomb", (413, 422), post(bomb(40_000))),
        ("body too large", (413,), post(bytes(load.max_bytes + 1))),
        ("broken form", (400,), lambda: load.post(b"garbage", FORM)[0]),
        ("form without a file", (400,), lambda: load.post(b"--x--\r\n", FORM)[0]),
        ("huge header", (431,), lambda: load.raw(HEALTH + b"X: " + b"a" * 100_000 + b"\r\n\r\n")),
        ("many headers", (431,), lambda: load.raw(HEALTH + b"X: a\r\n" * 20_000 + b"\r\n")),
        ("no HTTP", (400,), lambda: load.raw(b"\x16\x03\x01 hello\r\n\r\n")),
        ("two lengths", (400,), lambda: load.raw(POST + TWO_LENGTHS)),
        ("no such path", (404,), lambda: load.raw(b"GET /none HTTP/1.1\r\nHost: x\r\n\r\n")),
        ("client leaves", (0,), lambda: leave(load, image)),
    ]  # fmt: skip


def slow_requests(load: Load) -> List[Kind]:
    """Return kinds of clients that send a byte now and then."""
    drops = b"a" * 100_000
    length = b"Content-Length: 100000\r\n\r\n"
    return [
        ("slow head", (408,), lambda: load.raw(HEALTH + b"X: ", drops)),
        ("slow body", (408,), lambda: load.raw(POST + length, drops)),
        ("silent client", (408,), lambda: load.raw(b"")),
    ]


def bomb(edge: int) -> bytes:
    """Return a small PNG file, whole by its checksums, that would take gigabytes of pixels."""
    rows = zlib.compress(bytes(edge * 64), 9)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", edge, edge, 8, 2, 0, 0, 0))
    filler = chunk(b"teXt", bytes(300_000))  # so that its size alone does not give it away
    return b"\x89PNG\r\n\x1a\n" + head + filler + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def leave(load: Load, image: bytes) -> int:
    with socket.create_connection(("127.0.0.1", load.port), timeout=60) as connection:
        connection.sendall(POST + b"Content-Length: %d\r\n\r\n" % len(image) + image[:100])
    return 0


def repeat(load: Load, kinds: List[Kind], least: int = 1) -> None:
    for number, (name, expected, send) in enumerate(itertools.cycle(kinds)):
        if load.end.is_set() and number >= least:
            break
        try:
            load.note(name, expected, send())
        except ConnectionError as error:  # a client that is cut off while it sends too much
            load.note(name, expected, 0, type(error).__name__)
        time.sleep(0.01)


def memory(pid: Optional[int]) -> float:
    """Return the resident memory of a process in MiB."""
    if pid is None:
        return 0.0
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) / 256  # pages of 4 KiB


def run(load: Load, options: argparse.Namespace, pid: Optional[int]) -> List[float]:
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
def service(options: argparse.Namespace) -> Iterator[Tuple[int, Optional[subprocess.Popen]]]:
    """Start the service, unless one runs already."""
    if options.url:
        yield int(options.url.rsplit(":", 1)[1]), None
        return
    command = [sys.executable, "-m", "mxmtl", "serve", options.model, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = process.stdout.readline() if process.stdout else ""
        yield int(said.split(" (")[0].rsplit(":", 1)[1]), process
    finally:
        process.kill()
        process.communicate()


def stop(load: Load, process: subprocess.Popen) -> str:
    """Stop the service while requests are in flight: each must be answered."""
    found: List[int] = []
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


def report(load: Load, samples: List[float], options: argparse.Namespace, ended: str) -> str:
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
    parser.add_argument("model", nargs="?", help="what mxmtl serve takes")
    parser.add_argument("--url", help="of a service that runs already")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=16, help="with good requests")
    parser.add_argument("--slow", type=int, default=8, help="clients that are slow")
    parser.add_argument("--max-bytes", type=int, default=16 << 20, help="of the service")
    parser.add_argument("--out", type=Path, help="Markdown file to write")
    options = parser.parse_args()
    if bool(options.model) == bool(options.url):
        parser.error("expected a model or --url")
    with service(options) as (port, process):
        load = Load(port, options.max_bytes)
        samples = run(load, options, process.pid if process else None)
        ended = stop(load, process) if process else ""
    text = report(load, samples, options, ended)
    print(text)
    for line in load.wrong[:20]:
        print(f"WRONG: {line}", file=sys.stderr)
    if options.out:
        head = INTRODUCTION.format(options=options)
        options.out.write_text(f"{head}\n{text}\n", encoding="utf-8")
    return 1 if load.wrong else 0


INTRODUCTION = """\
# The service under load

`python tools/serve_load.py MODEL --seconds {options.seconds:g}`: from a second process on
loopback, {options.clients} clients that send images without a pause, one that sends bad
requests of every kind, and {options.slow} slow ones, all at once; then SIGTERM with requests in
flight. Every status and every answer is checked.
"""

if __name__ == "__main__":
    sys.exit(main())
