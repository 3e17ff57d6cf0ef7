"""Tables of a report about runs, for the page and for Markdown alike."""

from __future__ import annotations

import dataclasses
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._table import Cell, Table, value_of, written
from ..evaluation import CLASS_METRICS, class_table, metric_table, of_task, task_tables
from ..metrics import ALL_TASKS, MetricValue, meaning
from ..training import ALIKE, Settings, differing_settings, setting_text

SHOWN = 24  # rows of a table of classes; the JSON has all of them
PAIRS = 8  # of classes that are confused most
GAINS = ("gain", "delta_m")  # of `mxmtl.evaluation.with_gains`
Facts = Mapping[str, Any]


def words(metric: str) -> str:
    """Return the name of a metric as people write it.

    >>> words("num_labels"), words("worst_f1")
    ('labels', 'worst F1')
    """
    text = metric.replace("num_", "").replace("_", " ")
    return re.sub(r"\b(auroc|f1|mae|r2|rmse)\b", lambda m: m.group().upper(), text)


def limited(
    rows: list[Any], key: Callable[[Any], Any], what: str, limit: int = SHOWN
) -> tuple[list[Any], str]:
    """Return the first rows by a key, in their old order, and a note on how many were left out."""
    if len(rows) <= limit:
        return rows, ""
    chosen = sorted(range(len(rows)), key=lambda index: key(rows[index]))[:limit]
    note = f"{len(rows) - limit:,} of {len(rows):,} left out: these are {what}. The JSON has all."
    return [rows[index] for index in sorted(chosen)], note


# -- metrics: ``run["values"]`` are `MetricValue`s -------------------------------------------------
def default_values(run: Facts, task: str) -> list[MetricValue]:
    """Return the values that stand for a task, or all of those over all tasks."""
    values = of_task(run["values"], task)
    if task not in run["tasks"]:
        return values
    by_metric = {value.metric: value for value in values}
    return [by_metric[name] for name in run["tasks"][task]["default_metrics"]]


def by_task(run: Facts) -> list[Table]:
    """Return a row a task; tasks of one type with the same metrics share a table."""
    values = [value for task in run["tasks"] for value in default_values(run, task)]
    return task_tables(
        values, run["tasks"], title=lambda task: f"{run['tasks'][task]['type']} tasks", shown=words
    )


def side_by_side(runs: Sequence[Facts]) -> Table:
    """Return a row a metric of each task, a column a run; what is clearly the best is marked."""
    tasks = list(dict.fromkeys(task for run in runs for task in run["tasks"]))
    two = len(runs) == 2 and bool(runs[1].get("differences"))
    rows = []
    for task in [*tasks, ALL_TASKS]:
        found = [{v.metric: v for v in default_values(run, task)} for run in runs]
        for metric in dict.fromkeys(metric for values in found for metric in values):
            values = [each.get(metric) for each in found]
            cells = marked(runs, values)
            more = [difference(runs[1], values[1])] if two else []
            rows.append([words(task) if task == ALL_TASKS else task, words(metric), *cells, *more])
    header = ["task", "metric", *(run["name"] for run in runs), *(["difference"] if two else [])]
    return Table("Side by side", header, rows)


def gains(runs: Sequence[Facts]) -> Table:
    """Return a row a task, and their mean, of what is gained against a network of its own."""
    found = [{v.task: v.value for v in r["values"] if v.metric in GAINS} for r in runs]
    names = dict.fromkeys(task for each in found for task in each)
    shown = {ALL_TASKS: "all tasks (delta m)"}
    rows: list[list[Any]] = [
        [shown.get(task, task), *(gained(each.get(task)) for each in found)] for task in names
    ]
    note = "Relative change of a task's main metric; above 0 learning tasks together is better."
    return Table("Gain against single tasks", ["task", *(run["name"] for run in runs)], rows, note)


def gained(share: float | None) -> Any:
    """Write a relative change in percent."""
    return None if share is None else Cell(share, f"{100 * share:+.1f}%")


def difference(run: Facts, value: MetricValue | None) -> Any:
    """Return how far a run's value is from that of the first run, and the interval of that."""
    apart = run.get("differences", {}).get(value.name) if value else None
    if value is None or value.of_labels or apart is None or apart[0] is None:
        return None
    number, low, high = apart
    if not math.isfinite(number):
        return None
    digits = "" if not math.isfinite(low) else f" ({written(low)} to {written(high)})"
    return Cell(number, f"{number:+.4f}{digits}")


def marked(runs: Sequence[Facts], values: Sequence[MetricValue | None]) -> list[Any]:
    """Return cells; that of a run is marked which is clearly better than all others."""
    return [
        value and Cell(value.value, written(value.value), best=value.name in run.get("best_at", ()))
        for run, value in zip(runs, values)
    ]


def all_metrics(run: Facts, task: str, title: str = "All metrics") -> Table:
    """Return a row a metric of one task, or of all tasks, with its interval."""
    values = of_task(run["values"], task)
    return metric_table(values, run["level"], title, shown=lambda value: words(value.metric))


def glossary(runs: Sequence[Facts]) -> Table:
    """Return what each metric of the runs means, and what a value over all tasks is."""
    values = [value for run in runs for value in run["values"]]
    names = list(dict.fromkeys(value.metric for value in values))
    over = {name for name in names if name.startswith("worst_") or name.endswith("_by_num_labels")}
    rows: list[list[Any]] = [[words(n), meaning(n)] for n in names if n not in over and meaning(n)]
    alike = any(ALIKE in run.get("notes", ()) for run in runs)
    weights = "in which each counts alike" if alike else "by their weights"
    if any(value.task == ALL_TASKS for value in values):
        rows.append(["all tasks", f"Mean over the tasks that have the metric, {weights}."])
    if over:
        rows.append(["worst ...", "That of the task in which it is worst."])
        rows.append(["... by labels", "Mean over the tasks, by how many labels each has."])
    return Table("What the metrics mean", ["metric", "meaning"], rows)


def by_class(run: Facts, task: str) -> Table:
    """Return a row a class or label of one task, the worst ones where they are many."""
    table = class_table(
        run["values"], task, CLASS_METRICS, title="By class", first="class", shown=words
    )
    column = table.header.index("F1") if "F1" in table.header else 0
    rows, note = limited(
        table.rows, lambda row: worst_first(value_of(row[column])), "those with the lowest F1"
    )
    return dataclasses.replace(table, rows=rows, note=note)


def worst_first(value: Any) -> tuple[bool, Any]:
    """Sort low values first, and what is not known last."""
    return value is None, value or 0.0


# -- about one task --------------------------------------------------------------------------------
def confused_pairs(confusion: Facts) -> Table:
    """Return which class is taken for which other one most often."""
    names = confusion["classes"]
    wrong = [cell for cell in confusion["cells"] if cell[0] != cell[1]]
    wrong.sort(key=lambda cell: -cell[2])
    of_label: dict[int, int] = {}
    for label, _, count in confusion["cells"]:
        of_label[label] = of_label.get(label, 0) + count
    rows = [
        [names[label], names[answer], count, count / of_label[label]]
        for label, answer, count in wrong[:PAIRS]
    ]
    more = len(wrong) - len(rows)
    note = f"{more:,} more pairs left out. The JSON has all." if more > 0 else ""
    return Table("Most confused", ["label", "taken for", "records", "share of label"], rows, note)


def matrix(confusion: Facts) -> Table:
    """Return a confusion matrix, labels down and answers across."""
    names = confusion["classes"]
    counts = [[0] * len(names) for _ in names]
    for label, answer, count in confusion["cells"]:
        counts[label][answer] = count
    rows = [[name, *row] for name, row in zip(names, counts)]
    return Table("Labels (down) and predictions (across)", ["label", *names], rows)


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
    rows: list[list[Any]] = [[name, level] for name, level in sweep["thresholds"].items()]
    rows, note = limited(rows, lambda row: -abs(row[1] - 0.5), "those farthest from 0.5")
    return Table("Threshold of each label", ["label", "threshold"], rows, note)


def mistakes(task: Facts) -> Table:
    """Return the records with the highest loss."""
    rows = [
        [m["name"], m["loss"], m["label"], m["prediction"], probabilities(m) or None]
        for m in task["mistakes"]
    ]
    return Table("Highest loss", ["record", "loss", "label", "prediction", "probability"], rows)


def probabilities(mistake: Facts) -> str:
    """Write the probabilities of one record; "" of a value, which has none."""
    return ", ".join(f"{name} {value:.3f}" for name, value in mistake["probabilities"].items())


# -- data and settings -----------------------------------------------------------------------------
def labels_known(run: Facts) -> Table:
    """Return how many labels of each task are there, and how many are missing."""
    parts = [("training", run["train"]), ("evaluated", run["evaluated"])]
    parts = [(name, part) for name, part in parts if "error" not in part]
    header = ["task", "type"]
    for name, _ in parts:
        header += [f"{name}: labelled", f"{name}: missing"]
    rows: list[list[Any]] = []
    for name, task in run["tasks"].items():
        row: list[Any] = [name, task["type"]]
        for _, part in parts:
            counts = part["tasks"][name]
            missing = counts["cells"] - counts["known"]
            row += [counts["labelled"], share(missing, counts["cells"])]
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
        row: list[Any] = [name]
        for _, counts in parts:
            whole = counts["labels"][name] if key == "positive" else counts["labelled"]
            row += [counts[key][name], share(counts[key][name], whole)]
        rows.append(row)
    rows, note = limited(rows, lambda row: row[1], "the rarest")
    return Table(task, header, rows, note)


def differing(runs: Sequence[Facts]) -> Table:
    """Return the settings in which runs differ, and weights of tasks that do."""
    told = [
        {
            **run["settings"],
            **{f"weight of {head['name']}": head["weight"] for head in run["network"]["heads"]},
        }
        for run in runs
    ]
    names = list(dict.fromkeys(name for each in told for name in each))
    common = [{name: each.get(name) for name in names} for each in told]
    rows = [
        [name, *(setting_text(each[name]) for each in common)]
        for name in differing_settings(common)
    ]
    return Table("Settings that differ", ["setting", *(run["name"] for run in runs)], rows)


def settings(runs: Sequence[Facts], *, usual: bool) -> Table:
    """Return settings that are as usual in all runs, or those that are not but are the same."""
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}
    apart = {row[0] for row in differing(runs).rows} if len(runs) > 1 else set()
    rows = []
    for name, default in defaults.items():
        values = [run["settings"].get(name) for run in runs]
        plain = json.loads(json.dumps(default)) or None
        if name not in apart and all((value or None) == plain for value in values) == usual:
            rows.append([name, setting_text(values[0])])
    return Table("Settings", ["setting", ", ".join(run["name"] for run in runs)], rows)


def stages(network: Facts) -> Table:
    """Return the stages of the trunk, then the heads."""
    rows = [
        [shape_text(stage["shape"]), layers(stage["layers"]), stage["parameters"]]
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


def shape_text(sizes: Sequence[int]) -> str:
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
        number, best = entry["epoch"], entry["epoch"] in marked[-1:]
        row: list[Any] = [Cell(number, f"{number} (best)") if best else number]
        row += [entry["lr"], entry["seconds"]]
        for part in ("train", "val"):
            values = entry[part] or {}
            row.append(values.get(run["monitor"]))
        rows.append(row)
    monitor = run["monitor"]
    header = ["epoch", "lr", "seconds", f"train: {monitor}", f"validation: {monitor}"]
    return Table(f"Epochs of {run['name']}", header, rows)
