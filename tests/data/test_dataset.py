"""RecordDataset in Gluon's DataLoader: alone, with threads, with processes."""

import pickle

import mxmtl
from mxmtl import augment

import mxnet as mx
import numpy as np
import pytest

from ._records import TASKS, encoded, picture, random_labels, same, write

SHAPE = (3, 6, 5)


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    labels = random_labels(20)
    folder = tmp_path_factory.mktemp("data")
    return write(folder / "a", labels, lambda row: encoded(picture(row, 9 + row, 20))), labels


def test_images_as_stored(file):
    prefix, labels = file
    dataset = mxmtl.RecordDataset(prefix)
    assert len(dataset) == 20
    for row in (0, 7, -1):
        image, label = dataset[row]
        assert image.dtype == np.uint8
        np.testing.assert_array_equal(image.asnumpy(), picture(row % 20, 9 + row % 20, 20))
        assert same(label, labels[row])
    with pytest.raises(IndexError, match="row 20 of 20"):
        dataset[20]
    to_tensor = mx.gluon.data.vision.transforms.ToTensor()
    assert dataset.transform_first(to_tensor)[3][0].shape == (3, 12, 20)


@pytest.mark.parametrize(
    "workers", [{}, {"num_workers": 2}, {"num_workers": 2, "thread_pool": True}]
)
def test_batches_are_those_of_the_iterator_in_every_epoch(file, workers):
    prefix, labels = file
    options = {"augment": augment.training(), "seed": 3, "mean": 120.0, "std": (60.0, 50.0, 40.0)}
    dataset = mxmtl.RecordDataset(prefix, SHAPE, **options)
    loader = mx.gluon.data.DataLoader(dataset, 7, **workers)
    with mxmtl.RecordIter(prefix, 7, SHAPE, **options) as data:
        for _ in range(3):
            for (images, label), batch in zip(loader, data):
                rows = len(images)
                np.testing.assert_array_equal(images.asnumpy(), batch.data[0].asnumpy()[:rows])
                for ours, theirs in zip(TASKS.split(label), batch.label):
                    assert same(ours.asnumpy(), theirs.asnumpy()[:rows])
            data.reset()


def test_a_pickled_data_set_reads_the_same(file):
    prefix, labels = file
    dataset = pickle.loads(pickle.dumps(mxmtl.RecordDataset(prefix, SHAPE, mean=3.0)))
    np.testing.assert_array_equal(
        dataset[4][0].asnumpy(), mxmtl.RecordDataset(prefix, SHAPE, mean=3.0)[4][0].asnumpy()
    )
    assert same(dataset[4][1], labels[4])


def test_what_cannot_be_is_named(file, tmp_path):
    with pytest.raises(ValueError, match=r"augment, mean and std need data_shape="):
        mxmtl.RecordDataset(file[0], mean=3.0)
    with pytest.raises(FileNotFoundError, match="no such file"):
        mxmtl.RecordDataset(tmp_path / "none")
    with pytest.raises(ValueError, match="written for other tasks"):
        mxmtl.RecordDataset(file[0], tasks=mxmtl.TaskSet([mxmtl.Binary("x")]))
    write(tmp_path / "b", random_labels(2), lambda row: b"no image")
    with pytest.raises(mxmtl.RecordError, match="b.rec, record 1, byte"):
        mxmtl.RecordDataset(tmp_path / "b")[1]
    with pytest.raises(mxmtl.RecordError, match="b.rec, record 1, byte"):
        mxmtl.RecordDataset(tmp_path / "b", SHAPE)[1]
