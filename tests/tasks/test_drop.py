"""Labels that are dropped on purpose, and filled again: what stays is what was there."""

import mxmtl

import numpy as np
import pytest

TASKS = mxmtl.TaskSet(
    [
        mxmtl.Multiclass("breed", ["beagle", "boxer", "pug"]),
        mxmtl.Multilabel("toys", ["ball", "rope", "bone", "stick"]),
        mxmtl.Binary("outdoors"),
        mxmtl.Regression("age"),
    ]
)
ROWS = 400


@pytest.fixture(scope="module")
def labels():
    rng = np.random.RandomState(0)
    cells = rng.random_sample((ROWS, 5)) < [0.6, 0.3, 0.1, 0.02, 0.5]
    array = np.column_stack([rng.randint(3, size=ROWS), cells, rng.normal(size=ROWS)])
    array = array.astype(np.float32)
    array[::10] = TASKS.missing_label
    return array


def known(labels):
    parts = zip(TASKS, TASKS.split(labels))
    return np.concatenate([task.labelled(part.reshape(ROWS, -1)) for task, part in parts], axis=1)


@pytest.mark.parametrize("way", ["random", "balanced", "single"])
def test_what_stays_is_what_was_there_and_a_seed_drops_the_same(labels, way):
    before = labels.copy()
    options = {"share": 0.3, "number": 20}
    dropped = mxmtl.drop_labels(labels, TASKS, way, seed=1, **options)
    np.testing.assert_array_equal(labels, before)
    kept = known(dropped)
    assert not (kept & ~known(labels)).any()
    np.testing.assert_array_equal(dropped[kept], labels[kept])
    np.testing.assert_array_equal(dropped[~kept], np.tile(TASKS.missing_label, (ROWS, 1))[~kept])
    again, other = (mxmtl.drop_labels(labels, TASKS, way, seed=s, **options) for s in (1, 2))
    np.testing.assert_array_equal(dropped, again)
    assert (known(other) != kept).any()


def test_how_many_stay(labels):
    was = known(labels)
    share = known(mxmtl.drop_labels(labels, TASKS, share=0.25)).sum() / was.sum()
    assert abs(share - 0.75) < 0.02
    for end, expected in ((0.0, was), (1.0, np.zeros_like(was))):
        np.testing.assert_array_equal(known(mxmtl.drop_labels(labels, TASKS, share=end)), expected)
    balanced = mxmtl.drop_labels(labels, TASKS, "balanced", number=20)
    assert [(balanced[:, 0] == k).sum() for k in range(3)] == [20] * 3
    for column in range(1, 6):
        for value in (0, 1):
            expected = min(20, (labels[:, column] == value).sum())
            assert (balanced[:, column] == value).sum() == expected
    assert known(balanced)[:, -1].sum() == 4 * 20  # in each quarter of the values
    single = mxmtl.drop_labels(labels, TASKS, "single")
    toys, held = single[:, 1:5], (labels[:, 1:5] == 1).any(axis=1)
    np.testing.assert_array_equal((toys == 1).sum(axis=1), held)
    assert not (toys == 0).any()
    np.testing.assert_array_equal(single[:, [0, 5, 6]], labels[:, [0, 5, 6]])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"way": "randon"}, "way='randon': expected one of .*did you mean 'random'"),
        ({"share": 1.5}, "share=1.5: expected 0 or more, at most 1"),
        ({"number": -1}, "number=-1: expected 0 or more"),
    ],
)
def test_what_is_refused(labels, options, message):
    with pytest.raises(ValueError, match=message):
        mxmtl.drop_labels(labels, TASKS, **options)
    with pytest.raises(ValueError, match=r"shape \(3, 2\); expected \(rows, 7\)"):
        mxmtl.drop_labels(np.zeros((3, 2)), TASKS)


def test_the_surest_of_the_unknown_are_filled(labels):
    dropped = mxmtl.drop_labels(labels, TASKS, share=0.5)
    rng = np.random.RandomState(1)
    classes = rng.dirichlet(np.ones(3), size=ROWS)
    cells = rng.uniform(size=(ROWS, 4))
    given = {"breed": classes, "toys": cells, "age": np.zeros((ROWS, 1))}
    was = known(dropped)
    for share in (0.0, 0.3, 1.0):
        filled = mxmtl.fill_labels(dropped, TASKS, given, share=share, certainty=0.6)
        np.testing.assert_array_equal(filled[was], dropped[was])
        new = known(filled) & ~was
        assert not new[:, 5:].any()  # one without predictions, and real values
        for place, sure in (
            (slice(0, 1), classes.max(1, keepdims=True)),
            (slice(1, 5), abs(cells - 0.5) + 0.5),
        ):
            free, chosen = ~was[:, place], new[:, place]
            assert chosen.sum() == min(int(share * free.sum()), (free & (sure > 0.6)).sum())
            left = free & ~chosen
            assert sure[left].max() <= sure[chosen].min(initial=1)
        expected = np.column_stack([classes.argmax(1), cells > 0.5])[new[:, :5]]
        np.testing.assert_array_equal(filled[:, :5][new[:, :5]], expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": -0.1}, "share=-0.1; expected a number from 0 to 1"),
        ({"certainty": 0.4}, "certainty=0.4; expected a number from 0.5"),
        (
            {"predictions": {"toys": np.zeros((ROWS, 3))}},
            r"task 'toys'.*\(400, 3\); expected \(400, 4\)",
        ),
    ],
)
def test_what_filling_refuses(labels, options, message):
    given = {"predictions": {}, **options}
    with pytest.raises(ValueError, match=message):
        mxmtl.fill_labels(labels, TASKS, **given)
    with pytest.raises(ValueError, match=r"shape \(3, 2\); expected \(rows, 7\)"):
        mxmtl.fill_labels(np.zeros((3, 2)), TASKS, {})
