"""Weights from a Gramian: published values, exact solutions, and laws over all methods."""

import itertools

import mxmtl
from mxmtl import balance

import mxnet as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

J = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])  # the case whose results TorchJD publishes
# Weights there; of the last two, what they make of J.
PUBLISHED = {
    "aligned_mtl": [0.5591, 0.4083],
    "cagrad": [0.7041, 0.5],
    "dualproj": [0.6109, 0.5],
    "fairgrad": [0.5915, 0.4071],
    "gradvac": [2.2222, 1.5789],
    "imtl_g": [0.5923, 0.4077],
    "mgda": [0.6, 0.4],
    "pcgrad": [2.2222, 1.5789],
    "upgrad": [1.1109, 0.7894],
}
MIXTURES = {"config": [0.1588, 2.0706, 2.0706], "nash_mtl": [0.0542, 0.7061, 0.7061]}
METHODS = [name for name in balance.method_names() if name != "equal"]
OF_GRADIENTS = [name for name in METHODS if balance.Balance.types[name].uses_gradients]
BY_CHANCE = {"random"}  # other numbers for another order
IN_TURN = {"pcgrad", "gradvac"}  # a random order, which matters from three tasks on


def gramian(seed, tasks, conflict=0.5):
    rng = np.random.RandomState(seed)
    rows = rng.normal(size=(tasks, 20)) * np.exp(rng.normal(size=(tasks, 1)))
    rows += conflict * rng.normal(size=20) * rng.choice([-1, 1], size=(tasks, 1))
    return rows @ rows.T


@pytest.mark.parametrize("name", PUBLISHED)
def test_weights_are_as_published(name):
    np.testing.assert_allclose(balance.weights(name, J @ J.T), PUBLISHED[name], atol=6e-5)


@pytest.mark.parametrize("name", MIXTURES)
def test_mixtures_are_as_published(name):
    np.testing.assert_allclose(J.T @ balance.weights(name, J @ J.T), MIXTURES[name], atol=6e-5)


# -- exact solutions, by trying which weights are at their bounds ----------------------------------
def exact_on_simplex(G):
    best = (np.inf, None)
    for size in range(1, len(G) + 1):
        for used in map(list, itertools.combinations(range(len(G)), size)):
            part = np.linalg.solve(G[np.ix_(used, used)], np.ones(size))
            if (part > 0).all():
                w = np.zeros(len(G))
                w[used] = part / part.sum()
                best = min(best, (w @ G @ w, w), key=lambda pair: pair[0])
    return best[1]


def exact_above(G, floors):
    best = (np.inf, None)
    for size in range(len(G) + 1):
        for free in map(list, itertools.combinations(range(len(G)), size)):
            held = [i for i in range(len(G)) if i not in free]
            v = floors.astype(float).copy()
            v[free] = np.linalg.solve(G[np.ix_(free, free)], -G[np.ix_(free, held)] @ floors[held])
            if (v >= floors - 1e-12).all():
                best = min(best, (v @ G @ v, v), key=lambda pair: pair[0])
    return best[1]


@pytest.mark.parametrize("tasks", [3, 5])
def test_mgda_is_the_shortest_mixture(tasks):
    for seed in range(2):
        G = gramian(seed, tasks)
        np.testing.assert_allclose(balance.weights("mgda", G), exact_on_simplex(G), atol=1e-6)


@pytest.mark.parametrize("tasks", [3, 5])
def test_projections_are_exact(tasks):
    for seed in range(2):
        G = gramian(seed, tasks, conflict=3.0)
        regular = G / np.trace(G) + 1e-4 * np.eye(tasks)
        mean = np.full(tasks, 1 / tasks)
        np.testing.assert_allclose(
            balance.weights("dualproj", G), exact_above(regular, mean), atol=1e-6
        )
        each = [exact_above(regular, row / tasks) for row in np.eye(tasks)]
        np.testing.assert_allclose(balance.weights("upgrad", G), sum(each), atol=1e-6)


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0])
def test_fairgrad_solves_its_equation(alpha):
    G = gramian(4, 5)
    a = balance.weights("fairgrad", G, alpha=alpha)
    np.testing.assert_allclose(G @ a, a ** (-1 / alpha), rtol=1e-8)


def test_cagrad_is_lowest_of_many_and_the_mean_with_c_0():
    G, c = gramian(5, 4, conflict=2.0), 0.5
    mean = np.full(4, 0.25)
    np.testing.assert_allclose(balance.weights("cagrad", G, c=0.0), mean, atol=1e-12)
    shift = balance.weights("cagrad", G, c=c) - mean
    radius = c * np.sqrt(mean @ G @ mean)

    def goal(w):
        return w @ G @ mean + radius * np.sqrt(w @ G @ w)

    found = shift / shift.sum()
    others = np.random.RandomState(0).dirichlet(np.ones(4), size=2000)
    assert goal(found) <= min(map(goal, others)) + 1e-9
    np.testing.assert_allclose(shift.sum(), radius / np.sqrt(found @ G @ found), rtol=1e-9)


def test_imtl_g_has_equal_projections():
    G = gramian(6, 5)
    w = balance.weights("imtl_g", G)
    along = (G @ w) / np.sqrt(np.diag(G))
    np.testing.assert_allclose(along, along.mean(), rtol=1e-9)
    np.testing.assert_allclose(w.sum(), 1)


# -- laws ------------------------------------------------------------------------------------------
def asked(name, G, losses, **options):
    mx.random.seed(0)
    return balance.weights(name, G, losses=losses, **options)


LOSSES = np.array([0.3, 2.0, 0.9, 0.05])


@pytest.mark.parametrize("name", sorted(set(METHODS) - BY_CHANCE - IN_TURN))
def test_permuted_tasks_have_permuted_weights(name):
    G, order = gramian(7, 4, conflict=1.5), np.array([2, 0, 3, 1])
    expected = asked(name, G, LOSSES)[order]
    found = asked(name, G[np.ix_(order, order)], LOSSES[order])
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("name", sorted(set(METHODS) - BY_CHANCE - IN_TURN))
def test_tasks_without_labels_change_nothing(name, rescale):
    G, there = gramian(8, 4, conflict=1.5), np.array([True, False, True, True])
    found = asked(name, G, LOSSES, present=there, rescale=rescale)
    alone = asked(name, G[np.ix_(there, there)], LOSSES[there], rescale=rescale)
    np.testing.assert_allclose(found[there], alone, rtol=1e-5, atol=1e-7)
    assert found[1] == 0
    one = np.array([False, False, True, False])
    if rescale:
        np.testing.assert_allclose(
            asked(name, G, LOSSES, present=one, rescale=True), one, atol=1e-6
        )
    assert not asked(name, G, LOSSES, present=~np.ones(4, bool), rescale=rescale).any()


@pytest.mark.parametrize("name", METHODS)
def test_rescaled_weights_sum_to_the_number_of_tasks(name):
    w = asked(name, gramian(9, 4), LOSSES, rescale=True)
    np.testing.assert_allclose(w.sum(), 4, rtol=1e-9)


@pytest.mark.parametrize("name", ["cagrad", "dualproj", "upgrad", "pcgrad"])
def test_without_conflict_they_add_or_average(name):
    G = np.abs(gramian(10, 4)) + 1.0
    expected = 1.0 if name == "pcgrad" else 0.25
    if name == "cagrad":  # moves towards the least also then; with a radius of 0 it is the mean
        np.testing.assert_allclose(balance.weights(name, G, c=0.0), expected)
    else:
        np.testing.assert_allclose(balance.weights(name, G), expected, atol=1e-9)


def test_two_tasks_make_one_direction_of_four_methods():
    G = gramian(11, 2, conflict=2.0)
    norms = np.sqrt(np.diag(G))
    expected = 1 / norms / (1 / norms).sum()
    for name in ("imtl_g", "nash_mtl", "fairgrad", "config"):
        w = balance.weights(name, G)
        np.testing.assert_allclose(w / w.sum(), expected, rtol=1e-9)


@pytest.mark.parametrize("name", ["imtl_g", "nash_mtl", "config"])
def test_the_size_of_a_loss_does_not_matter(name):
    # Scaling a task's loss scales its gradient; its part of the mixture stays as it was.
    G, factor = gramian(12, 3), np.array([1.0, 100.0, 0.01])
    part = balance.weights(name, G, **({"most": 1e9} if name == "nash_mtl" else {}))
    other = balance.weights(
        name, G * np.outer(factor, factor), **({"most": 1e9} if name == "nash_mtl" else {})
    )
    mixed = other * factor
    np.testing.assert_allclose(mixed / mixed.sum(), part / part.sum(), rtol=1e-5)


@pytest.mark.parametrize("name", ["dualproj", "upgrad", "mgda", "nash_mtl", "config"])
def test_no_task_loses_by_a_small_step(name):
    for seed in range(5):
        G = gramian(seed, 4, conflict=3.0)
        options = {"ridge": 0.0} if name in ("dualproj", "upgrad") else {}
        along = G @ balance.weights(name, G, **options)
        assert (along >= -1e-6 * np.abs(G).max()).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(OF_GRADIENTS), st.floats(-6, 6))
def test_weights_are_finite_whatever_the_gradients(seed, name, size):
    rng = np.random.RandomState(seed)
    rows = rng.normal(size=(3, 2)) * 10.0**size  # more tasks than directions: no inverse
    rows[rng.randint(3)] = rows[0] if rng.uniform() < 0.5 else 0.0
    w = asked(name, rows @ rows.T, np.ones(3), rescale=True)
    assert np.isfinite(w).all()


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", OF_GRADIENTS)
def test_gradients_that_are_lost_end_no_process(name, value):
    """A run that diverged is ended by what says of which task, not by LAPACK."""
    G = gramian(3, 3)
    G[1] = G[:, 1] = value
    assert asked(name, G, np.ones(3)).shape == (3,)


def test_momentum_mixes_with_the_last_weights():
    G = gramian(13, 3)
    plain = balance.weights("imtl_g", G, rescale=True)
    last = np.array([[2.0, 1], [0.5, 1], [0.5, 1]])  # weight, and that there was one
    found = balance.weights("imtl_g", G, rescale=True, momentum=0.75, state=last)
    np.testing.assert_allclose(found, 0.75 * last[:, 0] + 0.25 * plain)
    first = balance.weights("imtl_g", G, rescale=True, momentum=0.75)
    np.testing.assert_allclose(first, plain)


def test_a_task_that_appears_late_is_measured_by_where_it_began():
    """Of a task without labels in the warm-up, the reference is its first epoch with some."""
    method = balance.balance_of("stch(warmup=1)")
    state = np.array([[30.0, 10, 0, 0], [0, 0, 0, 0]])  # sums, numbers, references, epochs
    state = method.end_epoch(state)
    np.testing.assert_array_equal(state, [[0, 0, 3, 1], [0, 0, 0, 1]])
    losses = np.array([1.5, 0.7])
    weights = balance.weights("stch", np.eye(2), losses=losses, state=state, warmup=1)
    shares = np.array([0.5, 1.0]) / 1.5  # the late one is where it began
    np.testing.assert_allclose(weights, 2 * shares / losses, rtol=1e-9)
    state[:, :2] = [[15, 10], [7, 10]]
    np.testing.assert_allclose(method.end_epoch(state), [[0, 0, 3, 2], [0, 0, 0.7, 2]])


def test_dwa_is_as_published():
    state = np.array([[0, 0, 1.0, 2.0], [0, 0, 3.0, 3.0], [0, 0, 0.5, 0.0]])  # the last: no ratio
    powers = np.exp(np.array([0.5, 1.0, 1.0]) / 2)
    found = balance.weights("dwa", np.eye(3), state=state)
    np.testing.assert_allclose(found, 3 * powers / powers.sum(), rtol=1e-9)


def test_two_tasks_are_projected_as_pcgrad_does():
    for seed in range(3):
        G = gramian(seed, 2, conflict=2.0)
        both = balance.weights("pcgrad", G), 2 * balance.weights("upgrad", G, ridge=0.0)
        np.testing.assert_allclose(*both, rtol=1e-9)


# -- what a user may say ---------------------------------------------------------------------------
def test_methods_are_named_with_their_options():
    method = balance.balance_of("cagrad(c=0.4, momentum=0.5)")
    assert (method.c, method.momentum) == (0.4, 0.5)
    assert balance.balance_of(str(method)) == method
    assert str(balance.IMTLG()) == "imtl_g"
    for name in METHODS:  # a method as it is without options is its name
        assert str(balance.balance_of(name)) == name
    assert balance.balance_of("equal") is None
    np.testing.assert_array_equal(balance.weights("equal", np.eye(3)), np.ones(3))


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("imtl-g", "did you mean 'imtl_g'"),
        ("cagrad(d=1)", "no option 'd'"),
        ("cagrad(0.4)", "cagrad\\(c=0.4\\)"),
        ("cagrad(c=__import__('os'))", "expected a number"),
        ("mgda(normalize='l3')", r"expected one of \[none, l2, loss, loss\+\]"),
        ("uncertainty(momentum=0.5)", "trains its weights already"),
    ],
)
def test_what_is_no_method_is_refused(given_, message):
    with pytest.raises((ValueError, TypeError), match=message):
        balance.balance_of(given_)


def test_what_is_no_gramian_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 3\); expected \(T, T\)"):
        balance.weights("mgda", np.ones((2, 3)))


def test_a_method_from_outside_is_known_by_its_name():
    class First(mxmtl.balance.Balance):
        """All for the first task."""

        name = "first_task"
        uses_gradients = False
        weighs_losses = True

        def weigh(self, facts):
            return facts.unit(0)

    try:
        np.testing.assert_array_equal(balance.weights("first_task", np.eye(2)), [1, 0])
    finally:
        del balance.Balance.types["first_task"]
