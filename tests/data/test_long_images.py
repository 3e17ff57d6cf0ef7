"""Images longer than OpenCV maps: read as others are; what OpenCV refuses has a place."""

import mxmtl
from mxmtl import augment
from mxmtl.augment import View, _view
from mxmtl.data import verify_records

import cv2
import numpy as np
import pytest

from ._records import encoded, picture, random_labels, write

STEPS = {
    "default": None,
    "rotation": [augment.RandomRotation(30)],
    "upside down": [augment.RandomRotation(180), augment.RandomMirror()],
    "shear": [augment.CenterCrop(0.5), augment.RandomShear(40), augment.RandomZoom(0.5, 2)],
    "crop": [augment.RandomResizedCrop(), augment.RandomRotation(20)],
}


@pytest.mark.parametrize("steps", STEPS)
@pytest.mark.parametrize("size", [(1, 70_000), (70_000, 1), (100, 33_000), (40_000, 3)])
def test_a_long_image_is_read(tmp_path, steps, size):
    image = np.full((*size, 3), 90, np.uint8)
    prefix = write(tmp_path / "a", random_labels(3), lambda row: encoded(image))
    with mxmtl.RecordIter(prefix, 3, (3, 40, 40), augment=STEPS[steps], dtype="uint8") as data:
        assert np.all(next(data).data[0].asnumpy() == 90)
    assert mxmtl.RecordDataset(prefix, (3, 40, 40), augment=STEPS[steps])[0][0].shape == (3, 40, 40)
    assert verify_records(prefix).damage == ()


def views():
    """Views that turn, reach beyond the image, or show a tiny part of it."""
    rng = np.random.RandomState(0)
    steps = [augment.RandomRotation(180), augment.RandomShear(30), augment.RandomZoom(0.3, 3)]
    for _ in range(60):
        height, width = rng.randint(20, 200, 2).tolist()
        view = View(height, width)
        if rng.randint(2):
            view = view.crop(*rng.uniform(-30, 90, 2), *rng.randint(1, 90, 2).tolist())
        for step in steps[: rng.randint(4)]:
            view = step.view(view, (24, 24), rng.uniform(size=step.draws).tolist())
        yield (height, width), view.resize(24, 24)


def test_the_part_that_is_shown_is_all_it_takes():
    smaller = 0
    for number, (size, view) in enumerate(views()):
        image = picture(number, *size)
        near, part = view.near(image)
        smaller += part.size < image.size
        difference = near.cut(part, None).astype(int) - view.cut(image, None)
        assert np.abs(difference).max() <= 1, (size, view)
    assert smaller > 10


def test_what_does_not_fit_even_so_is_scaled_first(monkeypatch):
    image = cv2.resize(picture(3, 8, 8), (300, 200), interpolation=cv2.INTER_CUBIC)
    view = View(200, 300).about_center(0.8, 0.6, -0.6, 0.8).resize(30, 45)
    expected = view.sample(image).astype(int)
    monkeypatch.setattr(_view, "LONGEST", 50)
    assert np.abs(view.sample(image) - expected).mean() < 2


def test_what_opencv_refuses_is_a_record_error_with_its_place(tmp_path, monkeypatch):
    refused = (11, 5, 3)  # the averaged picture of 21 x 9

    def refusing(self, image, *rest):
        if image.shape == refused:
            raise cv2.error("refused")
        return cut(self, image, *rest)

    cut = View.cut
    monkeypatch.setattr(View, "cut", refusing)
    image = [encoded(picture(0, 8, 8)), encoded(picture(1, 21, 9))]
    prefix = write(tmp_path / "a", random_labels(6), lambda row: image[row == 4])
    with mxmtl.RecordIter(prefix, 3, (3, 4, 4), on_error="skip") as data:
        assert [batch.index.tolist() for batch in data] == [[0, 1, 2], [3, 5, -1]]
    with pytest.raises(
        mxmtl.RecordError, match=r"a.rec, record 4, byte \d+: OpenCV cannot scale it"
    ):
        mxmtl.RecordDataset(prefix, (3, 4, 4))[4]


def test_errors_of_ones_own_steps_stay_as_they_are(tmp_path):
    class Mine(augment.Geometric):
        def view(self, view, size, draws):
            raise cv2.error("mine")

    def fails(image, label, rng):
        raise cv2.error("mine")

    prefix = write(tmp_path / "a", random_labels(2))
    for step in (Mine(), augment.Apply(fails)):
        data = mxmtl.RecordIter(prefix, 2, (3, 4, 4), augment=[step], on_error="skip")
        with data, pytest.raises(cv2.error, match="mine"):
            next(data)
