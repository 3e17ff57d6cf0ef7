"""Losses as they are declared: checked, kept in files, from outside, and given counts."""

from dataclasses import dataclass

import mxmtl
from mxmtl import losses

import pytest

LABELS = ["a", "b", "c"]


def test_every_loss_goes_into_a_file_and_comes_back():
    every = [
        losses.Focal(gamma=1.5, alpha=0.3),
        losses.Asymmetric(full=True),
        losses.Hill(margin=0.5),
        losses.FocalMargin(),
        losses.ProperAsymmetric(k_neg=2.0),
        losses.LogitAdjusted(counts=[(3, 1), (5, 0), (1, 1)]),
        losses.ClassBalanced(loss=losses.Focal(gamma=1.0)),
    ]
    modes = [losses.Negative(weight=0.5), losses.Selective(prior=[0.1, 0.2, 0.3], top=2)]
    tasks = [
        mxmtl.Multilabel(f"t{n}", LABELS, loss=loss, missing_as=modes[n % 2])
        for n, loss in enumerate(every)
    ]
    tasks.append(mxmtl.Multiclass("c", LABELS, loss=losses.BalancedSoftmax(counts=[1, 2, 3])))
    tasks.append(mxmtl.Regression("r", loss=losses.Huber(2.0)))
    made = mxmtl.TaskSet(tasks)
    spec = made.to_dict()
    assert mxmtl.TaskSet.from_dict(spec) == made
    assert spec["tasks"][6]["loss"] == {
        "type": "ClassBalanced", "loss": {"type": "Focal", "gamma": 1.0},
    }  # fmt: skip
    assert "loss" not in mxmtl.TaskSet([mxmtl.Multilabel("t", LABELS)]).to_dict()["tasks"][0]


def test_a_loss_from_outside_is_known_by_its_name():
    @dataclass(frozen=True)
    class Squared(losses.Loss):
        def cells(self, F, logits):
            return F.square(F.sigmoid(-logits)), F.square(F.sigmoid(logits))

    task = mxmtl.Binary("outdoors", loss=Squared())
    assert mxmtl.Task.from_dict(task.to_dict()) == task
    with pytest.raises(ValueError, match="'breed': Squared is no loss for multiclass tasks; it is"):
        mxmtl.Multiclass("breed", LABELS, loss=Squared())
    with pytest.raises(TypeError, match="Focal: there is one of this name already, of mxmtl"):
        type("Focal", (losses.Loss,), {})
    del losses.Declaration.types["Squared"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.Focal(gamma=-1), r"Focal: gamma=-1 is not in \[0, inf\]"),
        (lambda: losses.Focal(gamma="2"), "Focal: gamma='2' is no number"),
        (lambda: losses.Pinball(1.0), r"Pinball: level=1.0 is not in"),
        (lambda: mxmtl.Binary("t", loss="focal"), r"'t': loss 'focal' is not .* mean 'Focal'"),
        (lambda: mxmtl.Binary("t", loss=3), r"task 't': loss=3; expected one of mxmtl.losses"),
        (lambda: mxmtl.Binary("t", loss="Focal(1)"), r"'t': loss='Focal\(1\)': expected NAME or"),
        (lambda: mxmtl.Binary("t", loss="Focal(gama=1)"), r"no option \['gama'\]"),
        (
            lambda: mxmtl.Binary("t", loss={"type": "Fokal"}),
            r"'Fokal' is not one of \[Asymm.*did you mean 'Focal'",
        ),
        (lambda: mxmtl.Binary("t", loss={"type": "Focal", "g": 1}), r"Focal has no option \['g'\]"),
        (lambda: mxmtl.Binary("t", loss=losses.Negative()), "expected one of mxmtl.losses"),
        (lambda: mxmtl.Binary("t", missing_as=losses.Focal()), "missing_as=mxmtl.losses.KnownF"),
        (lambda: mxmtl.Regression("t", loss=losses.Focal()), "Focal is no loss for regression"),
        (
            lambda: mxmtl.Multiclass("t", LABELS, loss=losses.LogitAdjusted(counts={"a": 1})),
            r"expected one for each of \['a', 'b', 'c'\]",
        ),
        (
            lambda: mxmtl.Multilabel("t", LABELS, loss=losses.LogitAdjusted(counts=[1, 2, 3])),
            r"expected \(no, yes\) for each label, 3 of them",
        ),
        (
            lambda: mxmtl.Multiclass("t", LABELS, loss=losses.Focal(alpha=0.25)),
            "classes have class_weight",
        ),
        (
            lambda: mxmtl.Multilabel("t", LABELS, missing_as=losses.Selective(prior=[2.0])),
            r"Selective: prior=\[2.0\]; expected a share in \[0, 1\] for each of",
        ),
        (
            lambda: mxmtl.Multilabel("t", LABELS, missing_as={"type": "Selective", "prior": 1}),
            "prior=1; expected a share",
        ),
        (
            lambda: mxmtl.Multilabel("t", LABELS, missing_as=losses.Selective(prior=[10**400] * 3)),
            "expected a share",
        ),
        (lambda: losses.Focal(gamma=10**400), "gamma=10+ is not in"),
        (lambda: losses.KnownFraction(alpha="1"), "alpha='1' is no number"),
        (lambda: losses.KnownFraction(gamma=float("nan")), "gamma=nan is not in"),
        (
            lambda: mxmtl.Multiclass("t", LABELS, loss=losses.LogitAdjusted(counts=[10**400] * 3)),
            "expected numbers",
        ),
        (
            lambda: mxmtl.Multilabel("t", LABELS, missing_as="LargeLoss(correct=false)"),
            "correct='false'; expected True or False",
        ),
        (lambda: losses.Asymmetric(full=[]), r"full=\[\]; expected True or False"),
    ],
)
def test_what_cannot_be_is_said_as_it_is_declared(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_counts_are_filled_in_or_asked_for():
    breed = mxmtl.Multiclass("breed", LABELS, loss=losses.LogitAdjusted())
    toys = mxmtl.Multilabel("toys", LABELS[:2], loss=losses.ClassBalanced())
    given = mxmtl.Multiclass("given", LABELS, loss=losses.LogitAdjusted(counts=[1, 1, 1]))
    with pytest.raises(ValueError, match=r"LogitAdjusted needs the counts of the training rows"):
        mxmtl.training_symbol(mxmtl.small_trunk(), mxmtl.TaskSet([breed]))
    counts = {
        "breed": {"counts": {"a": 5, "b": 0, "c": 1}},
        "toys": {"positive": {"a": 2, "b": 0}, "labels": {"a": 10, "b": 4}},
        "given": {"counts": {"a": 5, "b": 0, "c": 1}},
    }
    learned = mxmtl.TaskSet([breed, toys, given]).learned(counts)
    assert learned["breed"].loss.counts == (5, 0, 1)
    assert learned["toys"].loss.counts == ((8, 2), (4, 0))
    assert learned["given"].loss.counts == (1, 1, 1)
    mxmtl.training_symbol(mxmtl.small_trunk(), learned)


def test_counts_reach_a_loss_inside_another():
    inside = losses.ClassBalanced(loss=losses.LogitAdjusted())
    breed = mxmtl.Multiclass("breed", LABELS, loss=inside)
    counts = {"breed": {"counts": {"a": 5, "b": 0, "c": 1}}}
    learned = mxmtl.TaskSet([breed]).learned(counts)
    assert learned["breed"].loss.counts == learned["breed"].loss.loss.counts == (5, 0, 1)
    mxmtl.training_symbol(mxmtl.small_trunk(), learned)
    by_name = losses.LogitAdjusted(counts={"a": 1, "b": 2, "c": 3})
    named = losses.ClassBalanced(counts=[1, 2, 3], loss=by_name)
    assert named.adjusts
    assert not losses.ClassBalanced(loss=losses.Focal()).adjusts
    assert mxmtl.Multiclass("breed", LABELS, loss=named).loss.loss.counts == (1, 2, 3)
    assert mxmtl.TaskSet.from_dict(learned.to_dict())["breed"].loss.loss.counts == (5, 0, 1)


@pytest.mark.parametrize("kind", losses.Loss.known().values(), ids=lambda kind: kind.__name__)
def test_every_loss_says_its_gradient_its_source_and_when_not_to_take_it(kind):
    if kind.__module__.startswith("mxmtl."):
        assert "gradient" in kind.__doc__
        assert "Not " in kind.__doc__
        assert "References\n" in kind.__doc__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("LogitAdjusted", losses.LogitAdjusted()),
        ("LogitAdjusted(tau=0.5)", losses.LogitAdjusted(tau=0.5)),
        (
            "ClassBalanced(beta=0.99, loss=Focal)",
            losses.ClassBalanced(beta=0.99, loss=losses.Focal()),
        ),
        (
            "ClassBalanced(loss=Focal(gamma=1), beta=0.9)",
            losses.ClassBalanced(loss=losses.Focal(gamma=1), beta=0.9),
        ),
    ],
)
def test_a_loss_as_text_is_that_loss(text, expected):
    task = mxmtl.Multiclass("t", LABELS, loss=text)
    assert task.loss.to_dict() == expected.to_dict()
    assert mxmtl.Task.from_dict(task.to_dict()) == mxmtl.Multiclass("t", LABELS, loss=expected)
    filled = mxmtl.Multilabel("t", LABELS, missing_as="Negative(smoothing=0.1)")
    assert filled.missing_as == losses.Negative(smoothing=0.1)


@pytest.mark.parametrize(
    "options",
    [
        "-" * 100_000 + "1",
        "1" + "+1" * 50_000,
        "a" + ".b" * 50_000 + "()",
        "(" * 1_000,
        "[" * 150 + "]" * 150,
    ],
    ids=lambda options: options[:3],
)
def test_a_text_nested_without_end_is_an_error_that_is_short(options):
    with pytest.raises(ValueError, match=r"^task 't': ") as told:
        mxmtl.Multilabel("t", LABELS, loss=f"Focal(gamma={options})")
    assert len(str(told.value)) < 400


def test_classes_are_not_balanced_twice_however_deep_a_file_nests_it():
    loss = {"type": "Focal"}
    for _ in range(800):
        loss = {"type": "ClassBalanced", "loss": loss}
    for given in (loss, "ClassBalanced(loss=ClassBalanced(beta=0.9))"):
        with pytest.raises(ValueError, match=r"'t': ClassBalanced: .* weigh the classes twice"):
            mxmtl.Multilabel("t", LABELS, loss=given)
    with pytest.raises(ValueError, match="weigh the classes twice"):
        losses.ClassBalanced(loss=losses.ClassBalanced())
