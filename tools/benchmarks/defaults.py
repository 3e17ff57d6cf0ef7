"""How far ``mxmtl train`` without options is from settings that were searched for, on ten tables.

    python tools/benchmarks/defaults.py --log defaults.jsonl          # goes on where it stopped
    python tools/benchmarks/defaults.py --log defaults.jsonl --table  # what the log says
    python tools/benchmarks/defaults.py --units digits                # the number in other units

A setting's result on a table is the least, over the epochs, of the relative loss on held-out rows:
each task's loss over that of the best constant answer of the training labels, averaged over tasks.
1 is a network that knows nothing. The constant answers are found here, from the labels, and not by
what is measured. Every run is 10 epochs of ``--trunk small`` unless its name says otherwise.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import mxmtl

import _defaults_data as data
import numpy as np

SETTINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "sgd .05": {"optimizer": "sgd", "lr": 0.05, "clip": 0.0, "warmup": 0},
    "sgd .01, clip .1": {"optimizer": "sgd", "lr": 0.01, "clip": 0.1, "warmup": 1},
    "sgd .03, clip .1": {"optimizer": "sgd", "lr": 0.03, "clip": 0.1, "warmup": 1},
    "adam .001": {"optimizer": "adam", "lr": 0.001, "clip": 0.0, "warmup": 0},
    "adam .004": {"optimizer": "adam", "lr": 0.004, "clip": 0.0, "warmup": 1},
    "adam .01": {"optimizer": "adam", "lr": 0.01, "clip": 0.0, "warmup": 1},
}
SHOWN = ("/accuracy", "/r2_score")  # of other units
COMMON = {"data_shape": (3, data.SIZE, data.SIZE), "threads": 1, "keep": 1}


def baselines(train: str, val: str) -> dict[str, float]:
    """Return what the best constant answer of the training labels costs on the held-out ones."""
    known = []
    for prefix in (train, val):
        records = mxmtl.RecordIter(prefix, 64, COMMON["data_shape"], threads=1)
        parts = [[y.asnumpy().reshape(64, -1) for y in batch.label] for batch in records]
        known.append([np.concatenate(each) for each in zip(*parts)])
        tasks = records.tasks
        records.close()
    found = {}
    for task, seen, asked in zip(tasks, *known):
        if task.kind == "class":
            share = np.bincount(seen[seen >= 0].astype(int), minlength=task.num_outputs)
            p = np.maximum(share, 0.5) / np.maximum(share, 0.5).sum()
            found[task.name] = -np.log(p[asked[asked >= 0].astype(int)]).mean()
        elif task.kind == "cells":
            p = np.stack([c[c >= 0].mean() for c in seen.T]).clip(1e-3, 1 - 1e-3)
            loss = -asked * np.log(p) - (1 - asked) * np.log(1 - p)
            found[task.name] = loss[asked >= 0].mean()
        else:
            mean, scale = np.nanmean(seen, dtype=np.float64), task.to_dict()["scale"]
            found[task.name] = np.nanmean(((asked - mean) / scale) ** 2) / 2
    return found


def trained(name: str, setting: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train once; return the relative losses of the best epoch, or what it ended with."""
    train, val = data.write(name, folder / name)
    constant = baselines(train, val)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as run:
        try:
            history = mxmtl.fit(train, val, run=run, force=True, **{**COMMON, **setting}).history
        except ValueError as error:
            return {"relative": None, "error": str(error)}
    losses = [
        {task: float(entry["val"][f"{task}/task_loss"] / c) for task, c in constant.items()}
        for entry in history
    ]
    best = min(losses, key=lambda each: finite(np.mean(list(each.values()))))
    return {
        "relative": float(np.mean(list(best.values()))),
        "tasks": best,
        "last": float(np.mean(list(losses[-1].values()))),
        "worst": max(max(each.values()) for each in losses),
        "seconds": round(time.monotonic() - began, 1),
    }


def in_units(name: str, folder: Path, log: Path | None) -> None:
    """Print how the tasks of a table fare without its number, and with it in several units.

    Of so many rows that a hundredth is more than chance.
    """
    data.ROWS = 1800
    told = log.read_text("utf-8").splitlines() if log and log.exists() else []
    units: dict[str, Any] = {"no number": None, "x .001": (1e-3, 0), "x 1": (1, 0)}
    units.update({"x 1000": (1e3, 0), "x 1e6": (1e6, 0), "+ 1e4": (1, 1e4)})
    for optimizer in ("adam", "sgd"):
        for unit, factors in units.items():
            begin = f"| {optimizer} | {unit} | "
            if any(line.startswith(begin) for line in told):
                continue
            train, val = data.write(name, folder / f"{name} {unit}", factors)
            with tempfile.TemporaryDirectory() as run:
                options: dict[str, Any] = {**COMMON, "optimizer": optimizer}
                history = mxmtl.fit(train, val, run=run, force=True, **options).history
            best = next(entry for entry in reversed(history) if entry["best"])
            values = {k: v for k, v in best["val"].items() if k.endswith(SHOWN)}
            cells = [f"{key} {value:.3f}" for key, value in values.items()]
            line = begin + " | ".join([str(best["epoch"]), *cells])
            print(line, flush=True)
            if log:
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(line + "\n")


def finite(value: float) -> float:
    return value if math.isfinite(value) else math.inf


def read_log(path: Path) -> dict[tuple[str, str], dict[str, Any]]:
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return {(e["table"], e["setting"]): e for e in map(json.loads, lines)}


def table_of(log: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Return Markdown: a row a table, a column a setting, and how far the default is off."""
    names = [name for name in SETTINGS if any(setting == name for _, setting in log)]
    lines = [
        "| table | " + " | ".join(names) + " | default / best |",
        "|---" * (len(names) + 2) + "|",
    ]
    for table in data.TABLES:
        values = [finite(log.get((table, n), {}).get("relative") or math.inf) for n in names]
        if not np.isfinite(values).any():
            continue
        best = min(values)
        cells = [f"{v:.3f}" if math.isfinite(v) else "diverged" for v in values]
        cells[values.index(best)] = f"**{best:.3f}**"
        lines.append(f"| {table} | " + " | ".join(cells) + f" | {values[0] / best:.2f} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--log", type=Path, help="JSON lines, one a run")
    parser.add_argument("--units", choices=data.TABLES, help="compare units on this table instead")
    parser.add_argument("--data", type=Path, default=Path("data/defaults"), help="where tables go")
    parser.add_argument("--table", action="store_true", help="print what the log says")
    parser.add_argument("--only", nargs="*", choices=SETTINGS, help="these settings alone")
    parser.add_argument("--tables", nargs="*", choices=data.TABLES, default=list(data.TABLES))
    parser.add_argument("--epochs", type=int, default=10)
    arguments = parser.parse_args()
    if arguments.units:
        in_units(arguments.units, arguments.data, arguments.log)
        return
    if arguments.log is None:
        parser.error("expected --log FILE, or --units TABLE")
    if arguments.table:
        print(table_of(read_log(arguments.log)))
        return
    data.CACHE = arguments.data
    for name in arguments.tables:
        for setting, options in SETTINGS.items():
            wanted = not arguments.only or setting in arguments.only
            if wanted and (name, setting) not in read_log(arguments.log):
                options = {"epochs": arguments.epochs, **options}
                found = trained(name, options, arguments.data)
                with arguments.log.open("a", encoding="utf-8") as stream:
                    entry = {"table": name, "setting": setting, **found}
                    stream.write(json.dumps(entry) + "\n")
                print(name, setting, found.get("relative"), found.get("seconds"), flush=True)


if __name__ == "__main__":
    main()
