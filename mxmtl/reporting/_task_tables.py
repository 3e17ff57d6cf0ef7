"""Tables about one task: what is confused, thresholds, mistakes; and about data and settings."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, Dict, List, Mapping, Sequence

from ..training import Settings
from ._tables import Cell, Table, limited, words

PAIRS = 8  # of classes that are confused most
Facts = Mapping[str, Any]


def confused_pairs(confusion: Facts) -> Table:
    """Return which class is taken for which other one most often."""
    names = confusion["classes"]
    wrong = [cell for cell in confusion["cells"] if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: -cell[2])
    of_label: Dict[int, int] = {}
    for label, _, count in confusion["cells"]:
        of_label[label] = of_label.get(label, 0) + count
    rows = [
        [names[label], names[answer], count, count / of_label[label]]
        for label, answer, count in wrong[:PAIRS]
    ]
    more = len(wrong) - len(rows)
    note = f"{more:,} more pairs left out. The JSON has all." if more > 0 else ""
    return Table("Most confused", ["label", "taken for", "records", "share of label"], rows, note)


def decisions(confusion: Facts) -> Table:
    """Return right and wrong decisions of each label."""
    rows = [[name, tp, fp, fn, tn] for name, ((tn, fp), (fn, tp)) in confusion["tables"].items()]
    rows, note = limited(rows, lambda row: -(row[2] + row[3]), "those with the most mistakes")
    header = ["label", "yes, rightly", "yes, wrongly", "no, wrongly", "no, rightly"]
    return Table("Decisions", header, rows, note)


def chosen_thresholds(sweep: Facts) -> Table:
    """Return each metric at the thresholds in use, and at the best single one."""
    at = {row["threshold"]: row for row in sweep["rows"]}
    rows = [
        [words(name), sweep["chosen"][name], best, at[best][name]]
        for name, best in sweep["best"].items()
    ]
    used = "tuned thresholds" if sweep["tuned"] else "threshold 0.5 (none was tuned)"
    return Table("Thresholds", ["metric", f"at {used}", "best threshold", "there"], rows)


def label_thresholds(sweep: Facts) -> Table:
    """Return the threshold of each label."""
    rows: List[List[Any]] = [[name, level] for name, level in sweep["thresholds"].items()]
    rows, note = limited(rows, lambda row: -abs(row[1] - 0.5), "those farthest from 0.5")
    return Table("Threshold of each label", ["label", "threshold"], rows, note)


def mistakes(task: Facts) -> Table:
    """Return the records with the highest loss."""
    rows = [
        [str(m["record"]), m["loss"], m["label"], m["prediction"], probabilities(m)]
        for m in task["mistakes"]
    ]
    return Table("Highest loss", ["record", "loss", "label", "prediction", "probability"], rows)


def probabilities(mistake: Facts) -> str:
    """Write the probabilities of one record."""
    return ", ".join(f"{name} {value:.3f}" for name, value in mistake["probabilities"].items())


# -- data and settings -----------------------------------------------------------------------------
def labels_known(run: Facts) -> Table:
    """Return how many labels of each task are there, and how many are missing."""
    parts = [("training", run["train"]), ("evaluated", run["evaluated"])]
    parts = [(name, part) for name, part in parts if "error" not in part]
    header = ["task", "type"]
    for name, _ in parts:
        header += [f"{name}: labelled", f"{name}: missing"]
    rows: List[List[Any]] = []
    for name, task in run["tasks"].items():
        row: List[Any] = [name, task["type"]]
        for _, part in parts:
            counts = part["tasks"][name]
            row += [counts["labelled"], share(counts["missing"], part["records"])]
        rows.append(row)
    return Table("Labels", header, rows)


def share(part: int, whole: int) -> Any:
    """Return a share of a whole, as text that is sorted by its value."""
    return Cell(part / whole, f"{100 * part / whole:.1f}%") if whole else None


def class_counts(run: Facts, task: str) -> Table:
    """Return how often each class or label comes; of a value, its spread."""
    parts = [
        (name, part["tasks"][task])
        for name, part in (("training", run["train"]), ("evaluated", run["evaluated"]))
        if "error" not in part
    ]
    key = next((key for key in ("counts", "positive") if key in parts[0][1]), "")
    if not key:
        spread = ("min", "mean", "max", "std")
        rows = [[name, *(counts.get(each) for each in spread)] for name, counts in parts]
        return Table(task, ["records", *spread], rows)
    header = ["class"]
    for name, _ in parts:
        header += [name, f"{name}: share"]
    rows = []
    for name in parts[0][1][key]:
        row: List[Any] = [name]
        for _, counts in parts:
            whole = counts["labels"][name] if key == "positive" else counts["labelled"]
            row += [counts[key][name], share(counts[key][name], whole)]
        rows.append(row)
    rows, note = limited(rows, lambda row: row[1], "the rarest")
    return Table(task, header, rows, note)


def settings(runs: Sequence[Facts], *, usual: bool) -> Table:
    """Return settings that are as usual in all runs, or those that are not."""
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}
    rows = []
    for name, default in defaults.items():
        values = [run["settings"].get(name) for run in runs]
        plain = json.loads(json.dumps(default)) or None
        if all((value or None) == plain for value in values) == usual:
            rows.append([name, *map(setting, values)])
    return Table("Settings", ["setting", *(run["name"] for run in runs)], rows)


def setting(value: Any) -> str:
    """Write a setting."""
    if isinstance(value, str):
        return value or "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(setting, value)) or "none"
    if isinstance(value, dict):
        parts = dict(value)
        kind = parts.pop("type", "")
        text = ", ".join(f"{name}={setting(part)}" for name, part in parts.items())
        return f"{kind}({text})" if kind else text or "none"
    return str(value)


def stages(network: Facts) -> Table:
    """Return the stages of the trunk, then the heads."""
    rows = [
        [shape(stage["shape"]), layers(stage["layers"]), stage["parameters"]]
        for stage in network["stages"]
    ]
    return Table("Trunk", ["output", "layers", "parameters"], rows)


def heads(network: Facts) -> Table:
    """Return the heads."""
    rows = [
        [head["name"], head["type"], head["outputs"], head["weight"], head["parameters"]]
        for head in network["heads"]
    ]
    rows, note = limited(rows, lambda row: -row[2], "the widest")
    return Table("Heads", ["task", "type", "outputs", "weight", "parameters"], rows, note)


def shape(sizes: Sequence[int]) -> str:
    """Write a shape."""
    return " × ".join(map(str, sizes))


def layers(counts: Mapping[str, int]) -> str:
    """Write how many layers of each kind there are."""
    return ", ".join(f"{count} {kind}" for kind, count in counts.items())


def history(run: Facts) -> Table:
    """Return the monitored value and the loss of each epoch."""
    rows = []
    marked = [entry["epoch"] for entry in run["history"] if entry.get("best")]
    for entry in run["history"]:
        row: List[Any] = [entry["epoch"], entry["lr"], entry["seconds"]]
        for part in ("train", "val"):
            values = entry[part] or {}
            row.append(values.get(run["monitor"]))
        rows.append([*row, "best" if entry["epoch"] in marked[-1:] else ""])
    monitor = run["monitor"]
    header = ["epoch", "lr", "seconds", f"train: {monitor}", f"validation: {monitor}", ""]
    return Table(f"Epochs of {run['name']}", header, rows)
