"""``--finetune`` beside the small trunk and the recipe of before: what each learns of one table.

    python tools/benchmarks/finetune.py emoji=data/emoji_train,data/emoji_test --log finetune.jsonl

For each data set and recipe one run, in a folder beside the log. What is in the log already is not
run again, and a run that was stopped goes on. The table shows the last epoch's main metric of each
task, and the seconds, which are those of a shared machine.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl import training
from mxmtl.metrics import main_metric

from tabulate import tabulate

LITE0 = {"trunk": "efficientnet_lite0", "weights": "imagenet"}
RECIPES: dict[str, dict[str, Any]] = {
    "small, defaults": {"epochs": 12},
    "before": {
        **LITE0, "frozen_epochs": 8, "epochs": 2, "optimizer": "adam", "frozen_lr": 3e-3,
        "lr": 5e-4, "layer_decay": 0.1, "layers": (), "keep_statistics": False,
    },
    "finetune": {"finetune": 5},
}  # fmt: skip


def measure(train: str, val: str, settings: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Train once, or go on; return seconds and the last epoch's validation values."""
    if (folder / "settings.json").exists():
        run = training.resume(folder)
    else:
        run = mxmtl.fit(train, val, run=folder, keep=1, **settings)
    values = run.history[-1]["val"]
    names = [f"{t.name}/{main_metric(t.default_metrics)}" for t in run.model.tasks]
    wanted = [*names, *(name for name in values if name.startswith("all_tasks/"))]
    return {
        "seconds": round(run.history[-1]["seconds"], 1),
        "values": {name: round(values[name], 4) for name in wanted if name in values},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", nargs="+", help="NAME=TRAIN,VAL: prefixes of records")
    parser.add_argument("--log", type=Path, default=Path("finetune.jsonl"), help="goes on from it")
    parser.add_argument("--side", type=int, default=64, help="height and width of the images")
    parser.add_argument("--recipe", action="append", choices=RECIPES, help="only these")
    arguments = parser.parse_args()

    log: Path = arguments.log
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for entry in arguments.data:
        name, _, prefixes = entry.partition("=")
        for recipe in arguments.recipe or RECIPES:
            key = {"data": name, "recipe": recipe, "side": arguments.side}
            found = next((line for line in done if key.items() <= line.items()), None)
            if found is None:
                settings = {**RECIPES[recipe], "data_shape": (3, arguments.side, arguments.side)}
                run = log.with_suffix("") / f"{name} {recipe} {arguments.side}"
                found = {**key, **measure(*prefixes.split(","), settings, run)}
                done.append(found)
                with log.open("a") as stream:
                    stream.write(json.dumps(found) + "\n")
        lines = [line for line in done if line["data"] == name and line["side"] == arguments.side]
        columns = list(dict.fromkeys(column for line in lines for column in line["values"]))
        rows = [[x["recipe"], *(x["values"].get(c) for c in columns), x["seconds"]] for x in lines]
        print(tabulate(rows, [name, *columns, "seconds"], tablefmt="github", floatfmt=".3f"))


if __name__ == "__main__":
    main()
