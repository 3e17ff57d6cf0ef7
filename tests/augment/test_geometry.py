"""Views against pixels moved by hand; crops inside the image; one map for many steps."""

import math

from mxmtl import augment
from mxmtl.augment import Pipeline, View, keys, uniforms

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ..data._records import picture

SIZES = st.tuples(st.integers(1, 400), st.integers(1, 400))


def corners(view):
    """Where the view's corners lie in the source: x and y, (4,) each."""
    x = np.array([0, view.width, 0, view.width])
    y = np.array([0, 0, view.height, view.height])
    return view.a * x + view.b * y + view.left, view.c * x + view.d * y + view.top


def test_crop_and_mirror_are_exact():
    image = picture(0, 20, 30)
    view = View(20, 30).crop(3, 5, 8, 9)
    np.testing.assert_array_equal(view.sample(image), image[3:11, 5:14])
    np.testing.assert_array_equal(view.mirror().sample(image), image[3:11, 5:14][:, ::-1])
    np.testing.assert_array_equal(view.mirror().mirror().sample(image), image[3:11, 5:14])
    np.testing.assert_array_equal(View(20, 30).sample(image[..., 0]), image[..., 0])


def test_resize_is_that_of_opencv():
    image = picture(0, 40, 60)
    np.testing.assert_array_equal(View(40, 60).resize(30, 33).sample(image),
                                  cv2.resize(image, (33, 30)))  # fmt: skip
    view = View(40, 60).resize(20, 30).crop(5, 5, 10, 10)
    np.testing.assert_array_equal(view.sample(image), cv2.resize(image[10:30, 10:30], (10, 10)))


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_right_angles_are_exact(quarter):
    image = picture(0, 16, 16)
    angle = quarter * math.pi / 2
    view = View(16, 16).about_center(
        math.cos(angle), math.sin(angle), -math.sin(angle), math.cos(angle)
    )
    np.testing.assert_array_equal(view.sample(image), np.rot90(image, -quarter))


def test_steps_in_a_row_sample_once():
    # A turn and the turn back is the image itself: interpolating twice would blur it.
    image = picture(0, 32, 32)
    turn = augment.RandomRotation(30)
    there = turn.view(View(32, 32), (32, 32), [1.0])
    back = turn.view(there, (32, 32), [0.0])
    np.testing.assert_allclose([back.a, back.b, back.left], [1, 0, 0], atol=1e-9)
    np.testing.assert_array_equal(back.sample(image), image)


def test_a_turn_moves_a_point_where_it_should():
    image = np.zeros((101, 101, 3), np.uint8)
    image[50, 80] = 255  # right of the centre
    turned = augment.RandomRotation(90).view(View(101, 101), (101, 101), [1.0]).sample(image)
    assert np.unravel_index(turned[..., 0].argmax(), (101, 101)) == (80, 50)  # below it: clockwise
    zoomed = augment.RandomZoom(0.5, 0.5).view(View(101, 101), (101, 101), [0.3])
    x, _ = corners(zoomed)
    np.testing.assert_allclose([x.min(), x.max()], [50.5 - 101, 50.5 + 101])


def test_shear_keeps_rows_and_slants_them():
    view = augment.RandomShear(45).view(View(10, 10), (10, 10), [1.0])
    x, y = corners(view)
    np.testing.assert_allclose(y, [0, 0, 10, 10])
    np.testing.assert_allclose(x, [-5, 5, 5, 15])


@given(SIZES, SIZES, st.integers(0, 1000))
def test_crops_stay_inside_and_have_the_size(source, size, seed):
    for step in (
        augment.CenterCrop(),
        augment.CenterCrop(0.8),
        augment.RandomCrop(),
        augment.RandomCrop(0.7),
        augment.RandomResizedCrop(),
    ):
        pipeline = Pipeline([step], size)
        draws = uniforms(keys(seed), pipeline.draws)[0].tolist()
        view = pipeline.view(*source, draws)
        assert (view.height, view.width) == size
        x, y = corners(view)
        assert -0.01 <= x.min() <= x.max() <= source[1] + 0.01
        assert -0.01 <= y.min() <= y.max() <= source[0] + 0.01


def test_center_crop_is_256_to_224():
    view = Pipeline(augment.evaluation(), (224, 224)).view(375, 500)
    x, y = corners(view)
    scale = 375 / 256
    np.testing.assert_allclose([y.min(), y.max()], [16 * scale, 240 * scale])
    np.testing.assert_allclose([x.min(), x.max()], [58 * scale, 282 * scale], rtol=0.01)


def test_an_image_of_the_right_size_is_left_alone():
    image = picture(0, 24, 24)
    pipeline = Pipeline(None, (24, 24))
    np.testing.assert_array_equal(pipeline.view(24, 24).sample(image), image)


def test_random_resized_crop_has_the_areas_and_ratios_asked_for():
    step = augment.RandomResizedCrop(area=(0.2, 0.6), ratio=(0.5, 2.0))
    areas, ratios = [], []
    for draws in uniforms(keys(0, np.arange(4000)), step.draws).tolist():
        x, y = corners(step.view(View(300, 300), (9, 9), draws))
        width, height = np.ptp(x), np.ptp(y)
        areas.append(width * height / 90_000)
        ratios.append(math.log2(width / height))
    np.testing.assert_allclose([min(areas), max(areas)], [0.2, 0.6], atol=0.01)
    np.testing.assert_allclose([min(ratios), max(ratios)], [-1, 1], atol=0.02)
    assert abs(np.mean(ratios)) < 0.04


def test_random_crop_reaches_both_ends():
    step, tops = augment.RandomCrop(), []
    for draws in uniforms(keys(0, np.arange(400)), 2).tolist():
        tops.append(step.view(View(10, 10), (8, 8), draws).top)
    assert sorted(set(tops)) == [0, 1, 2]


def test_reductions_leave_pixels_enough():
    for size, expected in ((448, 2), (447, 1), (900, 4), (2000, 8), (3600, 16), (100, 1)):
        assert View(size, size).resize(224, 224).reductions() == (expected, expected)
    assert View(1000, 400).resize(224, 224).reductions() == (4, 1)
    assert View(1000, 400).resize(224, 224).about_center(0.8, 0.6, -0.6, 0.8).reductions() == (2, 2)
    half = View(400, 400).crop(100, 50, 200, 200).resize(100, 100).reduced((400, 400), (200, 200))
    x, y = corners(half)
    np.testing.assert_allclose([x.min(), x.max(), y.min(), y.max()], [25, 125, 50, 150])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: augment.CenterCrop(0.0), r"CenterCrop: fraction=0.0 is not in"),
        (lambda: augment.RandomCrop(1.5), r"RandomCrop: fraction=1.5 is not in"),
        (lambda: augment.ResizeShort(0), r"ResizeShort: size=0 is not in"),
        (lambda: augment.RandomResizedCrop(area=(0.5, 0.1)), "RandomResizedCrop: area=.*expected"),
        (lambda: augment.RandomResizedCrop(ratio=(0, 1)), "RandomResizedCrop: ratio=.*expected"),
        (lambda: augment.RandomMirror(2), r"RandomMirror: probability=2 is not in"),
        (lambda: augment.RandomRotation(-1), r"RandomRotation: degrees=-1 is not in"),
        (lambda: augment.RandomZoom(2, 1), r"RandomZoom: factors=\(2, 1\): expected two numbers"),
        (lambda: augment.RandomShear(90), r"RandomShear: degrees=90 is not in"),
        (lambda: augment.ColorJitter(hue=2.0), r"ColorJitter: hue=2.0 is not in"),
        (lambda: augment.RandomGray(-0.1), r"RandomGray: probability=-0.1 is not in"),
        (lambda: augment.PCANoise(-1), r"PCANoise: std=-1 is not in"),
        (lambda: augment.RandomErasing(area=(0, 2)), r"RandomErasing: area=\(0, 2\): expected"),
    ],
)
def test_what_makes_no_sense_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_mirror_whose_function_returns_nothing_is_refused():
    def in_place(label):
        label[:] = label[::-1].copy()

    pipeline = augment.Pipeline([augment.RandomMirror(1.0, in_place)], (8, 8))
    with pytest.raises(ValueError, match="relabel_mirrored returned None; expected the label of"):
        pipeline.finish(picture(0, 8, 8), np.float32([1, 2]), [0.0])
