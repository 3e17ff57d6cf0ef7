"""A split by group is fair to groups of every size, and keeps each together."""

import mxmtl
from mxmtl.data import split_rows

import numpy as np
import pytest

from ._images import write_images

SIZES = np.array([1] * 300 + [6] * 150)
GROUPS = [str(group) for group, size in enumerate(SIZES) for _ in range(size)]


def test_large_and_small_groups_are_held_out_alike():
    held_out = np.zeros(len(SIZES))
    for seed in range(20):
        split = split_rows(len(GROUPS), {"train": 0.78, "test": 0.22}, groups=GROUPS, seed=seed)
        assert abs((split == 1).mean() - 0.22) < 0.01
        of_group = [set(split[np.asarray(GROUPS) == str(g)]) for g in range(len(SIZES))]
        assert all(len(splits) == 1 for splits in of_group)
        held_out += [splits == {1} for splits in of_group]
    assert abs(held_out[SIZES == 1].mean() / 20 - 0.22) < 0.03
    assert abs(held_out[SIZES == 6].mean() / 20 - 0.22) < 0.03


@pytest.fixture(scope="module")
def notes_of(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    names = write_images(root, 60)

    def notes(folder, label=lambda at: at % 2, **options):
        """Convert 60 pictures in the folders that are told; return the notes on their split."""
        rows = []
        for at, name in enumerate(names):
            start = folder(at)
            file = ("_" in start or "-" in start) and not start.startswith("part")
            path = root / (f"{start}{at}.jpg" if file else f"{start}/{name}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes((root / name).read_bytes())
            rows.append({"path": str(path.relative_to(root)), "x": str(label(at)), "row": str(at)})
        classes = sorted({row["x"] for row in rows})
        tasks = mxmtl.TaskSet([mxmtl.Multiclass("x", classes=classes)])
        options = {"split": {"train": 0.5, "val": 0.5}, "force": True, **options}
        summary = mxmtl.write_records(rows, root, prefix=root / "d", tasks=tasks, **options)
        return [note for note in summary.notes if "group" in note]

    return notes


def patient(at):
    return f"all/patient{at // 3:05}/study1"


@pytest.mark.parametrize(
    ("folder", "label", "options", "said"),
    [
        (patient, lambda at: at % 2, {}, "--path-pattern '{folder}/*/*' --group folder"),
        (patient, lambda at: at // 3 % 2, {}, "'patient00000' has 3"),  # one label a patient
        (patient, lambda at: at % 2, {"path_pattern": "{study}/*"}, "{folder} in the --path-pat"),
        (patient, lambda at: at % 2, {"group": "row"}, "by 'row': --group keeps nothing"),
        (lambda at: f"p{at}", lambda at: at % 2, {}, ""),  # a picture each
        (lambda at: f"{at // 3}", lambda at: f"{at // 3}", {}, ""),  # the classes
        (lambda at: f"c{at // 3}", lambda at: f"kind {at // 3}", {}, ""),  # by other names
        (lambda at: f"bird {chr(97 + at // 3)}", lambda at: at % 2, {}, ""),  # no ids
        (lambda at: f"part{at // 20}", lambda at: at % 2, {}, ""),  # few
        (patient, lambda at: at % 2, {"path_pattern": "{p}/*/*", "group": "p"}, ""),
        (lambda at: f"{at // 2}_left", lambda at: at % 2, {}, "2 begin with '0_'"),
        (lambda at: f"p{at // 3}-", lambda at: at % 2, {}, "'{start}-*' --group start"),
        (lambda at: f"a/p{at // 3}-", lambda at: at % 2, {"path_pattern": "{a}/*"}, "{start} in"),
        (lambda at: f"{at // 3}_x", lambda at: f"{at // 3}", {}, ""),  # the classes
        (lambda at: f"{at}_left", lambda at: at % 2, {}, ""),  # a picture each
        (lambda at: f"img_{at}", lambda at: at % 2, {}, ""),
        (lambda at: f"2008_{at}", lambda at: at % 2, {}, ""),
    ],
)  # fmt: skip
def test_what_a_split_parts_is_said(notes_of, folder, label, options, said):
    notes = notes_of(folder, label, **options)
    assert (len(notes) == 1 and said in notes[0]) if said else not notes
    if "'{start}-*'" in said:
        assert not notes_of(folder, label, path_pattern="{start}-*", group="start")
    if "--path-pattern '{folder}" in said:
        assert not notes_of(folder, label, path_pattern="{folder}/*/*", group="folder")
