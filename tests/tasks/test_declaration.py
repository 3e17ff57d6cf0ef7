"""Declarations: what is accepted, what is refused and how the refusal reads."""

import inspect

import mxmtl
from tests import _cases

import pytest

HUGE = 10**400  # a whole number that no float holds


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a/b", "-a", None, 3, "a\n"])
def test_task_names_are_usable_everywhere(name):
    with pytest.raises(ValueError, match=r"task name .*expected letters, digits"):
        mxmtl.Binary(name)


@pytest.mark.parametrize("name", ["breed", "5_o_Clock_Shadow", "coat-length", "_x"])
def test_usual_names_are_accepted(name):
    assert mxmtl.Binary(name).label_name == f"{name}_label"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: mxmtl.Multiclass("t", ["a"]), "classes needs 2 names or more"),
        (lambda: mxmtl.Multiclass("t", ["a", "b", "a"]), r"classes names \['a'\] more than once"),
        (lambda: mxmtl.Multiclass("t", "ab"), "is one string; expected a list"),
        (lambda: mxmtl.Multiclass("t", ["a", " b"]), "no space around it"),
        (
            lambda: mxmtl.Multiclass("t", classes=5),
            r"'t': classes=5; expected a list .*\(i\) for i",
        ),
        (lambda: mxmtl.Multilabel("t", labels=6), r"'t': labels=6; .*write labels=\[str\(i\) for"),
        (lambda: mxmtl.Multiclass("t", range(3)), r"classes=range\(0, 3\); .*in range\(0, 3\)\]"),
        (lambda: mxmtl.Multiclass("t", ["a", 1]), "classes has 1; expected text"),
        (lambda: mxmtl.Multiclass("t", ["a", "b\nc"]), r"'b\\nc'; '\\n' in it cannot be printed"),
        (lambda: mxmtl.Multilabel("t", []), "labels needs 1 names or more"),
        (lambda: mxmtl.Binary("t", weight=-1), r"weight=-1 is not in \[0"),
        (lambda: mxmtl.Binary("t", weight=float("nan")), "weight=nan is not in"),
        (lambda: mxmtl.Binary("t", weight=float("inf")), "weight must be finite"),
        (lambda: mxmtl.Binary("t", weight="1"), "weight='1' is not in"),
        (lambda: mxmtl.Binary("t", label_smoothing=1.0), "label_smoothing=1.0 is not in"),
        (lambda: mxmtl.Multiclass("t", ["a", "b"], class_weight=[1]), "has 1 numbers for 2 names"),
        (
            lambda: mxmtl.Multiclass("t", ["a", "b"], class_weight={"c": 1}),
            r"names \['c'\]",
        ),
        (lambda: mxmtl.Multilabel("t", ["a"], pos_weight=-2), "must be finite and not negative"),
        (lambda: mxmtl.Binary("t", weight=True), "weight=True is not in"),
        (lambda: mxmtl.Binary("t", weight=HUGE), "weight must be finite"),
        (lambda: mxmtl.Multiclass("t", ["a", "b"], class_weight=[HUGE, 1]), "must be finite"),
        (lambda: mxmtl.Multiclass("t", ["a", "b"], offsets=[HUGE, 1]), "expected 2 finite numbers"),
        (lambda: mxmtl.Binary("t", offsets=""), "offsets=''; expected 1 finite"),
        (lambda: mxmtl.Binary("t", offsets=[[]]), "expected 1 finite numbers"),
        (lambda: mxmtl.Binary("t" * 1001), "task name 't{40}'...: at most 1000 letters"),
        (lambda: mxmtl.Binary("t", column="c" * 10_001), "of at most 10000 letters"),
        (
            lambda: mxmtl.Multilabel("t", [*map(str, range(99_999)), "7", "8"]),
            r"labels names \['7', '8'\] more than once",
        ),
        (lambda: mxmtl.TaskSet([]), "needs at least one task"),
        (lambda: mxmtl.TaskSet([mxmtl.Binary("t"), mxmtl.Binary("t")]), "'t' is used twice"),
        (
            lambda: mxmtl.TaskSet([mxmtl.Binary("t"), mxmtl.Binary("t_label")]),
            "both make the name 't_label' in the network; rename one",
        ),
        (lambda: mxmtl.TaskSet([mxmtl.Binary("t")], normalization="sum"), "'sum' is not one of"),
    ],
)
def test_refusals_name_the_task_and_the_option(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_task_set_takes_tasks_only():
    with pytest.raises(TypeError, match="expected tasks"):
        mxmtl.TaskSet(["breed"])


def test_weights_by_name_or_one_for_all():
    task = mxmtl.Multiclass("t", ["a", "b", "c"], class_weight={"b": 3})
    assert task.class_weight == (1.0, 3.0, 1.0)
    assert mxmtl.Multilabel("t", ["a", "b"], pos_weight=2).pos_weight == (2.0, 2.0)


@pytest.mark.parametrize("weights", ["balanced", [1, None], {0: 1.0, "z": 2}, {"a": "x"}])
def test_weights_that_are_no_numbers_are_named(weights):
    with pytest.raises(ValueError, match="task 't': class_weight"):
        mxmtl.Multiclass("t", ["a", "b"], class_weight=weights)


def test_one_task_is_no_list_of_them():
    with pytest.raises(TypeError, match=r"expected a list of tasks, got one: \[Binary\("):
        mxmtl.TaskSet(mxmtl.Binary("a"))


def test_tasks_are_values():
    assert mxmtl.Binary("t") == mxmtl.Binary("t")
    assert hash(mxmtl.Multiclass("t", ["a", "b"])) == hash(mxmtl.Multiclass("t", ("a", "b")))
    with pytest.raises(AttributeError):
        mxmtl.Binary("t").weight = 2.0


def test_a_task_set_is_a_sequence_with_names():
    tasks = _cases.task_set()
    assert [task.name for task in tasks] == tasks.names
    assert tasks["age"] is tasks[tasks.names.index("age")]
    assert tasks[len(tasks) - 1] is tasks[-1]
    assert "age" in tasks
    assert "nope" not in tasks
    with pytest.raises(KeyError, match=r"task 'nope' is not one of \[breed"):
        tasks["nope"]


def test_layout_of_the_design_example():
    tasks = mxmtl.TaskSet(
        [
            mxmtl.Multiclass("breed", classes=["beagle", "boxer", "pug"]),
            mxmtl.Binary("outdoors"),
            mxmtl.Multilabel("toys", labels=["ball", "rope", "bone"]),
            mxmtl.Regression("age", weight=0.1),
        ]
    )
    assert tasks.label_width == 6
    assert tasks.columns == ["breed", "outdoors", "toys.ball", "toys.rope", "toys.bone", "age"]
    assert tasks.output_names == ["breed_output", "outdoors_output", "toys_output", "age_output"]
    assert [task.label_shape(8) for task in tasks] == [(8,), (8,), (8, 3), (8,)]
    assert [task.num_outputs for task in tasks] == [3, 1, 3, 1]
    assert [(part.start, part.stop) for part in tasks.slices] == [(0, 1), (1, 2), (2, 5), (5, 6)]


def test_help_shows_what_a_task_takes():
    shown = list(inspect.signature(mxmtl.Multiclass).parameters)
    assert shown[:2] == ["name", "classes"]
    assert "class_weight" in shown
