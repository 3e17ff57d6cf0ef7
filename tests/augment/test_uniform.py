"""Random numbers of records: frozen values, and no pattern that a statistic would show."""

from mxmtl.augment import keys, split_mix, uniforms

import numpy as np


def test_values_are_frozen():
    # SplitMix64 with state 1234567: the sequence that its authors' C code prints.
    state = np.array([1234567], dtype=np.uint64)
    steps = np.arange(1, 4, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert split_mix(state + steps).tolist() == expected
    np.testing.assert_array_equal(
        uniforms(state, 3)[0], [(value >> 11) / 2**53 for value in expected]
    )


def test_a_record_has_its_own_numbers():
    rows = np.arange(1000)
    drawn = uniforms(keys(3, 7, rows), 4)
    np.testing.assert_array_equal(uniforms(keys(3, 7, rows[500:510]), 2), drawn[500:510, :2])
    assert len(np.unique(drawn)) == drawn.size
    for other in (keys(4, 7, rows), keys(3, 8, rows), keys(-3, 7, rows)):
        assert not np.any(uniforms(other, 4) == drawn)


def test_neighbours_are_not_correlated():
    drawn = uniforms(keys(0, np.arange(20_000)), 6) - 0.5
    assert abs(drawn.mean()) < 0.005
    np.testing.assert_allclose(drawn.var(axis=0), 1 / 12, rtol=0.03)
    correlation = np.corrcoef(np.concatenate([drawn[1:], drawn[:-1]], axis=1).T)
    assert np.abs(correlation - np.eye(12)).max() < 0.04
