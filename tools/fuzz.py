"""Try damaged and hostile input on everything that reads: counts what goes wrong.

    python tools/fuzz.py images models --seed 7 --minutes 15
    python tools/fuzz.py --minutes 1                             # a share of it for each kind

Each kind runs in a process of its own, one try after the other, told by the number of the try and
the seed alone. That process may die of a signal, stand still for 20 seconds, or grow by more than
2 GB: it is counted, and another one goes on behind that try. What is refused with an error that
names it is right; a traceback of another kind, or a label that nobody wrote, is not.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve()
KINDS = ("images", "records", "models", "onnx", "http")
BAD = ("traceback", "signal", "hang", "memory", "wrong")
STILL = 20.0  # seconds
MEMORY = 2 << 30  # bytes that a try may add
TOLD = 5  # tries that went wrong and are told in full, of each kind
Try = Callable[[int], str]


# -- the process that tries ------------------------------------------------------------------------
def work(kind: str, seed: int, first: int, folder: str) -> None:
    """Try one input after the other; a line says what is begun, and one what became of it."""
    import _fuzz_targets

    attempt: Try = getattr(_fuzz_targets, kind)(seed, Path(folder))
    say = os.fdopen(os.dup(1), "w", buffering=1)  # libraries may print to the other one
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    if "FUZZ_SHOW" not in os.environ:
        os.dup2(1, 2)
    number = first
    while True:
        say.write(f"begin {number}\n")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        try:
            result = attempt(number)
        except (ValueError, OSError, MemoryError) as error:
            result = "refused" if str(error) or isinstance(error, MemoryError) else "traceback"
        except Exception:  # noqa: BLE001 (which is what is looked for)
            result = "traceback " + json.dumps(traceback.format_exc()[-1500:])
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
        say.write(f"end {'memory' if grown > MEMORY else result}\n")
        number += 1


# -- the process that counts -----------------------------------------------------------------------
class Watched:
    """The process of one kind, started again when it has died."""

    def __init__(self, kind: str, seed: int, folder: str) -> None:
        self.counts: collections.Counter[str] = collections.Counter()
        self.told: list[str] = []
        self._kind, self._seed, self._folder, self._number = kind, seed, folder, 0

    def run(self, seconds: float, tries: int) -> None:
        """Try for a time, from the first try on, or until there were so many."""
        self._seconds, self._until, self._tries = seconds, float("inf"), tries
        while self._goes_on():
            self._run_one()

    def _goes_on(self) -> bool:
        return time.monotonic() < self._until and self.counts.total() < self._tries

    def _run_one(self) -> None:
        arguments = ["--work", self._kind, str(self._seed), str(self._number), self._folder]
        command = [sys.executable, str(HERE), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        began, text, ready = time.monotonic(), b"", False
        # A machine with more to do than it has processors for gives each less of its time.
        patience = STILL * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
        try:
            while self._goes_on():
                more = process.stdout.read()
                if more == b"":
                    break
                text += more or b""
                *lines, text = text.split(b"\n")
                for line in lines:
                    ready, began = True, time.monotonic()
                    self._line(line.decode())
                if not more:
                    time.sleep(0.01)
                if time.monotonic() - began > patience * (1 if ready else 10):
                    self._count("hang")
                    return
            else:
                return
            code = process.wait()
            self._count("signal" if ready else "traceback", f"exit code {code}")
        finally:
            process.kill()
            process.wait()

    def _line(self, line: str) -> None:
        what, _, rest = line.partition(" ")
        if what == "begin":
            self._number = int(rest)
            self._until = min(self._until, time.monotonic() + self._seconds)
        else:
            result, _, words = rest.partition(" ")
            self._count(result, json.loads(words) if words else "")

    def _count(self, result: str, words: str = "") -> None:
        self.counts[result] += 1
        if result in BAD and len(self.told) < TOLD:
            self.told.append(
                f"{self._kind}, seed {self._seed}, try {self._number}: {result} {words}"
            )
        self._number += 1


def main(arguments: list[str]) -> int:
    """Run, and print the counts; 1 if anything went wrong."""
    if arguments[:1] == ["--work"]:
        kind, seed, first, folder = arguments[1:]
        work(kind, int(seed), int(first), folder)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kinds", nargs="*", default=KINDS, help=f"some of {' '.join(KINDS)}")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1.0, help="of all kinds together")
    parser.add_argument("--tries", type=int, default=1 << 40, help="of each kind at most")
    chosen = parser.parse_args(arguments)
    unknown = set(chosen.kinds) - set(KINDS)
    if unknown:
        parser.error(f"{sorted(unknown)}: expected some of {KINDS}")
    from tabulate import tabulate

    rows: list[list[Any]] = []
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for place, kind in enumerate(chosen.kinds):
            watched = Watched(kind, chosen.seed, folder)
            watched.run(chosen.minutes * 60 / len(chosen.kinds), chosen.tries)
            counts = watched.counts
            rows.append([kind, counts.total(), counts["refused"], counts["taken"]])
            rows[place] += [counts[name] for name in BAD]
            wrong += watched.told
    heads = ["what", "tries", "refused", "taken", *BAD]
    print(tabulate(rows, heads, "github"))
    print("\n".join(wrong))
    return int(any(any(row[4:]) or not row[1] for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
