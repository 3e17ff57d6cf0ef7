"""What a missing label is best taken for: three ways in which labels go missing, all modes.

    python tools/benchmarks/partial.py                        # about 12 minutes of one core
    python tools/benchmarks/partial.py --table --plot out.png # what the log says

Each picture is a board of 2x2 places; in each lies one of scikit-learn's 8x8 digits, or none. The
ten labels say which digits lie there: from two thirds of the boards for the commonest to one in
sixteen for the rarest. 4,000 boards to train on, of which labels are dropped:

    random     each label with chance 0.8
    balanced   all but 100 yes and 100 no of each label
    single     all but one yes of each board

A fully labelled validation set of 1,000 boards chooses one of four settings for each mode, which is
what a mode may cost: four runs, of one seed that is not among those reported. Then the mean average
precision on 2,000 boards, made of digits that were never trained on, of other seeds (of the digits
of each board, of what is dropped, and of the network). The last epoch counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, reduce
from pathlib import Path
from typing import Any

import mxmtl
from mxmtl import losses

import _loss_runs as runs
import mxnet as mx
import numpy as np
from _loss_runs import Part
from tabulate import tabulate

DIGITS = [str(digit) for digit in range(10)]
WAYS = {"random": {"share": 0.8}, "balanced": {"number": 100}, "single": {}}
TUNING = 1000  # the seed that settings are chosen with
Setting = dict[str, Any]


def twice(*settings: Setting) -> list[Setting]:
    """Return two settings at two rates each: the four runs that each mode has."""
    return [{**each, "rate": rate} for each in settings for rate in (0.01, 0.03)]


def rates() -> list[Setting]:
    """Return four rates, for a mode that has nothing else to choose."""
    return [{"rate": rate} for rate in (0.003, 0.01, 0.02, 0.03)]


def of(name: str, *options: dict[str, Any], loss: Any = None) -> list[Setting]:
    """Return settings of a mode with each of two choices of options."""
    made = [getattr(losses, name)(**each) for each in options]
    more = {} if loss is None else {"loss": loss}
    if len(made) == 1:
        return [{"missing_as": made[0], **more, **rate} for rate in rates()]
    return twice(*({"missing_as": mode, **more} for mode in made))


WHOLE = "all labels known"
MODES: dict[str, list[Setting]] = {
    WHOLE: rates(),
    "ignored": rates(),
    "known fraction": of("KnownFraction", {}),
    "negative": of("Negative", {}),
    "negative, weighs less": of("Negative", {"weight": 0.1}, {"weight": 0.3}),
    "negative, smoothed": of("Negative", {"smoothing": 0.1}, {"smoothing": 0.3}),
    "weak negative": of("WeakNegative", {}),
    "negative, asymmetric": of("Negative", {}, loss=losses.Asymmetric()),
    "negative, Hill": of("Negative", {}, loss=losses.Hill()),
    "selective": of("Selective", {"top": 1}, {"top": 2}),
    "selective, prior": of("Selective", {"top": 1}, {"top": 2}),
    "large loss, rejected": of("LargeLoss", {"step": 0.002}, {"step": 0.01}),
    "large loss, corrected": of(
        "LargeLoss", {"step": 0.002, "correct": True}, {"step": 0.01, "correct": True}
    ),
    "self-paced": of(
        "SelfPaced",
        {"gamma": 2},
        {"gamma": 2, "threshold": 0.75, "after": 3},
        loss=losses.FocalMargin(),
    ),
    "maximum entropy": of("MaximumEntropy", {"alpha": 0.1}, {"alpha": 0.3}),
}


def task_set(setting: Setting) -> mxmtl.TaskSet:
    options = {key: setting[key] for key in ("loss", "missing_as") if key in setting}
    return mxmtl.TaskSet([mxmtl.Multilabel("digits", DIGITS, **options)])


def network() -> mx.sym.Symbol:
    """Return features of a board (N, 4, 64): each place seen by itself, and the most of them."""
    seen = mx.sym.var("data")
    for name in ("first", "second"):
        seen = mx.sym.FullyConnected(seen, num_hidden=64, flatten=False, name=name)
        seen = mx.sym.Activation(seen, act_type="relu")
    places = mx.sym.SliceChannel(seen, num_outputs=4, axis=1, squeeze_axis=True)
    return mx.sym.Flatten(reduce(mx.sym.maximum, list(places)))  # MXNet's max is slow


@lru_cache(maxsize=4)
def boards(which: str, number: int, seed: int) -> Part:
    """Lay boards from digits of one part: the first 1,000 digits, the next 297, or the others."""
    from sklearn.datasets import load_digits

    data = load_digits()
    place = {"train": slice(0, 1000), "val": slice(1000, 1297), "test": slice(1297, None)}[which]
    pictures, classes = data.data[place] / 16.0, data.target[place]
    rng = np.random.RandomState(seed)
    chance = 0.75 ** np.arange(10)
    weights = chance[classes] / np.bincount(classes)[classes]
    drawn = rng.choice(len(classes), (number, 4), p=weights / weights.sum())
    lies = rng.random_sample(drawn.shape) < 0.7
    laid = np.where(lies[..., np.newaxis], pictures[drawn], 0.0)
    images = laid + rng.normal(0, 0.2, laid.shape)
    held = (classes[drawn][..., np.newaxis] == np.arange(10)) & lies[..., np.newaxis]
    return Part(images.astype(np.float32), held.any(axis=1).astype(np.float32))


class Experiment:
    """The runs of a mode, and what they need of each other."""

    def __init__(self, epochs: int, sizes: Sequence[int]) -> None:
        self.epochs, self.sizes = epochs, sizes
        self.priors: dict[tuple[str, int], list[float]] = {}

    def trained(self, way: str, mode: str, setting: Setting, seed: int) -> tuple[Any, Any, Part]:
        whole = boards("train", self.sizes[0], seed)
        part = whole
        if mode != WHOLE:
            options: dict[str, Any] = WAYS[way]
            tasks = task_set({})
            labels = mxmtl.drop_labels(whole.labels, tasks, way, seed=seed, **options)
            part = Part(whole.images, labels)
        if mode == "selective, prior":
            mode_with = losses.Selective(
                top=setting["missing_as"].top, prior=self.prior(way, seed), threshold=0.5
            )
            setting = {**setting, "missing_as": mode_with}
        tasks = task_set(setting)
        module = runs.train(
            network(), tasks, part, epochs=self.epochs, rate=setting["rate"], seed=seed
        )
        return module, tasks, part

    def prior(self, way: str, seed: int) -> list[float]:
        """Return how often labels hold, by a network that was trained with ignored gaps."""
        if (way, seed) not in self.priors:
            module, tasks, part = self.trained(way, "ignored", {"rate": 0.01}, seed)
            (prediction,) = runs.predict(module, part, tasks)
            self.priors[way, seed] = prediction.mean(axis=0).tolist()
        return self.priors[way, seed]

    def result(self, way: str, mode: str, setting: Setting, seed: int) -> dict[str, float]:
        module, tasks, _ = self.trained(way, mode, setting, seed)
        which = ("val", self.sizes[1], 0) if seed == TUNING else ("test", self.sizes[2], seed)
        part = boards(*which)
        (prediction,) = runs.predict(module, part, tasks)
        M, (task,) = mxmtl.metrics, tasks
        metrics = [M.AveragePrecision(task), M.F1(task), M.CalibrationError(task)]
        return runs.measured(metrics, part.labels, prediction)


def make(experiment: Experiment, log: runs.Runs, seeds: int) -> None:
    """Make all runs; seed by seed, so that what is stopped says something about all modes."""
    chosen = {}
    for way in WAYS:
        for mode, settings in MODES.items():
            if mode == WHOLE and way != "random":  # it is the same in all ways
                continue
            results = [
                log.get(
                    {"way": way, "mode": mode, "setting": index, "seed": TUNING},
                    experiment.result,
                    way,
                    mode,
                    setting,
                    TUNING,
                )
                for index, setting in enumerate(settings)
            ]
            if None not in results:
                scores = [result["average_precision"] for result in results]
                chosen[way, mode] = int(np.nanargmax(scores))
    for seed in range(seeds):
        for (way, mode), index in chosen.items():
            setting = MODES[mode][index]
            log.get(
                {"way": way, "mode": mode, "setting": index, "seed": seed},
                experiment.result,
                way,
                mode,
                setting,
                seed,
            )


def values(log: runs.Log, way: str, mode: str, name: str = "average_precision") -> list[float]:
    entries = runs.found(log, way="random" if mode == WHOLE else way, mode=mode)
    return [100 * entry[name] for entry in entries if entry["seed"] != TUNING]


def table_of(log: runs.Log, name: str) -> str:
    rows = [[mode, *(runs.shown(values(log, way, mode, name)) for way in WAYS)] for mode in MODES]
    return tabulate(rows, [name, *WAYS], tablefmt="github", disable_numparse=True)


def plot(log: runs.Log, path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    size = {"figsize": (11, 4.2), "squeeze": False}
    figure, (axes,) = plt.subplots(1, len(WAYS), sharey=True, layout="constrained", **size)
    places = np.arange(len(MODES))[::-1]
    for axis, way in zip(axes, WAYS):
        means, halves = zip(*(runs.interval(values(log, way, mode)) for mode in MODES))
        axis.errorbar(means, places, xerr=np.nan_to_num(halves), fmt="o", capsize=3)
        axis.axvline(means[list(MODES).index("ignored")], color="0.6", linewidth=1, zorder=0)
        axis.set_title(way)
        axis.set_xlabel("mean average precision, %")
        axis.grid(axis="x", alpha=0.3)
    axes[0].set_yticks(places, list(MODES))
    figure.savefig(path, dpi=100)


def main() -> None:
    parser = runs.arguments(__doc__, "partial.jsonl")
    parser.add_argument("--plot", type=Path, help="draw the table into this file")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--sizes", type=int, nargs=3, default=(4000, 1000, 2000))
    options = parser.parse_args()
    if not options.table:
        log = runs.Runs(options.log, options.minutes)
        make(Experiment(options.epochs, options.sizes), log, options.seeds)
    entries = runs.read(options.log)
    for name in ("average_precision", "f1", "calibration_error"):
        print("\n" + table_of(entries, name))
    if options.plot:
        plot(entries, options.plot)


if __name__ == "__main__":
    main()
