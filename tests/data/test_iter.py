"""What a RecordIter hands out: the laws of padding, parts, seeds and states."""

import mxmtl
from mxmtl import augment

import mxnet as mx
import numpy as np
import pytest

from ._records import TASKS, encoded, picture, random_labels, same, whole_label, write

SHAPE = (3, 4, 4)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """23 different pictures of different sizes, some JPEG."""
    folder = tmp_path_factory.mktemp("data")

    def image(row):
        ending = (".png", ".jpg")[row % 2]
        return encoded(picture(row, 40 + row, 50 - row), ending)

    return write(folder / "a", random_labels(23), image, ids=range(50, 73))


def test_padded_rows_are_missing_and_repeat_the_batch(pictures):
    with mxmtl.RecordIter(pictures, 8, SHAPE) as data:
        last = list(data)[-1]
    assert last.pad == 1
    for task, label in zip(TASKS, last.label):
        assert not task.labelled(label.asnumpy())[-1].any()
    images = last.data[0].asnumpy()
    np.testing.assert_array_equal(images[-1], images[0])


@pytest.mark.parametrize("rows", [1, 5, 9, 10, 12])
@pytest.mark.parametrize("parts", [1, 2, 3])
def test_parts_have_as_many_batches_and_none_is_empty_if_it_can_be_helped(tmp_path, rows, parts):
    prefix = write(tmp_path / "a", random_labels(rows))
    found = []
    for part in range(parts):
        with mxmtl.RecordIter(prefix, 4, SHAPE, num_parts=parts, part_index=part) as data:
            batches = list(data)
        assert len(batches) == data.num_batches
        mine = len(range(part, rows, parts))
        assert sum(batch.pad < 4 for batch in batches) >= min(mine, len(batches))
        found += [i for batch in batches for i in batch.index.tolist() if i >= 0]
    assert sorted(found) == list(range(rows))


def test_discard_leaves_out_what_fills_no_batch(tmp_path):
    prefix = write(tmp_path / "a", random_labels(10))
    for part in range(2):
        options = {"num_parts": 2, "part_index": part, "last_batch": "discard"}
        with mxmtl.RecordIter(prefix, 2, SHAPE, **options) as data:
            assert [batch.pad for batch in data] == [0, 0]


def test_names_shapes_and_types(pictures):
    with mxmtl.RecordIter(pictures, 8, (3, 6, 5)) as data:
        assert data.tasks == TASKS
        assert (data.num_records, data.num_batches, data.batch_size) == (23, 3, 8)
        described = [(d.name, d.shape, np.dtype(d.dtype)) for d in data.provide_data]
        assert described == [("data", (8, 3, 6, 5), np.float32)]
        assert data.provide_data[0].layout == "NCHW"
        labels = [("breed_label", (8,)), ("age_label", (8,)), ("toys_label", (8, 2))]
        assert [tuple(d) for d in data.provide_label] == labels
        batch = next(data)
        assert batch.data[0].shape == (8, 3, 6, 5)
        assert [label.shape for label in batch.label] == [shape for _, shape in labels]


RANDOM = [*augment.training(), augment.RandomRotation(20), augment.RandomErasing(0.5)]


def epoch_of(data):
    return [(batch.index.tolist(), batch.data[0].asnumpy(), whole_label(batch)) for batch in data]


def assert_equal_epochs(first, second):
    assert [batch[0] for batch in first] == [batch[0] for batch in second]
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one[1], other[1])
        assert same(one[2], other[2])


def test_the_number_of_threads_changes_nothing(pictures):
    runs = []
    for threads, prefetch in ((1, 0), (2, 2), (5, 1)):
        with mxmtl.RecordIter(
            pictures, 4, SHAPE, shuffle=True, seed=7, augment=RANDOM, threads=threads,
            prefetch=prefetch,
        ) as data:  # fmt: skip
            first = epoch_of(data)
            data.reset()
            runs.append((first, epoch_of(data)))
    for run in runs[1:]:
        assert_equal_epochs(run[0], runs[0][0])
        assert_equal_epochs(run[1], runs[0][1])
    first, second = runs[0]
    by_record = [
        {i: image for index, images, _ in epoch for i, image in zip(index, images) if i >= 0}
        for epoch in (first, second)
    ]
    differ = [not np.array_equal(by_record[0][i], by_record[1][i]) for i in by_record[0]]
    assert np.mean(differ) > 0.9


def test_the_augmentation_of_a_record_depends_on_no_neighbour(pictures):
    options = {"seed": 7, "augment": RANDOM}
    images = []
    for batch_size, shuffle, parts in ((4, True, 1), (7, False, 1), (3, True, 2)):
        found = {}
        for part in range(parts):
            with mxmtl.RecordIter(
                pictures, batch_size, SHAPE, shuffle=shuffle, num_parts=parts, part_index=part,
                **options,
            ) as data:  # fmt: skip
                for index, pixels, _ in epoch_of(data):
                    found.update(zip(index, pixels))
        images.append(found)
    for record in range(50, 73):
        np.testing.assert_array_equal(images[0][record], images[1][record])
        np.testing.assert_array_equal(images[0][record], images[2][record])


def test_seeds_differ(pictures):
    orders = []
    for seed in (1, 2):
        with mxmtl.RecordIter(pictures, 23, SHAPE, shuffle=True, seed=seed) as data:
            orders.append(next(data).index.tolist())
    assert orders[0] != orders[1]


@pytest.mark.parametrize("stop", [0, 1, 3, 6])
def test_a_state_goes_on_where_it_was_taken(pictures, stop):
    options = {"shuffle": True, "seed": 5, "augment": RANDOM}
    with mxmtl.RecordIter(pictures, 4, SHAPE, **options) as data:
        data.reset()
        for _ in range(stop):
            next(data)
        state = data.state_dict()
        rest = epoch_of(data)
        data.reset()
        later = epoch_of(data)
    with mxmtl.RecordIter(pictures, 4, SHAPE, **options) as resumed:
        resumed.load_state_dict(state)
        assert resumed.epoch == 1
        assert_equal_epochs(epoch_of(resumed), rest)
        resumed.reset()
        assert_equal_epochs(epoch_of(resumed), later)


def test_a_state_at_the_end_and_of_another_iterator(pictures):
    with mxmtl.RecordIter(pictures, 4, SHAPE, shuffle=True) as data:
        list(data)
        state = data.state_dict()
    with mxmtl.RecordIter(pictures, 4, SHAPE, shuffle=True) as data:
        data.load_state_dict(state)
        with pytest.raises(StopIteration):
            data.next()
        assert data.epoch == 0
    data = mxmtl.RecordIter(pictures, 8, SHAPE, shuffle=True)
    with data, pytest.raises(ValueError, match="iterator with batch_size=4; this one has 8"):
        data.load_state_dict(state)


def test_reset_begins_the_next_epoch_and_iter_goes_on(pictures):
    with mxmtl.RecordIter(pictures, 4, SHAPE, shuffle=True) as data:
        assert data.epoch == 0
        next(data)
        assert len(list(data)) == 5  # the rest
        assert data.epoch == 0
        assert len(list(data)) == 6  # read to its end: the next epoch
        assert data.epoch == 1
        data.reset()
        data.reset()
        assert data.epoch == 3


def test_batches_that_are_kept_stay_as_they_are(pictures):
    with mxmtl.RecordIter(pictures, 4, SHAPE, augment=RANDOM) as data:
        kept, copies = [], []
        for _ in range(4):
            for batch in data:
                kept.append(batch.data[0][1:3])  # a slice: the batch itself is dropped
                copies.append(batch.data[0].asnumpy()[1:3])
    for slice_, copy in zip(kept, copies):
        np.testing.assert_array_equal(slice_.asnumpy(), copy)


def test_memory_is_not_used_again_while_mxnet_still_reads_it(pictures):
    def sums(wait):
        busy, found = mx.nd.ones((400, 400)), []
        with mxmtl.RecordIter(pictures, 4, (3, 48, 48), shuffle=True, augment=RANDOM) as data:
            for _ in range(8):
                for batch in data:
                    busy = mx.nd.dot(busy, busy) * 0 + 1  # what is asked next has to wait
                    late = mx.nd.broadcast_mul(batch.data[0], busy[:1, :1].reshape((1, 1, 1, 1)))
                    found.append(late.sum(axis=(1, 2, 3)))
                    if wait:
                        found[-1].wait_to_read()
                    del batch, late
        return np.concatenate([part.asnumpy() for part in found])

    np.testing.assert_array_equal(sums(wait=False), sums(wait=True))


def test_normalization_on_host_and_device(pictures):
    mean, std = (120.0, 110.0, 100.0), (60.0, 50.0, 40.0)
    options = {"batch_size": 23, "data_shape": SHAPE}
    with mxmtl.RecordIter(pictures, dtype="uint8", **options) as data:
        raw = next(data).data[0].asnumpy()
    assert raw.dtype == np.uint8
    levels = [np.reshape(values, (1, 3, 1, 1)) for values in (mean, std)]
    expected = (raw.astype(np.float64) - levels[0]) / levels[1]
    for ctx in (None, mx.cpu(1)):
        with mxmtl.RecordIter(pictures, mean=mean, std=std, ctx=ctx, **options) as data:
            batch = next(data)
        assert batch.data[0].dtype == np.float32
        assert batch.data[0].context == (ctx or mx.cpu())
        assert batch.label[0].context == (ctx or mx.cpu())
        np.testing.assert_allclose(batch.data[0].asnumpy(), expected, rtol=1e-5, atol=1e-6)
    with mxmtl.RecordIter(pictures, ctx=mx.cpu(1), **options) as data:
        np.testing.assert_array_equal(next(data).data[0].asnumpy(), raw)


def test_grey_images(pictures):
    with mxmtl.RecordIter(pictures, 4, (1, 6, 6), augment=RANDOM) as data:
        assert next(data).data[0].shape == (4, 1, 6, 6)


def test_stock_readers_see_the_same(tmp_path):
    labels = random_labels(10)
    prefix = write(tmp_path / "a", labels, lambda row: encoded(picture(row, 8, 8)))
    theirs = mx.io.ImageRecordIter(
        path_imgrec=prefix + ".rec", path_imgidx=prefix + ".idx", data_shape=(3, 8, 8),
        batch_size=5, label_width=4, round_batch=False, verbose=False,
    )  # fmt: skip
    with mxmtl.RecordIter(prefix, 5, (3, 8, 8)) as ours:
        for our, their in zip(ours, theirs):
            np.testing.assert_array_equal(our.data[0].asnumpy(), their.data[0].asnumpy())
            assert same(whole_label(our), their.label[0].asnumpy())


def test_ten_thousand_labels_of_any_bits_survive(tmp_path):
    rng = np.random.RandomState(0)
    bits = rng.randint(0, 1 << 32, (10_000, 3), dtype=np.uint64).astype(np.uint32)
    labels = bits.view(np.float32)
    labels[::5, 0], labels[::7, 1] = -1, np.nan
    labels[::3, 2] = rng.randint(1 << 24, 1 << 31, len(labels[::3]))  # rounded once, on storing
    tasks = mxmtl.TaskSet([mxmtl.Regression(name) for name in "abc"])
    prefix = write(tmp_path / "a", labels, tasks=tasks)
    theirs = mx.io.ImageRecordIter(
        path_imgrec=prefix + ".rec", path_imgidx=prefix + ".idx", data_shape=SHAPE,
        batch_size=1000, label_width=3, verbose=False,
    )  # fmt: skip
    with mxmtl.RecordIter(prefix, 1000, SHAPE) as ours:
        for batch, their in zip(ours, theirs):
            assert same(whole_label(batch), labels[batch.index])
            assert same(their.label[0].asnumpy(), labels[batch.index])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size=0: expected 1 or more"),
        ({"num_parts": 2, "part_index": 2}, "part_index=2 is not in 0 to 1"),
        ({"last_batch": "wrap"}, r"last_batch='wrap': expected one of \[pad, discard\]"),
        ({"batch_size": 99, "last_batch": "discard"}, "fill no batch of 99"),
        ({"on_error": "ignore"}, r"on_error='ignore': expected one of \[raise, skip\]"),
        ({"data_shape": (2, 4, 4)}, r"data_shape=\(2, 4, 4\): expected channels"),
        ({"dtype": "float16"}, r"dtype='float16': expected one of \[float32, uint8\]"),
        ({"dtype": "uint8", "mean": 3.0}, "dtype='uint8' cannot hold them"),
        ({"std": 0.0}, "std=0.0 must be greater than 0"),
        ({"mean": (1.0, 2.0)}, "mean=.* expected one number, or one for each channel"),
        ({"threads": -1}, "threads=-1: expected 0 or more"),
        (
            {"tasks": mxmtl.TaskSet([mxmtl.Binary("x")])},
            r"written for other tasks:\n(?s:.*)x: in tasks= alone, Binary\.",
        ),
        (
            {"tasks": mxmtl.TaskSet(list(TASKS)[:2])},
            r"for other tasks:\ntoys: in .*\.tasks\.json alone, Multilabel\.$",
        ),
        (
            {
                "tasks": mxmtl.TaskSet(
                    [TASKS["toys"], mxmtl.Regression("age", weight=3), TASKS["breed"]]
                )
            },
            r"for other tasks:\nage: weight 1\.0 in .*json, and 3 in tasks=;\nthe order is breed, ",
        ),
    ],
)
def test_what_cannot_be_is_named(pictures, options, message):
    options = {"batch_size": 4, "data_shape": SHAPE, **options}
    with pytest.raises(ValueError, match=message):
        mxmtl.RecordIter(pictures, **options)


def test_misspelt_options_and_functions(pictures):
    for wrong, right in (("thread", "threads"), ("batchsize", "batch_size"), ("Mean", "mean")):
        with pytest.raises(TypeError, match=f"no option '{wrong}'; did you mean '{right}'"):
            mxmtl.RecordIter(pictures, 4, SHAPE, **{wrong: 3})
    with pytest.raises(
        TypeError, match=r"no option 'zzz'; expected \['augment', 'background', 'batch_size'"
    ):
        mxmtl.RecordIter(pictures, 4, SHAPE, zzz=3)
    with pytest.raises(TypeError, match="wrap a function in Apply"):
        mxmtl.RecordIter(pictures, 4, SHAPE, augment=[np.fliplr])


def test_an_argument_of_image_record_iter_is_translated(pictures):
    with pytest.raises(
        TypeError, match=r"ImageRecordIter; here it is augment=\[RandomMirror\(\)\]"
    ):
        mxmtl.RecordIter(pictures, 4, SHAPE, rand_mirror=True)


def test_records_without_tasks_file(tmp_path):
    write(tmp_path / "a", np.float32([[1], [2]]), tasks=None)
    with pytest.raises(FileNotFoundError, match="a.tasks.json.*Records not written by mxmtl"):
        mxmtl.RecordIter(tmp_path / "a", 2, SHAPE)
    tasks = mxmtl.TaskSet([mxmtl.Regression("x")])
    with mxmtl.RecordIter(tmp_path / "a", 2, SHAPE, tasks=tasks) as data:
        assert next(data).label[0].asnumpy().tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"a.rec was written for other tasks: .* have 1 labels"):
        mxmtl.RecordIter(tmp_path / "a", 2, SHAPE, tasks=TASKS)
    tasks.save(tmp_path / "x.json")
    with mxmtl.RecordIter(tmp_path / "a", 2, SHAPE, tasks=tmp_path / "x.json") as data:
        assert data.tasks == tasks
