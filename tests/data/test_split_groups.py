"""A split by group is fair to groups of every size, and keeps each together."""

from mxmtl.data import split_rows

import numpy as np

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
