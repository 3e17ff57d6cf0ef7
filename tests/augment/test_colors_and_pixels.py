"""Colours against MXNet's own augmenters; erasing, own functions and labels that follow."""

import colorsys
import random

import mxmtl
from mxmtl import augment
from mxmtl.augment import Pipeline, keys, uniforms

import mxnet as mx
import numpy as np
import pytest

from ..data._records import picture

LABEL = np.float32([1, -1, 0])
IMAGE = picture(5, 24, 20) // 2 + 50  # far from 0 and 255: nothing is cut off


def finish(step, image=IMAGE, draws=None, label=LABEL):
    pipeline = Pipeline([step], image.shape[:2])
    draws = [0.9] * pipeline.draws if draws is None else draws
    return pipeline.finish(image.copy(), label, draws)[0]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ({"brightness": 0.3}, mx.image.BrightnessJitterAug(0.3)),
        ({"contrast": 0.3}, mx.image.ContrastJitterAug(0.3)),
        ({"saturation": 0.3}, mx.image.SaturationJitterAug(0.3)),
        ({"hue": 0.3}, mx.image.HueJitterAug(0.3)),
    ],
)
@pytest.mark.parametrize("draw", [0.0, 0.35, 1.0])
def test_jitter_is_that_of_mxnet(monkeypatch, ours, theirs, draw):
    # MXNet draws one number from [-x, x]; it is given the one that ours stands for.
    monkeypatch.setattr(random, "uniform", lambda low, high: low + draw * (high - low))
    expected = theirs(mx.nd.array(IMAGE, dtype=np.float32)).asnumpy()
    found = finish(augment.ColorJitter(**ours), draws=[draw] * 4)
    # Rounding to levels; and the two-digit coefficients of MXNet's colour space.
    np.testing.assert_allclose(found, np.clip(expected, 0, 255), atol=2.5 if "hue" in ours else 1)


def test_jitters_in_a_row_are_one_matrix():
    draws = [0.9, 0.2, 0.7, 0.4]
    together = finish(augment.ColorJitter(0.3, 0.4, 0.5, 0.1), draws=draws)
    image = IMAGE
    for place, option in enumerate(("brightness", "contrast", "saturation", "hue")):
        span = (0.3, 0.4, 0.5, 0.1)[place]
        image = finish(augment.ColorJitter(**{option: span}), image, draws)
    np.testing.assert_allclose(together, image, atol=3)  # rounded four times instead of once


def test_hue_keeps_lightness_and_turns_colours():
    found = finish(augment.ColorJitter(hue=1.0), draws=[0.5, 0.5, 0.5, 5 / 6])
    luma = np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(found @ luma, IMAGE @ luma, atol=1)
    red = finish(augment.ColorJitter(hue=1.0), np.full((2, 2, 3), [180, 90, 90], np.uint8),
                 [0.5, 0.5, 0.5, 1 / 2 + 1 / 3])  # fmt: skip
    hue = colorsys.rgb_to_hsv(*red[0, 0] / 255)[0]
    assert min(abs(hue - 1 / 3), abs(hue - 2 / 3)) < 0.06


def test_gray():
    gray = finish(augment.RandomGray(1.0))
    np.testing.assert_allclose(gray[..., 0], IMAGE @ [0.299, 0.587, 0.114], atol=0.51)
    assert np.ptp(gray, axis=2).max() == 0
    np.testing.assert_array_equal(finish(augment.RandomGray(0.5), draws=[0.6]), IMAGE)


def test_pca_noise_has_the_covariance_of_the_components():
    step = augment.PCANoise(0.1)
    draws = uniforms(keys(0, np.arange(20_000)), step.draws).tolist()
    shifts = np.stack([step.matrix(np.zeros(3), row)[:, 3] for row in draws])
    axes, std = augment.PCA_AXES, augment.PCA_STD
    expected = axes @ np.diag((0.1 * std) ** 2) @ axes.T
    np.testing.assert_allclose(np.cov(shifts.T), expected, atol=0.02 * expected.max())


def test_grey_images_change_like_grey_colours():
    one = IMAGE[..., 0].copy()
    three = np.repeat(one[..., None], 3, axis=2)
    step = augment.ColorJitter(0.3, 0.4, 0.5, 0.2)
    draws = [0.9, 0.2, 0.7, 0.4]
    np.testing.assert_allclose(
        finish(step, one, draws), finish(step, three, draws) @ [0.299, 0.587, 0.114], atol=1
    )


def test_erasing_covers_the_share_asked_for():
    step, shares = augment.RandomErasing(1.0, area=(0.1, 0.3), fill=(1, 2, 3)), []
    image = np.full((60, 80, 3), 255, np.uint8)
    for draws in uniforms(keys(0, np.arange(300)), step.draws).tolist():
        erased = (finish(step, image, draws) == [1, 2, 3]).all(axis=2)
        rows, columns = np.flatnonzero(erased.any(axis=1)), np.flatnonzero(erased.any(axis=0))
        assert erased.sum() == len(rows) * len(columns)  # a rectangle
        assert len(rows) == np.ptp(rows) + 1
        shares.append(erased.mean())
    np.testing.assert_allclose([min(shares), max(shares)], [0.1, 0.3], atol=0.03)
    never = finish(augment.RandomErasing(0.0), image)
    np.testing.assert_array_equal(never, image)
    assert finish(step, image[..., 0].copy()).shape == (60, 80)


def test_own_functions_get_reproducible_chance():
    def noise(image, label, rng):
        return image + rng.integers(0, 9, image.shape).astype(np.uint8), label

    first, second = (finish(augment.Apply(noise), draws=[0.25]) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not np.array_equal(first, finish(augment.Apply(noise), draws=[0.26]))


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda image, label, rng: (image[1:], label), r"as image uint8 \(23, 20, 3\); expected"),
        (lambda image, label, rng: (image / 255, label), r"as image float64"),
        (lambda image, label, rng: (image, label.tolist()), r"as label <class 'list'>"),
    ],
)
def test_own_functions_that_return_something_else(function, message):
    with pytest.raises(ValueError, match=message):
        finish(augment.Apply(function))


def test_labels_follow_the_mirror():
    tasks = mxmtl.TaskSet(
        [
            mxmtl.Multilabel("collar", labels=["left", "right"]),
            mxmtl.Multiclass("looks", classes=["left", "right", "up"]),
        ]
    )

    def swap(cells):
        sides = {"left": "right", "right": "left"}
        return {
            "collar.left": cells["collar.right"],
            "collar.right": cells["collar.left"],
            "looks": sides.get(cells["looks"], cells["looks"]),
        }

    pipeline = Pipeline([augment.RandomMirror(0.5, augment.on_cells(tasks, swap))], (2, 2))
    image, label = np.zeros((2, 2, 3), np.uint8), np.float32([1, -1, 0])
    label.flags.writeable = False
    assert pipeline.finish(image, label, [0.4])[1].tolist() == [-1, 1, 1]
    assert pipeline.finish(image, label, [0.6])[1].tolist() == [1, -1, 0]
    assert pipeline.finish(image, np.float32([0, 0, 2]), [0.1])[1].tolist() == [0, 0, 2]


def test_presets():
    assert [type(step).__name__ for step in augment.training()] == [
        "RandomResizedCrop", "RandomMirror", "ColorJitter", "PCANoise",
    ]  # fmt: skip
    assert len(augment.training(mirror=False, color=0)) == 1
    assert augment.evaluation(0.9) == [augment.CenterCrop(0.9)]
