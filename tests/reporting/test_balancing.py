"""What a report shows of how tasks were balanced: weights, lengths of gradients, conflicts."""

import re

from mxmtl.reporting._figures import balancing

import pytest

NAMES = ["breed", "outdoors", "age"]


def run_of(*epochs):
    history = [{"epoch": n, "balance": told} for n, told in enumerate(epochs)]
    return {
        "name": "r", "tasks": dict.fromkeys(NAMES), "history": history,
        "settings": {"balance": "upgrad"},
    }  # fmt: skip


def told(weights, lengths=(), cosines=()):
    pairs = ["breed/outdoors", "breed/age", "outdoors/age"]
    return {
        **{f"weight/{name}": weight for name, weight in zip(NAMES, weights)},
        **{f"gradient/{name}": length for name, length in zip(NAMES, lengths)},
        **{f"cosine/{pair}": cosine for pair, cosine in zip(pairs, cosines)},
    }


@pytest.fixture
def drawn(monkeypatch):
    """What the figures are given, as what they draw is a picture."""
    found = []
    monkeypatch.setattr(
        "mxmtl.reporting._figures.svg", lambda draw, text: found.append(draw.keywords) or text
    )
    return found


def test_weights_lengths_and_conflicts_each_have_a_panel(drawn):
    first = told([1.0, 1.5, 0.5], [0.1, 2.0, 0.3], [-0.5, 0.25, float("nan")])
    second = told([1.2, 1.3, 0.5], [0.2, 1.0, 0.3], [-0.25, 0.75, None])
    panels = balancing(run_of(first, second))
    assert [panel.title for panel in panels] == [
        "r: weights of tasks, upgrad", "r: lengths of gradients, upgrad",
        "r: conflicts between tasks",
    ]  # fmt: skip
    weights, lengths, matrix = drawn
    order = [name for name, _ in sorted(zip(NAMES, (0.2, 0.3, 0.5)), key=lambda x: -x[1])]
    for keywords, key in ((weights, "weight"), (lengths, "gradient")):
        assert keywords["series"] == [
            [(n, values[f"{key}/{name}"]) for n, values in enumerate((first, second))]
            for name in order
        ]
    places = {frozenset((order[i], order[j])): c for (i, j), c in matrix["cosines"].items()}
    assert places == {
        frozenset(("breed", "outdoors")): -0.375, frozenset(("breed", "age")): 0.5,
    }  # fmt: skip


def test_methods_by_losses_know_no_gradients_and_equal_weights_nothing(drawn):
    (panel,) = balancing(run_of(told([1.0, 1.5, 0.5])))
    assert panel.title == "r: weights of tasks, upgrad"
    assert balancing({**run_of(), "history": [{"epoch": 0}]}) == []


def test_the_matrix_says_each_cosine():
    panels = balancing(run_of(told([1, 1, 1], [1, 1, 1], [-0.5, 0.25, 0.125])))
    texts = re.findall(r"[+\u2212-]\d\.\d\d", panels[-1].svg)
    assert sorted(texts) == ["+0.12", "+0.25", "-0.50"]
