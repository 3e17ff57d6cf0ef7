"""Last layers fitted label by label: against scikit-learn, held to what is there, and kept."""

import mxmtl
from mxmtl.evaluation import evaluate, refit_labels
from mxmtl.evaluation._refit import fitted, refit_task, with_one
from tests.training import _small

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score


def problem(seed, rows=300, features=6):
    rng = np.random.RandomState(seed)
    weights = rng.normal(size=(2, features))
    x = rng.normal(size=(rows, features)) * 3
    z = x @ weights.T + [0.5, -1]
    return x, (z + rng.logistic(size=z.shape) > 0).astype(np.float64)


@pytest.mark.parametrize("strength", [1.0, 0.001])
def test_a_label_is_logistic_regression(strength):
    x, y = problem(0)
    size = strength * np.square(x).mean() * len(x)
    theirs = LogisticRegression(C=1 / size, tol=1e-10, max_iter=1000).fit(x, y[:, 0])
    ours = fitted(with_one(x), y[:, 0] == 1, np.zeros(7), strength)
    np.testing.assert_allclose(ours, [*theirs.coef_[0], *theirs.intercept_], atol=2e-4)
    start = np.random.RandomState(1).normal(size=7)
    held = fitted(with_one(x), y[:, 0] == 1, start, 1e6)
    np.testing.assert_allclose(held[:-1], start[:-1], atol=1e-4)  # the bias is free
    apart = np.where(x[:, :1] > 0, 1.0, 0.0)[:, 0] == 1  # no least cost without the penalty
    assert np.isfinite(fitted(with_one(x), apart, np.zeros(7), 1e-9)).all()


def test_missing_labels_are_as_removed_ones_and_nothing_gets_worse():
    task = mxmtl.Multilabel("toys", ["ball", "rope"])
    (x, y), (x_val, y_val) = problem(0), problem(0, rows=200)
    hidden = y.copy()
    hidden[::2, 0] = -1
    start = np.random.RandomState(3).normal(size=(2, 7))
    made, told = refit_task(task, start, [(x, hidden), (x_val, y_val)], (0.1, 0.01))
    alone, _ = refit_task(task, start, [(x[1::2], y[1::2]), (x_val, y_val)], (0.1, 0.01))
    np.testing.assert_allclose(made[0], alone[0], rtol=1e-6)
    assert [each.num_labels for each in told] == [150, 300]
    for index, each in enumerate(told):
        for weights, expected in ((start, each.before), (made, each.after)):
            logits = with_one(x_val) @ weights[index]
            found = average_precision_score(y_val[:, index], logits)
            assert found == pytest.approx(expected)
        assert each.after > each.before
    again, told = refit_task(task, made, [(x, hidden), (x_val, y_val)], (1e9,))
    assert all(each.after >= each.before for each in told)
    one, (ball, _) = refit_task(task, start, [(x, np.ones_like(y)), (x_val, y_val)], (0.1,))
    np.testing.assert_array_equal(one, start)
    assert ball.note == "one answer alone is known"


def test_a_run_is_refitted_saved_and_used(records, tmp_path):
    run = _small.fit(records, tmp_path / "run", epochs=1, lr=1e-4)
    before = evaluate(run, records).values
    refit = refit_labels(run, records, records, batch_size=8)
    names = {label.task for label in refit.labels}
    assert names == {t.name for t in run.tasks if t.kind == "cells"}
    assert "average precision" in str(refit)
    refit.save(tmp_path / "refit")
    after = evaluate(tmp_path / "refit", records).values
    for label in refit.labels:
        own = run.tasks[label.task].names
        key = f"{label.task}/average_precision" + (f"/{label.name}" if own else "")
        assert before[key] == pytest.approx(label.before, abs=1e-6)
        assert after[key] == pytest.approx(label.after, abs=1e-6)
    assert any(label.after > label.before for label in refit.labels)
    other = next(t.name for t in run.tasks if t.kind == "class")
    assert after[f"{other}/accuracy"] == before[f"{other}/accuracy"]
    assert evaluate(run, records).values == pytest.approx(before, nan_ok=True)  # stays as it was
    alone = mxmtl.TaskSet([task for task in run.tasks if task.kind == "value"])
    symbol = mxmtl.training_symbol(mxmtl.small_trunk(), alone)
    file = mxmtl.model.ModelFile(alone, refit.model.file.preprocessing)
    model = mxmtl.model.Model(symbol, ({}, {}), file, "m")
    with pytest.raises(ValueError, match="m: no binary or multi-label task ends in"):
        refit_labels(model, records, records)
